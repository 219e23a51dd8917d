"""Figure 2a: conversations by number of turns."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wildpaper.long_table import Cell, read_long_table
from wildpaper.measure.figure_02a_turns import LONGEST_SHOWN, MORE
from wildpaper.present.blanks import draw_blank
from wildpaper.present.style import (
    DATASET_COLOURS,
    mark_simulated,
    new_figure,
    save_figure,
)
from wildpaper.publish.published import Value, load_published

_SIZE_IN = (4.5, 2.7)
_TAIL = "turns.more-than-10-share"
_IN_TEXT = (
    ("more than one turn: {:.1f} %", "multi-turn-share", "turns.multi-turn-share"),
    ("mean: {:.2f} turns", "mean", "turns.mean-text"),
)
_BLUE, _RED = DATASET_COLOURS["wildchat"], "#a61a0d"


def render_turns(measured: Path, published: Path, pdf: Path, png: Path) -> None:
    """Draw the distribution of turns and save it as PDF and PNG.

    Parameters
    ----------
    measured : Path
        Long table of the measure stage.
    published : Path
        ``data/published.yaml``.
    pdf, png : Path
        To write.
    """
    claims, _ = load_published(published)
    printed = {claim.id: claim.value for claim in claims}
    save_figure(draw_turns(read_long_table(measured), printed), pdf, png)


def draw_turns(cells: list[Cell], published: Mapping[str, Value]) -> Figure:
    """Return bars of shares with 95 % intervals, and the published share of the last one.

    Parameters
    ----------
    cells : list of Cell
        Of `wildpaper.measure.figure_02a_turns`.
    published : mapping
        {claim id: published value}.
    """
    found = {(cell.row, cell.column): cell for cell in cells}
    names = [name for name, column in found if column == "percent"]
    if not names or found[MORE, "percent"].value is None:
        return draw_blank("figure-02a-turns", "the release of this run holds no conversation")
    figure, grid = new_figure(figsize=_SIZE_IN, layout="constrained")
    axes = grid[0, 0]
    for i, name in enumerate(names):
        printed = published.get(_TAIL) if name == MORE else None
        _draw_bar(axes, i, found[name, "percent"], printed)
    labels = [f">{LONGEST_SHOWN}" if name == MORE else name for name in names]
    axes.set_xticks(range(len(names)), labels)
    axes.set_xlabel("turns in a conversation", fontsize=8)
    axes.set_ylabel("share of conversations (%)", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.margins(x=0.02, y=0.12)
    axes.set_ylim(bottom=0)
    axes.set_title(_summary(found, published), loc="left", fontsize=7.5, fontweight="normal",
                   linespacing=1.4)  # fmt: skip
    if "simulated" in {cell.route for cell in cells}:
        mark_simulated(figure)
    return figure


def _draw_bar(axes: Axes, position: int, cell: Cell, printed: Value | None) -> None:
    """Draw a bar, its interval, the published value if there is one, and the value above all."""
    value = float(cell.value or 0)
    top = max(value, cell.ci_high or 0)
    axes.bar(position, value, color=_BLUE, width=0.75, alpha=0.85)
    if cell.ci_low is not None and cell.ci_high is not None:
        axes.plot([position] * 2, [cell.ci_low, cell.ci_high], color="black", linewidth=0.9)
    if isinstance(printed, int | float):
        axes.plot(position, printed, "x", color=_RED, markersize=5, zorder=4)
        top = max(top, 1.25 * printed)
    axes.annotate(f"{value:.1f}", (position, top), xytext=(0, 2), textcoords="offset points",
                  ha="center", va="bottom", fontsize=7)  # fmt: skip


def _summary(found: dict[tuple[str, str], Cell], published: Mapping[str, Value]) -> str:
    """Return the numbers of the text and quantiles, in three lines."""
    lines = []
    for text, column, claim in _IN_TEXT:
        printed = f" (published {published[claim]})" if claim in published else ""
        lines.append(text.format(float(found["turns", column].value or 0)) + printed)
    quantile = {q: found["turns", f"quantile-{q}"].value for q in (50, 99, 100)}
    tail = f"; cross: published {published[_TAIL]} %" if _TAIL in published else ""
    lines.append(
        f"median {quantile[50]}, 99 % have up to {quantile[99]}, longest {quantile[100]}{tail}"
    )
    return "\n".join(lines)
