"""Figure of how much data: held-out loss by tokens, random subsets beside those by a rule."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wildpaper.long_table import Cell, read_long_table
from wildpaper.measure.data_size import ARTIFACT, LOSS
from wildpaper.present.blanks import draw_blank
from wildpaper.present.style import WIDTH_IN, mark_simulated, new_figure, save_figure

_LOOKS = {"random": ("random", "#3b6ea5", "o"), "rule": ("by rule", "#d08b2c", "s")}
_ALL = "rule-all"
_DIFFERENCE = "rule-minus-random-"
_SHIFT = 1.03
"""Two subsets of one size stand beside each other, apart by twice this factor's excess."""
_FAINT = "#444444"
_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))


def render_data_size(measured: Path, pdf: Path, png: Path) -> None:
    """Draw losses by size of the data and save them as PDF and PNG.

    Parameters
    ----------
    measured : Path
        Long table of `wildpaper.measure.data_size`.
    pdf, png : Path
        To write.
    """
    save_figure(draw_data_size(read_long_table(measured)), pdf, png)


def draw_data_size(cells: list[Cell]) -> Figure:
    """Return losses with 95 % intervals, and beside them what the rule gains at equal sizes."""
    found = {(cell.row, cell.column): cell for cell in cells}
    if not any(column == "n-tokens" for _, column in found):
        return draw_blank(ARTIFACT, "this run compared no sizes of training data")
    paired = [row for row, _ in found if row.startswith(_DIFFERENCE)]
    n_panels = 2 if paired else 1
    figure, grid = new_figure(
        1, n_panels, figsize=(WIDTH_IN, 2.9), layout="constrained",
        width_ratios=(3, 2)[:n_panels],
    )  # fmt: skip
    _draw_losses(grid[0, 0], found)
    for axes in grid[0, 1:]:
        _draw_differences(axes, found, paired)
    for axes in grid[0]:
        _draw_tokens(axes, found)
    if "simulated" in {cell.route for cell in cells}:
        mark_simulated(figure)
    return figure


def _draw_losses(axes: Axes, found: dict[tuple[str, str], Cell]) -> None:
    for selection, (label, colour, marker) in _LOOKS.items():
        rows = [
            row for row, column in found if column == "n-tokens" and row.startswith(f"{selection}-")
        ]
        if not rows:
            continue
        shift = _SHIFT if selection == "rule" else 1 / _SHIFT
        x = [_number(found[row, "n-tokens"]) * shift for row in rows]
        _draw_points(axes, x, [found[row, LOSS] for row in rows], label, colour, marker)
        if rows[-1] == _ALL:
            axes.plot(
                x[-1], _number(found[_ALL, LOSS]), marker, color=colour, markerfacecolor="white",
                markersize=4.5, label="all that the rule keeps",
            )  # fmt: skip
    axes.set_ylabel("loss on held-out replies\n(nats per token)", fontsize=8)
    axes.set_title("loss", loc="left")
    axes.legend(frameon=False, fontsize=8)


def _draw_differences(axes: Axes, found: dict[tuple[str, str], Cell], paired: list[str]) -> None:
    sizes = [row.removeprefix(_DIFFERENCE) for row in paired]
    x = [_number(found[f"random-{size}", "n-tokens"]) for size in sizes]
    axes.axhline(0, color=_FAINT, linewidth=0.8)
    _draw_points(axes, x, [found[row, LOSS] for row in paired], "", _FAINT, "D", line=False)
    axes.set_ylabel("rule minus random\n(below 0: the rule is better)", fontsize=8)
    axes.set_title("at equal numbers of tokens", loc="left")


def _draw_points(
    axes: Axes,
    x: list[float],
    cells: list[Cell],
    label: str,
    colour: str,
    marker: str,
    *,
    line: bool = True,
) -> None:
    y = [_number(cell) for cell in cells]
    for place, cell in zip(x, cells, strict=True):
        if cell.ci_low is not None and cell.ci_high is not None:
            axes.plot([place, place], [cell.ci_low, cell.ci_high], color=colour, linewidth=1.4)
    axes.plot(
        x, y, marker=marker, markersize=4.5, color=colour, linewidth=1.0 if line else 0,
        label=label,
    )  # fmt: skip


def _draw_tokens(axes: Axes, found: dict[tuple[str, str], Cell]) -> None:
    """Set the axis of tokens, with a tick at each random subset."""
    ticks = [
        _number(cell)
        for (row, column), cell in found.items()
        if column == "n-tokens" and row.startswith("random-")
    ]
    axes.set_xscale("log")
    axes.set_xlim(min(ticks) / 1.25, max(ticks) * 1.25)
    axes.set_xticks(ticks, [_short(tick) for tick in ticks])
    axes.minorticks_off()
    axes.tick_params(labelsize=8)
    axes.set_xlabel("training tokens, prompts included", fontsize=8)


def _short(n: float) -> str:
    """Return a number of tokens with three digits: 12.3k."""
    factor, letter = next(unit for unit in _UNITS if n >= unit[0])
    return f"{n / factor:.3g}{letter}"


def _number(cell: Cell) -> float:
    return float(cell.value or 0)
