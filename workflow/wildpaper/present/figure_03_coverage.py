"""Figure 3: the loss of a model of each data set on each, beside the published matrix."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from wildpaper.long_table import Cell, read_long_table
from wildpaper.measure.coverage.losses import ORDER
from wildpaper.measure.coverage.matrix import PUBLISHED
from wildpaper.present.blanks import draw_blank
from wildpaper.present.style import WIDTH_IN, mark_simulated, new_figure, save_figure
from wildpaper.publish.published import load_published

_COLOURS = "cividis_r"
"""Its brightness falls evenly, in grey print and for the colour-blind alike."""
_BRIGHT = 0.18
_FRAME: dict[str, Any] = {"edgecolor": "#d55e00", "linewidth": 1.8, "zorder": 3}

Floats = npt.NDArray[np.float64]


def render_coverage(
    measured: Path, published: Path, pdf: Path, png: Path, titles: dict[str, str]
) -> None:
    """Draw the figure and save it as PDF and PNG.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.coverage.matrix`.
    published : Path
        The published values.
    pdf, png : Path
        To write.
    titles : dict
        {data set: title}.
    """
    values = {claim.id: float(claim.value) for claim in load_published(published)[0]
              if claim.id.startswith("figure-03.")}  # fmt: skip
    printed = np.array([[values[f"figure-03.{a}.{b}"] for b in PUBLISHED] for a in PUBLISHED])
    save_figure(draw_coverage(read_long_table(measured), printed, titles), pdf, png)


def draw_coverage(cells: list[Cell], printed: Floats, titles: dict[str, str]) -> Figure:
    """Return the published matrix and ours, each on a colour scale of its own.

    Ours stands on the right, below the mark of simulated data. Cells are of one size.

    Parameters
    ----------
    cells : list of Cell
    printed : ndarray, shape (5, 5)
        The published values, rows and columns in the order of `PUBLISHED`.
    titles : dict
        {data set: title}.
    """
    found = {(cell.row, cell.column): cell.value for cell in cells}
    sets = [name for name in ORDER if (name, name) in found]
    if not sets:
        return draw_blank("figure-03-coverage", "no data set of this run has held-out prompts")
    ours = np.array([[_number(found.get((a, b))) for b in sets] for a in sets])
    figure, grid = new_figure(
        1, 2, figsize=(WIDTH_IN, 3.2), layout="constrained",
        width_ratios=[len(PUBLISHED), len(sets)],
    )  # fmt: skip
    most = max(len(PUBLISHED), len(sets))
    panels = (("published", PUBLISHED, printed), ("this run", sets, ours))
    for axes, (title, names, values) in zip(grid[0], panels, strict=True):
        _draw(axes, values, [titles.get(name, name) for name in names], most)
        axes.set_title(title)
    grid[0, 0].set_ylabel("trained on", fontsize=8)
    if any(cell.route == "simulated" for cell in cells):
        mark_simulated(figure)
    return figure


def _number(value: float | str | None) -> float:
    return math.nan if value is None else float(value)


def _draw(axes: Axes, values: Floats, labels: list[str], n_rows: int) -> None:
    """Draw a matrix from the top of axes that have room for so many rows."""
    known = values[~np.isnan(values)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    norm, colours = Normalize(low, high), colormaps[_COLOURS]
    axes.imshow(values, cmap=colours, norm=norm)
    for (i, j), value in np.ndenumerate(values):
        text = "--" if math.isnan(value) else f"{value:.2f}"
        bright = math.isnan(value) or brightness(colours(norm(value))) > _BRIGHT
        axes.text(j, i, text, ha="center", va="center", fontsize=7,
                  color="black" if bright else "white")  # fmt: skip
    for j, column in enumerate(values.T):
        if not np.isnan(column).all():
            corner = (j - 0.46, int(np.nanargmin(column)) - 0.46)
            axes.add_patch(Rectangle(corner, 0.92, 0.92, fill=False, **_FRAME))
    ticks = range(len(labels))
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(ticks, labels, rotation=40, ha="left", rotation_mode="anchor", fontsize=7)
    axes.set_yticks(ticks, labels, fontsize=7)
    borders = np.arange(1, len(labels)) - 0.5
    axes.hlines(borders, -0.5, len(labels) - 0.5, color="white", linewidth=0.8)
    axes.vlines(borders, -0.5, len(labels) - 0.5, color="white", linewidth=0.8)
    axes.set(ylim=(n_rows - 0.5, -0.5), anchor="N")
    axes.set_xlabel("evaluated on", fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def brightness(colour: tuple[float, float, float, float]) -> float:
    """Return the relative luminance of a colour (WCAG 2).

    Above 0.18 black text has the better contrast, below it white text.
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
