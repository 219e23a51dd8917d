"""WildChat in the parquet schema of its releases."""

import hashlib
import json
from pathlib import Path

import pyarrow as pa

from wildpaper.ingest.parquet_rows import Layout, Row, fault_of, is_text, iter_rows
from wildpaper.ingest.records import Conversation, Message, Records, Reject

LAYOUT = Layout(
    "a WildChat release",
    plain={
        "conversation_hash": is_text,
        "conversation_id": is_text,
        "model": is_text,
        "timestamp": pa.types.is_timestamp,
        "turn": pa.types.is_integer,
        "language": is_text,
        "toxic": pa.types.is_boolean,
        "redacted": pa.types.is_boolean,
        "state": is_text,
        "country": is_text,
        "hashed_ip": is_text,
    },
    message={"content": is_text, "role": is_text, "timestamp": pa.types.is_timestamp},
    labels={
        "language": "conversation.language",
        "detoxify": "detoxify_moderation",
        "moderation": "openai_moderation",
    },
)


def read_wildchat(path: Path, labels: tuple[str, ...] = ()) -> Records:
    """Yield the conversations of one parquet file of a WildChat release.

    Each conversation carries the integrity checks that the row allows:
    ``conversation_hash`` (the first 32 hex digits of the SHA-256 of the JSON list of
    content and role, as the authors' release code computes it) and ``turn`` (the
    recorded number of turns against the user messages). The release of 2023 has an id in
    place of the hash, no countries and addresses, and names of languages in upper case,
    which become title case as in the others.

    Parameters
    ----------
    path : Path
        The file.
    labels : tuple of str
        Recorded labels that the conversations shall carry: language, detoxify,
        moderation.

    Raises
    ------
    WildpaperError
        If the file is no whole parquet file, lacks the conversation column, or a part
        of it cannot be decoded; the error names file and row.
    """
    for row in iter_rows(path, LAYOUT, labels):
        yield fault_of(path.name, row) or _conversation(path.name, row, bool(labels))


def _conversation(file: str, row: Row, labelled: bool) -> Conversation | Reject:
    record = row.values
    messages = [
        Message(m["role"], m["content"], m.get("timestamp")) for m in record["conversation"]
    ]
    recorded, language = record.get("conversation_hash"), record.get("language")
    checks = {}
    if recorded is not None:
        checks["conversation_hash"] = recorded == conversation_hash(messages)
    if record.get("turn") is not None:
        checks["turn"] = record["turn"] == sum(m.role == "user" for m in messages)
    source_id = recorded or record.get("conversation_id") or str(row.number)
    return Conversation(
        file,
        row.number,
        source_id,
        messages,
        model=record.get("model"),
        language=None if language is None else language.title(),
        country=record.get("country"),
        state=record.get("state"),
        user=record.get("hashed_ip"),
        timestamp=record.get("timestamp"),
        toxic=record.get("toxic"),
        redacted=record.get("redacted"),
        checks=checks,
        labelled=(row.batch, row.place) if labelled else None,
    )


def conversation_hash(messages: list[Message]) -> str:
    """Return WildChat's hash of a conversation: 32 hex digits over content and role."""
    listed = [{"content": m.text, "role": m.role} for m in messages]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:32]
