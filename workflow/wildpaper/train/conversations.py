"""Read conversations back from shards, in the order of the source."""

import datetime
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.train.exchange import Message

_BATCH_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation with its messages."""

    conversation_id: int
    timestamp: datetime.datetime | None
    language: str | None
    toxic: bool | None
    messages: list[Message]


def count_conversations(conversations: list[Path]) -> int:
    """Return the number of conversations in all shards."""
    return sum(int(pq.read_metadata(path).num_rows) for path in conversations)


def count_unjudged(conversations: list[Path]) -> int:
    """Return the number of conversations that are recorded neither as toxic nor as not."""
    columns = (pq.read_table(path, columns=["toxic"])["toxic"] for path in conversations)
    return sum(int(column.null_count) for column in columns)


def read_conversations(conversations: list[Path], messages: list[Path]) -> Iterator[Conversation]:
    """Yield conversations by ascending id, whatever shard they are in.

    Parameters
    ----------
    conversations, messages : list of Path
        Shards of ingest in the same order, each sorted by its key.

    Raises
    ------
    WildpaperError
        If a shard is not sorted, or its messages belong to other conversations.
    """
    shards = [_read_shard(c, m) for c, m in zip(conversations, messages, strict=True)]
    return heapq.merge(*shards, key=lambda conversation: conversation.conversation_id)


def _read_shard(conversations: Path, messages: Path) -> Iterator[Conversation]:
    grouped = groupby(
        _rows(messages, ["conversation_id", "position", "role", "text"]), lambda row: row[0]
    )
    last = -1
    for number, timestamp, language, toxic in _rows(
        conversations, ["conversation_id", "timestamp", "language", "toxic"]
    ):
        found, rows = next(grouped, (None, iter(())))
        listed = list(rows)
        positions = [position for _, position, _, _ in listed]
        if found != number or number <= last or positions != list(range(len(listed))):
            raise WildpaperError(
                f"Conversation {number} and its messages do not stand in order",
                where=f"{conversations}, {messages}",
                hint="Delete both files and run again; the workflow writes them anew.",
            )
        last = number
        spoken = [(role, text) for _, _, role, text in listed]
        yield Conversation(number, timestamp, language, toxic, spoken)
    if next(grouped, None) is not None:
        raise WildpaperError(
            "There are messages without a conversation",
            where=f"{conversations}, {messages}",
            hint="Delete both files and run again; the workflow writes them anew.",
        )


def _rows(path: Path, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    for batch in pq.ParquetFile(path).iter_batches(batch_size=_BATCH_ROWS, columns=columns):
        yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
