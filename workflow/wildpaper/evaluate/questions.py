"""Two-turn questions in the format of MT-bench: FastChat's ``question.jsonl``."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError

CATEGORIES = (
    *("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"),
)
"""Those of MT-bench, in its order."""
N_TURNS = 2

_HINT = (
    "A line is a JSON object with question_id (an integer), category, turns (a list of two "
    f"texts) and, where there is one, reference (a list of two texts). Categories: "
    f"{', '.join(CATEGORIES)}."
)
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the one that follows it.

    Attributes
    ----------
    question_id : int
    category : str
        One of `CATEGORIES`.
    turns : tuple of str
        What the user says, `N_TURNS` times.
    reference : tuple of str
        Right answers, turn by turn, some of them perhaps empty; () if the question has none.
    """

    question_id: int
    category: str
    turns: tuple[str, ...]
    reference: tuple[str, ...] = ()


def read_questions(path: Path) -> list[Question]:
    """Read questions; keys other than those of `Question` are passed over, so are empty lines.

    Parameters
    ----------
    path : Path
        JSON lines, as FastChat's ``fastchat/llm_judge/data/mt_bench/question.jsonl``.

    Returns
    -------
    list of Question
        In the order of the file.

    Raises
    ------
    WildpaperError
        If the file cannot be read or holds no question; if a line is not JSON, lacks a key, has
        an unknown category, another number of turns or an id that was there before. Names file
        and line, and quotes no text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WildpaperError(f"Cannot read the questions: {error}", where=str(path)) from error
    found: dict[int, tuple[int, Question]] = {}
    # not splitlines: a text may hold U+2028, which JSON leaves as it is
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            question = _parse(line)
        except ValueError as error:
            raise WildpaperError(str(error), where=where, hint=_HINT) from None
        if question.question_id in found:
            earlier = found[question.question_id][0]
            raise WildpaperError(
                f"Question {question.question_id} is there twice, first in line {earlier}",
                where=where,
                hint="Give each question an id of its own.",
            )
        found[question.question_id] = (number, question)
    if not found:
        raise WildpaperError("There is no question in the file", where=str(path), hint=_HINT)
    return [question for _, question in found.values()]


def _parse(line: str) -> Question:
    """Return the question of a line, or raise ValueError that says what is wrong with it."""
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"Not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise ValueError("Not a JSON object")
    number, category, reference = (raw.get(k) for k in ("question_id", "category", "reference"))
    if type(number) is not int or not 0 <= number <= _LARGEST_ID:
        raise ValueError("question_id is not a whole number from 0 on")
    if category not in CATEGORIES:
        raise ValueError(f"Question {number} is of no known category")
    turns = _texts(raw.get("turns"), f"The turns of question {number}")
    if not all(turn.strip() for turn in turns):
        raise ValueError(f"A turn of question {number} is empty")
    if reference is None:
        return Question(number, category, turns)
    return Question(number, category, turns, _texts(reference, f"References of question {number}"))


def _texts(value: Any, what: str) -> tuple[str, ...]:
    """Return a list of one text a turn, or raise ValueError."""
    if not isinstance(value, list):
        raise ValueError(f"{what} are not a list")
    if len(value) != N_TURNS:
        raise ValueError(f"{what} are {len(value)}, not {N_TURNS}")
    if not all(isinstance(text, str) for text in value):
        raise ValueError(f"{what} are not all texts")
    if any("\ud800" <= character <= "\udfff" for text in value for character in text):
        raise ValueError(f"{what} hold half a surrogate pair, which is no character")
    return tuple(value)
