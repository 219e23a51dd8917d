"""Judgments as arrays by question, and how cells of MT-bench are named."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

from wildpaper.files import read_json
from wildpaper.long_table import Cell
from wildpaper.measure.bootstrap import Interval, share_intervals
from wildpaper.releases import route_of

PER_POINT = 10**6
"""Grades are rounded to millionths, so that all sums are exact."""
LOWEST, HIGHEST = 1, 10
_SPAN = HIGHEST - LOWEST
PLAIN = "plain"
STAND_IN = "likelihood"
"""How judgments of the likelihood stand-in were come by."""
GRADE = "MT-bench score (1 to 10)"
STAND_IN_GRADE = "likelihood stand-in, 1 to 10"

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Judged:
    """The judgments of a run.

    Attributes
    ----------
    rows : DataFrame
        Columns of `wildpaper.evaluate.judging.judgments.JUDGMENTS`.
    models : list of str
        All that were judged, in the order of the run.
    routes : mapping
        {model: route of what is said of it}.
    published : mapping
        {model: its row in the published tables}; empty where grades are a stand-in's.
    """

    rows: pd.DataFrame
    models: list[str]
    routes: Mapping[str, str]
    published: Mapping[str, str]

    @property
    def stand_in(self) -> bool:
        """Whether the judge is the likelihood stand-in."""
        return bool((self.rows["route"] == STAND_IN).any())

    @property
    def unit(self) -> str:
        """What a grade is."""
        return STAND_IN_GRADE if self.stand_in else GRADE

    def route(self, *models: str) -> str:
        """Return the route of what is said of some models together."""
        found = {self.routes[model] for model in models}
        return next((one for one in ("simulated", "replayed") if one in found), "computed")

    def plain(self, kind: str) -> pd.DataFrame:
        """Return the judgments of a kind that change nothing and are no repetition."""
        rows = self.rows
        chosen = (rows["kind"] == kind) & (rows["variant"] == PLAIN) & (rows["repeat"] == 0)
        return rows[chosen]


def read_judged(
    judgments: Path,
    models: list[str],
    simulated_models: list[str],
    published_as: Mapping[str, str],
    reports: Iterable[Path],
) -> Judged:
    """Read the judgments of a run.

    Parameters
    ----------
    judgments : Path
        `wildpaper.evaluate.judging.judgments.JUDGMENTS`.
    models : list of str
        Models of the run, in order; others that were judged follow.
    simulated_models : list of str
        Those that were trained on the data sets of `reports`.
    published_as : mapping
        {model: its row in the published tables}.
    reports : iterable of Path
        Ingest reports.
    """
    rows = pq.read_table(judgments).to_pandas()
    seen = pd.unique(pd.concat([rows["first"], rows["second"].dropna()]))
    order = [*models, *sorted(set(seen) - set(models))]
    trained = route_of(read_json(path)["release"] for path in reports)
    replayed = "replayed" if (rows["route"] == "replayed").any() else "computed"
    routes = {
        name: "simulated" if name in simulated_models and trained == "simulated" else replayed
        for name in order
    }
    stand_in = bool((rows["route"] == STAND_IN).any())
    return Judged(rows, order, routes, {} if stand_in else published_as)


def by_question(rows: pd.DataFrame, values: pd.Series, questions: list[int]) -> Integers:
    """Return the sum of whole numbers of each question, shape (n_questions,)."""
    sums = values.groupby(rows["question_id"]).sum()
    found: Integers = sums.reindex(questions, fill_value=0).to_numpy().astype(np.int64)
    return found


def whole_grades(rows: pd.DataFrame) -> pd.Series:
    """Return the grades in millionths, 0 where there is none."""
    return (rows["grade"].fillna(0.0) * PER_POINT).round().astype(np.int64)


def mean_cells(
    sums: Integers,
    counts: Integers,
    columns: list[str],
    row: str,
    judged: Judged,
    claims: list[str],
    n_replicates: int,
    seed: int,
    name: str,
) -> list[Cell]:
    """Return mean grades with intervals over questions.

    Parameters
    ----------
    sums, counts : ndarray of int64, shape (n_questions, n_columns)
        Grades in millionths, and how many.
    columns, claims : list of str, one a column
    row : str
        The model.
    judged : Judged
    n_replicates, seed, name
        See `share_intervals`; questions are drawn.

    Notes
    -----
    A grade is taken as the share of the way from 1 to 10, so that no interval leaves the scale,
    however few questions there are.
    """
    way = sums - LOWEST * PER_POINT * counts
    intervals = share_intervals(way, _SPAN * PER_POINT * counts, n_replicates, seed, name)
    cells = []
    for i, (column, claim) in enumerate(zip(columns, claims, strict=True)):
        n = int(counts[:, i].sum())
        value = int(sums[:, i].sum()) / PER_POINT / n if n else None
        low, high = scaled(intervals[i] if n else None, _SPAN, LOWEST)
        cells.append(Cell(row, column, value, low, high, n, judged.unit, claim, judged.route(row)))
    return cells


def scaled(
    interval: Interval | None, factor: float, start: float = 0.0
) -> tuple[float | None, float | None]:
    """Return both ends of an interval times a factor, from `start` on."""
    if interval is None:
        return None, None
    return start + interval[0] * factor, start + interval[1] * factor
