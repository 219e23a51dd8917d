"""Figure of the training: loss by tokens seen, one colour a model."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wildpaper.present.blanks import draw_blank
from wildpaper.present.style import WIDTH_IN, mark_simulated, new_figure, save_figure

_COLOURS = ("#3b6ea5", "#d08b2c", "#4f8a5b", "#8a5a99")


def render_loss_curve(measured: Path, pdf: Path, png: Path) -> None:
    """Draw the course of the training and save it as PDF and PNG."""
    save_figure(draw_loss_curve(pd.read_csv(measured)), pdf, png)


def draw_loss_curve(losses: pd.DataFrame) -> Figure:
    """Return one line a model for the loss of its steps, and dots for held-out loss.

    Parameters
    ----------
    losses : DataFrame
        Columns of `wildpaper.measure.loss_curve.COLUMNS`.
    """
    if losses.empty:
        return draw_blank("loss-curve", "this run trained no model")
    figure, grid = new_figure(figsize=(WIDTH_IN, 2.9), layout="constrained")
    axes = grid[0, 0]
    scale, unit = (1e6, "million") if losses["n_tokens"].max() >= 2e6 else (1e3, "thousand")
    for i, (_, part) in enumerate(losses.groupby("model", sort=False)):
        _draw_model(axes, part, scale, _COLOURS[i % len(_COLOURS)])
    axes.set_xlabel(f"tokens seen, prompts included ({unit})")
    axes.set_ylabel("loss (nats per reply token)")
    axes.set_xlim(left=0)
    axes.legend(frameon=False, fontsize=8)
    if "simulated" in set(losses["route"]):
        mark_simulated(figure)
    return figure


def _draw_model(axes: Axes, part: pd.DataFrame, scale: float, colour: str) -> None:
    title = part["title"].iloc[0]
    training, held_out = (part[part["share"] == share] for share in ("training", "held-out"))
    axes.plot(
        training["n_tokens"] / scale, training["loss_nats"], color=colour, linewidth=1.2,
        label=f"{title}: training",
    )  # fmt: skip
    if len(held_out):
        axes.plot(
            held_out["n_tokens"] / scale, held_out["loss_nats"], "o", color=colour, markersize=5,
            markerfacecolor="white", clip_on=False, zorder=3, label=f"{title}: held out",
        )  # fmt: skip
