"""Llama-2 tokens of each message, as Table 1 and the length figures count them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.annotate.tokens.counter import TokenCounter
from wildpaper.errors import WildpaperError
from wildpaper.files import sha256_file
from wildpaper.progress import Progress
from wildpaper.schema import LABELS, write_labels

_BATCH_MESSAGES = 4096
_COLUMNS = ["conversation_id", "position", "text"]


def annotator_name(tokenizer: Path) -> str:
    """Return the versioned name of the annotator: the file's checksum is the version.

    All sources of the vocabulary give the same file, so the same name.
    """
    return f"llama2-sentencepiece-32000-{sha256_file(tokenizer)[:8]}"


def count_tokens(
    messages: Path,
    tokenizer: Path,
    labels: Path,
    memo_max_units: int,
    route: str = "computed",
) -> None:
    """Count the tokens of one shard of messages, record batch by record batch.

    Parameters
    ----------
    messages : Path
        Shard of ingest, with the columns conversation_id, position and text.
    tokenizer : Path
        A ``tokenizer.json`` as `wildpaper.acquire.tokenizer` writes it.
    labels : Path
        Shard of labels to write: tokens per message, without ``<s>`` or ``</s>``.
    memo_max_units : int
        See `wildpaper.annotate.tokens.counter.TokenCounter`.
    route : str
        Where the labels come from.

    Raises
    ------
    WildpaperError
        If a file cannot be read, a column is missing, or a text is null.
    """
    counter = TokenCounter(tokenizer, memo_max_units)
    counted: list[pa.RecordBatch] = []
    try:
        with pq.ParquetFile(messages) as file:
            _require_columns(file)
            progress = Progress(f"{labels.stem}: tokens", file.metadata.num_rows, "messages")
            for batch in file.iter_batches(batch_size=_BATCH_MESSAGES, columns=_COLUMNS):
                n_tokens = pa.array(counter.count(batch.column("text"), progress.done), pa.int32())
                keys = [batch.column(name) for name in _COLUMNS[:2]]
                counted.append(pa.record_batch([*keys, n_tokens], names=LABELS["tokens"].names))
                progress.advance(batch.num_rows)
    except (OSError, pa.ArrowInvalid) as error:
        raise WildpaperError(
            f"Cannot read the messages: {error}",
            where=str(messages),
            hint="Delete the file; the workflow writes it anew.",
        ) from error
    except WildpaperError as error:
        where = f"{messages}, {error.where}" if error.where else str(messages)
        raise WildpaperError(error.what, where=where, hint=error.hint) from error
    table = pa.Table.from_batches(counted) if counted else LABELS["tokens"].empty_table()
    write_labels(labels, "tokens", table, annotator_name(tokenizer), route)


def _require_columns(file: pq.ParquetFile) -> None:
    missing = [name for name in _COLUMNS if name not in file.schema_arrow.names]
    if missing:
        raise WildpaperError(
            f"Messages lack the columns {missing}", hint="Ingest writes them; rerun it."
        )
