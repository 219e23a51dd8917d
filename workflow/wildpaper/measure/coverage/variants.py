"""Ways to state the loss of the coverage matrix, and which of them the published one is like.

Two published cells exceed the logarithm of the vocabulary, the loss of a uniform guess. A
model that was trained on short prompts with an end token expects nothing beyond the usual
end: each further token of a long prompt costs it the near certainty of the end. Means over
all tokens can thus exceed a uniform guess, whether or not the end token itself is counted:
it takes its share of probability from the others either way. Beginnings of one length, no
longer than the prompts trained on, cannot by this cause. Bits per character have no such
bound, but the same cause raises them.
"""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from wildpaper.files import read_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.coverage.losses import VARIANTS, Floats, Matrix, factor, read_losses
from wildpaper.measure.replicates import replicate_ratios
from wildpaper.publish.published import load_published
from wildpaper.releases import route_of

ARTIFACT = "coverage-variants"
GUESS = "uniform-guess"
"""The row that tells the loss of a uniform guess over the vocabulary."""
_STATISTICS = ("spearman", "kendall")
_ENDS = (2.5, 97.5)
_FEWEST = 4
"""Cells; fewer have no order worth a coefficient."""


def measure_coverage_variants(
    scores: list[Path],
    reports: list[Path],
    published: Path,
    table: Path,
    n_replicates: int,
    seed: int,
) -> None:
    """Write a row a variant: range, cells above a uniform guess, diagonal, rank agreement.

    Parameters
    ----------
    scores, reports, n_replicates, seed
        See `wildpaper.measure.coverage.matrix.measure_coverage`.
    published : Path
        The published values.
    table : Path
        Long table to write; numbers of our own.

    Notes
    -----
    Rank agreement is taken over the cells that both matrices have: Spearman's rho and
    Kendall's tau-b. Its interval is that of percentiles of a Poisson bootstrap over the
    prompts of each data set; a prompt is drawn for all models and variants alike. Chance
    mostly blurs an order, so that the replicates lie below the value more often than above;
    where they all do, the interval ends at the value. The published matrix is taken as it is.
    """
    route = route_of(read_json(path)["release"] for path in reports)
    found = read_losses(scores)
    printed = _printed(published, found.sets)
    again = _replicates(found, n_replicates, seed)
    guess = math.log(found.n_vocabulary)
    unit = "nats per token"
    cells = [_cell(GUESS, "nats", guess, (None, None), found.n_vocabulary, unit, route)]
    for variant in VARIANTS:
        values = found.values(variant)
        cells += _plain(variant, values, guess, route)
        cells += _agreement(variant, values, again[variant], printed, route)
    write_long_table(table, cells)


def _printed(published: Path, sets: list[str]) -> Floats:
    """Return the published matrix; NaN where nothing is published."""
    values = {claim.id: claim.value for claim in load_published(published)[0]}
    return np.array(
        [[float(values.get(f"figure-03.{row}.{column}", math.nan)) for column in sets]
         for row in sets]
    )  # fmt: skip


def _replicates(found: Matrix, n_replicates: int, seed: int) -> dict[str, Floats]:
    """Return {variant: matrices with prompts drawn anew, shape (n_replicates, n, n)}."""
    n = len(found.sets)
    drawn = {variant: np.empty((n_replicates, n, n)) for variant in VARIANTS}
    for j, name in enumerate(found.sets):
        losses = found.by_set[name]
        above = np.concatenate([losses.above[variant] for variant in VARIANTS], axis=1)
        below = np.column_stack([losses.below[variant] for variant in VARIANTS])
        ratios = replicate_ratios(
            above, np.repeat(below, n, axis=1), n_replicates, seed, f"{ARTIFACT}.{name}"
        ).drawn
        for k, variant in enumerate(VARIANTS):
            drawn[variant][:, :, j] = ratios[:, k * n : (k + 1) * n] * factor(variant)
    return drawn


def _plain(variant: str, values: Floats, guess: float, route: str) -> list[Cell]:
    """Return what is plain to see in a matrix."""
    unit, known = VARIANTS[variant], values[~np.isnan(values)]
    n = len(known)
    ends = (float(known.min()), float(known.max())) if n else (None, None)
    cells = [
        _cell(variant, column, value, (None, None), n, unit, route)
        for column, value in zip(("smallest", "largest"), ends, strict=True)
    ]
    if variant != "bits-per-character":
        n_above = int((known > guess).sum())
        cells.append(_cell(variant, "above-uniform", n_above, (None, None), n, "cells", route))
    filled = ~np.isnan(values).any(axis=0)
    lowest = on_diagonal(values[:, filled], np.flatnonzero(filled))
    n_sets = int(filled.sum())
    return [
        *cells,
        _cell(variant, "diagonal-lowest", lowest, (None, None), n_sets, "data sets", route),
    ]


def on_diagonal(columns: Floats, own: npt.NDArray[np.intp]) -> int:
    """Return in how many columns the own row is lower than all others.

    Parameters
    ----------
    columns : ndarray, shape (n_rows, n_columns)
    own : ndarray of int, shape (n_columns,)
        The row of each column's own data set.
    """
    n_as_low = (columns <= columns[own, np.arange(len(own))]).sum(axis=0)
    return int((n_as_low == 1).sum())


def _agreement(
    variant: str, values: Floats, again: Floats, printed: Floats, route: str
) -> list[Cell]:
    """Return the rank correlations with the published matrix, with their intervals."""
    both = ~np.isnan(printed) & ~np.isnan(values)
    n = int(both.sum())
    if n < _FEWEST:
        none = (None, None)
        return [
            _cell(variant, name, None, none, n, "rank correlation", route) for name in _STATISTICS
        ]
    found = rank_correlations(values[both][None], printed[both])[0].tolist()
    drawn = again[:, both]
    drawn = rank_correlations(drawn[~np.isnan(drawn).any(axis=1)], printed[both])
    return [
        _cell(variant, name, None if math.isnan(value) else value, _ends(one, value), n,
              "rank correlation", route)
        for name, value, one in zip(_STATISTICS, found, drawn.T, strict=True)
    ]  # fmt: skip


def _ends(drawn: Floats, value: float) -> tuple[float | None, float | None]:
    """Return the percentiles, moved to the value where it lies outside of them."""
    known = drawn[~np.isnan(drawn)]
    if math.isnan(value) or not len(known):
        return None, None
    low, high = np.percentile(known, _ENDS).tolist()
    return min(low, value), max(high, value)


def rank_correlations(rows: Floats, other: Floats) -> Floats:
    """Return Spearman's rho and Kendall's tau-b of each row with another vector.

    Parameters
    ----------
    rows : ndarray, shape (n_rows, n)
    other : ndarray, shape (n,)

    Returns
    -------
    ndarray, shape (n_rows, 2)
        NaN for a row without any order.
    """
    first, second = np.triu_indices(len(other), 1)
    pairs = [np.sign(x[..., first] - x[..., second]) for x in (rows, other)]
    ranks = [rankdata(x, axis=-1) - (len(other) + 1) / 2 for x in (rows, other)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.column_stack([_cosine(*ranks), _cosine(*pairs)])


def _cosine(rows: Floats, other: Floats) -> Floats:
    found: Floats = (rows @ other) / np.sqrt((rows**2).sum(axis=1) * (other**2).sum())
    return found


def _cell(
    row: str,
    column: str,
    value: float | None,
    ends: tuple[float | None, float | None],
    n: int,
    unit: str,
    route: str,
) -> Cell:
    return Cell(row, column, value, *ends, n, unit, f"own.{ARTIFACT}.{row}.{column}", route)
