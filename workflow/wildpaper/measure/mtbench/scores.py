"""Table 9: mean grades of each model by turn, with intervals over questions."""

from pathlib import Path

import numpy as np
import pandas as pd

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.mtbench.judged import (
    Judged,
    by_question,
    mean_cells,
    read_judged,
    whole_grades,
)

ARTIFACT = "table-09-mtbench-scores"
COLUMNS = ("first-turn", "second-turn", "average")
PUBLISHED_MODELS = ("wildllama_7b", "vicuna_7b", "llama2_chat_7b", "gpt35", "gpt4")


def measure_scores(
    judgments: Path,
    reports: list[Path],
    table: Path,
    notes: Path,
    models: list[str],
    trained: list[str],
    published_as: dict[str, str],
    published_notes: dict[str, str],
    n_replicates: int,
    seed: int,
) -> None:
    """Write the mean grade of the first turn, the second turn and both, model by model.

    A grade that no strict parser could read is left out of the mean and counted in the column
    `unparsed`; an answer that is not there is counted in `missing`. Neither is a zero.

    Parameters
    ----------
    judgments : Path
        `wildpaper.evaluate.judging.judgments.JUDGMENTS`.
    reports : list of Path
        Ingest reports of what the run's models were trained on.
    table, notes : Path
        To write: long table; {claim id: why the value may differ or is absent}.
    models : list of str
        All models of the run, in order.
    trained : list of str
        Those of them that it trained.
    published_as : dict
        {model: its row in the published table}.
    published_notes : dict
        {row of the published table: what is known of how its model differs from the paper's}.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.ratio_intervals`; questions are drawn.

    Notes
    -----
    As in FastChat's ``show_result.py`` the average is over all grades, not over the means of
    the turns; they agree where no grade is missing.
    """
    judged = read_judged(judgments, models, trained, published_as, reports)
    single = judged.plain("single")
    cells: list[Cell] = []
    for model in judged.models:
        rows = single[single["first"] == model]
        if len(rows):
            cells += _model_cells(model, rows, judged, n_replicates, seed)
    answered = {cell.claim for cell in cells}
    cells += [
        Cell(model, column, None, None, None, None, judged.unit, claim, "")
        for model in PUBLISHED_MODELS
        for column in COLUMNS
        if (claim := f"table-09.{model}.{column}") not in answered
    ]
    write_long_table(table, cells)
    write_json(notes, explain(cells, "table-09.", judged, published_notes))


def _model_cells(
    model: str, rows: pd.DataFrame, judged: Judged, n_replicates: int, seed: int
) -> list[Cell]:
    """Return the means of a model, and what they leave out."""
    questions = sorted(rows["question_id"].unique())
    grades, given = whole_grades(rows), rows["grade"].notna().astype(np.int64)
    parts = [rows["turn"] == 1, rows["turn"] == 2, rows["turn"] > 0]
    sums = np.column_stack([by_question(rows, grades * part, questions) for part in parts])
    counts = np.column_stack([by_question(rows, given * part, questions) for part in parts])
    own = f"own.{ARTIFACT}.{model}"
    printed = judged.published.get(model)
    claims = [f"table-09.{printed}.{c}" if printed else f"{own}.{c}" for c in COLUMNS]
    cells = mean_cells(sums, counts, list(COLUMNS), model, judged, claims, n_replicates, seed, own)
    missing = int((rows["outcome"] == "no-answer").sum())
    unparsed = len(rows) - int(given.sum()) - missing
    for column, n in (("unparsed", unparsed), ("missing", missing)):
        route = judged.route(model)
        cells.append(
            Cell(model, column, n, None, None, len(rows), "judgments", f"{own}.{column}", route)
        )
    return cells


def explain(
    cells: list[Cell], prefix: str, judged: Judged, known: dict[str, str]
) -> dict[str, str]:
    """Return {claim id: why its value may differ, or why there is none}."""
    if judged.stand_in:
        absent = (
            "the judge of this run is a likelihood stand-in, whose numbers cannot be set beside "
            "those of a judge"
        )
    else:
        absent = "no judgment of this model is in this run (config section evaluate)"
    found = {}
    for cell in cells:
        if not cell.claim.startswith(prefix):
            continue
        row = cell.claim.removeprefix(prefix).partition(".")[0]
        about = "; ".join(known[name] for name in row.split("-vs-") if name in known)
        found[cell.claim] = absent if cell.value is None else about or "no reason known"
    return found
