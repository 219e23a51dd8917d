"""Read one shard of messages batch by batch, checked, for annotators of text."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError

KEY = ("conversation_id", "position")


def count_messages(messages: Path) -> int:
    """Return how many messages a shard holds, without reading them."""
    try:
        return int(pq.read_metadata(messages).num_rows)
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(messages, error) from error


def message_batches(
    messages: Path, columns: tuple[str, ...], batch_messages: int
) -> Iterator[pa.RecordBatch]:
    """Yield the keys of some messages and the `columns` asked for.

    Parameters
    ----------
    messages : Path
        Shard of canonical messages.
    columns : tuple of str
        Beside the key; may hold no nulls.
    batch_messages : int
        Messages in a batch, at most.

    Raises
    ------
    WildpaperError
        If the file cannot be read, lacks a column, or holds a null; names file and row.
    """
    names = [*KEY, *columns]
    try:
        with pq.ParquetFile(messages) as file:
            missing = [name for name in names if name not in file.schema_arrow.names]
            if missing:
                raise WildpaperError(
                    f"Messages lack the columns {missing}",
                    where=str(messages),
                    hint="The schemas are in workflow/wildpaper/schema.py.",
                )
            row = 0
            for batch in file.iter_batches(batch_size=batch_messages, columns=names):
                _refuse_nulls(batch, messages, row)
                row += batch.num_rows
                yield batch.select(names)
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(messages, error) from error


def key_table(batches: list[pa.RecordBatch]) -> pa.Table:
    """Return the key columns of all batches as one table; empty where there is none."""
    schema = pa.schema([(KEY[0], pa.int64()), (KEY[1], pa.int32())])
    keys = [pa.Table.from_batches([batch.select(list(KEY))]).cast(schema) for batch in batches]
    return pa.concat_tables(keys) if keys else schema.empty_table()


def _refuse_nulls(batch: pa.RecordBatch, messages: Path, first_row: int) -> None:
    for name in batch.schema.names:
        column = batch.column(name)
        if column.null_count:
            row = first_row + column.is_null().to_pylist().index(True)
            raise WildpaperError(
                f"Column {name!r} holds a null and may hold none",
                where=f"{messages}, row {row}",
                hint="Delete the file; the workflow writes it anew.",
            )


def _unreadable(messages: Path, error: Exception) -> WildpaperError:
    return WildpaperError(
        f"Cannot read the messages: {error}",
        where=str(messages),
        hint="Delete the file; the workflow writes it anew.",
    )
