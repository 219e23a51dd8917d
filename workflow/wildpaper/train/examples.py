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
        """Return some examples, in the order given; one may be taken more than once."""
        return _gather([self], np.asarray(rows, np.int64))


def prompt_digest(text: str) -> int:
    """Return the first 8 bytes of the SHA-256 of a first prompt: equal prompts, equal numbers."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def read_examples(paths: Path | list[Path]) -> Examples:
    """Read example files: by conversation and chunk, whatever file they stand in.

    Raises
    ------
    WildpaperError
        If one is another kind of file.

    Notes
    -----
    Needs the memory of the examples twice, some 10 bytes a token.
    """
    listed = [paths] if isinstance(paths, Path) else paths
    read = [part for path in listed for part in _read(path)]
    parts = [part for part, _ in read]
    chunks = _joined([chunk for _, chunk in read], np.int64)
    ids = _joined([part.conversation_ids for part in parts], np.int64)
    return _gather(parts, np.lexsort((chunks, ids)))


def _gather(parts: list[Examples], rows: npt.NDArray[np.int64]) -> Examples:
    """Return the examples of these rows, counted through all parts.

    An example is copied at a time: an index of single tokens would take more memory than
    the tokens.
    """
    lengths = _joined([part.lengths for part in parts], np.int64)[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    input_ids = np.empty(starts[-1], np.int32)
    supervised = np.empty(starts[-1], np.bool_)
    first_row = np.cumsum([0, *(len(part) for part in parts)])
    part_of = np.searchsorted(first_row, rows, side="right") - 1
    where = zip(part_of.tolist(), (rows - first_row[part_of]).tolist(), strict=True)
    for i, (number, row) in enumerate(where):
        to = slice(int(starts[i]), int(starts[i + 1]))
        input_ids[to], supervised[to] = parts[number].one(row)
    return Examples(
        _joined([part.conversation_ids for part in parts], np.int64)[rows],
        _joined([part.n_reply_characters for part in parts], np.int64)[rows],
        _joined([part.first_prompts for part in parts], np.uint64)[rows],
        starts, input_ids, supervised,
    )  # fmt: skip


def _read(path: Path) -> Iterator[tuple[Examples, npt.NDArray[np.int64]]]:
    """Yield groups of examples of a file, and which chunk of its conversation each is."""
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            if schema.names != EXAMPLES.names or schema.types != EXAMPLES.types:
                raise WildpaperError(
                    f"Not a file of examples: its columns are {schema.names}",
                    where=str(path),
                    hint="Delete it and run again; the workflow writes it anew.",
                )
            for batch in file.iter_batches(_ROWS_PER_GROUP):
                yield _examples(batch), batch["chunk"].to_numpy().astype(np.int64)
    except (pa.ArrowException, OSError) as error:
        raise WildpaperError(f"Cannot read examples: {error}", where=str(path)) from error


def _examples(batch: pa.RecordBatch) -> Examples:
    tokens, supervised = batch["input_ids"], batch["supervised"]
    return Examples(
        conversation_ids=batch["conversation_id"].to_numpy(),
        n_reply_characters=batch["n_reply_characters"].to_numpy().astype(np.int64),
        first_prompts=batch["first_prompt"].to_numpy(),
        starts=np.cumsum([0, *tokens.value_lengths().to_numpy()], dtype=np.int64),
        input_ids=tokens.flatten().to_numpy().astype(np.int32),
        supervised=supervised.flatten().to_numpy(zero_copy_only=False),
    )


def _joined(arrays: list[npt.NDArray[Any]], kind: type) -> npt.NDArray[Any]:
    """Return arrays end to end; there may be none."""
    return np.concatenate([np.array([], kind), *arrays])
