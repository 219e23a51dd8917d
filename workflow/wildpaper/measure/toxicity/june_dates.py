"""Where the break would be put by one who does not know the date."""

import numpy as np
import numpy.typing as npt

from wildpaper.measure.streams import generator
from wildpaper.measure.toxicity.june_series import Turns
from wildpaper.measure.toxicity.june_tests import LEVEL, candidate_dates

Floats = npt.NDArray[np.float64]

TRIM = 0.15
"""Part of the days at each end in which no break is looked for (Andrews 1993)."""


def best_date(turns: Turns) -> int | None:
    """Return the date at which a break fits the daily difference best.

    That is the least sum of squares of two lines, one before and one from the date on, each
    day weighted by its turns, over all dates but the first and last 15 % of the days.

    Returns
    -------
    int or None
        Days since 1970, the earliest among equals; None where no date has enough days on
        both sides.

    Notes
    -----
    Bai (1997), "Estimation of a change point in multiple regression models".
    """
    dates = _dates(turns)
    if not len(dates):
        return None
    return int(dates[_best(turns, np.ones(1 + int(turns.cluster.max())), dates)])


def date_interval(turns: Turns, n_replicates: int, seed: int) -> tuple[int, int] | None:
    """Return the dates between which 95 % of the replicates of `best_date` lie.

    Parameters
    ----------
    turns : Turns
    n_replicates : int
        Of a Poisson bootstrap over users; 0 gives None.
    seed : int
        Seed of the run.
    """
    dates = _dates(turns)
    if not len(dates) or n_replicates == 0:
        return None
    drawn = generator(seed, "june-update")
    n_clusters = 1 + int(turns.cluster.max())
    found = sorted(
        int(dates[_best(turns, drawn.poisson(1.0, n_clusters).astype(np.float64), dates)])
        for _ in range(n_replicates)
    )
    tail = int((1 - LEVEL) / 2 * n_replicates)
    return found[tail], found[-1 - tail]


def _dates(turns: Turns) -> npt.NDArray[np.int64]:
    dates = np.array(candidate_dates(turns), np.int64)
    if not len(dates):
        return dates
    first, last = int(turns.day.min()), int(turns.day.max())
    margin = TRIM * (last - first + 1)
    return dates[(dates >= first + margin) & (dates <= last + 1 - margin)]


def _best(turns: Turns, drawn: Floats, dates: npt.NDArray[np.int64]) -> int:
    """Return which date fits best if each user counts so many times, shape (n_clusters,)."""
    first = int(turns.day.min())
    times = drawn[turns.cluster]
    n, sums = (
        np.bincount(turns.day - first, own * times)
        for own in (turns.n, turns.flagged("difference"))
    )
    t = np.arange(len(n), dtype=np.float64)
    moments = np.stack([n, n * t, n * t**2, sums, sums * t])
    before = np.concatenate([np.zeros((5, 1)), moments.cumsum(axis=1)], axis=1)[:, dates - first]
    after = moments.sum(axis=1)[:, None] - before
    return int(np.argmax(_explained(before) + _explained(after)))


def _explained(moments: Floats) -> Floats:
    """Return the weighted squares that a line explains, from its moments, shape (n_dates,)."""
    n, nt, ntt, y, yt = moments
    determinant = n * ntt - nt**2
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (y**2 * ntt - 2 * y * yt * nt + yt**2 * n) / determinant
    return np.where(determinant > 0, found, 0.0)
