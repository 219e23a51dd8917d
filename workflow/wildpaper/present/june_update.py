"""Toxicity around the update of June 2023, and the test at all other dates."""

import calendar
from datetime import date
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from wildpaper.long_table import Cell, read_long_table
from wildpaper.measure.months import months_between
from wildpaper.measure.toxicity.judged import ROLES
from wildpaper.measure.toxicity.june_cells import LINE, SIDES, STATISTIC, WEEK_DAYS
from wildpaper.present.blanks import draw_blank
from wildpaper.present.style import ROLE_COLOURS, mark_simulated, new_figure, save_figure

_ID = "june-update"
_SIZE_IN = (6.5, 4.4)
_GREY, _FAINT = "#555555", "#777777"
_MARKERS = {"user": "o", "chatbot": "s"}
_DASHES: dict[str, str | tuple[int, tuple[int, int]]] = {"user": (0, (5, 2)), "chatbot": "-"}
_MOST_LABELS = 14
_FEW = 30
"""Turns below which a week is drawn hollow."""


def render_june_update(measured: Path, pdf: Path, png: Path) -> None:
    """Draw the test of the update of June and save it as PDF and PNG.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.toxicity.june_update`.
    pdf, png : Path
        To write.
    """
    save_figure(draw_june_update(read_long_table(measured)), pdf, png)


def draw_june_update(cells: list[Cell]) -> Figure:
    """Return weekly rates with fitted lines, and below the statistic of the test by date.

    Parameters
    ----------
    cells : list of Cell
        Of `wildpaper.measure.toxicity.june_update`.
    """
    found = {(cell.row, cell.column): cell for cell in cells}
    tested = found.get(("difference", STATISTIC))
    if tested is None or tested.value is None:
        return draw_blank(_ID, "too few days with judged turns before or after the update")
    update = date.fromisoformat(str(found["update", "tested-date"].value))
    figure, grid = new_figure(
        2, 1, figsize=_SIZE_IN, sharex=True, layout="constrained", height_ratios=(3, 2)
    )
    rates, statistics = grid[:, 0]
    for role in ROLES:
        _draw_weeks(rates, role, cells)
        for side in SIDES:
            _draw_line(rates, role, side, cells)
    _draw_placebos(statistics, cells)
    _mark_update(statistics, update, float(tested.value))
    _finish(rates, statistics, update, found)
    if "simulated" in {cell.route for cell in cells}:
        mark_simulated(figure)
    return figure


def _days(cells: list[Cell], shift: float = 0.0) -> np.ndarray:
    return np.array([date2num(date.fromisoformat(cell.row)) + shift for cell in cells])


def _values(cells: list[Cell]) -> np.ndarray:
    return np.array([float(cell.value or 0) for cell in cells])


def _draw_weeks(axes: Axes, role: str, cells: list[Cell]) -> None:
    weeks = [cell for cell in cells if cell.column == role and cell.row[:1].isdigit()]
    few = np.array([(cell.n or 0) < _FEW for cell in weeks])
    x, y = _days(weeks, WEEK_DAYS / 2), _values(weeks)
    for own, face in ((~few, ROLE_COLOURS[role]), (few, "none")):
        (points,) = axes.plot(x[own], y[own], _MARKERS[role], color=ROLE_COLOURS[role],
                              markersize=3.2, markerfacecolor=face, alpha=0.75,
                              clip_on=False)  # fmt: skip
        points.set_in_layout(False)  # without points it would lie at the figure's corner


def _draw_line(axes: Axes, role: str, side: str, cells: list[Cell]) -> None:
    line = [cell for cell in cells if cell.column == f"{role}-{LINE}-{side}"]
    x, colour = _days(line), ROLE_COLOURS[role]
    low, high = (np.array([getattr(cell, end) for cell in line], float) for end in
                 ("ci_low", "ci_high"))  # fmt: skip
    axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    label = role if side == SIDES[0] else None
    axes.plot(x, _values(line), linestyle=_DASHES[role], color=colour, linewidth=1.5, label=label,
              marker=_MARKERS[role], markevery=[0], markersize=4)  # fmt: skip


def _draw_placebos(axes: Axes, cells: list[Cell]) -> None:
    for side in SIDES:
        dates = [cell for cell in cells if cell.column == f"{STATISTIC}-{side}"]
        axes.plot(_days(dates), _values(dates), ".", color=_FAINT, markersize=2.5,
                  label="other date" if side == SIDES[-1] else None)  # fmt: skip


def _mark_update(axes: Axes, update: date, statistic: float) -> None:
    axes.axhspan(-abs(statistic), abs(statistic), color="#eeeeee", zorder=0)
    axes.plot(date2num(update), statistic, "D", color="black", markersize=5, label="update")


def _finish(
    rates: Axes, statistics: Axes, update: date, found: dict[tuple[str, str], Cell]
) -> None:
    for axes in (rates, statistics):
        axes.axvline(date2num(update), color=_GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
        axes.tick_params(labelsize=7.5)
    weeks = [float(cell.value or 0) for (row, column), cell in found.items()
             if column in ROLES and row[:1].isdigit() and (cell.n or 0) >= _FEW]  # fmt: skip
    ends = [cell.ci_high or 0.0 for (_, column), cell in found.items() if f"-{LINE}-" in column]
    rates.set_ylim(0, min(1.05 * max([*weeks, *ends, 1.0]), 100))
    rates.set_ylabel("flagged messages (%)", fontsize=8)
    rates.legend(fontsize=7.5, frameon=False, loc="lower right", bbox_to_anchor=(1, 0.98), ncol=2)
    rates.set_title(_title(update, found), loc="left", fontsize=7.5, fontweight="normal")
    statistics.axhline(0, color=_GREY, linewidth=0.6)
    low, high = statistics.get_ylim()
    most = 1.08 * max(-low, high)
    statistics.set_ylim(-most, most)
    statistics.set_ylabel("step of the difference\n(standard errors)", fontsize=8)
    statistics.legend(fontsize=7.5, frameon=False, loc="lower right", bbox_to_anchor=(1, 0.97),
                      ncol=2, handletextpad=0.3)  # fmt: skip
    placebo = found["placebo", "p"]
    words = f"{placebo.n:,} placebo dates"
    words += "" if placebo.value is None else f": p = {float(placebo.value):.2g}"
    statistics.set_title(words, loc="left", fontsize=7.5, fontweight="normal")
    _label_dates(statistics, sorted(row for row, column in found if row[:1].isdigit()))


def _label_dates(axes: Axes, days: list[str]) -> None:
    """Name months, the year with the first one and with each new one."""
    months = months_between(days[0][:7], days[-1][:7])
    step = -(-len(months) // _MOST_LABELS)
    named = [date.fromisoformat(f"{month}-01") for month in months[1::step]]
    labels = [
        f"{calendar.month_abbr[day.month]}"
        + (f"\n{day.year}" if i == 0 or day.month <= step else "")
        for i, day in enumerate(named)
    ]
    axes.set_xticks([date2num(day) for day in named], labels)


def _title(update: date, found: dict[tuple[str, str], Cell]) -> str:
    step, p = found["difference", "change"], found["difference", "p"]
    change = (
        f"{float(step.value or 0):+.1f} points [{step.ci_low or 0:.1f}, {step.ci_high or 0:.1f}]"
    )
    change = change.replace("-", "\N{MINUS SIGN}")
    return f"at {update.isoformat()}, chatbot less user: {change}, p = {float(p.value or 0):.2g}"
