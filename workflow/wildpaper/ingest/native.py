"""Which reader reads which native format, and how conversations are numbered."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.ingest.alpaca import read_alpaca
from wildpaper.ingest.dolly import read_dolly
from wildpaper.ingest.duplicates import Duplicates
from wildpaper.ingest.lmsys import read_lmsys
from wildpaper.ingest.normalise import Clean, clean_names, normalise
from wildpaper.ingest.oasst import read_oasst
from wildpaper.ingest.options import ReadingOptions, RowOptions
from wildpaper.ingest.records import Conversation, Records, Reject
from wildpaper.ingest.sharegpt import read_sharegpt
from wildpaper.ingest.wildchat import read_wildchat
from wildpaper.progress import Progress

_PARQUET = ("wildchat-parquet", "lmsys-parquet")
_DEFAULTS = ReadingOptions()
FORMATS = ("alpaca-json", "dolly-jsonl", "oasst-jsonl", "sharegpt-json", *_PARQUET)


@dataclass(frozen=True, slots=True)
class Kept:
    """A conversation that keeps the row policy, with its number in the data set."""

    number: int
    conversation: Conversation
    clean: Clean


def read_native(
    native_format: str,
    path: Path,
    options: ReadingOptions = _DEFAULTS,
    labels: tuple[str, ...] = (),
    left_out: Counter[str] | None = None,
) -> Records:
    """Yield the records of one file in one of the native formats.

    Parameters
    ----------
    native_format : str
        One of `FORMATS`.
    path : Path
        The file.
    options : ReadingOptions
        How it is read.
    labels : tuple of str
        Recorded labels that conversations shall carry.
    left_out : Counter, optional
        {reason: messages}: what a reader leaves out is added to it.

    Raises
    ------
    WildpaperError
        If no reader knows the format, or the format records no such labels.
    """
    if native_format == "wildchat-parquet":
        return read_wildchat(path, labels)
    if native_format == "lmsys-parquet":
        return read_lmsys(path, labels)
    if native_format == "oasst-jsonl":
        return read_oasst(path, options.oasst, left_out, labels)
    if labels:
        raise WildpaperError(
            f"No recorded labels are read from the format {native_format!r}",
            where=str(path),
            hint="Take the labels out of the config key datasets.<name>.recorded.",
        )
    if native_format == "alpaca-json":
        return read_alpaca(path, options.alpaca_separator)
    if native_format == "dolly-jsonl":
        return read_dolly(path, options.dolly_context)
    if native_format == "sharegpt-json":
        return read_sharegpt(path)
    raise WildpaperError(
        f"No reader for the format {native_format!r}",
        where=str(path),
        hint=f"Readers: {', '.join(FORMATS)}.",
    )


def count_rows(native_format: str, path: Path) -> int | None:
    """Return how many rows a file announces, for the time left; None where it does not say."""
    if native_format not in _PARQUET:
        return None
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        return None  # the reader says what is wrong


def numbered_records(
    acquired: Path,
    dataset: str,
    native_format: str,
    options: ReadingOptions = _DEFAULTS,
    labels: tuple[str, ...] = (),
    left_out: Counter[str] | None = None,
) -> Iterator[Kept | Reject]:
    """Yield the conversations of a data set, numbered, and the rows that are quarantined.

    A conversation's number is its place in the source (files as listed, rows by
    position) among what keeps the row policy. Whoever numbers by this function with the
    same options numbers as ingest does.

    Parameters
    ----------
    acquired : Path
        ``acquired.json`` of the acquire stage; the files lie beside it.
    dataset : str
        Named in the progress lines.
    native_format, options, labels
        See `read_native`. Where `options` drop duplicates, one is a `Reject` with the
        reason ``duplicate``.
    left_out : Counter, optional
        {reason: messages}: what is left out of conversations that are kept is added to it.

    Raises
    ------
    WildpaperError
        If a file cannot be read at all; names file and row.
    """
    number = 0
    seen = Duplicates() if options.rows.duplicates == "drop" else None
    for listed in read_json(acquired)["files"]:
        path = acquired.parent / listed["name"]
        progress = Progress(
            f"{dataset}: {path.name}", count_rows(native_format, path), "conversations"
        )
        for record in read_native(native_format, path, options, labels, left_out):
            checked = _check(record, number, options.rows, seen)
            if isinstance(checked, Kept):
                number += 1
                if left_out is not None:
                    left_out.update(checked.clean.left_out)
            yield checked
            progress.advance(1)


def _check(
    record: Conversation | Reject, number: int, rows: RowOptions, seen: Duplicates | None
) -> Kept | Reject:
    if isinstance(record, Reject):
        return record
    clean = normalise(record, rows)
    if isinstance(clean, Reject):
        return clean
    if seen is not None and seen.repeats(clean.messages):
        return Reject(record.file, record.row, "duplicate")
    return Kept(number, clean_names(record), clean)
