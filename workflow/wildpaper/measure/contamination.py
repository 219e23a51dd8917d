"""Contamination in numbers: how many questions of a benchmark the training data hold."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wildpaper.files import read_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shares import shares_of
from wildpaper.releases import route_of

ARTIFACT = "contamination"
TURNS = ("first", "second")
SEARCHED = "training-data"
"""The row that tells how much was searched."""
_SHARES = ("any", "clean", "dirty")
_UNIT = "turns of questions"


def measure_contamination(
    overlaps: Path, reports: list[Path], table: Path, n_replicates: int, seed: int
) -> None:
    """Write, for each length of n-grams and turn, how many questions are covered how far.

    A row is named after both (``10-first``). Its columns: `turns` and, of these, `too-short`
    ones that have fewer tokens than the n-grams, and `too-short-found`, those of them that
    stand whole in the training data. Of the others, in percent: `any` (at least one token is
    covered), `clean` (less than a fifth of the tokens) and `dirty` (at least four fifths), and
    `covered`, the share of all their tokens that are covered. The row `SEARCHED` has `tokens`.

    Parameters
    ----------
    overlaps : Path
        See `wildpaper.evaluate.contamination`.
    reports : list of Path
        Ingest reports of what the model was trained on.
    table : Path
        Long table to write; numbers of our own.
    n_replicates, seed : int
        See `share_intervals`; questions are drawn.

    Notes
    -----
    Clean and dirty as in Touvron et al. (2023), "Llama 2", appendix A.6. The questions are
    taken as a sample of such questions; the training data as they are.
    """
    route = route_of(read_json(path)["release"] for path in reports)
    found = pq.read_table(overlaps)
    cells = []
    for length in dict.fromkeys(found["ngram"].to_pylist()):
        for turn, name in enumerate(TURNS, start=1):
            chosen = pc.and_(pc.equal(found["ngram"], length), pc.equal(found["turn"], turn))
            row = f"{length}-{name}"
            cells += _cells(row, length, found.filter(chosen), route, n_replicates, seed)
    n_searched = found["n_training_tokens"][0].as_py()
    cells.append(_count(SEARCHED, "tokens", n_searched, None, "training tokens searched", route))
    write_long_table(table, cells)


def _cells(
    row: str, length: int, turns: pa.Table, route: str, n_replicates: int, seed: int
) -> list[Cell]:
    """Return what the turns of one number tell for one length of n-grams."""
    n_tokens, n_covered = (
        turns[column].to_numpy().astype(np.int64) for column in ("n_tokens", "n_covered")
    )
    short = n_tokens < length
    n_short = int(short.sum())
    n_short_found = int((short & (n_covered > 0)).sum())
    cells = [
        _count(row, "turns", len(short), None, _UNIT, route),
        _count(row, "too-short", n_short, len(short), _UNIT, route),
        _count(row, "too-short-found", n_short_found, n_short, _UNIT, route),
    ]
    kinds = how_far(n_tokens[~short], n_covered[~short])
    name = f"{ARTIFACT}.{row}"
    ones = np.ones((len(kinds), 1), np.int64)
    for column, share in zip(
        _SHARES, shares_of(kinds, ones, n_replicates, seed, name), strict=True
    ):
        cells.append(share.cell(row, column, f"percent of {_UNIT}", _claim(row, column), route))
    tokens = (n_covered[~short][:, None], n_tokens[~short][:, None])
    (covered,) = shares_of(*tokens, n_replicates, seed, f"{name}.covered")
    claim = _claim(row, "covered")
    return [*cells, covered.cell(row, "covered", "percent of tokens", claim, route)]


def how_far(
    n_tokens: npt.NDArray[np.int64], n_covered: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return which turns have any token covered, are clean, are dirty.

    Parameters
    ----------
    n_tokens, n_covered : ndarray of int64, shape (n_turns,)

    Returns
    -------
    ndarray of int64, shape (n_turns, 3)
        1 where it is so, else 0.
    """
    kinds = (n_covered > 0, 5 * n_covered < n_tokens, 5 * n_covered >= 4 * n_tokens)
    return np.column_stack(kinds).astype(np.int64)


def _count(row: str, column: str, value: int, n: int | None, unit: str, route: str) -> Cell:
    return Cell(row, column, value, None, None, n, unit, _claim(row, column), route)


def _claim(row: str, column: str) -> str:
    return f"own.{ARTIFACT}.{row}.{column}"
