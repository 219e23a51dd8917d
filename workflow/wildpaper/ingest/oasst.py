"""Open Assistant: JSON lines of messages that form trees, read as conversations."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from wildpaper.ingest.oasst_trees import (
    CYCLE,
    Key,
    Node,
    Nodes,
    link,
    preorder,
    read_nodes,
    remove_deleted,
    unreachable,
)
from wildpaper.ingest.options import OasstOptions
from wildpaper.ingest.records import Conversation, Records, Reject, not_recorded

LABELS = ("detoxify",)
"""Labels that a message may record, under the key of that name."""

_DEFAULTS = OasstOptions()


def read_oasst(
    path: Path,
    options: OasstOptions = _DEFAULTS,
    left_out: Counter[str] | None = None,
    labels: tuple[str, ...] = (),
) -> Records:
    """Yield conversations: each path from root to leaf, the best path, or the whole tree.

    Paths come in the order of their leaves and repeat their common beginning, trees in the
    order of their roots. A path whose beginning is not in the file (an orphan) is
    quarantined as ``missing-parent``; so is each conversation with a message that cannot
    be read, with the reason, as a row of its own. A conversation's time is that of its
    leaf (of a tree the latest), its language the root's (``"en"``), its user the author
    of the root, so that paths of one tree have one user; `source_id` is the id of the leaf
    (of a tree the root).

    Parameters
    ----------
    path : Path
        Messages as OASST1 has them, or nested trees, plain or gzip-compressed JSON lines.
        The whole file is held in memory: replies need not follow what they answer.
    options : OasstOptions
        What a conversation is. The best path takes the reply with the lowest rank at each
        step, the first in the file where there is none. Deleted messages are kept or left
        out with all that follows; a tree whose root is deleted is quarantined as
        ``deleted``. Orphans can be taken for roots.
    left_out : Counter, optional
        Counts the messages that are left out, as ``deleted``.
    labels : tuple of str
        Of `LABELS`: what conversations shall carry in `recorded`.

    Raises
    ------
    WildpaperError
        If the file holds no line of JSON, or no message has the key of a label.
    """
    nodes, rejects = read_nodes(path, labels)
    for label in labels:
        if label not in LABELS or not any(label in node.recorded for node in nodes.values()):
            raise not_recorded(label, path)
    yield from rejects
    if options.orphans == "keep":
        for node in nodes.values():
            node.parent = node.parent if node.parent in nodes else None
    link(nodes)
    if options.deleted == "leave-out":
        gone = [node.row for node in nodes.values() if node.deleted and node.parent is None]
        yield from (Reject(path.name, row, "deleted") for row in gone)
        n_removed = remove_deleted(nodes)
        if left_out is not None and n_removed:
            left_out["deleted"] += n_removed
    lost = unreachable(nodes)
    last = set(_last_messages(nodes, options.conversation))
    for key, node in nodes.items():
        if key in lost:
            if lost[key] == CYCLE or _stands_for_lost(node, nodes, options.conversation):
                yield Reject(path.name, node.row, lost[key])
        elif key in last:
            members = _tree(key, nodes) if options.conversation == "tree" else _path(key, nodes)
            yield _conversation(path.name, key, nodes[key], members, labels)


def _last_messages(nodes: Nodes, conversation: str) -> Iterator[Key]:
    """Yield the message that each conversation is named by: its leaf, or a tree's root."""
    if conversation == "path":
        yield from (key for key, node in nodes.items() if not node.replies)
        return
    for root in [key for key, node in nodes.items() if node.parent is None]:
        key = root
        while conversation == "best-path" and nodes[key].replies:
            key = min(nodes[key].replies, key=lambda reply: _rank(nodes[reply]))
        yield key


def _rank(node: Node) -> float:
    return float("inf") if node.rank is None else node.rank


def _stands_for_lost(node: Node, nodes: Nodes, conversation: str) -> bool:
    """Say whether an orphaned message is counted: one row a conversation that is lost."""
    return not node.replies if conversation == "path" else node.parent not in nodes


def _path(leaf: Key, nodes: Nodes) -> list[Node]:
    upward = []
    key: Key | None = leaf
    while key is not None:
        upward.append(nodes[key])
        key = nodes[key].parent
    return upward[::-1]


def _tree(root: Key, nodes: Nodes) -> list[Node]:
    return [nodes[key] for key, _ in preorder(root, lambda key: nodes[key].replies)]


def _conversation(
    file: str, key: Key, named_by: Node, members: list[Node], labels: tuple[str, ...]
) -> Conversation | Reject:
    for node in members:
        if node.fault is not None:
            return Reject(file, named_by.row, *node.fault)
    messages = [node.message for node in members]
    when = named_by.message.timestamp
    if members[-1] is not named_by:  # a whole tree
        when = max((m.timestamp for m in messages if m.timestamp), default=None)
    return Conversation(
        file,
        named_by.row,
        str(key),
        messages,
        language=members[0].lang,
        user=members[0].user,
        timestamp=when,
        checks={} if all(node.dated for node in members) else {"created_date": False},
        recorded={label: [node.recorded.get(label) for node in members] for label in labels},
    )
