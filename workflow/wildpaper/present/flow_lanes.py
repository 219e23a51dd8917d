"""The ledger as lanes: one a data set, from what was read to what was kept."""

from dataclasses import dataclass, field
from typing import Any

RAWLOGS, RELEASED = "rawlogs", "wildchat"
MAX_REASONS = 14
"""More reasons than this at one stage are added up in one line, the rarest ones."""

_UNITS = ("call", "conversation", "message")


@dataclass(slots=True)
class Node:
    """A number of units that passed the stages named, none of which dropped any since."""

    n: int
    unit: str
    stages: list[str]
    others: list[tuple[int, str]] = field(default_factory=list)

    @property
    def counts(self) -> list[str]:
        """The numbers in its box, the main one first."""
        counts = [(self.n, self.unit), *self.others]
        return [f"{n:,} {unit}{'' if n == 1 else 's'}" for n, unit in counts]

    @property
    def caption(self) -> str:
        """What became of it: read, kept by which stages."""
        kept = " and ".join(stage for stage in self.stages if stage)
        if "" not in self.stages:
            return f"kept by {kept}" if kept else ""
        return f"read, all kept by {kept}" if kept else "read"


@dataclass(slots=True)
class Edge:
    """What lies between two nodes: a stage that dropped some, or a change of unit."""

    stage: str
    reasons: list[tuple[int, str]]
    title: str


@dataclass(slots=True)
class Lane:
    """The way of one data set: nodes, and an edge between each two."""

    title: str
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


def lanes_of(rows: list[dict[str, Any]], titles: dict[str, str]) -> list[Lane]:
    """Return the lanes of a ledger; raw logs and the release made of them share one.

    Tokens of the training are left to the table: they are no part of this flow.
    """
    rows = [row for row in rows if row["unit"] != "token"]
    of_lane = {RAWLOGS: RELEASED}
    names = [of_lane.get(row["dataset"], row["dataset"]) for row in rows]
    order = [name for name in titles if name in names]
    lanes = []
    for name in dict.fromkeys(order + names):
        own = [row for row, lane in zip(rows, names, strict=True) if lane == name]
        title = titles.get(name, name)
        if any(row["dataset"] == RAWLOGS for row in own):
            title += ", from raw logs"
        lanes.append(_lane(title, own))
    return lanes


def _lane(title: str, rows: list[dict[str, Any]]) -> Lane:
    lane = Lane(title)
    steps: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        unit = row["unit"] if row["dataset"] == RAWLOGS else ""
        steps.setdefault((row["stage"], row["dataset"], unit), []).append(row)
    for (stage, *_), members in steps.items():
        main, *others = sorted(members, key=lambda row: _UNITS.index(row["unit"]))
        _enter(lane, main)
        reasons = _reasons(main, "") + [
            reason for row in others for reason in _reasons(row, f" ({row['unit']}s)")
        ]
        also = [(row["kept"], row["unit"]) for row in others]
        if reasons:
            said = f"dropped by {stage}: {_share(main['in'] - main['kept'], main['in'])}"
            lane.edges.append(Edge(stage, reasons, said))
            lane.nodes.append(Node(main["kept"], main["unit"], [stage], also))
        else:
            lane.nodes[-1].stages.append(stage)
            lane.nodes[-1].others = also or lane.nodes[-1].others
    return lane


def _enter(lane: Lane, row: dict[str, Any]) -> None:
    """See that the last node is what a row took in; a change of unit gives a further one."""
    last = lane.nodes[-1] if lane.nodes else None
    if last is None:
        lane.nodes.append(Node(row["in"], row["unit"], [""]))
    elif (last.n, last.unit) != (row["in"], row["unit"]):
        verb = "joined into" if last.unit == "call" else "counted in"
        lane.edges.append(Edge("", [], f"{verb} {row['unit']}s"))
        lane.nodes.append(Node(row["in"], row["unit"], []))


def _reasons(row: dict[str, Any], suffix: str) -> list[tuple[int, str]]:
    listed = sorted(((n, reason) for reason, n in row["dropped"].items()), key=_most_first)
    shown, rest = listed[:MAX_REASONS], listed[MAX_REASONS:]
    if rest:
        shown.append((sum(n for n, _ in rest), f"{len(rest)} rarer reasons"))
    return [(n, reason + suffix) for n, reason in shown]


def _most_first(reason: tuple[int, str]) -> tuple[int, str]:
    return -reason[0], reason[1]


def _share(n: int, total: int) -> str:
    return f"{n:,} ({100 * n / total:.2g} %)" if 0 < n < total else f"{n:,}"
