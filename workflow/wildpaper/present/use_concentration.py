"""Share of all turns by share of users, the most active first."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from wildpaper.long_table import Cell, read_long_table
from wildpaper.measure.use_concentration import LORENZ, n_top
from wildpaper.present.blanks import draw_blank
from wildpaper.present.style import DATASET_COLOURS, mark_simulated, new_figure, save_figure

_ID = "use-concentration"
_SIZE_IN = (4.5, 2.9)
_TOP = "top-"
_GREY = "#666666"
_CHARACTER = 0.02
"""Width of a character of a label, as a part of the axes' width."""

_COLOUR = DATASET_COLOURS["wildchat"]


def render_concentration(measured: Path, pdf: Path, png: Path) -> None:
    """Draw how the turns are spread over the users and save it as PDF and PNG.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.use_concentration`.
    pdf, png : Path
        To write.
    """
    save_figure(draw_concentration(read_long_table(measured)), pdf, png)


def draw_concentration(cells: list[Cell]) -> Figure:
    """Return the curve, over a logarithmic scale of users, with the shares of the top users.

    Parameters
    ----------
    cells : list of Cell
        Of `wildpaper.measure.use_concentration`.
    """
    points = {int(cell.column): cell for cell in cells if cell.row == LORENZ}
    if not points:
        return draw_blank(_ID, "the release of this run does not tell users apart")
    found = {cell.column: cell for cell in cells if cell.row != LORENZ}
    n_users = int(found["users"].value or 0)
    figure, grid = new_figure(figsize=_SIZE_IN, layout="constrained")
    axes = grid[0, 0]
    x = [100 * n / n_users for n in points]
    axes.plot(x, [float(cell.value or 0) for cell in points.values()], color=_COLOUR,
              linewidth=1.8, marker="o" if n_users == 1 else "")  # fmt: skip
    alike = np.geomspace(min(x), 100, 200)
    axes.plot(alike, alike, color=_GREY, linewidth=0.9, linestyle=(0, (4, 2)),
              label="if all had equally many")  # fmt: skip
    marked = _mark_tops(axes, found, n_users)
    _draw_scale(axes, min([x[0] / 1.2, *marked]))
    title = f"{n_users:,} users; Gini coefficient of turns {float(found['gini'].value or 0):.3f}"
    axes.set_title(title, loc="left", fontsize=7.5, fontweight="normal")
    if "simulated" in {cell.route for cell in cells}:
        mark_simulated(figure)
    return figure


def _mark_tops(axes: Axes, found: dict[str, Cell], n_users: int) -> list[float]:
    """Draw points where the top users are and write what they have; return where labels begin."""
    tops: dict[int, list[str]] = {}
    for column in found:
        if column.startswith(_TOP):
            percent = column.removeprefix(_TOP)
            tops.setdefault(n_top(float(percent), n_users), []).append(percent)
    left = []
    for n, percents in tops.items():
        x, y = 100 * n / n_users, float(found[_TOP + percents[0]].value or 0)
        axes.plot(x, y, "o", color=_COLOUR, markersize=4.5, markeredgecolor="black",
                  markeredgewidth=0.7, zorder=4)  # fmt: skip
        label = f"top {', '.join(percents)} %:"
        axes.annotate(f"{label}\n{y:.1f} %", (x, y), xytext=(-5, 3), va="bottom", ha="right",
                      textcoords="offset points", fontsize=7.5)  # fmt: skip
        left.append(_room_for_label(x, _CHARACTER * (len(label) + 2)))
    return left


def _room_for_label(x: float, width: float) -> float:
    """Return where the scale must begin, so that a label fits to the left of a point at x."""
    return float(10 ** ((np.log10(x) - 2 * width) / (1 - width)))


def _draw_scale(axes: Axes, left: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(left, 100)
    axes.set_ylim(0, 103)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("users, the most active first (%)", fontsize=8)
    axes.set_ylabel("share of all turns (%)", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.legend(loc="upper left", fontsize=7.5, frameon=False)
