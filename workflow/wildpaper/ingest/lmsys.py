"""LMSYS-Chat-1M in the parquet schema of its release."""

from pathlib import Path

import pyarrow as pa

from wildpaper.ingest.parquet_rows import Layout, Row, fault_of, is_text, iter_rows
from wildpaper.ingest.records import Conversation, Message, Records

LAYOUT = Layout(
    "LMSYS-Chat-1M",
    plain={
        "conversation_id": is_text,
        "model": is_text,
        "turn": pa.types.is_integer,
        "language": is_text,
        "redacted": pa.types.is_boolean,
    },
    message={"content": is_text, "role": is_text},
    labels={"moderation": "openai_moderation"},
)


def read_lmsys(path: Path, labels: tuple[str, ...] = ()) -> Records:
    """Yield the conversations of one parquet file of LMSYS-Chat-1M.

    Each conversation carries the check ``turn``: the recorded number of turns against
    the user messages.

    Parameters
    ----------
    path : Path
        The file.
    labels : tuple of str
        Recorded labels that the conversations shall carry: moderation, the only one
        that the release records for each message.

    Raises
    ------
    WildpaperError
        If the file is no whole parquet file, lacks the conversation column, or a part
        of it cannot be decoded; the error names file and row.
    """
    for row in iter_rows(path, LAYOUT, labels):
        yield fault_of(path.name, row) or _conversation(path.name, row, bool(labels))


def _conversation(file: str, row: Row, labelled: bool) -> Conversation:
    record = row.values
    messages = [Message(m["role"], m["content"]) for m in record["conversation"]]
    checks = {}
    if record.get("turn") is not None:
        checks["turn"] = record["turn"] == sum(m.role == "user" for m in messages)
    return Conversation(
        file,
        row.number,
        record.get("conversation_id") or str(row.number),
        messages,
        model=record.get("model"),
        language=record.get("language"),
        redacted=record.get("redacted"),
        checks=checks,
        labelled=(row.batch, row.place) if labelled else None,
    )
