"""Dolly: JSON lines of {"instruction", "context", "response", "category"}."""

from pathlib import Path
from typing import Any

from wildpaper.ingest.json_items import Broken
from wildpaper.ingest.json_lines import iter_lines
from wildpaper.ingest.records import Conversation, Message, Records, Reject


def read_dolly(path: Path, context: str = "before") -> Records:
    """Yield one conversation a record: the user's context and instruction, the response.

    Parameters
    ----------
    path : Path
        JSON lines in the format of ``databricks-dolly-15k.jsonl``.
    context : {"before", "always", "leave-out"}
        The user's text is context, a space, instruction, or just the instruction where the
        context is empty, as the authors' code joins them for first prompts; always with
        the space, as it joins them for whole conversations; or the instruction alone.

    Raises
    ------
    WildpaperError
        If the file holds no line of JSON.
    """
    for row, item in iter_lines(path, "Dolly"):
        yield _record(path.name, row, item, context)


def _record(file: str, row: int, item: Any, where: str) -> Conversation | Reject:
    if isinstance(item, Broken):
        return Reject(file, row, item.reason, item.detail)
    if item is None:
        return Reject(file, row, "null-conversation")
    if not isinstance(item, dict):
        return Reject(file, row, "not-a-record", f"a JSON {type(item).__name__}")
    missing = [key for key in ("instruction", "response") if key not in item]
    if missing:
        return Reject(file, row, "missing-field", ", ".join(missing))
    instruction, context = item["instruction"], item.get("context", "")
    if not isinstance(instruction, str) or not isinstance(context, str):
        return Reject(file, row, "non-string-text", "instruction or context")
    joined = where == "always" or (where == "before" and context)
    prompt = f"{context} {instruction}" if joined else instruction
    messages = [Message("user", prompt), Message("assistant", item["response"])]
    return Conversation(file, row, str(row), messages)
