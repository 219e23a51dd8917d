"""Arrow schemas of the tables that stages hand to each other (the contract).

A column that is missing, misnamed or of the wrong type fails in the rule that writes
it, by name, and not in a later stage.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path

_UTC = pa.timestamp("us", tz="UTC")
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


CONVERSATIONS = pa.schema(
    [
        _required("dataset", _DICTIONARY),
        _required("conversation_id", pa.int64()),
        _required("source_id", pa.string()),
        pa.field("model", pa.string()),
        pa.field("language", pa.string()),
        pa.field("country", pa.string()),
        pa.field("state", pa.string()),
        pa.field("user", pa.string()),
        pa.field("timestamp", _UTC),
        _required("n_turns", pa.int32()),
        _required("n_messages", pa.int32()),
        pa.field("toxic", pa.bool_()),
        pa.field("redacted", pa.bool_()),
        _required("duplicate", pa.bool_()),
    ]
)

MESSAGES = pa.schema(
    [
        _required("conversation_id", pa.int64()),
        _required("position", pa.int32()),
        pa.field("turn", pa.int32()),
        _required("role", _DICTIONARY),
        _required("text", pa.string()),
        pa.field("timestamp", _UTC),
    ]
)

QUARANTINE = pa.schema(
    [
        _required("dataset", pa.string()),
        _required("file", pa.string()),
        _required("row", pa.int64()),
        _required("reason", pa.string()),
        _required("detail", pa.string()),
    ]
)

_KEY = [_required("conversation_id", pa.int64()), _required("position", pa.int32())]

DETOXIFY_HEADS = (
    "toxicity",
    "severe_toxicity",
    "obscene",
    "threat",
    "insult",
    "identity_attack",
    "sexual_explicit",
)
OPTIONAL_HEADS = ("sexual_explicit",)
"""Null where the model has no such head, as Detoxify's `original` has not."""

MODERATION_CATEGORIES = (
    "harassment",
    "harassment_threatening",
    "hate",
    "hate_threatening",
    "self_harm",
    "self_harm_instructions",
    "self_harm_intent",
    "sexual",
    "sexual_minors",
    "violence",
    "violence_graphic",
)

LABELS: dict[str, pa.Schema] = {
    "tokens": pa.schema([*_KEY, _required("n_tokens", pa.int32())]),
    "language": pa.schema(
        [*_KEY, _required("language", pa.string()), _required("confidence", pa.float32())]
    ),
    "detoxify": pa.schema(
        [
            *_KEY,
            *(
                pa.field(head, pa.float32(), nullable=head in OPTIONAL_HEADS)
                for head in DETOXIFY_HEADS
            ),
            _required("truncated", pa.bool_()),
        ]
    ),
    "moderation": pa.schema(
        [
            *_KEY,
            _required("flagged", pa.bool_()),
            *(_required(name, pa.bool_()) for name in MODERATION_CATEGORIES),
            *(_required(f"{name}_score", pa.float64()) for name in MODERATION_CATEGORIES),
        ]
    ),
    "jailbreak": pa.schema([*_KEY, pa.field("family", pa.string())]),
    "category": pa.schema(
        [*_KEY, _required("category", pa.string()), _required("probability", pa.float32())]
    ),
    "near_duplicate": pa.schema([*_KEY, pa.field("cluster", pa.int64())]),
    "detoxify_check": pa.schema(
        [
            *_KEY,
            *(pa.field(head, pa.float32()) for head in DETOXIFY_HEADS),
            _required("truncated", pa.bool_()),
        ]
    ),
    "language_check": pa.schema(
        [
            *_KEY,
            _required("language", pa.string()),
            _required("confidence", pa.float32()),
            _required("n_characters", pa.int32()),
            _required("n_languages", pa.int32()),
        ]
    ),
}
"""Labels whose columns are fixed; of embeddings the width depends on the model."""


def embedding_schema(width: int) -> pa.Schema:
    """Return the schema of the label `embedding`: vectors of `width` numbers."""
    return pa.schema([*_KEY, _required("vector", pa.list_(pa.float32(), width))])


TURNS = pa.schema(
    [
        _required("conversation_id", pa.int64()),
        _required("turn", pa.int32()),
        _required("turn_identifier", pa.int64()),
        _required("timestamp", _UTC),
        _required("hashed_ip", pa.string()),
        pa.field("country", pa.string()),
        pa.field("state", pa.string()),
        pa.field("user_agent", pa.string()),
        pa.field("accept_language", pa.string()),
    ]
)
"""What the release stage knows of a turn beside its two messages; no raw address."""

_SPAN = [*_KEY, _required("start", pa.int32()), _required("end", pa.int32())]

ENTITIES = pa.schema(
    [
        *_SPAN,
        _required("entity", pa.string()),
        _required("score", pa.float32()),
        _required("value", pa.string()),
    ]
)
"""What may be personal in a message: characters of the unredacted text, and the text there."""

FREQUENCIES = pa.schema(
    [
        _required("entity", pa.string()),
        _required("value", pa.string()),
        _required("n_conversations", pa.int64()),
    ]
)
"""In how many conversations an entity occurs; values are stripped and in lower case."""

REDACTED = pa.schema([*MESSAGES, _required("redacted", pa.bool_())])
"""Messages whose personal parts are placeholders."""

REDACTIONS = pa.schema([*_SPAN, _required("kind", pa.string()), _required("detail", pa.string())])
"""What was redacted: characters of the unredacted text; for secrets, their type."""

FATES = pa.schema(
    [
        _required("file", pa.string()),
        _required("line", pa.int64()),
        pa.field("call_id", pa.string()),
        _required("fate", pa.string()),
        pa.field("chain", pa.int64()),
        pa.field("turn", pa.int32()),
        pa.field("conversation_id", pa.int64()),
    ]
)
"""What became of each line of the call logs: ``kept``, or the reason why not."""

TRUE_CALLS = pa.schema(
    [
        _required("conversation", pa.int64()),
        _required("cause", pa.string()),
        pa.field("path", pa.int32()),
        _required("call_id", pa.string()),
    ]
)
"""Which conversation a simulated call truly belongs to; no path: an abandoned branch."""


def check_table(table: pa.Table, schema: pa.Schema, path: Path) -> pa.Table:
    """Return `table` cast to `schema`.

    Raises
    ------
    WildpaperError
        If a column is missing, unknown, of another type, or null where it may not be.
    """
    missing = [name for name in schema.names if name not in table.column_names]
    unknown = [name for name in table.column_names if name not in schema.names]
    if missing or unknown:
        raise WildpaperError(
            f"Table breaks its contract: missing columns {missing}, unknown columns {unknown}",
            where=str(path),
            hint="The schemas are in workflow/wildpaper/schema.py.",
        )
    table = table.select(schema.names)
    for field in schema:
        column = table[field.name]
        if not field.nullable and column.null_count:
            raise WildpaperError(
                f"Column {field.name!r} holds {column.null_count} nulls and may hold none",
                where=str(path),
            )
        if not _fits(column.type, field.type):
            raise WildpaperError(
                f"Column {field.name!r} is {column.type} and must be {field.type}",
                where=str(path),
                hint="The schemas are in workflow/wildpaper/schema.py.",
            )
    try:
        return table.cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise WildpaperError(f"Table breaks its contract: {error}", where=str(path)) from error


def _fits(given: pa.DataType, wanted: pa.DataType) -> bool:
    """Say whether values of one type are of the other too, up to their width."""
    kinds = (
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_boolean,
        pa.types.is_timestamp,
        _is_text,
    )
    same = given.equals(wanted) or pa.types.is_null(given)
    return same or any(kind(given) and kind(wanted) for kind in kinds)


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value))


def label_metadata(annotator: str, route: str) -> dict[bytes, bytes]:
    """Return the file metadata that every label file carries."""
    return {b"annotator": annotator.encode(), b"route": route.encode()}


def write_labels(
    path: Path,
    label: str,
    table: pa.Table,
    annotator: str,
    route: str,
    schema: pa.Schema | None = None,
) -> None:
    """Write one shard of labels: zstd parquet, checked against the schema, atomically.

    Parameters
    ----------
    path : Path
        Where to, ``annotate/<label>@<route>/<dataset>-<shard>.parquet``.
    label : str
        A key of `LABELS`, unless `schema` is given.
    table : pyarrow.Table
        One row a message, sorted by (conversation_id, position).
    annotator : str
        Versioned name, for example ``"lingua-2.1.1-high"``.
    route : str
        ``computed``, ``recorded``, ``replayed``, ``restored`` or ``simulated``.
    schema : pyarrow.Schema, optional
        Of the label; default that of `LABELS`.
    """
    wanted = LABELS[label] if schema is None else schema
    checked = check_table(table, wanted, path)
    checked = checked.cast(wanted.with_metadata(label_metadata(annotator, route)))
    with atomic_path(path) as temporary:
        pq.write_table(checked, temporary, compression="zstd")
