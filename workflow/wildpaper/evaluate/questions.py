"""Two-turn questions in the format of MT-bench: FastChat's ``question.jsonl``."""

from dataclasses import dataclass
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.json_lines import (
    json_object,
    question_number,
    read_json_lines,
    turn_texts,
)

CATEGORIES = (
    *("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"),
)
"""Those of MT-bench, in its order."""

_HINT = (
    "A line is a JSON object with question_id (an integer), category, turns (a list of two "
    f"texts) and, where there is one, reference (a list of two texts). Categories: "
    f"{', '.join(CATEGORIES)}."
)


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
    found: dict[int, tuple[int, Question]] = {}
    for number, where, question in read_json_lines(path, "the questions", _parse, _HINT):
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
    raw = json_object(line)
    number, category, reference = question_number(raw), raw.get("category"), raw.get("reference")
    if category not in CATEGORIES:
        raise ValueError(f"Question {number} is of no known category")
    turns = turn_texts(raw.get("turns"), f"The turns of question {number}")
    if not all(turn.strip() for turn in turns):
        raise ValueError(f"A turn of question {number} is empty")
    if reference is None:
        return Question(number, category, turns)
    return Question(
        number, category, turns, turn_texts(reference, f"References of question {number}")
    )
