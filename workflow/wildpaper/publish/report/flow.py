"""The ledger as a drawing: what came in runs down, what was dropped turns off to the right.

Lengths are in pixels. All widths of one lane and unit share one scale, so that they can be
compared by eye; a change of unit starts a new scale.
"""

import textwrap
from dataclasses import dataclass, field
from typing import Any

from wildpaper.present.flow_lanes import Edge, Lane, Node, lanes_of

WIDTH = 340
_BAR, _TEXT = 100, 116
_COUNT = 52
_BAR_HEIGHT, _LINE, _WRAP = 18, 16, 30
_LEAST, _BEND = 1.0, 7.0
_STEP = 26


@dataclass(frozen=True, slots=True)
class Rect:
    """A bar, or the band between two bars: top left and top right, bottom left and right."""

    kind: str
    points: str


@dataclass(frozen=True, slots=True)
class Ribbon:
    """What was dropped for one reason: a line as wide as it is much."""

    path: str
    width: float


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text and where it stands."""

    kind: str
    x: float
    y: float
    text: str


@dataclass(slots=True)
class Drawing:
    """The drawing of one lane."""

    title: str
    label: str
    height: float = 0
    shapes: list[Rect] = field(default_factory=list)
    ribbons: list[Ribbon] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)


def draw_lanes(rows: list[dict[str, Any]], titles: dict[str, str]) -> list[Drawing]:
    """Return a drawing a data set.

    Parameters
    ----------
    rows : list of dict
        Rows of ``ledger.json``, in its order.
    titles : dict
        {data set: title}, in the order in which they stand.
    """
    return [_draw(lane) for lane in lanes_of(rows, titles)]


def _draw(lane: Lane) -> Drawing:
    drawing = Drawing(lane.title, _label(lane))
    full = _full_widths(lane)
    y = 4.0
    for i, node in enumerate(lane.nodes):
        width = _BAR * node.n / full[i] if full[i] else 0.0
        edge = lane.edges[i] if i < len(lane.edges) else None
        bottom = _node(drawing, node, y, width)
        if edge is None:
            y = bottom
            break
        after = lane.nodes[i + 1]
        kept = _BAR * after.n / full[i + 1] if full[i + 1] else 0.0
        y_next = _edge(drawing, edge, (y + _BAR_HEIGHT, bottom), width, kept)
        drawing.shapes.append(
            _band("kept", y + _BAR_HEIGHT, y_next, kept, kept)
            if edge.reasons
            else _band("joined", y + _BAR_HEIGHT, y_next, width, kept)
        )
        y = y_next
    drawing.height = y + 4
    return drawing


def _full_widths(lane: Lane) -> list[int]:
    """Return for each node the number that takes the whole width: the first of its unit."""
    full: list[int] = []
    for i, node in enumerate(lane.nodes):
        same = i > 0 and lane.nodes[i - 1].unit == node.unit and bool(lane.edges[i - 1].reasons)
        full.append(full[-1] if same else node.n)
    return full


def _node(drawing: Drawing, node: Node, y: float, width: float) -> float:
    """Draw a bar and what it counts; return where its text ends."""
    drawing.shapes.append(_band("bar", y, y + _BAR_HEIGHT, width, width))
    main, *others = node.counts
    line = y + 13
    for kind, text in [("count", main), *(("other", other) for other in others)]:
        drawing.texts.append(Text(kind, _TEXT, line, text))
        line += _LINE
    for text in textwrap.wrap(node.caption, _WRAP):
        drawing.texts.append(Text("caption", _TEXT, line, text))
        line += _LINE
    return max(y + _BAR_HEIGHT, line - 8)


def _edge(
    drawing: Drawing, edge: Edge, start: tuple[float, float], width: float, kept: float
) -> float:
    """Draw what lies between two bars; return where the next one starts.

    The reason written first turns off furthest to the right, so that no two ribbons cross.
    """
    below, y = start
    line = y + _LINE
    if edge.title:
        drawing.texts.append(Text("why" if edge.reasons else "caption", _TEXT, line, edge.title))
        line += _LINE
    total = sum(n for n, _ in edge.reasons)
    right = width
    for n, reason in edge.reasons:
        share = (width - kept) * n / total if total and width > kept else 0.0
        thick = max(_LEAST, share)
        line += max(0.0, (thick - _LINE) / 2)
        x = max(right - share / 2, _LEAST / 2)
        drawing.ribbons.append(Ribbon(_turn(x, below, line - 4, thick), thick))
        right -= share
        drawing.texts.append(Text("dropped", _TEXT + _COUNT - 8, line, f"{n:,}"))
        for text in textwrap.wrap(reason, _WRAP - 8) or [""]:
            drawing.texts.append(Text("reason", _TEXT + _COUNT, line, text))
            line += _LINE
        line += max(0.0, (thick - _LINE) / 2)
    return max(line, below + _STEP)


def _turn(x: float, top: float, y: float, thick: float) -> str:
    """Return the path of a ribbon: down from a bar, then right to its reason."""
    bend = min(max(_BEND, thick / 2), y - top, _TEXT - 2 - x)
    return (
        f"M{x:.2f} {top:.2f}V{y - bend:.2f}Q{x:.2f} {y:.2f} {x + bend:.2f} {y:.2f}H{_TEXT - 2:.2f}"
    )


def _band(kind: str, top: float, bottom: float, above: float, below: float) -> Rect:
    above, below = max(above, _LEAST), max(below, _LEAST)
    return Rect(kind, f"0,{top:.2f} {above:.2f},{top:.2f} {below:.2f},{bottom:.2f} 0,{bottom:.2f}")


def _label(lane: Lane) -> str:
    """Return in one sentence what a lane shows."""
    steps = [lane.nodes[0].counts[0] + " read"]
    for edge, node in zip(lane.edges, lane.nodes[1:], strict=True):
        steps.append(f"{edge.title}, leaving {node.counts[0]}")
    return f"{lane.title}: {'; '.join(steps)}. The table below has all reasons."
