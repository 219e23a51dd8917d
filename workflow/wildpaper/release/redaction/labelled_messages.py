"""Messages of one shard with the language labels that belong to them."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.annotate.message_batches import KEY, message_batches
from wildpaper.errors import WildpaperError
from wildpaper.schema import LABELS, check_table

_HINT = "Delete the file; the workflow writes it anew."


def labelled_batches(
    messages: Path, language: Path, batch_messages: int
) -> Iterator[tuple[pa.RecordBatch, list[str]]]:
    """Yield some messages (key and text) at a time, and their languages.

    Raises
    ------
    WildpaperError
        If a file cannot be read, or the labels are not those of the messages.
    """
    labels = check_table(_read(language), LABELS["language"], language)
    at = 0
    for batch in message_batches(messages, ("text",), batch_messages):
        mine = labels.slice(at, batch.num_rows)
        if keys_of(mine) != keys_of(batch):
            raise WildpaperError(
                "Language labels are not those of the messages",
                where=f"{language}, from row {at}",
                hint=_HINT,
            )
        yield batch, mine["language"].to_pylist()
        at += batch.num_rows
    if at != labels.num_rows:
        raise WildpaperError(
            f"There are {labels.num_rows} language labels of {at} messages",
            where=str(language),
            hint=_HINT,
        )


def keys_of(table: pa.Table | pa.RecordBatch) -> list[tuple[int, int]]:
    """Return (conversation_id, position) of each row."""
    return list(zip(*(table.column(name).to_pylist() for name in KEY), strict=True))


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise WildpaperError(
            f"Cannot read the labels: {error}",
            where=str(path),
            hint=_HINT,
        ) from error
