"""Messages whose traits are known, as the simulator writes them (``labelled/*.jsonl``)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.schema import MODERATION_CATEGORIES

_ROLES = ("user", "assistant")


@dataclass(frozen=True, slots=True)
class LabelledMessage:
    """One message and what was planted in it.

    Attributes
    ----------
    text, role, language : str
        As composed; `role` is ``user`` or ``assistant``.
    insult : bool
        Whether an insult is in it.
    moderation : tuple of str
        Categories of which a marker is in it.
    jailbreak : str or None
        The jailbreak family whose persona it names.
    """

    text: str
    role: str
    language: str
    insult: bool
    moderation: tuple[str, ...]
    jailbreak: str | None


def read_labelled(path: Path) -> list[LabelledMessage]:
    """Read a labelled corpus.

    Parameters
    ----------
    path : Path
        JSON lines with the attributes of `LabelledMessage` as keys.

    Raises
    ------
    WildpaperError
        If the file cannot be read, holds no line, or a line is of another form; the
        message names the line and never the text.
    """
    messages = []
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                messages.append(_message(line, f"{path}, line {number}"))
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(str(path), str(error)) from error
    if not messages:
        raise _unreadable(str(path), "it has no lines")
    return messages


def _message(line: str, where: str) -> LabelledMessage:
    try:
        found: dict[str, Any] = json.loads(line)
        message = LabelledMessage(
            found["text"],
            found["role"],
            found["language"],
            found["insult"],
            tuple(found["moderation"]),
            found["jailbreak"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(where, f"{type(error).__name__} in its fields") from error
    for name, fits in (
        ("text", isinstance(message.text, str)),
        ("role", message.role in _ROLES),
        ("language", isinstance(message.language, str)),
        ("insult", isinstance(message.insult, bool)),
        ("moderation", set(message.moderation) <= set(MODERATION_CATEGORIES)),
        ("jailbreak", message.jailbreak is None or isinstance(message.jailbreak, str)),
    ):
        if not fits:
            raise _unreadable(where, f"the value of {name!r} is not allowed")
    return message


def _unreadable(where: str, problem: str) -> WildpaperError:
    return WildpaperError(
        f"Cannot read the labelled messages: {problem}",
        where=where,
        hint="The simulator writes this file; delete it and run again.",
    )
