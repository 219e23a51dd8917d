"""Intervals for means by a Poisson bootstrap over clusters."""

import hashlib

import numpy as np
import numpy.typing as npt

Interval = tuple[float, float]


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
    numerators, denominators : ndarray of int64, shape (n_clusters, n_ratios)
        Per cluster, for example tokens and messages.
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
    stream = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    generator = np.random.default_rng([seed, stream])
    both = np.concatenate([numerators, denominators], axis=1)
    ratios = np.full((n_replicates, n_ratios), np.nan)
    for replicate in range(n_replicates):
        sums = generator.poisson(1.0, n_clusters) @ both
        below = sums[n_ratios:]
        np.divide(sums[:n_ratios], below, out=ratios[replicate], where=below > 0)
    tails = [(1 - level) / 2, (1 + level) / 2]
    return [_interval(ratios[:, i], tails) for i in range(n_ratios)]


def _interval(values: npt.NDArray[np.float64], tails: list[float]) -> Interval | None:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, tails)
    return float(low), float(high)
