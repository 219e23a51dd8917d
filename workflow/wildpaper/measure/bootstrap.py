"""Intervals for means and shares by a studentised Poisson bootstrap over clusters."""

import math
from statistics import NormalDist

import numpy as np

from wildpaper.measure.replicates import Floats, Integers, Replicates, replicate_ratios

Interval = tuple[float, float]


def ratio_intervals(
    numerators: Integers,
    denominators: Integers,
    n_replicates: int,
    seed: int,
    name: str,
    level: float = 0.95,
) -> list[Interval | None]:
    """Return studentised (bootstrap-t) intervals of ratios of sums over clusters.

    A mean over messages is a ratio of two sums, each over the clusters (users, or
    conversations where users are not known) that are drawn anew in each replicate. The
    interval is symmetric: R exp(±t s / R) where no numerator is negative and R is not 0,
    else R ± t s. R is the ratio, s its linearised standard error, t the quantile of what
    the replicates deviate from R (or from log R) in units of their own standard errors; at
    most that of Student's t with two degrees of freedom, or with fewer where fewer clusters
    carry s, lest a handful of clusters give an interval beyond all bounds. For shares see
    `share_intervals`.

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
        One per ratio; None where fewer than two clusters have a denominator.

    Notes
    -----
    Poisson bootstrap: Chamandy et al. (2012), "Estimating uncertainty for massive data
    streams". Symmetric bootstrap-t: Hall (1988), "On symmetric bootstrap confidence
    intervals", J. R. Stat. Soc. B 50. What they truly cover on simulated data:
    `wildpaper.measure.interval_coverage`.
    """
    found = replicate_ratios(numerators, denominators, n_replicates, seed, name)
    return studentised(found, level)


def share_intervals(
    counts: Integers,
    totals: Integers,
    n_replicates: int,
    seed: int,
    name: str,
    level: float = 0.95,
) -> list[Interval | None]:
    """Return intervals of shares over messages or conversations of clusters, within 0 and 1.

    Wilson's interval on the effective sample size: the number of independent units at
    which a normal interval would be as wide as the studentised bootstrap's (that of
    `ratio_intervals`, on the plain scale). It is at most the number of units, and at least
    Kish's, n² / Σ m², which holds if all m units of a cluster are alike and is taken where
    the share is 0 or 1. Where every cluster has one unit the interval is Wilson's own.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_clusters, n_shares)
        Units of a kind; no more than `totals`.
    totals : ndarray of int64, shape (n_clusters, n_shares) or (n_clusters, 1)
        Units.
    n_replicates, seed, name, level
        See `ratio_intervals`.

    Returns
    -------
    list of (low, high) or None
        See `ratio_intervals`.

    Notes
    -----
    Effective sample size in an interval for a proportion: Korn & Graubard (1998), Survey
    Methodology 24; with Wilson's: Dean & Pagano (2015), J. Surv. Stat. Methodol. 3. Kish
    (1965), "Survey Sampling".
    """
    found = replicate_ratios(counts, totals, n_replicates, seed, name)
    return effective_wilson(found, totals, level)


def category_intervals(
    categories: Integers,
    n_categories: int,
    n_replicates: int,
    seed: int,
    name: str,
    level: float = 0.95,
) -> list[Interval | None]:
    """Return Wilson intervals of the shares of clusters by category.

    The same as `share_intervals` of indicators over ones; nothing needs to be drawn.

    Parameters
    ----------
    categories : ndarray of int64, shape (n_clusters,)
        The category of each cluster, from 0.
    n_categories : int
    n_replicates, seed, name, level
        See `ratio_intervals`; of these only 0 replicates, which give no intervals, and
        `level` make a difference.
    """
    n = len(categories)
    if n_replicates == 0 or n < 2:
        return [None] * n_categories
    shares = np.bincount(categories, minlength=n_categories) / n
    return _pairs(*wilson(shares, np.full(n_categories, float(n)), level))


def wilson(shares: Floats, n: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return both ends of Wilson's interval of shares of `n` units each; `n` may be broken."""
    z = _normal(level)
    centre = (shares + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(shares * (1 - shares) / n + (z / (2 * n)) ** 2) / (1 + z**2 / n)
    return np.clip(centre - half, 0, shares), np.clip(centre + half, shares, 1)


def studentised(found: Replicates, level: float = 0.95) -> list[Interval | None]:
    """Return the intervals of `ratio_intervals`."""
    if not len(found.drawn):
        return [None] * len(found.ratios)
    from scipy.special import stdtrit  # a quarter of a second, and many only name intervals

    most = stdtrit(np.clip(found.degrees, 1, 2), (1 + level) / 2)
    plain, logged = (
        np.fmin(_quantiles(found, level, log=log), most) * found.errors for log in (False, True)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(logged / found.ratios)
        low = np.where(found.positive, found.ratios / factor, found.ratios - plain)
        high = np.where(found.positive, found.ratios * factor, found.ratios + plain)
    return _pairs(low, high)


def effective_wilson(
    found: Replicates, totals: Integers, level: float = 0.95
) -> list[Interval | None]:
    """Return the intervals of `share_intervals`."""
    if not len(found.drawn):
        return [None] * len(found.ratios)
    shares = found.ratios
    half = _quantiles(found, level, log=False) * found.errors
    n = totals.sum(axis=0, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        n_alike = n**2 / (totals.astype(np.float64) ** 2).sum(axis=0)
        n_effective = shares * (1 - shares) * (_normal(level) / half) ** 2
        inner = (shares > 0) & (shares < 1)
        n_effective = np.where(inner, np.clip(n_effective, n_alike, n), n_alike)
        ends = wilson(shares, n_effective, level)
    return _pairs(*ends)


def percentile(found: Replicates, level: float = 0.95) -> list[Interval | None]:
    """Return the quantiles of the replicates: the plain bootstrap, to compare with."""
    tails = (1 - level) / 2, (1 + level) / 2
    intervals: list[Interval | None] = []
    for drawn in found.drawn.T:
        defined = drawn[~np.isnan(drawn)]
        low, high = np.quantile(defined, tails) if len(defined) else (math.nan, math.nan)
        intervals += _pairs(np.array([low]), np.array([high]))
    return intervals


def _quantiles(found: Replicates, level: float, *, log: bool) -> Floats:
    """Return what `level` of the replicates do not deviate more than, in their standard errors.

    A replicate without spread deviates infinitely; one without a denominator does not count.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if log:
            away = np.abs(np.log(found.drawn / found.ratios)) * found.drawn
        else:
            away = np.abs(found.drawn - found.ratios)
        away = away / found.drawn_errors
    undefined = np.isnan(found.drawn)
    away[np.isnan(away) & ~undefined] = np.inf
    away.sort(axis=0)
    n = (~undefined).sum(axis=0)
    rank = np.clip(np.ceil(level * (n + 1)).astype(int), 1, np.maximum(n, 1)) - 1
    found_at = np.take_along_axis(away, rank[None], axis=0)[0]
    return np.where(found.errors > 0, found_at, 0.0)


def _normal(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)


def _pairs(low: Floats, high: Floats) -> list[Interval | None]:
    return [
        None if math.isnan(a) or math.isnan(b) else (float(a), float(b))
        for a, b in zip(low, high, strict=True)
    ]
