"""Interrupted time series: whether a daily rate changes on a given day."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit
from statsmodels.stats.sandwich_covariance import S_crosssection, S_hac_simple

from wildpaper.measure.toxicity.june_series import Turns

Floats = npt.NDArray[np.float64]
Design = Literal["two-trends", "one-trend", "no-trend"]

LEVEL = 0.95
LEAST_DAYS = 14
"""Days with turns that there must be on each side of a date."""
_COLUMNS = {"two-trends": 4, "one-trend": 3, "no-trend": 2}
_NOTHING = 1e-12
"""Standard errors of shares below this are rounding."""
_SCALE = 100.0
"""Slopes are taken over so many days, which keeps the equations well conditioned."""


@dataclass(frozen=True, slots=True)
class Break:
    """A fitted series with a step at a date.

    Attributes
    ----------
    date : int
        First day after the step, since 1970.
    parameters : ndarray, shape (k,)
        Level just before the date, step, slope before, change of slope (over 100 days); of
        designs with fewer parameters the first ones. Shares, not percent.
    newey_west, by_user : ndarray, shape (k, k)
        Covariances of the parameters: of Newey and West over days, and with all turns of a
        user taken as dependent.
    degrees : int
        Of Student's t.
    """

    date: int
    parameters: Floats
    newey_west: Floats
    by_user: Floats
    degrees: int

    def weights(self, day: int, *, after: bool) -> Floats:
        """Return the weights of the parameters in the level of a day, shape (k,)."""
        k = len(self.parameters)
        return _design(np.array([day - self.date]), np.array([after]), k).reshape(k)

    @property
    def step(self) -> Floats:
        """Weights of the step."""
        weights = np.zeros(len(self.parameters))
        weights[1] = 1.0
        return weights

    def value(self, weights: Floats) -> float:
        """Return a weighted sum of the parameters."""
        return float(weights @ self.parameters)

    def errors(self, weights: Floats) -> tuple[float, float]:
        """Return its standard errors, after Newey and West, and by user."""
        pair = (float(weights @ one @ weights) for one in (self.newey_west, self.by_user))
        first, second = (max(variance, 0.0) ** 0.5 for variance in pair)
        return first, second

    def error(self, weights: Floats) -> float:
        """Return the larger of the two."""
        return max(self.errors(weights))

    def interval(self, weights: Floats) -> tuple[float, float]:
        """Return the 95 % interval of a weighted sum."""
        value, half = self.value(weights), self.error(weights) * self.quantile
        return value - half, value + half

    @property
    def quantile(self) -> float:
        """What 95 % of Student's t do not deviate more than."""
        return float(stdtrit(self.degrees, (1 + LEVEL) / 2))

    @property
    def statistic(self) -> float:
        """The step in units of its standard error; NaN where the rates do not vary."""
        error = self.error(self.step)
        return self.value(self.step) / error if error > _NOTHING else float("nan")

    def p_value(self, error: float | None = None) -> float:
        """Return the two-sided p-value of the step, with another error if given."""
        error = self.error(self.step) if error is None else error
        away = abs(self.value(self.step)) / error if error > _NOTHING else float("nan")
        return float(2 * stdtr(self.degrees, -away))

    def ratio(self) -> tuple[float, float, float] | None:
        """Return level after over level before with its interval; None unless both are above 0.

        The interval is symmetric on the log scale (delta method).
        """
        before = self.weights(self.date, after=False)
        after = before + self.step
        if min(self.value(before), self.value(after)) <= 0:
            return None
        slope = after / self.value(after) - before / self.value(before)
        ratio, factor = self.value(after) / self.value(before), self.error(slope) * self.quantile
        with np.errstate(over="ignore"):
            return ratio, float(ratio * np.exp(-factor)), float(ratio * np.exp(factor))


def fit_break(
    turns: Turns, date: int, lag: int, outcome: str = "difference", design: Design = "two-trends"
) -> Break | None:
    """Fit a line with a step at a date to the daily rates of an outcome.

    Weighted least squares: a day counts by its number of turns, days without turns do not
    count (though they do as days between others). With the design `two-trends` the line has
    a slope of its own on each side (segmented regression), with `one-trend` the same slope,
    with `no-trend` none.

    Parameters
    ----------
    turns : Turns
    date : int
        First day after the step, in days since 1970.
    lag : int
        Days up to which rates are taken to be correlated (Newey and West).
    outcome : str
        See `Turns.flagged`.
    design : str

    Returns
    -------
    Break or None
        None where fewer than `LEAST_DAYS` days on a side have turns, or all turns are of one
        user.

    Notes
    -----
    Newey & West (1987), Econometrica 55, with statsmodels; clusters: Liang & Zeger (1986).
    Both with the usual corrections for small samples, as statsmodels has them.
    """
    day = turns.day - date
    n_clusters, n_rows = _distinct(turns.cluster), len(day)
    if min(_distinct(day[day < 0]), _distinct(day[day >= 0])) < LEAST_DAYS or n_clusters < 2:
        return None
    n_days, k = _distinct(day), _COLUMNS[design]
    x = _design(day, day >= 0, k)
    weighted = x * turns.n[:, None]
    bread = np.linalg.inv(x.T @ weighted)
    sums = turns.flagged(outcome).astype(np.float64)
    parameters = bread @ (x.T @ sums)
    scores = x * sums[:, None] - weighted * (x @ parameters)[:, None]
    by_day = _by_day(scores, day)
    hac = S_hac_simple(by_day, min(lag, len(by_day) - 1)) * n_days / (n_days - k)
    few = n_clusters / (n_clusters - 1) * (n_rows - 1) / (n_rows - k)
    by_user = S_crosssection(scores, turns.cluster) * few
    newey_west, clustered = (bread @ inner @ bread for inner in (hac, by_user))
    return Break(date, parameters, newey_west, clustered, min(n_days - k, n_clusters - 1))


def candidate_dates(turns: Turns) -> list[int]:
    """Return the days that have at least `LEAST_DAYS` days with turns on both sides."""
    days = np.unique(turns.day)
    if len(days) < 2 * LEAST_DAYS:
        return []
    return list(range(int(days[LEAST_DAYS - 1]) + 1, int(days[-LEAST_DAYS]) + 1))


def scan(turns: Turns, lag: int) -> dict[int, float]:
    """Return {date: statistic of the difference} for all candidate dates that have one."""
    fits = (fit_break(turns, date, lag) for date in candidate_dates(turns))
    found = {fit.date: fit.statistic for fit in fits if fit is not None}
    return {date: value for date, value in found.items() if np.isfinite(value)}


def placebos(turns: Turns, date: int, lag: int) -> tuple[dict[int, float], dict[int, float]]:
    """Return the statistics of all other dates, before and after a date.

    Each is taken over the days on its own side of `date` only: what happened at `date` can
    be in none of them.
    """
    early = turns.day < date
    return scan(turns.where(early), lag), scan(turns.where(~early), lag)


def _distinct(values: npt.NDArray[np.int64]) -> int:
    """Return how many integers there are; they lie close together."""
    return int(np.count_nonzero(np.bincount(values - values.min()))) if len(values) else 0


def _design(day: npt.NDArray[np.int64], after: npt.NDArray[np.bool_], k: int) -> Floats:
    """Return the first `k` regressors of days, counted from the date, shape (n, k)."""
    slope = day / _SCALE
    columns = (np.ones(len(day)), after.astype(np.float64), slope, np.where(after, slope, 0.0))
    return np.stack(columns[:k], axis=1)


def _by_day(scores: Floats, day: npt.NDArray[np.int64]) -> Floats:
    """Return sums by day; days without turns between others are 0."""
    since = day - day.min()
    return np.stack([np.bincount(since, column) for column in scores.T], axis=1)
