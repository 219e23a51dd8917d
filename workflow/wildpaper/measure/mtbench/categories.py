"""Figure 6: mean grades by category of question."""

from pathlib import Path

import numpy as np

from wildpaper.evaluate.questions import CATEGORIES
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.mtbench.judged import by_question, mean_cells, read_judged, whole_grades

ARTIFACT = "figure-06-mtbench-categories"


def measure_categories(
    judgments: Path,
    reports: list[Path],
    table: Path,
    models: list[str],
    trained: list[str],
    n_replicates: int,
    seed: int,
) -> None:
    """Write the mean grade over both turns of each model and category, with intervals.

    Parameters
    ----------
    judgments, reports, models, trained, n_replicates, seed
        See `wildpaper.measure.mtbench.scores.measure_scores`.
    table : Path
        Long table to write; numbers of our own, the paper prints none.
    """
    judged = read_judged(judgments, models, trained, {}, reports)
    single = judged.plain("single")
    cells: list[Cell] = []
    for model in judged.models:
        rows = single[single["first"] == model]
        for category in CATEGORIES:
            part = rows[rows["category"] == category]
            if not len(part):
                continue
            questions = sorted(part["question_id"].unique())
            given = part["grade"].notna().astype(np.int64)
            name = f"own.{ARTIFACT}.{model}.{category}"
            cells += mean_cells(
                by_question(part, whole_grades(part), questions)[:, None],
                by_question(part, given, questions)[:, None],
                [category], model, judged, [name], n_replicates, seed, name,
            )  # fmt: skip
    write_long_table(table, cells)
