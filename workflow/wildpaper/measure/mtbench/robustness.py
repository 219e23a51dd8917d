"""What leads a judge astray: length, quoted verdicts, instructions, order, repetition."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.bootstrap import ratio_intervals
from wildpaper.measure.mtbench.judged import (
    PER_POINT,
    PLAIN,
    Integers,
    Judged,
    by_question,
    read_judged,
    scaled,
    whole_grades,
)
from wildpaper.measure.mtbench.pairs import count_pair
from wildpaper.measure.shares import shares_of
from wildpaper.measure.streams import generator

ARTIFACT = "judge-robustness"
VARIANTS = ("repeated", "padded", "quoted-verdict", "instructed")
_KEY = ["first", "question_id", "turn"]


def measure_robustness(
    judgments: Path,
    reports: list[Path],
    table: Path,
    models: list[str],
    trained: list[str],
    n_replicates: int,
    seed: int,
) -> None:
    """Write what length, changed answers, order and repetition do to the verdicts.

    Row `length`: Spearman's correlation of an answer's characters with its grade. A row a
    variant of answers (`VARIANTS`): mean change of the grade, share of grades that changed,
    and how many gave no grade. Row `swapped`: share of games whose two orders agree, and
    the bias towards the answer shown first. A row that the judgments do not tell is absent.

    Parameters
    ----------
    judgments, reports, models, trained, n_replicates, seed
        See `wildpaper.measure.mtbench.scores.measure_scores`.
    table : Path
        Long table to write; numbers of our own.
    """
    judged = read_judged(judgments, models, trained, {}, reports)
    cells = _length(judged, n_replicates, seed)
    for variant in VARIANTS:
        cells += _change(judged, variant, n_replicates, seed)
    cells += _swapped(judged, n_replicates, seed)
    write_long_table(table, cells)


def _length(judged: Judged, n_replicates: int, seed: int) -> list[Cell]:
    """Return the correlation of length and grade, its interval a percentile bootstrap's."""
    rows = judged.plain("single").dropna(subset=["grade", "n_answer_characters"])
    if rows["n_answer_characters"].nunique() < 2 or rows["grade"].nunique() < 2:
        return []
    lengths = rows["n_answer_characters"].rank().to_numpy()
    grades = rows["grade"].rank().to_numpy()
    value = float(spearmanr(lengths, grades).statistic)
    _, places = np.unique(rows["question_id"], return_inverse=True)
    groups = [np.flatnonzero(places == i) for i in range(places.max() + 1)]
    drawn = []
    draw = generator(seed, f"own.{ARTIFACT}.length")
    for _ in range(n_replicates):
        chosen = draw.integers(0, len(groups), len(groups))
        at = np.concatenate([groups[i] for i in chosen])
        if np.ptp(lengths[at]) and np.ptp(grades[at]):
            drawn.append(float(spearmanr(lengths[at], grades[at]).statistic))
    ends: tuple[float | None, float | None] = (None, None)
    if len(drawn) > 1:
        ends = (float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975)))
    claim, route = f"own.{ARTIFACT}.length.correlation", judged.route(*judged.models)
    unit = "rank correlation of characters and grade"
    return [Cell("length", "correlation", value, ends[0], ends[1], len(rows), unit, claim, route)]


def _change(judged: Judged, variant: str, n_replicates: int, seed: int) -> list[Cell]:
    """Return what a variant of the answers does to their grades."""
    rows = judged.rows[judged.rows["kind"] == "single"]
    changed = rows[rows["variant"] == variant]
    if not len(changed):
        return []
    plain = rows[(rows["variant"] == PLAIN) & (rows["repeat"] == 0)]
    both = changed.merge(plain, on=_KEY, suffixes=("", "_plain"))
    both["plain"] = whole_grades(both.rename(columns={"grade": "_", "grade_plain": "grade"}))
    known = both[both["grade"].notna() & both["grade_plain"].notna()]
    questions = sorted(known["question_id"].unique())
    difference = whole_grades(known) - known["plain"]
    n = by_question(known, pd.Series(1, index=known.index), questions)
    name = f"own.{ARTIFACT}.{variant}"
    route = judged.route(*dict.fromkeys(changed["first"]))
    (interval,) = (
        ratio_intervals(by_question(known, difference, questions)[:, None], n[:, None],
                        n_replicates, seed, name)
        if len(known) else [None]
    )  # fmt: skip
    low, high = scaled(interval, 1 / PER_POINT)
    value = int(difference.sum()) / PER_POINT / len(known) if len(known) else None
    return [
        Cell(variant, "change", value, low, high, len(known), "points", f"{name}.change", route),
        *_unequal(variant, known, difference, n, questions, route, n_replicates, seed),
        Cell(variant, "no-grade", int(changed["grade"].isna().sum()), None, None, len(changed),
             "judgments", f"{name}.no-grade", route),
    ]  # fmt: skip


def _unequal(
    variant: str, known: pd.DataFrame, difference: pd.Series, n: Integers, questions: list[int],
    route: str, n_replicates: int, seed: int,
) -> list[Cell]:  # fmt: skip
    if not len(known):
        return []
    counts = by_question(known, (difference != 0).astype(int), questions)
    name = f"own.{ARTIFACT}.{variant}.changed"
    (share,) = shares_of(counts[:, None], n[:, None], n_replicates, seed, name)
    return [share.cell(variant, "changed", "percent of grades", name, route)]


def _swapped(judged: Judged, n_replicates: int, seed: int) -> list[Cell]:
    """Return how the order of two answers tells on the verdict, over all pairs."""
    rows = judged.plain("pair")
    if not len(rows):
        return []
    found, route, name = count_pair(rows), judged.route(*judged.models), f"own.{ARTIFACT}.swapped"
    same, games = found.consistent[:, None], found.n_games[:, None]
    (share,) = shares_of(same, games, n_replicates, seed, f"{name}.consistent")
    bias, n = found.first_shown - found.second_shown, found.n_comparisons
    ends = ratio_intervals(bias[:, None], n[:, None], n_replicates, seed, f"{name}.bias")
    total = int(n.sum())
    low, high = scaled(ends[0] if total else None, 100)
    value = 100 * int(bias.sum()) / total if total else None
    return [
        share.cell("swapped", "consistent", "percent of games", f"{name}.consistent", route),
        Cell("swapped", "position-bias", value, low, high, total,
             "points of percent of comparisons", f"{name}.position-bias", route),
    ]  # fmt: skip
