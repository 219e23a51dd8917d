"""Write conversations, messages and turns into N shards, in bounded memory."""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path
from wildpaper.ingest.records import Reject
from wildpaper.schema import CONVERSATIONS, MESSAGES, QUARANTINE, TURNS, check_table

_BUFFERED_CHARACTERS = 64_000_000
_BUFFERED_ROWS = 100_000


class _TableWriter:
    """Rows of one file, written a row group at a time."""

    def __init__(self, path: Path, schema: pa.Schema, stack: ExitStack, n_shards: int) -> None:
        self._path, self._schema = path, schema
        self._max_characters = _BUFFERED_CHARACTERS // n_shards
        self._max_rows = max(_BUFFERED_ROWS // n_shards, 1)
        temporary = stack.enter_context(atomic_path(path))
        self._writer = stack.enter_context(pq.ParquetWriter(temporary, schema, compression="zstd"))
        self._rows: list[dict[str, Any]] = []
        self._characters = 0

    def add(self, row: dict[str, Any], n_characters: int = 0) -> None:
        self._rows.append(row)
        self._characters += n_characters
        if self._characters >= self._max_characters or len(self._rows) >= self._max_rows:
            self.flush()

    def flush(self) -> None:
        if not self._rows:
            return
        columns = {name: [row[name] for row in self._rows] for name in self._schema.names}
        try:
            arrays = [pa.array(columns[f.name], _plain(f.type)) for f in self._schema]
        except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeError, OverflowError) as error:
            raise WildpaperError(
                f"A value does not fit its column ({type(error).__name__})",
                where=str(self._path),
            ) from error
        table = pa.Table.from_arrays(arrays, names=self._schema.names)
        self._writer.write_table(check_table(table, self._schema, self._path))
        self._rows, self._characters = [], 0


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


class ShardWriter:
    """Spread conversations over shards by ``conversation_id mod N``.

    Files appear under their names only when the block ends without an error.

    Parameters
    ----------
    conversations, messages : list of Path
        The shards to write, as many of either.
    turns : list of Path, optional
        As many again, where turns are known beside their messages (raw logs).
    """

    def __init__(
        self, conversations: list[Path], messages: list[Path], turns: list[Path] | None = None
    ) -> None:
        shards = [conversations, messages] + ([] if turns is None else [turns])
        if len({len(paths) for paths in shards}) != 1:
            raise ValueError("as many files of each kind")
        self._shards = shards
        self._stack = ExitStack()
        self._writers: list[list[_TableWriter]] = []

    def __enter__(self) -> Self:
        schemas, n_shards = (CONVERSATIONS, MESSAGES, TURNS), len(self._shards[0])
        for paths in zip(*self._shards, strict=True):
            self._writers.append(
                [
                    _TableWriter(path, schema, self._stack, n_shards)
                    for path, schema in zip(paths, schemas, strict=False)
                ]
            )
        return self

    def add(
        self,
        conversation: dict[str, Any],
        messages: list[dict[str, Any]],
        turns: Iterable[dict[str, Any]] = (),
    ) -> None:
        """Add one conversation row, its message rows and, where known, its turn rows."""
        writers = self._writers[conversation["conversation_id"] % len(self._writers)]
        writers[0].add(conversation)
        for message in messages:
            writers[1].add(message, len(message["text"]))
        for turn in turns:
            writers[2].add(turn)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        tables = [table for shard in self._writers for table in shard]
        _leave(self._stack, tables if error is None else [], error)


class QuarantineWriter:
    """Write the rows that could not be read, in bounded memory, however many there are.

    The file appears under its name only when the block ends without an error.
    """

    def __init__(self, path: Path, dataset: str) -> None:
        self._path, self._dataset = path, dataset
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._table = _TableWriter(self._path, QUARANTINE, self._stack, 1)
        return self

    def add(self, reject: Reject) -> None:
        """Add one row."""
        row = {"file": reject.file, "row": reject.row, "reason": reject.reason}
        self._table.add({"dataset": self._dataset, **row, "detail": reject.detail})

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _leave(self._stack, [self._table] if error is None else [], error)


def _leave(stack: ExitStack, tables: list[_TableWriter], error: BaseException | None) -> None:
    """Write what is buffered and close the files; after an error they vanish."""
    try:
        for table in tables:
            table.flush()
    except BaseException as failure:
        stack.__exit__(type(failure), failure, failure.__traceback__)
        raise
    stack.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
