"""Rows of parquet files in which a conversation is a list of messages, in bounded memory.

WildChat and LMSYS-Chat-1M are released in this form. The columns are checked before the
first row; bytes that are not UTF-8 become lone surrogates, which ingest removes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.ingest.records import Reject, not_recorded

_BATCH_ROWS = 256
Kind = Callable[[pa.DataType], bool]


def is_list(kind: pa.DataType) -> bool:
    """Say whether values of an Arrow type are lists."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def is_text(kind: pa.DataType) -> bool:
    """Say whether values of an Arrow type are strings."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one kind of release.

    Attributes
    ----------
    title : str
        With its article, as it stands in messages: ``"a WildChat release"``.
    plain, message : dict
        {column: what its type must be} of the row, and of a message in the column
        ``conversation``. Content and role are required, all else may be absent.
    labels : dict
        {label: the column of the row that records it, or ``conversation.<field>``};
        read only when asked for.
    """

    title: str
    plain: dict[str, Kind]
    message: dict[str, Kind]
    labels: dict[str, str] = field(default_factory=dict)


class Row(NamedTuple):
    """One row: its place in the file, its values, the batch it lies in and where there."""

    number: int
    values: dict[str, Any]
    batch: pa.RecordBatch
    place: int


def iter_rows(path: Path, layout: Layout, labels: tuple[str, ...] = ()) -> Iterator[Row]:
    """Yield the rows of one file.

    Parameters
    ----------
    path : Path
        A parquet file.
    layout : Layout
        What is read of it.
    labels : tuple of str
        Recorded labels whose columns the batches shall carry, too.

    Raises
    ------
    WildpaperError
        If the file is no whole parquet file, lacks a column or has one of another type,
        or a part of it cannot be decoded; the error names file and row.
    """
    first = 0
    for batch in _batches(path, layout, labels):
        text = [name for name in batch.schema.names if name not in layout.labels.values()]
        for place, values in enumerate(_values(batch.select(text), path, first)):
            yield Row(first + place, values, batch, place)
        first += batch.num_rows


def fault_of(file: str, row: Row) -> Reject | None:
    """Return why a row has no list of messages, or None."""
    raw = row.values["conversation"]
    if raw is None:
        return Reject(file, row.number, "null-conversation")
    if any(item is None for item in raw):
        return Reject(file, row.number, "null-message")
    return None


def _batches(path: Path, layout: Layout, labels: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    row = 0
    try:
        with pq.ParquetFile(path) as file:
            _check_schema(file.schema_arrow, path, layout)
            columns = _columns(file, path, layout, labels)
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
                yield batch
                row += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise WildpaperError(
            f"Not a whole parquet file: {str(error).splitlines()[0]}",
            where=f"{path}, row {row} (counting from 0) or after it",
            hint="The file was cut off or changed. Fetch it again and compare its checksum.",
        ) from error


def _columns(
    file: pq.ParquetFile, path: Path, layout: Layout, labels: tuple[str, ...]
) -> list[str]:
    """Return the paths of the leaves to read."""
    recorded = [_place_of(label, path, layout) for label in labels]
    fields = {*layout.message, *(name.removeprefix("conversation.") for name in recorded)}
    leaves = [file.schema.column(i).path for i in range(len(file.schema))]
    chosen = []
    for leaf in leaves:
        column, *rest = leaf.split(".")
        is_field = column == "conversation" and len(rest) == 3 and rest[2] in fields
        if leaf in layout.plain or is_field or column in recorded:
            chosen.append(leaf)
    for label, place in zip(labels, recorded, strict=True):
        column, _, name = place.partition(".")
        if not any(leaf.startswith(column) and leaf.endswith(name) for leaf in chosen):
            raise not_recorded(label, path)
    return chosen


def _place_of(label: str, path: Path, layout: Layout) -> str:
    if label not in layout.labels:
        raise not_recorded(label, path)
    return layout.labels[label]


def _check_schema(schema: pa.Schema, path: Path, layout: Layout) -> None:
    kinds = {field.name: field.type for field in schema}
    conversation = kinds.get("conversation", pa.null())
    message = conversation.value_type if is_list(conversation) else pa.null()
    fields = {field.name: field.type for field in message} if pa.types.is_struct(message) else {}
    if not {"content", "role"} <= fields.keys():
        raise WildpaperError(
            f"Not in the schema of {layout.title}: no column conversation that is a list of "
            "messages with content and role",
            where=f"{path}, before row 0",
            hint=f"Its columns are: {', '.join(kinds)}.",
        )
    expected = {name: kind for name, kind in layout.plain.items() if name in kinds}
    wrong = [n for n, fits in expected.items() if not _fits(kinds[n], fits)]
    expected = {name: kind for name, kind in layout.message.items() if name in fields}
    wrong += [f"conversation.{n}" for n, fits in expected.items() if not _fits(fields[n], fits)]
    if wrong:
        raise WildpaperError(
            f"Columns of another type than in {layout.title}: {', '.join(wrong)}",
            where=f"{path}, before row 0",
            hint="Convert them; timestamps must be timestamps, names and hashes strings.",
        )


def _fits(kind: pa.DataType, fits: Kind) -> bool:
    """Say whether a column is of a type, or dictionary-coded of that type, or all null."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_null(kind) or fits(kind))


def _values(batch: pa.RecordBatch, path: Path, first: int) -> list[dict[str, Any]]:
    try:
        return batch.to_pylist()  # type: ignore[no-any-return]
    except (OverflowError, pa.ArrowException) as error:
        raise WildpaperError(
            "A value cannot be read, probably a time beyond the years 1 to 9999",
            where=f"{path}, rows {first} to {first + batch.num_rows - 1} (counting from 0)",
        ) from error
    except UnicodeDecodeError:
        schema = pa.schema([pa.field(f.name, _as_binary(f.type)) for f in batch.schema])
        raw = [batch.column(i).cast(schema.field(i).type) for i in range(batch.num_columns)]
        rows = pa.RecordBatch.from_arrays(raw, schema=schema).to_pylist()
        return [_decode(row) for row in rows]


def _as_binary(kind: pa.DataType) -> pa.DataType:
    """Return a type with binary in place of string, at any depth."""
    if pa.types.is_string(kind):
        return pa.binary()
    if pa.types.is_large_string(kind):
        return pa.large_binary()
    if pa.types.is_dictionary(kind):
        return _as_binary(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, _as_binary(f.type)) for f in kind])
    if is_list(kind):
        return pa.list_(pa.field(kind.value_field.name, _as_binary(kind.value_type)))
    return kind


def _decode(value: Any) -> Any:
    """Turn bytes into text, each byte that is not UTF-8 into a lone surrogate."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="surrogateescape")
    if isinstance(value, dict):
        return {key: _decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decode(item) for item in value]
    return value
