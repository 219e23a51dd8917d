"""OpenAssistant: JSON lines of messages that form trees.

One path from the root of a tree to a leaf is read as one conversation.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wildpaper.ingest.json_array import Broken
from wildpaper.ingest.json_lines import iter_lines
from wildpaper.ingest.records import Conversation, Message, Records, Reject

_ROLES = {"prompter": "user", "assistant": "assistant"}
_REQUIRED = ("message_id", "parent_id", "text", "role")
_ORPHAN, _CYCLE = "missing-parent", "cyclic-parent"


@dataclass(slots=True)
class _Node:
    """One message of a tree; `fault` is why no path through it can be read."""

    row: int
    parent: str | None
    message: Message
    lang: str | None
    is_leaf: bool = True
    fault: tuple[str, str] | None = None
    dated: bool = True


def read_oasst(path: Path) -> Records:
    """Yield one conversation a path from root to leaf, in the order of the leaves.

    Paths of one tree repeat their common beginning. Deleted messages are kept. A path
    whose beginning is not in the file (an orphan) is quarantined as ``missing-parent``;
    so is each path through a message that cannot be read, with the reason, as a row of
    its own. The conversation's time is that of the leaf, its language the one recorded
    for the root (``"en"``); `source_id` is the id of the leaf.

    Parameters
    ----------
    path : Path
        Messages as OASST1 has them, plain or gzip-compressed JSON lines. The whole file
        is held in memory: children need not follow their parents.

    Raises
    ------
    WildpaperError
        If the file holds no line of JSON.
    """
    nodes: dict[str, _Node] = {}
    for row, item in iter_lines(path, "OpenAssistant"):
        fault = _add(nodes, row, item)
        if fault is not None:
            yield Reject(path.name, row, *fault)
    for node in nodes.values():
        if node.parent in nodes:
            nodes[node.parent].is_leaf = False
    lost = _unreachable(nodes)
    for name, node in nodes.items():
        if name in lost and (node.is_leaf or lost[name] == _CYCLE):
            yield Reject(path.name, node.row, lost[name])
        elif node.is_leaf and name not in lost:
            yield _path(path.name, name, nodes)


def _add(nodes: dict[str, _Node], row: int, item: Any) -> tuple[str, str] | None:
    """Hang one message up under its id; return why that is impossible, or None."""
    if isinstance(item, Broken):
        return item.reason, item.detail
    if item is None:
        return "null-message", ""
    if not isinstance(item, dict):
        return "not-a-record", f"a JSON {type(item).__name__}"
    name, parent = item.get("message_id"), item.get("parent_id")
    if not isinstance(name, str) or not (parent is None or isinstance(parent, str)):
        return ("missing-field" if name is None else "no-string-id"), "message_id or parent_id"
    if name in nodes:
        return "repeated-id", f"as in row {nodes[name].row}"
    role, lang = item.get("role"), item.get("lang")
    when, dated = _time(item.get("created_date"))
    message = Message(_ROLES.get(role, role) if isinstance(role, str) else role,
                      item.get("text"), when)  # fmt: skip
    node = _Node(row, parent, message, lang if isinstance(lang, str) else None, dated=dated)
    missing = [key for key in _REQUIRED if key not in item]
    if missing:
        node.fault = "missing-field", f"row {row}: {', '.join(missing)}"
    nodes[name] = node
    return None


def _time(value: Any) -> tuple[datetime | None, bool]:
    """Return (time, whether the recorded one could be read); UTC where no zone is given."""
    if value is None:
        return None, True
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC), True
    except (TypeError, ValueError, OverflowError):
        return None, False


def _unreachable(nodes: dict[str, _Node]) -> dict[str, str]:
    """Return {id: why} of the messages from which no way leads up to a root."""
    known: dict[str, str] = {}
    for start in nodes:
        trail: dict[str, None] = {}
        name: str | None = start
        while name in nodes and name not in known and name not in trail:
            trail[name] = None
            name = nodes[name].parent
        if name is None:
            verdict = ""
        elif name in known:
            verdict = known[name]
        else:
            verdict = _CYCLE if name in trail else _ORPHAN
        known.update(dict.fromkeys(trail, verdict))
    return {name: verdict for name, verdict in known.items() if verdict}


def _path(file: str, leaf: str, nodes: dict[str, _Node]) -> Conversation | Reject:
    """Return the conversation that ends with a leaf."""
    last, upward = nodes[leaf], []
    name: str | None = leaf
    while name is not None:
        upward.append(nodes[name])
        name = nodes[name].parent
    for node in reversed(upward):
        if node.fault is not None:
            return Reject(file, last.row, *node.fault)
    return Conversation(
        file,
        last.row,
        leaf,
        [node.message for node in reversed(upward)],
        language=upward[-1].lang,
        timestamp=last.message.timestamp,
        checks={} if all(node.dated for node in upward) else {"created_date": False},
    )
