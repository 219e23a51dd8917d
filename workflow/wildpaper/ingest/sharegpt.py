"""ShareGPT: one JSON array of {"id", "conversations": [{"from", "value"}]}."""

from pathlib import Path
from typing import Any

from wildpaper.ingest.json_array import iter_records
from wildpaper.ingest.json_items import Broken
from wildpaper.ingest.records import Conversation, Message, Records, Reject

_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "system": "system",
}


def read_sharegpt(path: Path) -> Records:
    """Yield the conversations of a ShareGPT file, streamed.

    Parameters
    ----------
    path : Path
        A JSON array in the format of ``ShareGPT_V3_unfiltered_cleaned_split.json``.

    Raises
    ------
    WildpaperError
        If the file holds no JSON array.
    """
    for row, item in iter_records(path, "ShareGPT", "id and conversations", "conversations"):
        yield _record(path.name, row, item)


def _record(file: str, row: int, item: Any) -> Conversation | Reject:
    if isinstance(item, Broken):
        return Reject(file, row, item.reason, item.detail)
    if item is None:
        return Reject(file, row, "null-conversation")
    if not isinstance(item, dict):
        return Reject(file, row, "not-a-record", f"a JSON {type(item).__name__}")
    if "conversations" not in item:
        return Reject(file, row, "missing-field", "conversations")
    listed = item["conversations"]
    if listed is None:
        return Reject(file, row, "null-conversation")
    if not isinstance(listed, list):
        return Reject(file, row, "not-a-list", f"conversations is a JSON {type(listed).__name__}")
    messages = []
    for position, raw in enumerate(listed):
        if raw is None:
            return Reject(file, row, "null-message", f"message {position}")
        if not isinstance(raw, dict):
            return Reject(file, row, "not-a-record", f"message {position}")
        missing = [key for key in ("from", "value") if key not in raw]
        if missing:
            return Reject(file, row, "missing-field", f"message {position}: {', '.join(missing)}")
        messages.append(Message(_role(raw["from"]), raw["value"]))
    name = item.get("id")
    return Conversation(file, row, name if isinstance(name, str) and name else str(row), messages)


def _role(name: Any) -> Any:
    """Return the role of a speaker; an unknown one stays as it is and is quarantined."""
    return _ROLES.get(name, name) if isinstance(name, str) else name
