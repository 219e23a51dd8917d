"""Files of JSON lines in FastChat's formats, and what their lines share."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from wildpaper.errors import WildpaperError

N_TURNS = 2
LARGEST_ID = 2**63 - 1

_T = TypeVar("_T")


def read_json_lines(
    path: Path, what: str, parse: Callable[[str], _T], hint: str
) -> Iterator[tuple[int, str, _T]]:
    """Yield what each line holds: its number, where it stands for errors, and the content.

    Parameters
    ----------
    path : Path
        Empty lines are passed over.
    what : str
        What the file holds, for errors (``"the questions"``).
    parse : callable
        Takes a line; raises ValueError that says what is wrong and quotes no text.
    hint : str
        How a line must be.

    Raises
    ------
    WildpaperError
        If the file cannot be read or a line be parsed. Names file and line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WildpaperError(f"Cannot read {what}: {error}", where=str(path)) from None
    # not splitlines: a text may hold U+2028, which JSON leaves as it is
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{path}, line {number}"
            try:
                found = parse(line)
            except ValueError as error:
                raise WildpaperError(str(error), where=where, hint=hint) from None
            yield number, where, found


def json_object(line: str) -> dict[str, Any]:
    """Return the JSON object of a line, or raise ValueError."""
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"Not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise ValueError("Not a JSON object")
    return raw


def question_number(raw: dict[str, Any]) -> int:
    """Return the id of a question, or raise ValueError."""
    number = raw.get("question_id")
    if type(number) is not int or not 0 <= number <= LARGEST_ID:
        raise ValueError("question_id is not a whole number from 0 on")
    return number


def turn_texts(value: Any, what: str) -> tuple[str, ...]:
    """Return a list of one text a turn, or raise ValueError that begins with `what`."""
    if not isinstance(value, list):
        raise ValueError(f"{what} are not a list")
    if len(value) != N_TURNS:
        raise ValueError(f"{what} are {len(value)}, not {N_TURNS}")
    if not all(isinstance(text, str) for text in value):
        raise ValueError(f"{what} are not all texts")
    if any(has_half_pair(text) for text in value):
        raise ValueError(f"{what} hold half a surrogate pair, which is no character")
    return tuple(value)


def has_half_pair(text: str) -> bool:
    """Say whether a text holds half of a surrogate pair, which is no character."""
    return any("\ud800" <= character <= "\udfff" for character in text)
