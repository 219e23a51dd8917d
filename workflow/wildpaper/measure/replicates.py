"""Ratios of sums over clusters, anew in each replicate of a Poisson bootstrap."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wildpaper.measure.streams import generator

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_PART_CLUSTERS = 4096
"""Clusters that are drawn together; another number draws other replicates."""
_BLOCK_CELLS = 1 << 20
_EXACT_BITS = 52
_OFTEN = (24_103, 24_124, 12_046, 4_018, 1_005, 201, 33, 5, 1)
"""How many of 65,536 equally likely values draw a cluster 0, 1, 2, ... times: Poisson(1), with
a mean and a variance of exactly 1."""
_TIMES = np.repeat(np.arange(len(_OFTEN), dtype=np.float64), _OFTEN)


@dataclass(frozen=True, slots=True)
class Replicates:
    """Ratios of sums over clusters, as they are and as they come out when clusters are drawn.

    Attributes
    ----------
    ratios, errors : ndarray, shape (n_ratios,)
        Ratios and their standard errors, linearised; NaN where fewer than two clusters have
        a denominator.
    degrees : ndarray, shape (n_ratios,)
        How many clusters carry the errors: (Σd²)² / Σd⁴ with residuals d.
    drawn, drawn_errors : ndarray, shape (n_replicates, n_ratios)
        The same of each replicate; NaN also where it drew no denominator.
    positive : ndarray of bool, shape (n_ratios,)
        Whether the ratio is above 0 and no numerator below.
    """

    ratios: Floats
    errors: Floats
    degrees: Floats
    drawn: Floats
    drawn_errors: Floats
    positive: npt.NDArray[np.bool_]


def replicate_ratios(
    numerators: Integers, denominators: Integers, n_replicates: int, seed: int, name: str
) -> Replicates:
    """Draw clusters anew, each Poisson(1) times, and take the ratios of their sums.

    Parameters
    ----------
    numerators, denominators, n_replicates, seed, name
        See `wildpaper.measure.bootstrap.ratio_intervals`.

    Notes
    -----
    With residuals d = x - R y a drawn ratio is R + δ, δ = Σd / Σy, and its squared residuals
    sum to Σd² - 2 δ Σdy + δ² Σy². What is summed is rounded to integers in units of a power
    of two, so small that all sums are exact: the result depends on neither threads nor
    shards, only on the order of the clusters. Memory does not grow with clusters times
    replicates.
    """
    n_ratios = numerators.shape[1]
    below = np.broadcast_to(denominators, numerators.shape)
    n = (below != 0).sum(axis=0)
    known = n >= 2
    above, total = numerators.sum(axis=0), denominators.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(known & (total > 0), above / total, np.nan)
        unbiased = np.sqrt(n / (n - 1))
        seconds, fourths, exponents = _sizes(numerators, denominators, ratios)
        errors = np.where(known, unbiased * np.sqrt(seconds) / total, np.nan)
        degrees = np.where(known, seconds**2 / fourths, np.nan)
        bits = generator(seed, name).bit_generator
        sums = _sum_draws(numerators, denominators, ratios, n_replicates, exponents, bits)
        d, squares, crossed = (sums[:, i * n_ratios : (i + 1) * n_ratios] for i in range(3))
        y, y_squares = np.split(sums[:, 3 * n_ratios :], 2, axis=1)
        delta = np.where((y > 0) & known, d / y, np.nan)
        spread = squares - 2 * delta * crossed + delta**2 * y_squares
        drawn_errors = unbiased * np.sqrt(np.maximum(spread, 0)) / y
    positive = (ratios > 0) & (numerators.min(axis=0, initial=0) >= 0)
    return Replicates(ratios, errors, degrees, ratios + delta, drawn_errors, positive)


def _sizes(
    numerators: Integers, denominators: Integers, ratios: Floats
) -> tuple[Floats, Floats, npt.NDArray[np.int32]]:
    """Return Σd² and Σd⁴, and for each of `_columns` the exponent of 1 over its unit."""
    k = numerators.shape[1]
    sizes, fourths = np.zeros(3 * k + 2 * denominators.shape[1]), np.zeros(k)
    for part in _parts(len(numerators)):
        columns = np.abs(_columns(numerators[part], denominators[part], ratios))
        sizes += columns.sum(axis=0)
        fourths += (columns[:, k : 2 * k] ** 2).sum(axis=0)
    largest = sizes * (len(_OFTEN) - 1)
    return sizes[k : 2 * k], fourths, (_EXACT_BITS - np.frexp(largest)[1]).astype(np.int32)


def _sum_draws(
    numerators: Integers,
    denominators: Integers,
    ratios: Floats,
    n_replicates: int,
    exponents: npt.NDArray[np.int32],
    bits: np.random.BitGenerator,
) -> Floats:
    """Return the sums of `_columns` over drawn clusters, a row a replicate."""
    sums = np.zeros((n_replicates, len(exponents)))
    for part in _parts(len(numerators)):
        columns = _columns(numerators[part], denominators[part], ratios)
        whole = np.rint(np.ldexp(columns, exponents))
        for rows, times in _draws(bits, len(whole), n_replicates):
            sums[rows] += times @ whole
    return np.ldexp(sums, -exponents)


def _parts(n_clusters: int) -> list[slice]:
    return [slice(i, i + _PART_CLUSTERS) for i in range(0, n_clusters, _PART_CLUSTERS)]


def _columns(numerators: Integers, denominators: Integers, ratios: Floats) -> Floats:
    """Return d, d², dy, y and y² of each cluster; so stored that sums do not mix columns."""
    y = denominators.astype(np.float64)
    d = numerators - np.nan_to_num(ratios) * y
    return np.asfortranarray(np.concatenate([d, d**2, d * y, y, y**2], axis=1))


def _draws(
    bits: np.random.BitGenerator, n_clusters: int, n_replicates: int
) -> Iterator[tuple[slice, Floats]]:
    """Yield how often each cluster is drawn, some replicates at a time."""
    words = -(-n_clusters // 4)
    block = max(1, _BLOCK_CELLS // n_clusters)
    for first in range(0, n_replicates, block):
        n = min(block, n_replicates - first)
        values = bits.random_raw(n * words).astype("<u8", copy=False).view("<u2")
        yield slice(first, first + n), _TIMES[values.reshape(n, 4 * words)[:, :n_clusters]]
