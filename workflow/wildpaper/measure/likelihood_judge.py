"""The likelihood stand-in judge in numbers: surprise per token and character, and wins."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wildpaper.files import read_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.bootstrap import ratio_intervals
from wildpaper.measure.shares import shares_of
from wildpaper.releases import route_of

ARTIFACT = "likelihood-judge"
_PER_NAT = 10**6
_COLUMNS = {
    "nll": "nats per token of replies",
    "nll-with-end": "nats per token of replies, end tokens included",
    "bits-per-character": "bits per character of replies",
}

Integers = npt.NDArray[np.int64]


def measure_likelihood_judge(
    scores: Path,
    verdicts: Path,
    reports: list[Path],
    table: Path,
    n_replicates: int,
    seed: int,
) -> None:
    """Write means over held-out replies, and shares of conversations won, with intervals.

    Parameters
    ----------
    scores, verdicts : Path
        See `wildpaper.evaluate.scores`.
    reports : list of Path
        Ingest reports of the data sets that the models and the judge have seen.
    table : Path
        Long table to write; numbers of our own.
    n_replicates, seed : int
        See `ratio_intervals`; conversations are drawn.

    Notes
    -----
    Nats are rounded to millionths per conversation, so that all sums are exact.
    """
    route = route_of(read_json(path)["release"] for path in reports)
    found, judged = pq.read_table(scores), pq.read_table(verdicts)
    cells: list[Cell] = []
    sums: dict[str, dict[str, Integers]] = {}
    for name in dict.fromkeys(found["model"].to_pylist()):
        part = found.filter(pc.equal(found["model"], name))
        sums[name] = {
            "tokens": part["n_tokens"].to_numpy(),
            "all-tokens": part["n_tokens"].to_numpy() + part["n_end_tokens"].to_numpy(),
            "characters": part["n_characters"].to_numpy(),
            "nats": _millionths(part["nll_nats"].to_numpy()),
            "all-nats": _millionths(part["nll_nats"].to_numpy() + part["nll_end_nats"].to_numpy()),
        }
        cells += _model_cells(name, sums[name], route, n_replicates, seed)
    pairs = zip(judged["first"].to_pylist(), judged["second"].to_pylist(), strict=True)
    for first, second in dict.fromkeys(pairs):
        chosen = pc.and_(pc.equal(judged["first"], first), pc.equal(judged["second"], second))
        verdict = np.array(judged.filter(chosen)["verdict"].to_pylist())
        cells += _pair_cells(first, second, verdict, sums, route, n_replicates, seed)
    write_long_table(table, cells)


def _millionths(nats: npt.NDArray[np.float64]) -> Integers:
    return np.rint(nats * _PER_NAT).astype(np.int64)


def _model_cells(
    name: str, sums: dict[str, Integers], route: str, n_replicates: int, seed: int
) -> list[Cell]:
    """Return what a model gives to the replies."""
    above = np.column_stack([sums["nats"], sums["all-nats"], sums["nats"]])
    below = np.column_stack([sums["tokens"], sums["all-tokens"], sums["characters"]])
    factors = (1 / _PER_NAT, 1 / _PER_NAT, 1 / _PER_NAT / math.log(2))
    intervals = ratio_intervals(above, below, n_replicates, seed, f"{ARTIFACT}.{name}")
    n = len(below)
    cells = []
    for i, (column, unit) in enumerate(_COLUMNS.items()):
        total = int(below[:, i].sum())
        value = int(above[:, i].sum()) / total * factors[i] if total else None
        low, high = intervals[i] or (math.nan, math.nan)
        ends = None if math.isnan(low) else (low * factors[i], high * factors[i])
        cells.append(_cell(name, column, value, ends, n, unit, route))
    return cells


def _pair_cells(
    first: str,
    second: str,
    verdict: npt.NDArray[np.str_],
    sums: dict[str, dict[str, Integers]],
    route: str,
    n_replicates: int,
    seed: int,
) -> list[Cell]:
    """Return how two models compare: conversations won, and the difference of their means."""
    row = f"{first}-vs-{second}"
    n = len(verdict)
    one = np.ones(n, np.int64)
    outcomes = ("win", "tie", "loss")
    counts = [(verdict == outcome).astype(np.int64) for outcome in outcomes]
    difference = sums[first]["all-nats"] - sums[second]["all-nats"]
    tokens = sums[first]["all-tokens"]
    name = f"{ARTIFACT}.{row}"
    shares = shares_of(np.column_stack(counts), one[:, None], n_replicates, seed, name)
    cells = [
        _cell(row, outcome, share.percent, share.interval, n, "percent of conversations", route)
        for outcome, share in zip(outcomes, shares, strict=True)
    ]
    (found,) = ratio_intervals(difference[:, None], tokens[:, None], n_replicates, seed, name)
    ends = found and (found[0] / _PER_NAT, found[1] / _PER_NAT)
    value = int(difference.sum()) / int(tokens.sum()) / _PER_NAT
    unit = f"{_COLUMNS['nll-with-end']}, first model minus second"
    return [*cells, _cell(row, "nll-difference", value, ends, n, unit, route)]


def _cell(
    row: str,
    column: str,
    value: float | None,
    ends: tuple[float, float] | None,
    n: int,
    unit: str,
    route: str,
) -> Cell:
    low, high = ends or (None, None)
    return Cell(row, column, value, low, high, n, unit, f"own.{ARTIFACT}.{row}.{column}", route)
