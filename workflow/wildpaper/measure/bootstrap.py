"""Intervals for means and shares by a Poisson bootstrap over clusters."""

import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Interval = tuple[float, float]

_BLOCK_DRAWS = 1 << 22
_EXACT = 2.0**53


def ratio_intervals(
    numerators: npt.NDArray[np.int64],
    denominators: npt.NDArray[np.int64],
    n_replicates: int,
    seed: int,
    name: str,
    level: float = 0.95,
) -> list[Interval | None]:
    """Return percentile intervals of ratios of sums over clusters.

    A mean over messages is a ratio of two sums, each over the clusters (users, or
    conversations where users are not known) that are drawn anew in each replicate; a
    cluster is drawn Poisson(1) times. All sums are of integers and hence exact, so the
    result depends on neither threads nor shards, only on the order of the clusters.

    Parameters
    ----------
    numerators : ndarray of int64, shape (n_clusters, n_ratios)
        Per cluster, for example tokens.
    denominators : ndarray of int64, shape (n_clusters, n_ratios) or (n_clusters, 1)
        Per cluster, for example messages; one column serves all ratios.
    n_replicates : int
        0 gives no intervals.
    seed : int
        Seed of the run.
    name : str
        What is measured; each name draws a stream of its own.
    level : float
        Coverage aimed at.

    Returns
    -------
    list of (low, high) or None
        One per ratio; None where it is undefined or there are fewer than two clusters.

    Notes
    -----
    Chamandy et al. (2012), "Estimating uncertainty for massive data streams", describe
    the Poisson bootstrap. With tails as heavy as those of message lengths a percentile
    interval covers less often than its name says.
    """
    n_clusters, n_ratios = numerators.shape
    if n_replicates == 0 or n_clusters < 2:
        return [None] * n_ratios
    both = np.concatenate([numerators, denominators], axis=1)
    floats = both.astype(np.float64)
    largest = np.abs(floats).sum(axis=0).max(initial=0.0)
    ratios = np.full((n_replicates, n_ratios), np.nan)
    for rows, draws in _draws(n_clusters, n_replicates, seed, name):
        # Binary fractions are faster, and exact as long as no sum exceeds 53 bits.
        exact = largest * draws.max() < _EXACT
        sums = draws.astype(np.float64) @ floats if exact else draws @ both
        below = np.broadcast_to(sums[:, n_ratios:], ratios[rows].shape)
        np.divide(sums[:, :n_ratios], below, out=ratios[rows], where=below > 0)
    return [_interval(ratios[:, i], level) for i in range(n_ratios)]


def category_intervals(
    categories: npt.NDArray[np.int64],
    n_categories: int,
    n_replicates: int,
    seed: int,
    name: str,
    level: float = 0.95,
) -> list[Interval | None]:
    """Return percentile intervals of the shares of clusters by category.

    The same as `ratio_intervals` of indicators over ones, for many categories in little
    memory.

    Parameters
    ----------
    categories : ndarray of int64, shape (n_clusters,)
        The category of each cluster, from 0.
    n_categories : int
    n_replicates, seed, name, level
        See `ratio_intervals`.
    """
    n_clusters = len(categories)
    if n_replicates == 0 or n_clusters < 2:
        return [None] * n_categories
    shares = np.full((n_replicates, n_categories), np.nan)
    for rows, draws in _draws(n_clusters, n_replicates, seed, name):
        for share, drawn in zip(shares[rows], draws, strict=True):
            n_drawn = drawn.sum()
            if n_drawn:
                share[:] = np.bincount(categories, drawn, n_categories) / n_drawn
    return [_interval(shares[:, i], level) for i in range(n_categories)]


def _draws(
    n_clusters: int, n_replicates: int, seed: int, name: str
) -> Iterator[tuple[slice, npt.NDArray[np.int64]]]:
    """Yield how often each cluster is drawn, some replicates at a time."""
    stream = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    generator = np.random.default_rng([seed, stream])
    block = max(1, _BLOCK_DRAWS // n_clusters)
    for first in range(0, n_replicates, block):
        n = min(block, n_replicates - first)
        yield slice(first, first + n), generator.poisson(1.0, (n, n_clusters))


def _interval(values: npt.NDArray[np.float64], level: float) -> Interval | None:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
