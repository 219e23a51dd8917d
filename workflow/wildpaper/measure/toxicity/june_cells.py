"""What the test of the update of June gives, as cells of a long table."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wildpaper.long_table import Cell
from wildpaper.measure.toxicity.june_series import Turns, iso_of
from wildpaper.measure.toxicity.june_tests import Break, Floats

OWN = "own.june-update"
ROLES = ("chatbot", "user")
SIDES = ("before", "after")
STATISTIC, LINE = "statistic", "line"
WEEK_DAYS, LINE_DAYS = 7, 14
_DIGITS = 10
_PERCENT, _POINTS, _P = "percent of turns", "percentage points", "two-sided p-value"
_T = "standard errors"


@dataclass(frozen=True, slots=True)
class Results:
    """All that is computed.

    Attributes
    ----------
    update : int
        The date, in days since 1970.
    turns : Turns
    fits : dict
        {`chatbot`, `user`, `difference`: fit, or None where there are too few days}.
    variants : dict
        {name: (fit of the difference, number of turns)}.
    before, after : dict
        {placebo date: statistic}.
    drop : bool
        Whether the test finds a drop.
    best : int or None
        The date that fits best.
    interval : (int, int) or None
        Its 95 % interval.
    """

    update: int
    turns: Turns
    fits: dict[str, Break | None]
    variants: dict[str, tuple[Break | None, int]]
    before: dict[int, float]
    after: dict[int, float]
    drop: bool
    best: int | None
    interval: tuple[int, int] | None


def june_cells(results: Results, claim: str, route: str) -> list[Cell]:
    """Return the cells; floats have ten digits.

    Parameters
    ----------
    results : Results
    claim : str
        Id of the published claim on the date.
    route : str
    """
    found = [
        *_date_cells(results, claim),
        *_outcome_cells(results),
        *_placebo_cells(results),
        *_variant_cells(results),
        *_week_cells(results),
        *_line_cells(results),
    ]
    return [
        Cell(row, column, _rounded(value), _digits(low), _digits(high), n, unit, claim, route)
        for row, column, (value, low, high), n, unit, claim in found
    ]


_Values = tuple[float | str | None, float | None, float | None]
_Raw = tuple[str, str, _Values, int | None, str, str]


def _rounded(value: float | str | None) -> float | str | None:
    return value if isinstance(value, str) else _digits(value)


def _digits(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.{_DIGITS}g}")


def _found_date(results: Results) -> str | None:
    """Return the tested date if there is a drop, ``none`` if not, None if none was tested."""
    fit = results.fits["difference"]
    if fit is None or math.isnan(fit.statistic):
        return None
    return iso_of(results.update) if results.drop else "none"


def _date_cells(results: Results, claim: str) -> Iterator[_Raw]:
    n = int(results.turns.n.sum())
    yield (
        "update",
        "date",
        _alone(_found_date(results)),
        n,
        "date",
        claim,
    )
    yield "update", "tested-date", _alone(iso_of(results.update)), n, "date", ""
    low, high = results.interval or (None, None)
    for end, day in (("", results.best), ("-earliest", low), ("-latest", high)):
        name = f"strongest-break{end}"
        value = None if day is None else iso_of(day)
        yield "update", name, _alone(value), n, "date", f"{OWN}.{name}"


def _outcome_cells(results: Results) -> Iterator[_Raw]:
    n = int(results.turns.n.sum())
    for outcome, fit in results.fits.items():
        own, clip = f"{OWN}.{outcome}", outcome in ROLES
        before = fit.weights(results.update, after=False) if fit else None
        after = before + fit.step if fit and before is not None else None
        for side, weights in zip(SIDES, (before, after), strict=True):
            yield outcome, side, _percent(fit, weights, clip), n, _PERCENT, f"{own}.{side}"
        step = _percent(fit, fit.step if fit else None)
        name = "change" if clip else "value"
        yield outcome, "change", step, n, _POINTS, f"{own}.{name}"
        if clip:
            ratio = (fit.ratio() if fit else None) or (None, None, None)
            yield outcome, "ratio", ratio, n, "after over before", f"{own}.ratio"
        yield outcome, "p", _alone(fit.p_value() if fit else None), n, _P, f"{own}.p"
        if not clip:
            errors = fit.errors(fit.step) if fit else (None, None)
            for kind, error in zip(("newey-west", "by-user"), errors, strict=True):
                value = fit.p_value(error) if fit else None
                yield outcome, f"p-{kind}", _alone(value), n, _P, f"{own}.p-{kind}"
            yield (
                outcome,
                STATISTIC,
                _alone(fit.statistic if fit else None),
                n,
                _T,
                f"{own}.{STATISTIC}",
            )


def placebo_p(statistic: float, others: list[float]) -> float | None:
    """Return the share of dates, with the true one, whose statistic is no less in size."""
    if not others or not np.isfinite(statistic):
        return None
    return (1 + sum(abs(other) >= abs(statistic) for other in others)) / (1 + len(others))


def _placebo_cells(results: Results) -> Iterator[_Raw]:
    fit = results.fits["difference"]
    true = fit.statistic if fit else float("nan")
    parts = {"before": results.before, "after": results.after}
    everything = [x for part in parts.values() for x in part.values()]
    unit = "share of dates"
    yield (
        "placebo",
        "p",
        _alone(placebo_p(true, everything)),
        len(everything),
        unit,
        f"{OWN}.placebo.p",
    )
    for side, part in parts.items():
        value = placebo_p(true, list(part.values()))
        yield "placebo", f"p-{side}", _alone(value), len(part), unit, f"{OWN}.placebo.p-{side}"
    for side, part in parts.items():
        for day, statistic in part.items():
            yield iso_of(day), f"{STATISTIC}-{side}", _alone(statistic), None, _T, ""


def _variant_cells(results: Results) -> Iterator[_Raw]:
    for name, (fit, n) in results.variants.items():
        own = f"{OWN}.{name}"
        step = _percent(fit, fit.step if fit else None)
        yield name, "change", step, n, _POINTS, f"{own}.value"
        yield name, "p", _alone(fit.p_value() if fit else None), n, _P, f"{own}.p"


def _week_cells(results: Results) -> Iterator[_Raw]:
    """Yield rates of weeks that are counted from the date, so that none holds both sides."""
    turns = results.turns
    week = (turns.day - results.update) // WEEK_DAYS
    for number in np.unique(week).tolist():
        own = turns.where(week == number)
        n = int(own.n.sum())
        for role in ROLES:
            share = 100 * int(own.flagged(role).sum()) / n
            yield iso_of(results.update + WEEK_DAYS * number), role, _alone(share), n, _PERCENT, ""


def _line_cells(results: Results) -> Iterator[_Raw]:
    """Yield the fitted lines on both sides, and their 95 % bands."""
    if not len(results.turns.day):
        return
    first, last = int(results.turns.day.min()), int(results.turns.day.max())
    grids = {
        "before": [*range(first, results.update, LINE_DAYS), results.update],
        "after": [*range(results.update, last, LINE_DAYS), last],
    }
    for role in ROLES:
        fit = results.fits[role]
        for side, days in grids.items():
            for day in days if fit else []:
                weights = fit.weights(day, after=side == "after") if fit else None
                values = _percent(fit, weights, clip=True)
                yield iso_of(day), f"{role}-{LINE}-{side}", values, None, _PERCENT, ""


def _alone(value: float | str | None) -> _Values:
    return value, None, None


def _percent(fit: Break | None, weights: Floats | None, clip: bool = False) -> _Values:
    """Return a weighted sum of a fit with its interval, in percent; of shares not below 0."""
    if fit is None or weights is None:
        return None, None, None
    low, high = fit.interval(weights)
    return 100 * fit.value(weights), 100 * (max(low, 0.0) if clip else low), 100 * high
