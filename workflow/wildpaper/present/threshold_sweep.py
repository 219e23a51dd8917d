"""Figure of the share of messages above each threshold of Detoxify."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wildpaper.config import DATASETS
from wildpaper.long_table import Cell, read_long_table
from wildpaper.measure.toxicity.judged import ROLES
from wildpaper.measure.toxicity.threshold_sweep import ARTIFACT, THRESHOLDS
from wildpaper.present.blanks import draw_blank
from wildpaper.present.style import (
    DATASET_COLOURS,
    DATASET_MARKERS,
    WIDTH_IN,
    mark_simulated,
    new_figure,
    save_figure,
)

_HEIGHT_IN = 3.1
_MARKED_EVERY = 14
"""Thresholds between the markers of a line; each data set begins with another one."""
_TICKS = (0.001, 0.01, 0.1, 1, 10, 100)
_FAINT = "#444444"


def render_threshold_sweep(
    measured: Path, pdf: Path, png: Path, titles: dict[str, str], threshold: float
) -> None:
    """Draw shares by threshold and save them as PDF and PNG.

    Parameters
    ----------
    measured : Path
        Long table of the measure stage.
    pdf, png : Path
        To write.
    titles : dict
        {data set: title}.
    threshold : float
        The one of the other tables, which is marked.
    """
    save_figure(draw_threshold_sweep(read_long_table(measured), titles, threshold), pdf, png)


def draw_threshold_sweep(cells: list[Cell], titles: dict[str, str], threshold: float) -> Figure:
    """Return a panel a role, in it a line a data set with its 95 % band, on a log scale.

    A line ends where no message exceeds the threshold.

    Parameters
    ----------
    cells : list of Cell
        Of `wildpaper.measure.toxicity.threshold_sweep`.
    titles, threshold
        See `render_threshold_sweep`.
    """
    found = {(cell.row, cell.column): cell for cell in cells}
    if not any(cell.value for cell in cells):
        return draw_blank(ARTIFACT, "no message of this run has a toxicity above 0.01")
    figure, grid = new_figure(
        1, len(ROLES), figsize=(WIDTH_IN, _HEIGHT_IN), sharex=True, sharey=True,
        layout="constrained",
    )  # fmt: skip
    for axes, role in zip(grid[0], ROLES, strict=True):
        for i, name in enumerate(DATASETS):
            line = [found.get((f"{name} {role}", str(t))) for t in THRESHOLDS]
            _draw_line(axes, name, line, titles.get(name, name), 2 * i)
        axes.axvline(threshold, color=_FAINT, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
        axes.set_title(f"{role} messages")
        axes.set_xlabel("Detoxify toxicity above", fontsize=8)
        axes.tick_params(labelsize=7.5)
    _draw_scale(grid[0, 0], cells, threshold)
    handles = {
        label: handle
        for axes in grid[0]
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles, loc="outside lower center", ncol=min(len(handles), 6),
                  fontsize=7.5, frameon=False, columnspacing=1.2, handlelength=2.2)  # fmt: skip
    if "simulated" in {cell.route for cell in cells}:
        mark_simulated(figure)
    return figure


def _draw_line(
    axes: Axes, name: str, line: list[Cell | None], title: str, first_marker: int
) -> None:
    parts = [[getattr(c, n) if c else None for c in line] for n in ("value", "ci_low", "ci_high")]
    middle, low, high = (np.array(part, np.float64) for part in parts)
    seen = middle > 0
    if not seen.any():
        return
    colour = DATASET_COLOURS[name]
    x = np.array(THRESHOLDS)[seen]
    lowest = min(_TICKS) / 100
    axes.fill_between(x, np.maximum(low[seen], lowest), high[seen], color=colour, alpha=0.13,
                      linewidth=0)  # fmt: skip
    axes.plot(x, middle[seen], color=colour, linewidth=1.2, marker=DATASET_MARKERS[name],
              markersize=3.4, markevery=(first_marker, _MARKED_EVERY), label=title)  # fmt: skip


def _draw_scale(axes: Axes, cells: list[Cell], threshold: float) -> None:
    """Set the axes that the panels share, so that the smallest share is seen."""
    shares = [float(cell.value) for cell in cells if cell.value]
    axes.set_yscale("log")
    axes.set_ylim(min(shares) / 1.6, min(max(shares) * 1.8, 130))
    low, high = axes.get_ylim()
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    axes.set_ylabel("share of messages (%)", fontsize=8)
    axes.annotate(f"{threshold:g}", (threshold, 0.99), xytext=(3, 0),
                  xycoords=("data", "axes fraction"), textcoords="offset points", va="top",
                  fontsize=7.5, color=_FAINT)  # fmt: skip
