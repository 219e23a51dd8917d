"""Figure of the means of Table 1 with their intervals, beside the published values."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wildpaper.present.style import WIDTH_IN, mark_simulated, new_figure

_PANELS = {
    "turns-per-conversation": "turns per conversation",
    "user-tokens-mean": "user tokens",
    "chatbot-tokens-mean": "chatbot tokens",
}


def draw_intervals(table: pd.DataFrame, published: Mapping[str, float | str]) -> Figure:
    """Return one panel a mean: a line a data set, the published value as a cross.

    Parameters
    ----------
    table : DataFrame
        The long table of Table 1.
    published : mapping
        {claim id: published value}.
    """
    names = list(dict.fromkeys(table["row"]))
    figure, grid = new_figure(
        1, len(_PANELS), figsize=(WIDTH_IN, 1.1 + 0.3 * len(names)), sharey=True,
        layout="constrained",
    )  # fmt: skip
    for axes, (column, title) in zip(grid[0], _PANELS.items(), strict=True):
        part = table[table["column"] == column].set_index("row")
        for height, name in enumerate(reversed(names)):
            _draw_mean(axes, height, part.loc[name], published)
        axes.set_title(title)
        axes.set_yticks(range(len(names)), list(reversed(names)))
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.margins(x=0.15)
    grid[0, -1].legend(*_legend(), fontsize=7, frameon=False, loc="upper left",
                      bbox_to_anchor=(1.0, 1.0))  # fmt: skip
    if "simulated" in set(table["route"]):
        mark_simulated(figure)
    return figure


def _draw_mean(
    axes: Axes, height: int, row: "pd.Series[float]", published: Mapping[str, float | str]
) -> None:
    if pd.notna(row["ci_low"]):
        axes.plot([row["ci_low"], row["ci_high"]], [height, height], color="#3b6ea5", linewidth=2)
    axes.plot(row["value"], height, "o", color="#3b6ea5", markersize=4)
    printed = published.get(str(row["claim"]))
    if isinstance(printed, int | float):
        axes.plot(printed, height, "x", color="#a61a0d", markersize=6)


def _legend() -> tuple[list[plt.Line2D], list[str]]:
    handles = [
        plt.Line2D([], [], color="#3b6ea5", marker="o", markersize=4),
        plt.Line2D([], [], color="#a61a0d", marker="x", linestyle="none"),
    ]
    return handles, ["obtained, 95 %", "published"]
