"""The messages of Open Assistant, hung up as trees: read flat or nested."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from wildpaper.ingest.json_items import Broken
from wildpaper.ingest.json_lines import iter_lines
from wildpaper.ingest.records import Message, Reject

_ROLES = {"prompter": "user", "assistant": "assistant"}
ORPHAN, CYCLE = "missing-parent", "cyclic-parent"

Key = str | tuple[int, int]
"""A message's id; where a nested one has none of its own, its line and place in it."""

Item = TypeVar("Item")
Fault = tuple[str, str]
"""Reason and detail."""


@dataclass(slots=True)
class Node:
    """One message of a tree; `fault` is why no conversation with it can be read.

    `recorded` holds those of the labels asked for whose keys the message has.
    """

    row: int
    parent: Key | None
    message: Message
    lang: str | None = None
    user: str | None = None
    rank: float | None = None
    deleted: bool = False
    dated: bool = True
    fault: Fault | None = None
    replies: list[Key] = field(default_factory=list)
    recorded: dict[str, Any] = field(default_factory=dict)


Nodes = dict[Key, Node]


def read_nodes(path: Path, labels: tuple[str, ...] = ()) -> tuple[Nodes, list[Reject]]:
    """Return the messages of a file, in its order, and the lines that are none.

    Parameters
    ----------
    path : Path
        JSON lines, plain or gzip-compressed. A line is a message that names its parent
        or, where it has an object `prompt`, a whole tree: messages with `replies`.
    labels : tuple of str
        Keys of messages whose values are kept as they are.

    Raises
    ------
    WildpaperError
        If the file holds no line of JSON.
    """
    nodes: Nodes = {}
    rejects = []
    for row, item in iter_lines(path, "OpenAssistant"):
        if isinstance(item, dict) and "prompt" in item and "message_id" not in item:
            _add_tree(nodes, row, item["prompt"], labels)
            continue
        fault = _add(nodes, row, item, labels)
        if fault is not None:
            rejects.append(Reject(path.name, row, *fault))
    return nodes, rejects


def link(nodes: Nodes) -> None:
    """Tell each message its replies, in the order of the file."""
    for key, node in nodes.items():
        if node.parent in nodes:
            nodes[node.parent].replies.append(key)


def preorder(
    root: Item, replies_of: Callable[[Item], list[Item]]
) -> Iterator[tuple[Item, int | None]]:
    """Yield (item, place of what it answers) of a tree, depth first; places count from 0."""
    stack: list[tuple[Item, int | None]] = [(root, None)]
    place = 0
    while stack:
        item, above = stack.pop()
        yield item, above
        stack.extend((reply, place) for reply in reversed(replies_of(item)))
        place += 1


def unreachable(nodes: Nodes) -> dict[Key, str]:
    """Return {key: why} of the messages from which no way leads up to a root."""
    known: dict[Key, str] = {}
    for start in nodes:
        trail: dict[Key, None] = {}
        key: Key | None = start
        while key in nodes and key not in known and key not in trail:
            trail[key] = None
            key = nodes[key].parent
        if key is None:
            verdict = ""
        elif key in known:
            verdict = known[key]
        else:
            verdict = CYCLE if key in trail else ORPHAN
        known.update(dict.fromkeys(trail, verdict))
    return {key: verdict for key, verdict in known.items() if verdict}


def remove_deleted(nodes: Nodes) -> int:
    """Remove the deleted messages with all that follows them; return how many go."""
    doomed = [key for key, node in nodes.items() if node.deleted]
    n_before = len(nodes)
    while doomed:
        node = nodes.pop(doomed.pop(), None)
        doomed.extend(node.replies if node else [])
    for node in nodes.values():
        node.replies = [key for key in node.replies if key in nodes]
    return n_before - len(nodes)


def _add(nodes: Nodes, row: int, item: Any, labels: tuple[str, ...]) -> Fault | None:
    """Hang one message up under its id; return why that is impossible, or None."""
    fault = _fault_of_id(nodes, item)
    if fault is not None:
        return fault
    parent = item.get("parent_id")
    if not (parent is None or isinstance(parent, str)):
        return "no-string-id", "message_id or parent_id"
    node = _node(row, parent, item, labels)
    missing = [key for key in ("parent_id", "text", "role") if key not in item]
    if missing:
        node.fault = "missing-field", f"row {row}: {', '.join(missing)}"
    nodes[item["message_id"]] = node
    return None


def _add_tree(nodes: Nodes, row: int, prompt: Any, labels: tuple[str, ...]) -> None:
    """Hang up all messages of a nested tree.

    A message that cannot be read stays in its place, so that no path ends before it.
    """
    keys: list[Key] = []
    for place, (item, above) in enumerate(preorder(prompt, _listed_replies)):
        where = f"row {row}, message {place} of the tree"
        fault = _fault_of_id(nodes, item)
        key: Key = (row, place) if fault else item["message_id"]
        raw = item if isinstance(item, dict) else {}
        stated = raw.get("parent_id")
        parent = stated if above is None else keys[above]
        missing = [name for name in ("text", "role") if name not in raw]
        if fault is not None:
            fault = fault[0], where
        elif not (stated is None or isinstance(stated, str)):
            fault, parent = ("no-string-id", where), None if above is None else parent
        elif above is not None and isinstance(parent, str) and stated not in (None, parent):
            fault = "contradictory-parent", where
        elif missing:
            fault = "missing-field", f"{where}: {', '.join(missing)}"
        elif not isinstance(raw.get("replies"), list | None):
            fault = "not-a-list", f"{where}: replies"
        nodes[key] = _node(row, parent, raw, labels)
        nodes[key].fault = fault
        keys.append(key)


def _listed_replies(item: Any) -> list[Any]:
    replies = item.get("replies") if isinstance(item, dict) else None
    return replies if isinstance(replies, list) else []


def _fault_of_id(nodes: Nodes, item: Any) -> Fault | None:
    """Return why an item cannot be hung up under its id, or None."""
    if isinstance(item, Broken):
        return item.reason, item.detail
    if item is None:
        return "null-message", ""
    if not isinstance(item, dict):
        return "not-a-record", f"a JSON {type(item).__name__}"
    name = item.get("message_id")
    if not isinstance(name, str):
        return ("missing-field" if name is None else "no-string-id"), "message_id or parent_id"
    if name in nodes:
        return "repeated-id", f"as in row {nodes[name].row}"
    return None


def _node(row: int, parent: Key | None, item: dict[str, Any], labels: tuple[str, ...]) -> Node:
    role, lang, user = item.get("role"), item.get("lang"), item.get("user_id")
    when, dated = _time(item.get("created_date"))
    rank = item.get("rank")
    return Node(
        row,
        parent,
        Message(_ROLES.get(role, role) if isinstance(role, str) else role, item.get("text"), when),
        lang=lang if isinstance(lang, str) else None,
        user=user if isinstance(user, str) and user else None,
        rank=rank if _is_number(rank) else None,
        deleted=item.get("deleted") is True,
        dated=dated,
        recorded={label: item[label] for label in labels if label in item},
    )


def _is_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and not math.isnan(value))


def _time(value: Any) -> tuple[datetime | None, bool]:
    """Return (time, whether the recorded one could be read); UTC where no zone is given."""
    if value is None:
        return None, True
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC), True
    except (TypeError, ValueError, OverflowError):
        return None, False
