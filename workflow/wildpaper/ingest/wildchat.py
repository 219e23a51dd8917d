"""WildChat in the parquet schema of its releases."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.ingest.records import Conversation, Message, Records, Reject

_BATCH_ROWS = 256
_MESSAGE_LEAF = re.compile(r"conversation\.\w+\.\w+\.(content|role|timestamp)")


def read_wildchat(path: Path) -> Records:
    """Yield the conversations of one parquet file of a WildChat release.

    Each conversation carries the integrity checks that the row allows:
    ``conversation_hash`` (the first 32 hex digits of the SHA-256 of the JSON list of
    content and role, as the authors' release code computes it) and ``turn`` (the
    recorded number of turns against the user messages).

    Raises
    ------
    WildpaperError
        If the file is no whole parquet file, lacks the conversation column, or a part
        of it cannot be decoded; the error names file and row.
    """
    row = 0
    for batch in _batches(path):
        for record in _rows(batch, path, row):
            yield _record(path.name, row, record)
            row += 1


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    row = 0
    try:
        with pq.ParquetFile(path) as file:
            columns = _columns(file, path)
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
                yield batch
                row += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise WildpaperError(
            f"Not a whole parquet file: {str(error).splitlines()[0]}",
            where=f"{path}, row {row} (counting from 0) or after it",
            hint="The file was cut off or changed. Fetch it again and compare its checksum.",
        ) from error


def _columns(file: pq.ParquetFile, path: Path) -> list[str]:
    """Return the columns to read, after checking that they are of the expected types."""
    schema = file.schema_arrow
    _check_schema(schema, path)
    leaves = [file.schema.column(i).path for i in range(len(file.schema))]
    nested = [leaf for leaf in leaves if _MESSAGE_LEAF.fullmatch(leaf)]
    return [leaf for leaf in leaves if leaf in _PLAIN] + nested


def _check_schema(schema: pa.Schema, path: Path) -> None:
    kinds = {field.name: field.type for field in schema}
    conversation = kinds.get("conversation", pa.null())
    message = conversation.value_type if _is_list(conversation) else pa.null()
    fields = {field.name: field.type for field in message} if pa.types.is_struct(message) else {}
    if not {"content", "role"} <= fields.keys():
        raise WildpaperError(
            "Not in the schema of a WildChat release: no column conversation that is a list of "
            "messages with content and role",
            where=f"{path}, before row 0",
            hint=f"Its columns are: {', '.join(kinds)}.",
        )
    expected = {name: kind for name, kind in _PLAIN.items() if name in kinds}
    wrong = [n for n, fits in expected.items() if not _fits(kinds[n], fits)]
    expected = {name: kind for name, kind in _NESTED.items() if name in fields}
    wrong += [f"conversation.{n}" for n, fits in expected.items() if not _fits(fields[n], fits)]
    if wrong:
        raise WildpaperError(
            f"Columns of another type than in a WildChat release: {', '.join(wrong)}",
            where=f"{path}, before row 0",
            hint="Convert them; timestamps must be timestamps, names and hashes strings.",
        )


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _fits(kind: pa.DataType, fits: Callable[[pa.DataType], bool]) -> bool:
    """Say whether a column is of a type, or dictionary-coded of that type, or all null."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_null(kind) or fits(kind))


_PLAIN: dict[str, Callable[[pa.DataType], bool]] = {
    "conversation_hash": _is_text,
    "conversation_id": _is_text,
    "model": _is_text,
    "timestamp": pa.types.is_timestamp,
    "turn": pa.types.is_integer,
    "language": _is_text,
    "toxic": pa.types.is_boolean,
    "redacted": pa.types.is_boolean,
    "state": _is_text,
    "country": _is_text,
    "hashed_ip": _is_text,
}
_NESTED: dict[str, Callable[[pa.DataType], bool]] = {
    "content": _is_text,
    "role": _is_text,
    "timestamp": pa.types.is_timestamp,
}


def _rows(batch: pa.RecordBatch, path: Path, first: int) -> list[dict[str, Any]]:
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
    if _is_list(kind):
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


def _record(file: str, row: int, record: dict[str, Any]) -> Conversation | Reject:
    raw = record["conversation"]
    if raw is None:
        return Reject(file, row, "null-conversation")
    if any(item is None for item in raw):
        return Reject(file, row, "null-message")
    messages = [Message(m["role"], m["content"], m.get("timestamp")) for m in raw]
    recorded = record.get("conversation_hash")
    checks = {}
    if recorded is not None:
        checks["conversation_hash"] = recorded == conversation_hash(messages)
    if record.get("turn") is not None:
        checks["turn"] = record["turn"] == sum(m.role == "user" for m in messages)
    source_id = recorded or record.get("conversation_id") or str(row)
    return Conversation(
        file,
        row,
        source_id,
        messages,
        model=record.get("model"),
        language=record.get("language"),
        country=record.get("country"),
        state=record.get("state"),
        user=record.get("hashed_ip"),
        timestamp=record.get("timestamp"),
        toxic=record.get("toxic"),
        redacted=record.get("redacted"),
        checks=checks,
    )


def conversation_hash(messages: list[Message]) -> str:
    """Return WildChat's hash of a conversation: 32 hex digits over content and role."""
    listed = [{"content": m.text, "role": m.role} for m in messages]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:32]
