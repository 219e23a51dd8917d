"""Figure 5: share of flagged messages by month and role."""

import calendar
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from wildpaper.long_table import Cell, read_long_table
from wildpaper.measure.months import months_between
from wildpaper.measure.toxicity.judged import ROLES
from wildpaper.present.blanks import draw_blank
from wildpaper.present.month_axis import label_months
from wildpaper.present.style import ROLE_COLOURS, mark_simulated, new_figure, save_figure
from wildpaper.publish.published import Value, load_published

UPDATE = "toxicity.june-update"
_SIZE_IN = (5.0, 2.7)
_FEW = 30
"""Messages of a role below which a month is not joined to its neighbours."""
_CUT = 3.0
"""Intervals that end above so many times the greatest share are cut."""
_MARKERS = {"user": "o", "chatbot": "s"}
_SHADE = "#ececec"
_FAINT = "#444444"


def render_toxicity_by_month(measured: Path, published: Path, pdf: Path, png: Path) -> None:
    """Draw shares by month and save them as PDF and PNG.

    Parameters
    ----------
    measured : Path
        Long table of the measure stage.
    published : Path
        ``data/published.yaml``: the date of the update of the model.
    pdf, png : Path
        To write.
    """
    claims, _ = load_published(published)
    printed = {claim.id: claim.value for claim in claims}
    save_figure(draw_toxicity_by_month(read_long_table(measured), printed), pdf, png)


def draw_toxicity_by_month(cells: list[Cell], published: Mapping[str, Value]) -> Figure:
    """Return a line a role with 95 % intervals; months with few or no messages leave it open.

    Months without a GPT-4 conversation are shaded, the update of the model is a line.

    Parameters
    ----------
    cells : list of Cell
        Of `wildpaper.measure.toxicity.figure_05_toxicity_by_month`.
    published : mapping
        {claim id: published value}.
    """
    found = {(cell.row, cell.column): cell for cell in cells}
    present = sorted({row for row, _ in found})
    if not any(cell.column in ROLES and cell.value is not None for cell in cells):
        return draw_blank("figure-05-toxicity-by-month", "no message has both labels and a month")
    months = months_between(present[0], present[-1])
    figure, grid = new_figure(figsize=_SIZE_IN, layout="constrained")
    axes = grid[0, 0]
    shaded = _shade(axes, months, found)
    most = _most(cells)
    for role, shift in zip(ROLES, (-0.06, 0.06), strict=True):
        _draw_role(axes, role, [found.get((month, role)) for month in months], shift, most)
    _draw_update(axes, months, published.get(UPDATE))
    _draw_scale(axes, months, most)
    handles, labels = axes.get_legend_handles_labels()
    if shaded:
        handles, labels = [*handles, Patch(color=_SHADE)], [*labels, "no GPT-4 conversation"]
    axes.legend(handles, labels, fontsize=7.5, frameon=False, loc="lower left",
                bbox_to_anchor=(-0.02, 1.0), ncol=3, columnspacing=1.2,
                handlelength=1.6)  # fmt: skip
    if "simulated" in {cell.route for cell in cells}:
        mark_simulated(figure)
    return figure


def _shade(axes: Axes, months: list[str], found: dict[tuple[str, str], Cell]) -> bool:
    """Shade the months without a GPT-4 conversation; say whether there are any.

    Where no model is recorded, or never GPT-4, nothing is known of its absence.
    """
    counts = [found.get((month, "gpt-4-conversations")) for month in months]
    known = [None if cell is None else cell.value for cell in counts]
    if not any(known):
        return False
    empty = [i for i, count in enumerate(known) if count == 0]
    for i in empty:
        axes.axvspan(i, i + 1, color=_SHADE, linewidth=0, zorder=0)
    return bool(empty)


def _most(cells: list[Cell]) -> float:
    """Return where longer intervals are cut, so that the others can be read."""
    shown = [cell for cell in cells if cell.column in ROLES and cell.value is not None]
    ends = [cell.ci_high if cell.ci_high is not None else float(cell.value or 0) for cell in shown]
    highest = max(float(cell.value or 0) for cell in shown)
    return min(max(ends), _CUT * highest) if highest > 0 else max(ends)


def _draw_role(axes: Axes, role: str, cells: list[Cell | None], shift: float, most: float) -> None:
    """Draw the line of a role; a point stands in the middle of its month.

    Months with few messages are hollow points beside the line; an interval that ends above
    `most` goes on as an arrow.
    """
    x = np.arange(len(cells)) + 0.5 + shift
    values = [[getattr(c, n) if c else None for c in cells] for n in ("value", "ci_low", "ci_high")]
    middle, low, high = (np.array(part, np.float64) for part in values)
    colour = ROLE_COLOURS[role]
    cut = high > most
    axes.vlines(x, low, np.minimum(high, most), color=colour, linewidth=1.1, alpha=0.75)
    axes.plot(x[cut], np.full(int(cut.sum()), most), "^", color=colour, markersize=3.5)
    few = np.array([cell is not None and (cell.n or 0) < _FEW for cell in cells])
    line = np.where(few, np.nan, middle)
    marker = _MARKERS[role]
    axes.plot(x, line, f"{marker}-", color=colour, markersize=3, linewidth=1.3, label=role)
    axes.plot(x[few], middle[few], marker, color=colour, markersize=3.2, markerfacecolor="white")


def _draw_update(axes: Axes, months: list[str], when: Value | None) -> None:
    if when is None:
        return
    day = date.fromisoformat(str(when))
    month = f"{day:%Y-%m}"
    if month not in months:
        return
    n_days = calendar.monthrange(day.year, day.month)[1]
    x = months.index(month) + (day.day - 0.5) / n_days
    axes.axvline(x, color=_FAINT, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    side, shift = ("left", 4) if x < 0.6 * len(months) else ("right", -4)
    label = f"model update,\n{day.day} {calendar.month_name[day.month]} {day.year}"
    axes.annotate(label, (x, 0.98), xytext=(shift, 0), xycoords=("data", "axes fraction"),
                  textcoords="offset points", va="top", ha=side, fontsize=7.5,
                  color=_FAINT)  # fmt: skip


def _draw_scale(axes: Axes, months: list[str], most: float) -> None:
    label_months(axes, months, 16)
    axes.set_ylim(0, 1.3 * most if most > 0 else 1.0)
    axes.set_ylabel("flagged messages (%)", fontsize=8)
    axes.tick_params(labelsize=7.5)
