"""Write linked conversations: columns from the database, texts from the logs."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from wildpaper.ingest.writer import ShardWriter
from wildpaper.progress import Progress
from wildpaper.release.linking.link_database import Database
from wildpaper.release.linking.link_texts import Texts, Turn
from wildpaper.release.linking.linked_rows import LinkedRows

_TURNS = (
    "SELECT h.conversation, h.n_calls - 1 - m.back AS turn, r.file, r.place, r.size, r.current,"
    " r.time_us, r.address, r.model, r.user_agent, r.accept_language FROM members m"
    " JOIN chains h ON h.leaf = m.leaf JOIN calls c ON c.n = m.n"
    " JOIN runs r ON r.file = c.file AND r.line = c.line"
    " WHERE h.conversation IS NOT NULL ORDER BY h.conversation, turn"
)


def write_conversations(
    database: Database,
    said: Iterable[tuple[list[Turn], Texts]],
    rows: LinkedRows,
    shards: tuple[list[Path], list[Path], list[Path]],
) -> None:
    """Write the shards of conversations, messages and turns, conversation after conversation."""
    (n,) = database.row("SELECT count(*) FROM chains WHERE conversation IS NOT NULL")
    progress = Progress("rawlogs: conversations written", n, "conversations")
    with ShardWriter(*shards) as writer:
        for chain, texts in said:
            writer.add(*rows.of(chain, texts))
            progress.advance(1)


def read_chains(database: Database) -> Iterator[list[Turn]]:
    """Yield the turns of each conversation that is kept, in order."""
    calls = (
        Turn(*values)
        for batch in database.batches(_TURNS)
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True)
    )
    for _, chain in groupby(calls, key=lambda one: one.conversation):
        yield list(chain)
