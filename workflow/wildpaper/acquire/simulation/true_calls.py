"""Which true conversation each answered call belongs to: what linking should recover."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.acquire.simulation.scenarios import Call
from wildpaper.files import atomic_path
from wildpaper.schema import TRUE_CALLS, check_table

TrueCall = tuple[int, str, int | None, str]
"""Number of the conversation, what happened to it, place on its path, name of the answer."""


def true_calls(conversation: int, cause: str, calls: Iterable[Call]) -> list[TrueCall]:
    """Return the rows of a conversation: its path in order, then what was abandoned."""
    rows = [(conversation, cause, call.path, call.call_id) for call in calls if not call.failed]
    return sorted(rows, key=lambda row: (row[2] is None, row[2] or 0, row[3]))


def write_part(parts: Path, index: int, rows: list[TrueCall]) -> None:
    """Write the rows of one block, whose conversations are in order."""
    columns = zip(*rows, strict=True) if rows else [[] for _ in TRUE_CALLS.names]
    arrays = [pa.array(list(c), f.type) for c, f in zip(columns, TRUE_CALLS, strict=True)]
    path = _part(parts, index)
    pq.write_table(check_table(pa.table(arrays, TRUE_CALLS.names), TRUE_CALLS, path), path)


def _part(parts: Path, index: int) -> Path:
    return parts / f"true-calls-{index:05d}.parquet"


def join_parts(parts: Path, n_blocks: int, path: Path) -> None:
    """Join the parts of all blocks, a row group each, in the order of conversations."""
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, TRUE_CALLS, compression="zstd") as writer,
    ):
        for index in range(n_blocks):
            writer.write_table(pq.read_table(_part(parts, index)))
            _part(parts, index).unlink()
