"""Stanford Alpaca: one JSON array of {"instruction", "input", "output"}."""

from pathlib import Path
from typing import Any

from wildpaper.ingest.json_array import iter_records
from wildpaper.ingest.json_items import Broken
from wildpaper.ingest.records import Conversation, Message, Records, Reject


def read_alpaca(path: Path, separator: str = "") -> Records:
    """Yield one conversation a record: the user's instruction and input, the output.

    Parameters
    ----------
    path : Path
        A JSON array in the format of `alpaca_data.json`.
    separator : str
        Stands between instruction and input where there is an input. The authors' code
        for the comparison sets joins the two with nothing.

    Raises
    ------
    WildpaperError
        If the file holds no JSON array.
    """
    for row, item in iter_records(path, "Alpaca", "instruction, input and output", "instruction"):
        if isinstance(item, Broken):
            yield Reject(path.name, row, item.reason, item.detail)
        else:
            yield _record(path.name, row, item, separator)


def _record(file: str, row: int, item: Any, separator: str) -> Conversation | Reject:
    if item is None:
        return Reject(file, row, "null-conversation")
    if not isinstance(item, dict):
        return Reject(file, row, "not-a-record", f"a JSON {type(item).__name__}")
    missing = [key for key in ("instruction", "output") if key not in item]
    if missing:
        return Reject(file, row, "missing-field", ", ".join(missing))
    instruction, extra = item["instruction"], item.get("input", "")
    if not isinstance(instruction, str) or not isinstance(extra, str):
        return Reject(file, row, "non-string-text", "instruction or input")
    prompt = f"{instruction}{separator}{extra}" if extra else instruction
    messages = [Message("user", prompt), Message("assistant", item["output"])]
    return Conversation(file, row, str(row), messages)
