"""Figure of message lengths: what lies behind mean and deviation in Table 1."""

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wildpaper.present.blanks import draw_blank
from wildpaper.present.style import (
    DATASET_COLOURS,
    WIDTH_IN,
    mark_simulated,
    new_figure,
    save_figure,
)

_COLUMNS = 3


def render_token_lengths(measured: Path, pdf: Path, png: Path, titles: dict[str, str]) -> None:
    """Draw message lengths and save them as PDF and PNG."""
    save_figure(draw_token_lengths(pd.read_csv(measured), titles), pdf, png)


def draw_token_lengths(lengths: pd.DataFrame, titles: dict[str, str] | None = None) -> Figure:
    """Return one panel a data set, in its colour: share of messages by length and role.

    Parameters
    ----------
    lengths : DataFrame
        Columns of `wildpaper.measure.token_lengths.COLUMNS`; bins double in width.
    titles : dict, optional
        {data set: title}.
    """
    if lengths.empty:
        return draw_blank("token-lengths", "the data sets of this run hold no message")
    names = list(dict.fromkeys(lengths["dataset"]))
    n_columns = min(len(names), _COLUMNS)
    n_rows = -(-len(names) // n_columns)
    figure, grid = new_figure(
        n_rows,
        n_columns,
        figsize=(WIDTH_IN, 2.1 * n_rows + 0.2),
        sharex=True,
        sharey=True,
        layout="constrained",
    )
    n_bins = _bin(int(lengths["low_tokens"].max())) + 1
    for axes, name in zip(grid.flat, names, strict=False):
        _draw_panel(axes, lengths[lengths["dataset"] == name], n_bins, DATASET_COLOURS[name])
        axes.set_title((titles or {}).get(name, name))
    for axes in list(grid.flat)[len(names) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("share of messages (%)")
    figure.supxlabel("length in Llama-2 tokens (bins double)", fontsize=9)
    grid[0, 0].set_ylim(0, 105 * lengths["share"].max())
    grid[0, 0].legend(frameon=False, fontsize=7, loc="upper left", title=None)
    if "simulated" in set(lengths["route"]):
        mark_simulated(figure)
    return figure


def _bin(low_tokens: int) -> int:
    """Return the number of a bin: 0 for no token, 1 for one token, then a step each doubling."""
    return 0 if low_tokens == 0 else int(low_tokens).bit_length()


def _draw_panel(axes: Axes, part: pd.DataFrame, n_bins: int, colour: str) -> None:
    """Draw users as a filled outline, chatbots as a dark line: told apart in grey, too."""
    for role in ("user", "chatbot"):
        shares = np.zeros(n_bins)
        own = part[part["role"] == role]
        shares[[_bin(low) for low in own["low_tokens"]]] = 100 * own["share"]
        edges = np.arange(n_bins + 1)
        if role == "user":
            axes.stairs(shares, edges, fill=True, alpha=0.55, color=colour, label=role)
        else:
            axes.stairs(shares, edges, color="#222222", label=role, linewidth=1.3)
    ticks = [b for b in range(n_bins + 1) if b in (0, 1) or b % 3 == 1]
    axes.set_xticks(ticks, [f"{0 if b == 0 else 2 ** (b - 1):,}" for b in ticks])
    axes.tick_params(labelsize=7)
    axes.set_xlim(0, n_bins)
    sns.despine(ax=axes)
