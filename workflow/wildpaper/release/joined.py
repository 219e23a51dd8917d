"""Conversations with their messages, turns and labels, a bounded number at a time."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.schema import CONVERSATIONS, LABELS, REDACTED, TURNS, check_table

_BATCH_CONVERSATIONS = 1_000
_READ_ROWS = 2_000

_SECOND = {"turns": "turn"}  # the key's second column where it is not the position
_SCHEMAS = {
    "conversations": CONVERSATIONS,
    "redacted": REDACTED,
    "turns": TURNS,
    "language": LABELS["language"],
    "detoxify": LABELS["detoxify"],
    "moderation": LABELS["moderation"],
}
_AGAIN = "Delete these files and run again; the workflow writes them anew."


@dataclass(frozen=True, slots=True)
class Shards:
    """All shards of the tables that a release is made of, equally many of each."""

    conversations: list[Path]
    redacted: list[Path]
    turns: list[Path]
    language: list[Path]
    detoxify: list[Path]
    moderation: list[Path]

    def __post_init__(self) -> None:
        if len({len(getattr(self, field.name)) for field in fields(self)}) != 1:
            raise ValueError("equally many shards of each table")

    def n_conversations(self) -> int:
        """Return how many conversations the shards hold."""
        return sum(int(pq.read_metadata(path).num_rows) for path in self.conversations)


@dataclass(frozen=True, slots=True)
class Joined:
    """Some conversations in the order of their ids; the rows of the tables agree.

    Of each conversation, `turns` holds the turns, and `redacted` (the messages) and the
    labels hold two messages a turn, the user's and the reply.
    """

    conversations: pa.Table
    redacted: pa.Table
    turns: pa.Table
    language: pa.Table
    detoxify: pa.Table
    moderation: pa.Table


class _Cursor:
    """Reads one shard from its beginning to its end, by conversation id."""

    def __init__(self, path: Path, schema: pa.Schema, stack: ExitStack) -> None:
        self._path, self._schema = path, schema
        file = stack.enter_context(pq.ParquetFile(path))
        self._batches = file.iter_batches(batch_size=_READ_ROWS)
        self._rest: list[pa.Table] = []
        self._last = -1

    def before(self, stop: int) -> list[pa.Table]:
        """Return the rows not yet returned whose conversation id is below `stop`."""
        while self._last < stop:
            batch = next(self._batches, None)
            if batch is None:
                break
            table = check_table(pa.Table.from_batches([batch]), self._schema, self._path)
            ids = _ids(table)
            if len(ids) == 0:
                continue
            if ids[0] < self._last or np.any(np.diff(ids) < 0):
                raise WildpaperError(
                    "Rows are not in the order of conversation_id",
                    where=str(self._path),
                    hint=_AGAIN,
                )
            self._rest.append(table)
            self._last = int(ids[-1])
        cuts = [int(np.searchsorted(_ids(table), stop)) for table in self._rest]
        found = [table.slice(0, cut) for table, cut in zip(self._rest, cuts, strict=True)]
        left = [table.slice(cut) for table, cut in zip(self._rest, cuts, strict=True)]
        self._rest = [table for table in left if table.num_rows]
        return found

    def is_at_end(self) -> bool:
        """Say whether no row is left."""
        return not self._rest and next(self._batches, None) is None


def _ids(table: pa.Table) -> npt.NDArray[np.int64]:
    return np.asarray(table["conversation_id"].to_numpy(), dtype=np.int64)


def joined_batches(shards: Shards, ranges: list[range]) -> Iterator[tuple[int, Joined]]:
    """Yield (number of the range, conversations), ranges in turn, in bounded memory.

    Parameters
    ----------
    shards : Shards
        Rows in the order of (conversation_id, position).
    ranges : list of range
        Conversation ids, one range after the other, from 0 to the last.

    Raises
    ------
    WildpaperError
        If a conversation, message, turn or label is missing, doubled or too many; names
        the table.
    """
    with ExitStack() as stack:
        cursors = {
            name: [_Cursor(path, schema, stack) for path in getattr(shards, name)]
            for name, schema in _SCHEMAS.items()
        }
        for number, ids in enumerate(ranges):
            for first in range(ids.start, ids.stop, _BATCH_CONVERSATIONS):
                stop = min(first + _BATCH_CONVERSATIONS, ids.stop)
                tables = {name: _take(parts, name, stop) for name, parts in cursors.items()}
                yield number, _checked(tables, range(first, stop), shards)
        for name, parts in cursors.items():
            if not all(cursor.is_at_end() for cursor in parts):
                raise _broken(name, "rows of conversations that do not exist", shards)


def _take(cursors: list[_Cursor], name: str, stop: int) -> pa.Table:
    parts = [table for cursor in cursors for table in cursor.before(stop)]
    schema = _SCHEMAS[name]
    plain = pa.schema([(f.name, _plain(f.type)) for f in schema])
    table = pa.concat_tables([part.cast(plain) for part in parts] or [plain.empty_table()])
    keys = [_ids(table)]
    if name != "conversations":
        keys.insert(0, np.asarray(table[_SECOND.get(name, "position")].to_numpy()))
    return table.take(np.lexsort(keys)).combine_chunks()


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _checked(tables: dict[str, pa.Table], ids: range, shards: Shards) -> Joined:
    conversations = tables["conversations"]
    if not np.array_equal(_ids(conversations), np.arange(ids.start, ids.stop)):
        raise _broken("conversations", f"ids other than {ids.start} to {ids.stop - 1}", shards)
    n_turns = conversations["n_turns"].to_numpy().astype(np.int64)
    n_messages = conversations["n_messages"].to_numpy().astype(np.int64)
    if not np.array_equal(n_messages, 2 * n_turns):
        raise _broken("conversations", "turns that are not two messages", shards)
    for name, table in tables.items():
        if name == "conversations":
            continue
        second = _SECOND.get(name, "position")
        found = _ids(table), np.asarray(table[second].to_numpy(), dtype=np.int64)
        expected = _keys(_ids(conversations), n_turns if name == "turns" else n_messages)
        _compare(name, second, found, expected, shards)
    wanted = np.where(np.arange(tables["redacted"].num_rows) % 2, "assistant", "user")
    if tables["redacted"]["role"].to_pylist() != wanted.tolist():
        raise _broken("redacted", "roles other than user, assistant in turn", shards)
    return Joined(**tables)


_Keys = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def _keys(ids: npt.NDArray[np.int64], n: npt.NDArray[np.int64]) -> _Keys:
    """Return all keys of a table: of each conversation the numbers from 0 to n - 1."""
    first = np.repeat(np.cumsum(n) - n, n)
    return np.repeat(ids, n), np.arange(first.size, dtype=np.int64) - first


def _compare(name: str, second: str, found: _Keys, expected: _Keys, shards: Shards) -> None:
    n = min(found[0].size, expected[0].size)
    same = (found[0][:n] == expected[0][:n]) & (found[1][:n] == expected[1][:n])
    at = n if same.all() else int(np.argmin(same))
    if at == found[0].size == expected[0].size:
        return
    keys = list(zip(*(part[at - 1 : at + 1].tolist() for part in found), strict=True))
    if at and len(keys) == 2 and keys[0] == keys[1]:
        which, what = keys[0], "twice"
    elif at < expected[0].size and (at >= found[0].size or _after(found, expected, at)):
        which, what = (int(expected[0][at]), int(expected[1][at])), "not at all"
    else:
        which, what = (int(found[0][at]), int(found[1][at])), "but not among the messages"
    raise _broken(name, f"conversation {which[0]}, {second} {which[1]} {what}", shards)


def _after(found: _Keys, expected: _Keys, at: int) -> bool:
    """Say whether the key found lies after the one expected, which is then missing."""
    pairs = [(int(keys[0][at]), int(keys[1][at])) for keys in (found, expected)]
    return pairs[0] > pairs[1]


def _broken(name: str, what: str, shards: Shards) -> WildpaperError:
    tables = {name: name for name in ("conversations", "turns")} | {"redacted": "messages"}
    kind = tables.get(name, f"labels {name!r}")
    return WildpaperError(
        f"The {kind} of a release do not fit together: they hold {what}",
        where=", ".join(str(path) for path in getattr(shards, name)),
        hint=_AGAIN,
    )
