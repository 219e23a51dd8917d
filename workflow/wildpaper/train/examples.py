"""Examples on disk: one row a sequence of tokens; no text."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path
from wildpaper.train.splitting import Example

EXAMPLES = pa.schema(
    [
        pa.field("conversation_id", pa.int64(), nullable=False),
        pa.field("first_prompt", pa.uint64(), nullable=False),
        pa.field("chunk", pa.int32(), nullable=False),
        pa.field("input_ids", pa.list_(pa.int32()), nullable=False),
        pa.field("supervised", pa.list_(pa.bool_()), nullable=False),
        pa.field("n_reply_characters", pa.int32(), nullable=False),
    ]
)
_ROWS_PER_GROUP = 1000


class ExampleWriter:
    """Write examples in groups of rows; see `write_examples`."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._rows: list[dict[str, Any]] = []

    def add(self, conversation_id: int, first_prompt: int, examples: list[Example]) -> None:
        """Write the examples of one conversation; for `first_prompt` see `prompt_digest`."""
        self._rows += [
            {
                "conversation_id": conversation_id,
                "first_prompt": first_prompt,
                "chunk": chunk,
                "input_ids": example.input_ids,
                "supervised": example.supervised,
                "n_reply_characters": example.n_reply_characters,
            }
            for chunk, example in enumerate(examples)
        ]
        if len(self._rows) >= _ROWS_PER_GROUP:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait."""
        self._writer.write_table(pa.Table.from_pylist(self._rows, EXAMPLES))
        self._rows = []


@contextmanager
def write_examples(path: Path) -> Iterator[ExampleWriter]:
    """Open an example file for writing; it appears when the block ends well."""
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, EXAMPLES, compression="zstd") as file,
    ):
        writer = ExampleWriter(file)
        yield writer
        writer.flush()


@dataclass(frozen=True, slots=True)
class Examples:
    """Examples in memory, end to end.

    Attributes
    ----------
    conversation_ids, n_reply_characters : ndarray of int64, shape (n,)
    first_prompts : ndarray of uint64, shape (n,)
        See `prompt_digest`.
    starts : ndarray of int64, shape (n + 1,)
        Example i is ``[starts[i], starts[i + 1])`` of the next two.
    input_ids : ndarray of int32
    supervised : ndarray of bool
    """

    conversation_ids: npt.NDArray[np.int64]
    n_reply_characters: npt.NDArray[np.int64]
    first_prompts: npt.NDArray[np.uint64]
    starts: npt.NDArray[np.int64]
    input_ids: npt.NDArray[np.int32]
    supervised: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.conversation_ids)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each example."""
        return np.diff(self.starts)

    def one(self, i: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Return the tokens of example i, and which of them are supervised."""
        part = slice(int(self.starts[i]), int(self.starts[i + 1]))
        return self.input_ids[part], self.supervised[part]

    def take(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> "Examples":
        """Return some examples, in the order given."""
        chosen = np.asarray(rows, np.int64)
        lengths = self.lengths[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        tokens = np.repeat(self.starts[chosen] - starts[:-1], lengths) + np.arange(starts[-1])
        return Examples(
            self.conversation_ids[chosen], self.n_reply_characters[chosen],
            self.first_prompts[chosen], starts, self.input_ids[tokens], self.supervised[tokens],
        )  # fmt: skip


def prompt_digest(text: str) -> int:
    """Return the first 8 bytes of the SHA-256 of a first prompt: equal prompts, equal numbers."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def read_examples(paths: Path | list[Path]) -> Examples:
    """Read example files: by conversation and chunk, whatever file they stand in.

    Raises
    ------
    WildpaperError
        If it is another kind of file.
    """
    if isinstance(paths, Path):
        return _read(paths)[0]
    parts = [_read(path) for path in paths]
    columns = ("conversation_ids", "n_reply_characters", "first_prompts")
    joined = {name: np.concatenate([getattr(one, name) for one, _ in parts]) for name in columns}
    lengths = np.concatenate([one.lengths for one, _ in parts])
    whole = Examples(
        **joined,
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        input_ids=np.concatenate([one.input_ids for one, _ in parts]),
        supervised=np.concatenate([one.supervised for one, _ in parts]),
    )
    order = np.lexsort((np.concatenate([chunks for _, chunks in parts]), whole.conversation_ids))
    return whole if np.array_equal(order, np.arange(len(order))) else whole.take(order)


def _read(path: Path) -> tuple[Examples, npt.NDArray[np.int64]]:
    """Return the examples of a file, and which chunk of its conversation each is."""
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise WildpaperError(f"Cannot read examples: {error}", where=str(path)) from error
    if table.schema.names != EXAMPLES.names or table.schema.types != EXAMPLES.types:
        raise WildpaperError(
            f"Not a file of examples: its columns are {table.schema.names}",
            where=str(path),
            hint="Delete it and run again; the workflow writes it anew.",
        )
    lengths = _flat(table, "input_ids", lambda part: part.value_lengths()).astype(np.int64)
    examples = Examples(
        conversation_ids=_flat(table, "conversation_id").astype(np.int64),
        n_reply_characters=_flat(table, "n_reply_characters").astype(np.int64),
        first_prompts=_flat(table, "first_prompt").astype(np.uint64),
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        input_ids=_flat(table, "input_ids", lambda part: part.flatten()).astype(np.int32),
        supervised=_flat(table, "supervised", lambda part: part.flatten()).astype(np.bool_),
    )
    return examples, _flat(table, "chunk").astype(np.int64)


def _flat(table: pa.Table, column: str, take: Any = lambda part: part) -> npt.NDArray[Any]:
    """Return one array of all chunks of a column."""
    parts = [take(part).to_numpy(zero_copy_only=False) for part in table[column].chunks]
    return np.concatenate(parts) if parts else np.array([], np.int64)
