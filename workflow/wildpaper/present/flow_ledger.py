"""Figure of the ledger: what each stage took, kept and dropped, and why.

Everything is laid out in inches from the top left corner, so that the height of the
figure follows from the number of reasons and nothing overlaps.
"""

import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from wildpaper.files import read_json
from wildpaper.present.blanks import draw_blank
from wildpaper.present.flow_lanes import Edge, Lane, Node, lanes_of
from wildpaper.present.style import WIDTH_IN, mark_simulated, new_figure, save_figure
from wildpaper.releases import read_releases, route_of

_LINE_IN = 0.118
_FONT, _SMALL = 7, 6.5
_BLUE, _PALE, _RED, _GREY = "#3b6ea5", "#e9f0f7", "#a4442a", "#666666"
# lanes drawn downwards: boxes at the left, reasons at the right
_BOX_LEFT, _BOX_WIDTH, _LIST_LEFT, _WRAP = 0.15, 2.95, 3.4, 38
# lanes of at most one step: box, reasons, box
_SECOND_LEFT, _SHORT_WIDTH, _SHORT_LIST_LEFT, _SHORT_WRAP = 4.6, 1.75, 2.1, 30
_COUNT_WIDTH = 0.62
# many short reasons stand in two columns
_MANY, _COLUMN_IN, _COLUMN_WRAP = 6, 1.55, 16
_TITLE_IN, _GAP_IN = 0.17, 0.1
_TITLE_WIDTH = 1.75
_FAINT: dict[str, Any] = {"colour": _GREY, "size": _SMALL}


def render_flow(
    ledger: Path, acquired: list[Path], pdf: Path, png: Path, titles: dict[str, str]
) -> None:
    """Draw the ledger of a run and save it as PDF and PNG.

    Parameters
    ----------
    ledger : Path
        ``ledger.json``.
    acquired : list of Path
        ``acquired.json`` of each data set: whether it is simulated.
    pdf, png : Path
        To write.
    titles : dict
        {data set: title}, in the order in which they are drawn.
    """
    simulated = route_of(read_releases(acquired).values()) == "simulated"
    save_figure(draw_flow(read_json(ledger), titles, simulated=simulated), pdf, png)


def draw_flow(
    rows: list[dict[str, Any]], titles: dict[str, str] | None = None, *, simulated: bool = False
) -> Figure:
    """Return the figure: a lane a data set, kept in boxes, dropped beside them by reason.

    Parameters
    ----------
    rows : list of dict
        Rows of ``ledger.json``, in its order.
    titles : dict, optional
        See `render_flow`.
    simulated : bool
        Whether to mark the figure.
    """
    lanes = lanes_of(rows, titles or {})
    if not lanes:
        return draw_blank("flow-ledger", "this run read no data set")
    top = 0.3 if simulated else 0.05
    height = top + sum(_lane_height(lane) for lane in lanes)
    figure, grid = new_figure(figsize=(WIDTH_IN, height))
    axes = grid[0, 0]
    axes.set_position((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH_IN), ylim=(height, 0))
    axes.axis("off")
    # an invisible frame: the saved figure has the width of the page, whatever is in it
    axes.add_patch(Rectangle((0, 0), WIDTH_IN, height, facecolor="none", edgecolor="none"))
    for lane in lanes:
        draw = (_draw_single, _draw_short, _draw_long)[min(len(lane.edges), 2)]
        title = top + (0.08 if lane.edges else _box_height(lane.nodes[0]) / 2)
        _write(axes, 0, title, [lane.title], size=8, weight="bold")
        draw(axes, lane, top)
        top += _lane_height(lane)
    if simulated:
        mark_simulated(figure)
    return figure


# ---------------------------------------------------------------- heights
def _box_height(node: Node) -> float:
    return 0.08 + _LINE_IN * len(node.counts)


def _list_height(edge: Edge, wrap: int) -> float:
    columns = _columns(edge, wrap)
    n_lines = max(sum(len(lines) for _, lines in column) for column in columns)
    return _LINE_IN * (1 + n_lines)


def _columns(edge: Edge, wrap: int) -> list[list[tuple[int, list[str]]]]:
    """Return the reasons with their lines, in two columns if they are many and short."""
    listed = [(n, textwrap.wrap(reason, wrap) or [""]) for n, reason in edge.reasons]
    short = all(len(reason) <= _COLUMN_WRAP for _, reason in edge.reasons)
    if wrap == _WRAP and short and len(listed) >= _MANY:
        half = -(-len(listed) // 2)
        return [listed[:half], listed[half:]]
    return [listed]


def _edge_height(edge: Edge) -> float:
    return max(0.26, _list_height(edge, _WRAP) + 0.08)


def _lane_height(lane: Lane) -> float:
    boxes = [_box_height(node) for node in lane.nodes]
    if not lane.edges:
        return sum(boxes) + _GAP_IN
    if len(lane.edges) > 1:
        return _TITLE_IN + sum(boxes) + sum(_edge_height(edge) for edge in lane.edges) + _GAP_IN
    listed = 0.12 + _list_height(lane.edges[0], _SHORT_WRAP)
    return _TITLE_IN + max(_LINE_IN + max(boxes), listed) + _GAP_IN


# ---------------------------------------------------------------- drawing
def _draw_long(axes: Axes, lane: Lane, top: float) -> None:
    """Draw a lane downwards, what is dropped to the right."""
    y, middle = top + _TITLE_IN, _BOX_LEFT + 0.4
    for node, edge in zip(lane.nodes, [*lane.edges, None], strict=True):
        _box(axes, node, _BOX_LEFT, y, _BOX_WIDTH)
        y += _box_height(node)
        if edge is None:
            return
        bottom = y + _edge_height(edge)
        _arrow(axes, (middle, y), (middle, bottom), _BLUE)
        centre = (y + bottom) / 2
        if edge.reasons:
            _arrow(axes, (middle, centre), (_LIST_LEFT, centre), _RED)
            _list(axes, edge, _LIST_LEFT, centre - _list_height(edge, _WRAP) / 2, _WRAP)
        else:
            _write(axes, middle + 0.1, centre, [edge.title], **_FAINT)
        y = bottom


def _draw_short(axes: Axes, lane: Lane, top: float) -> None:
    """Draw a lane of one step from left to right, what is dropped in between."""
    y, edge = top + _TITLE_IN, lane.edges[0]
    for left, node in zip((_BOX_LEFT, _SECOND_LEFT), lane.nodes, strict=True):
        _box(axes, node, left, y, _SHORT_WIDTH, caption_below=True)
    start, line = _BOX_LEFT + _SHORT_WIDTH, y + 0.08
    _arrow(axes, (start, line), (_SECOND_LEFT, line), _BLUE)
    if edge.reasons:
        _list(axes, edge, _SHORT_LIST_LEFT, y + 0.12, _SHORT_WRAP)
    else:
        _write(axes, start + 0.2, line + 0.1, [edge.title], **_FAINT)


def _draw_single(axes: Axes, lane: Lane, top: float) -> None:
    """Draw a lane in which nothing was dropped, beside its title."""
    _box(axes, lane.nodes[0], _TITLE_WIDTH, top, _BOX_WIDTH)


def _box(
    axes: Axes, node: Node, x: float, y: float, width: float, *, caption_below: bool = False
) -> None:
    """Draw a node; its caption stands at the right of the first number, or below the box."""
    height = _box_height(node)
    style = "round,pad=0,rounding_size=0.04"
    axes.add_patch(
        FancyBboxPatch((x, y), width, height, style, facecolor=_PALE, edgecolor=_BLUE, lw=0.8)
    )
    first = y + 0.04 + _LINE_IN / 2
    main, *others = node.counts
    _write(axes, x + 0.08, first, [main], weight="bold")
    _write(axes, x + 0.08, first + _LINE_IN, others)
    if caption_below:
        _write(axes, x + 0.08, y + height + _LINE_IN / 2 + 0.02, [node.caption], **_FAINT)
    else:
        _write(axes, x + width - 0.08, first, [node.caption], align="right", **_FAINT)


def _list(axes: Axes, edge: Edge, x: float, y: float, wrap: int) -> None:
    """Write the reasons below one another, beside a line that holds them together."""
    axes.plot([x, x], [y, y + _list_height(edge, wrap)], color=_RED, lw=0.8)
    _write(axes, x + 0.06, y + _LINE_IN / 2, [edge.title], colour=_RED, size=_SMALL)
    for column in _columns(edge, wrap):
        line = y + 1.5 * _LINE_IN
        for n, lines in column:
            count = x + _COUNT_WIDTH
            _write(axes, count, line, [f"{n:,}"], colour=_RED, align="right")
            _write(axes, count + 0.06, line, lines)
            line += _LINE_IN * len(lines)
        x += _COLUMN_IN


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    look = {"arrowstyle": "-|>", "color": colour, "lw": 0.9, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=look)


def _write(
    axes: Axes,
    x: float,
    y: float,
    lines: Iterable[str],
    *,
    colour: str = "black",
    size: float = _FONT,
    weight: str = "normal",
    align: str = "left",
) -> None:
    """Write lines below one another, the first one centred on `y`."""
    look: dict[str, Any] = {"color": colour, "fontsize": size, "fontweight": weight, "ha": align}
    for i, line in enumerate(lines):
        axes.text(x, y + _LINE_IN * i, line, va="center", **look)
