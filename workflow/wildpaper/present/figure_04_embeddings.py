"""Figure 4: first prompts in the plane, a panel for each data set."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from wildpaper.measure.embeddings import WILDCHAT
from wildpaper.present.blanks import draw_blank
from wildpaper.present.style import (
    DATASET_COLOURS,
    DATASET_MARKERS,
    WIDTH_IN,
    mark_simulated,
    new_figure,
    save_figure,
)

_COLUMNS = 3
_GROUND = "#d3dce5"
_FRAME = "#bbbbbb"
_EDGE = 0.6
_LARGEST, _SMALLEST, _SHAPED = 11.0, 0.7, 4.0
_ALL_IN_ALL = 3_000.0


def render_layout(measured: Path, pdf: Path, png: Path, titles: dict[str, str]) -> None:
    """Draw embedded prompts and save them as PDF and PNG.

    Parameters
    ----------
    measured : Path
        Table of `wildpaper.measure.figure_04_layout`.
    pdf, png : Path
        To write.
    titles : dict
        {data set: title}.
    """
    save_figure(draw_layout(pd.read_csv(measured), titles), pdf, png)


def draw_layout(points: pd.DataFrame, titles: dict[str, str]) -> Figure:
    """Return a panel for WildChat and one for each other data set, over WildChat's prompts.

    All panels have the same axes, which have no ticks: distances of t-SNE mean nothing.
    Points are drawn as pixels in the PDF too, so that many of them make no large file.

    Parameters
    ----------
    points : DataFrame
        Columns dataset, x, y, route; a row a prompt.
    titles : dict
        {data set: title}.
    """
    sets = {str(name): part for name, part in points.groupby("dataset", sort=False)}
    ground = sets.pop(WILDCHAT, None)
    if ground is None or not sets:
        reason = "too few first prompts, or no data set that WildChat is compared with"
        return draw_blank("figure-04-embeddings", reason)
    panels = {WILDCHAT: ground} | sets
    n_columns = min(len(panels), _COLUMNS)
    n_rows = -(-len(panels) // n_columns)
    width = WIDTH_IN * n_columns / _COLUMNS
    height = (width / n_columns + 0.22) * n_rows + 0.35
    figure, grid = new_figure(n_rows, n_columns, figsize=(width, height), layout="constrained")
    low, high = points[["x", "y"]].min(), points[["x", "y"]].max()
    middle, half = (low + high) / 2, 0.52 * max((high - low).max(), 1e-9)
    for axes, (name, part) in zip(grid.flat, panels.items(), strict=False):
        _draw_panel(axes, name, part, ground)
        axes.set(xlim=(middle["x"] - half, middle["x"] + half), box_aspect=1)
        axes.set(ylim=(middle["y"] - half, middle["y"] + half))
        axes.set_title(f"{titles.get(name, name)}\nn = {len(part):,}", fontsize=8)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    dot = Line2D([], [], color=_GROUND, marker="o", linestyle="none", markersize=5)
    label = f"behind the other data sets: {titles.get(WILDCHAT, WILDCHAT)}"
    figure.legend([dot], [label], loc="outside lower center", fontsize=8, frameon=False)
    if "simulated" in set(points["route"]):
        mark_simulated(figure)
    return figure


def _draw_panel(axes: Axes, name: str, part: pd.DataFrame, ground: pd.DataFrame) -> None:
    """Draw a data set over the pale ground; few points as its markers, many as dots."""
    options: dict[str, Any] = {"rasterized": True, "linewidths": 0}
    if name != WILDCHAT:
        axes.scatter(ground["x"], ground["y"], s=_area(len(ground)), color=_GROUND, **options)
    area, colour = _area(len(part)), DATASET_COLOURS.get(name, "#333333")
    if area < _SHAPED:
        options |= {"marker": "o", "alpha": 0.7}
    else:
        edge = tuple(_EDGE * channel for channel in to_rgb(colour))
        options |= {"edgecolors": [edge], "linewidths": 0.3}
        options["marker"] = DATASET_MARKERS.get(name, "o")
    axes.scatter(part["x"], part["y"], s=area, color=colour, **options)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=_FRAME, linewidth=0.6)


def _area(n_points: int) -> float:
    """Return the area of a marker in square points: the more there are, the smaller."""
    return max(_SMALLEST, min(_LARGEST, _ALL_IN_ALL / n_points))
