"""Texts of files of any origin: parquet, CSV and JSON lines, row by row.

A row that has no text is told by its reason, and no row is left out: row numbers count from
0 in the order of the file, without its header and without blank lines of JSON.
"""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError

NULL, NO_FIELD, NOT_STRING = "null", "no such field", "not a string"
NOT_UTF8, NOT_JSON, NOT_OBJECT = "not UTF-8", "not JSON", "not a JSON object"
"""Reasons why a row has no text."""

_ROWS = 4_096
_MOST_CHARACTERS = 2**31 - 1

Row = tuple[str | None, str]
"""The text and an empty reason, or None and the reason."""


def read_rows(path: Path, column: str) -> Iterator[Row]:
    """Yield text or reason of each row of a file, holding a few thousand rows at a time.

    Parameters
    ----------
    path : Path
        ``.parquet``, ``.csv`` (UTF-8, with a header) or ``.jsonl``.
    column : str
        The column, or key, with the text.

    Raises
    ------
    WildpaperError
        If the file is of another kind, cannot be read, or has no such column; never
        with a text.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise WildpaperError(
            f"Unknown kind of file: {path.suffix or 'no suffix'}",
            where=str(path),
            hint=f"Known are {', '.join(_READERS)}.",
        )
    try:
        yield from reader(path, column)
    except (OSError, csv.Error, pa.ArrowException) as error:
        raise WildpaperError(
            f"The file cannot be read ({type(error).__name__})",
            where=str(path),
            hint="It is absent, damaged or of another kind than its name says.",
        ) from error


def count_rows(path: Path, column: str) -> int:
    """Return how many rows `read_rows` yields, without looking at texts of parquet."""
    if path.suffix.lower() == ".parquet" and path.is_file():
        try:
            return int(pq.read_metadata(path).num_rows)
        except (OSError, pa.ArrowException):
            return 0
    return sum(1 for _ in read_rows(path, column))


def _parquet(path: Path, column: str) -> Iterator[Row]:
    with pq.ParquetFile(path) as file:
        if column not in file.schema_arrow.names:
            raise _no_column(path, column)
        for batch in file.iter_batches(_ROWS, columns=[column]):
            values = batch.column(0)
            if pa.types.is_dictionary(values.type):
                values = values.dictionary_decode()
            if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
                yield from ((None, NULL if null else NOT_STRING) for null in _nulls(values))
                continue
            # Bytes are taken as they are: a file may hold strings that are not UTF-8.
            for found in values.cast(pa.large_binary()).to_pylist():
                yield (None, NULL) if found is None else _decoded(found)


def _nulls(values: pa.Array) -> list[bool]:
    found: list[bool] = values.is_null().to_pylist()
    return found


def _csv(path: Path, column: str) -> Iterator[Row]:
    csv.field_size_limit(_MOST_CHARACTERS)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as handle:
        reader = csv.reader(handle)
        header = next(reader, [])
        if column not in header:
            raise _no_column(path, column)
        place = header.index(column)
        for row in reader:
            if row:
                yield _checked(row[place]) if place < len(row) else (None, NO_FIELD)


def _json_lines(path: Path, column: str) -> Iterator[Row]:
    with path.open("rb") as lines:
        for line in lines:
            if line.strip():
                yield _of_line(line, column)


def _of_line(line: bytes, column: str) -> Row:
    text, reason = _decoded(line)
    if text is None:
        return None, reason
    try:
        found: Any = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None, NOT_JSON
    if not isinstance(found, dict):
        return None, NOT_OBJECT
    if column not in found:
        return None, NO_FIELD
    value = found[column]
    if value is None:
        return None, NULL
    return _checked(value) if isinstance(value, str) else (None, NOT_STRING)


def _decoded(found: bytes) -> Row:
    try:
        return found.decode("utf-8"), ""
    except UnicodeDecodeError:
        return None, NOT_UTF8


def _checked(text: str) -> Row:
    """Refuse a text with halves of characters, which no tokenizer reads."""
    return (text, "") if text.isascii() or _is_unicode(text) else (None, NOT_UTF8)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_column(path: Path, column: str) -> WildpaperError:
    return WildpaperError(
        f"The file has no column {column!r}",
        where=str(path),
        hint="Name the column with the text: --text-column.",
    )


_READERS: dict[str, Callable[[Path, str], Iterator[Row]]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _json_lines,
}
