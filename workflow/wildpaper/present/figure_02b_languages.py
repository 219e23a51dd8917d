"""Figure 2b: the most frequent languages of WildChat's user messages."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wildpaper.annotate.names import NO_LANGUAGE
from wildpaper.long_table import Cell, read_long_table
from wildpaper.measure.figure_02b_languages import MINIMUM
from wildpaper.present.blanks import draw_blank
from wildpaper.present.style import DATASET_COLOURS, mark_simulated, new_figure, save_figure

N_SHOWN = 25
_WIDTH_IN, _BAR_IN = 5.0, 0.155
_LEFT = 0.7  # where bars begin, so that a single message is seen on a logarithmic scale
_BACKGROUND = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}
_PALE = "#b9cbe0"
_BLUE = DATASET_COLOURS["wildchat"]


def render_language_tail(measured: Path, pdf: Path, png: Path) -> None:
    """Draw the most frequent languages and save them as PDF and PNG.

    Parameters
    ----------
    measured : Path
        Long table of the measure stage.
    pdf, png : Path
        To write.
    """
    save_figure(draw_language_tail(read_long_table(measured)), pdf, png)


def draw_language_tail(cells: list[Cell]) -> Figure:
    """Return bars of user messages on a logarithmic scale, the most frequent language on top.

    Languages below the minimum from which a language counts are pale.

    Parameters
    ----------
    cells : list of Cell
        Of `wildpaper.measure.figure_02b_languages`.
    """
    counts = {cell.row: int(cell.value or 0) for cell in cells if cell.column == "messages"}
    shares = {cell.row: float(cell.value or 0) for cell in cells if cell.column == "percent"}
    minimum = next(int(cell.value or 0) for cell in cells if cell.claim == MINIMUM)
    n_without = counts.pop(NO_LANGUAGE, 0)
    if not counts:
        return draw_blank("figure-02b-languages", "no user message of this run has a language")
    shown = list(counts)[:N_SHOWN]
    figure, grid = new_figure(
        figsize=(_WIDTH_IN, 0.95 + _BAR_IN * len(shown)), layout="constrained"
    )
    axes = grid[0, 0]
    for i, name in enumerate(shown):
        colour = _BLUE if counts[name] >= minimum else _PALE
        axes.barh(i, counts[name] - _LEFT, left=_LEFT, color=colour, height=0.72)
        label = f"{counts[name]:,} ({_percent(shares[name])})"
        # beyond the line of the minimum, which would run through the label otherwise
        end = max(counts[name], minimum)
        axes.annotate(label, (end, i), xytext=(3, 0), textcoords="offset points",
                      va="center", fontsize=7, bbox=_BACKGROUND)  # fmt: skip
    _draw_scale(axes, shown, max(counts.values()), minimum)
    axes.set_title(_summary(counts, minimum, n_without), loc="left", fontsize=7.5,
                   fontweight="normal", linespacing=1.4)  # fmt: skip
    if "simulated" in {cell.route for cell in cells}:
        mark_simulated(figure)
    return figure


def _percent(share: float) -> str:
    return f"{share:.1f} %" if share >= 0.1 else f"{share:.2g} %"


def _draw_scale(axes: Axes, shown: list[str], largest: int, minimum: int) -> None:
    axes.set_xscale("log")
    axes.set_xlim(_LEFT, largest * (largest / _LEFT) ** 0.36)  # room for the counts
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_yticks(range(len(shown)), shown)
    axes.tick_params(axis="y", length=0, labelsize=7.5)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.minorticks_off()
    ticks = [10**power for power in range(len(str(largest)))]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_xlabel("user messages", fontsize=8)
    axes.axvline(minimum, color="#444444", linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)


def _summary(counts: dict[str, int], minimum: int, n_without: int) -> str:
    n_counted = sum(n >= minimum for n in counts.values())
    first = f"{n_counted} of {len(counts)} languages have {minimum:,} or more (dashed line)"
    if len(counts) > N_SHOWN:
        first += f"; the rarest {len(counts) - N_SHOWN} are not shown"
    second = f"\nwithout any language: {n_without:,} messages" if n_without else ""
    return first + second
