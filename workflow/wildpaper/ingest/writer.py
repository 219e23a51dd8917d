"""Write conversations and messages into N shards, in bounded memory."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path
from wildpaper.schema import CONVERSATIONS, MESSAGES, check_table

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
    """

    def __init__(self, conversations: list[Path], messages: list[Path]) -> None:
        if len(conversations) != len(messages):
            raise ValueError("as many conversation files as message files")
        self._paths = list(zip(conversations, messages, strict=True))
        self._stack = ExitStack()
        self._writers: list[tuple[_TableWriter, _TableWriter]] = []

    def __enter__(self) -> Self:
        for conversations, messages in self._paths:
            self._writers.append(
                (
                    _TableWriter(conversations, CONVERSATIONS, self._stack, len(self._paths)),
                    _TableWriter(messages, MESSAGES, self._stack, len(self._paths)),
                )
            )
        return self

    def add(self, conversation: dict[str, Any], messages: list[dict[str, Any]]) -> None:
        """Add one conversation row and its message rows."""
        writers = self._writers[conversation["conversation_id"] % len(self._writers)]
        writers[0].add(conversation)
        for message in messages:
            writers[1].add(message, len(message["text"]))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                for pair in self._writers:
                    for writer in pair:
                        writer.flush()
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, traceback)
