"""Messages whose traits are known, as the simulator writes them (``labelled/*.jsonl``)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from wildpaper.errors import WildpaperError
from wildpaper.schema import MODERATION_CATEGORIES

_ROLES = ("user", "assistant")

_T = TypeVar("_T")


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


@dataclass(frozen=True, slots=True)
class LabelledPrompt:
    """A first user message in English and its category, a slug as in ``data/categories.yaml``."""

    text: str
    category: str


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
    return _read(path, _message)


def read_prompts(path: Path) -> list[LabelledPrompt]:
    """Read labelled first prompts.

    Parameters
    ----------
    path : Path
        JSON lines with the attributes of `LabelledPrompt` as keys.

    Raises
    ------
    WildpaperError
        As `read_labelled`.
    """
    return _read(path, _prompt)


def _read(path: Path, of_record: Callable[[dict[str, Any], str], _T]) -> list[_T]:
    """Return what `of_record` makes of the object of each line and of where it stands."""
    found = []
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                where = f"{path}, line {number}"
                try:
                    found.append(of_record(json.loads(line), where))
                except (ValueError, KeyError, TypeError) as error:
                    raise _unreadable(where, f"{type(error).__name__} in its fields") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(str(path), str(error)) from error
    if not found:
        raise _unreadable(str(path), "it has no lines")
    return found


def _prompt(found: dict[str, Any], where: str) -> LabelledPrompt:
    prompt = LabelledPrompt(found["text"], found["category"])
    for name in ("text", "category"):
        if not isinstance(getattr(prompt, name), str):
            raise _unreadable(where, f"the value of {name!r} is not allowed")
    return prompt


def _message(found: dict[str, Any], where: str) -> LabelledMessage:
    message = LabelledMessage(
        found["text"],
        found["role"],
        found["language"],
        found["insult"],
        tuple(found["moderation"]),
        found["jailbreak"],
    )
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
