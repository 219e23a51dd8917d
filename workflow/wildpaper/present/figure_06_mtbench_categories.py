"""Figure 6: grades by category, as the paper's radar and as dots that can be read."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wildpaper.evaluate.questions import CATEGORIES
from wildpaper.long_table import Cell, read_long_table
from wildpaper.measure.mtbench.judged import STAND_IN_GRADE
from wildpaper.present.blanks import draw_blank
from wildpaper.present.style import WIDTH_IN, mark_simulated, save_figure, use_style

_ID = "figure-06-mtbench-categories"
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_SPREAD = 0.62
"""Share of the space of a category over which its models are spread."""


def render_categories(measured: Path, pdf: Path, png: Path, titles: dict[str, str]) -> None:
    """Draw the figure and save it as PDF and PNG.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.mtbench.categories`.
    pdf, png : Path
        To write.
    titles : dict
        {model: title}.
    """
    save_figure(draw_categories(read_long_table(measured), titles), pdf, png)


def draw_categories(cells: list[Cell], titles: dict[str, str]) -> Figure:
    """Return both panels: left the radar, right the same means with 95 % intervals.

    Parameters
    ----------
    cells : list of Cell
    titles : dict
        {model: title}.
    """
    found = {(cell.row, cell.column): cell for cell in cells if cell.value is not None}
    models = list(dict.fromkeys(row for row, _ in found))
    categories = [name for name in CATEGORIES if any((m, name) in found for m in models)]
    if not found:
        return draw_blank(_ID, "no answer of this run has a grade")
    use_style()
    figure = Figure(figsize=(WIDTH_IN, 3.6), layout="constrained")
    parts = figure.add_gridspec(1, 2, width_ratios=(1, 1.15))
    radar, dots = figure.add_subplot(parts[0], projection="polar"), figure.add_subplot(parts[1])
    for place, model in enumerate(models):
        own = [found.get((model, category)) for category in categories]
        style: dict[str, Any] = {"color": _COLOURS[place % 6], "marker": _MARKERS[place % 6]}
        _draw_radar(radar, own, style)
        shift = _SPREAD * ((place + 0.5) / len(models) - 0.5)
        _draw_dots(dots, own, shift, style, titles.get(model, model))
    stand_in = any(cell.unit == STAND_IN_GRADE for cell in cells)
    low, high = _span(list(found.values())) if stand_in else (1.0, 10.0)
    _finish_radar(radar, categories, high, stand_in)
    _finish_dots(dots, categories, (low, high))
    title = "likelihood stand-in, no measure of quality" if stand_in else "mean grade"
    dots.set_xlabel(title, fontsize=8)
    figure.legend(*dots.get_legend_handles_labels(), loc="outside lower center", ncols=3,
                  fontsize=7, frameon=False)  # fmt: skip
    if any(cell.route == "simulated" for cell in cells):
        mark_simulated(figure)
    return figure


def _draw_radar(axes: Axes, own: list[Cell | None], style: dict[str, Any]) -> None:
    values = np.array([math.nan if cell is None else float(cell.value or 0) for cell in own])
    angles = np.linspace(0, 2 * np.pi, len(own), endpoint=False)
    closed = np.append(angles, angles[0]), np.append(values, values[0])
    axes.plot(*closed, markersize=3, linewidth=1, **style)
    axes.fill(*closed, color=style["color"], alpha=0.08, linewidth=0)


def _draw_dots(
    axes: Axes, own: list[Cell | None], shift: float, style: dict[str, Any], label: str
) -> None:
    for height, cell in enumerate(own):
        if cell is None:
            continue
        y = height + shift
        if cell.ci_low is not None and cell.ci_high is not None:
            axes.plot([cell.ci_low, cell.ci_high], [y, y], color=style["color"], linewidth=1.2)
        axes.plot(float(cell.value or 0), y, markersize=4, linestyle="none", label=label, **style)
        label = "_"


def _span(cells: list[Cell]) -> tuple[float, float]:
    """Return the range of means and intervals."""
    ends = [float(end) for c in cells for end in (c.value, c.ci_low, c.ci_high) if end is not None]
    return min(ends), max(ends)


def _finish_radar(axes: Axes, categories: list[str], high: float, free: bool) -> None:
    """Label the radar; its rings are those of grades unless they are `free`."""
    angles = np.linspace(0, 2 * np.pi, len(categories), endpoint=False)
    axes.set_xticks(angles, categories, fontsize=7)
    axes.set_theta_offset(np.pi / 2)  # type: ignore[attr-defined]
    axes.set_theta_direction(-1)  # type: ignore[attr-defined]
    axes.set_ylim(0, high)
    if not free:
        axes.set_yticks([2, 4, 6, 8, 10])
    axes.tick_params(axis="y", labelsize=6, labelcolor="#555555")
    axes.tick_params(axis="x", pad=3)
    axes.set_rlabel_position(22.5)  # type: ignore[attr-defined]
    axes.spines["polar"].set_color("#bbbbbb")
    axes.grid(color="#dddddd")
    axes.set_title("as in the paper", pad=12)


def _finish_dots(axes: Axes, categories: list[str], span: tuple[float, float]) -> None:
    axes.set_yticks(range(len(categories)), categories, fontsize=7)
    axes.set_ylim(len(categories) - 0.5, -0.5)
    room = 0.03 * (span[1] - span[0]) or 0.1
    left, right = span[0] - room, span[1] + room
    axes.set_xlim(left, right)
    axes.tick_params(axis="x", labelsize=7)
    axes.hlines(np.arange(1, len(categories)) - 0.5, left, right, color="#e5e5e5", linewidth=0.6)
    axes.set_title("with 95 % intervals")
