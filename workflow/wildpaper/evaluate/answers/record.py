"""Files of answers in FastChat's format: JSON lines, an answer to a question each."""

import hashlib
import json
import logging
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.json_lines import (
    LARGEST_ID,
    N_TURNS,
    has_half_pair,
    json_object,
    question_number,
    read_json_lines,
    turn_texts,
)
from wildpaper.evaluate.questions import Question
from wildpaper.files import write_text

_LOG = logging.getLogger("wildpaper")

Finish = Literal["end", "length", ""]
"""Why an answer is not longer: the model ended it, it was cut off, or that is not known."""

_HINT = (
    "A line is a JSON object with question_id (an integer), model_id (a text) and choices (a list "
    f"of objects, the first with turns, a list of {N_TURNS} texts), as FastChat's "
    "gen_model_answer.py writes it."
)
_ID_DIGITS = 22


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said to a question.

    Attributes
    ----------
    question_id : int
    model_id : str
    turns : tuple of str
        A text a turn, `N_TURNS` of them; a model may say nothing.
    n_tokens : tuple of int
        Tokens of each text, the end token not among them; () where that is not known.
    finish : tuple of str
        A `Finish` a turn; () where that is not known.
    """

    question_id: int
    model_id: str
    turns: tuple[str, ...]
    n_tokens: tuple[int, ...] = ()
    finish: tuple[Finish, ...] = ()


def read_answers(path: Path) -> dict[int, Answer]:
    """Read answers; of several choices the first counts, empty lines are passed over.

    Parameters
    ----------
    path : Path
        JSON lines, as FastChat's ``data/mt_bench/model_answer/MODEL.jsonl``. Keys other than
        those of an answer are not looked at: ``answer_id``, ``tstamp`` and the like.

    Returns
    -------
    dict
        By question, in the order of the file.

    Raises
    ------
    WildpaperError
        If the file cannot be read or holds no answer; if a line is not JSON (the last one of a
        copy that was cut off, say), lacks a key, has a value of another type, another number of
        turns, or answers a question for the second time. Names file and line, and quotes no text.
    """
    found: dict[int, tuple[int, Answer]] = {}
    n_further = 0
    lines = read_json_lines(path, "the answers", parse_answer, _HINT)
    for number, where, (answer, n_choices) in lines:
        if answer.question_id in found:
            earlier = found[answer.question_id][0]
            raise WildpaperError(
                f"Question {answer.question_id} is answered twice, first in line {earlier}",
                where=where,
                hint="Leave one line a question in the file, and one file a model.",
            )
        found[answer.question_id] = (number, answer)
        n_further += n_choices - 1
    if not found:
        raise WildpaperError("There is no answer in the file", where=str(path), hint=_HINT)
    if n_further:
        _LOG.info("%s: only first choices count, %s others are passed over", path, f"{n_further:,}")
    return {number: answer for number, (_, answer) in found.items()}


def parse_answer(line: str) -> tuple[Answer, int]:
    """Return the answer of a line and how many choices it has.

    Raises
    ------
    ValueError
        If it is no answer; says what is wrong and quotes no text.
    """
    raw = json_object(line)
    number, model, choices = question_number(raw), raw.get("model_id"), raw.get("choices")
    if not isinstance(model, str) or not model or has_half_pair(model):
        raise ValueError(f"The model_id of the answer to question {number} is no text")
    if not isinstance(choices, list) or not choices:
        raise ValueError(f"The answer to question {number} has no choices")
    choice = choices[0]
    if not isinstance(choice, dict):
        raise ValueError(f"The first choice for question {number} is not a JSON object")
    turns = turn_texts(choice.get("turns"), f"The turns of the answer to question {number}")
    n_tokens = tuple(_values(choice, "n_tokens", number, _is_count))
    finish = tuple(_values(choice, "finish", number, _is_finish))
    return Answer(number, model, turns, n_tokens, finish), len(choices)


def _values(choice: dict[str, Any], key: str, number: int, is_right: Any) -> list[Any]:
    """Return what is known of each turn, nothing where the key is absent, or raise ValueError."""
    value = choice.get(key)
    if value is None or value == []:
        return []
    if not isinstance(value, list) or len(value) != N_TURNS or not all(map(is_right, value)):
        raise ValueError(f"{key} of the answer to question {number} is not what it must be")
    return value


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_ID


def _is_finish(value: Any) -> bool:
    return isinstance(value, str) and value in get_args(Finish)


def missing_questions(answers: Collection[int], questions: Sequence[Question]) -> list[Question]:
    """Return the questions that have no answer.

    Parameters
    ----------
    answers : collection of int
        The questions that have one, for instance what `read_answers` returns.
    questions : sequence of Question
    """
    return [question for question in questions if question.question_id not in answers]


def known_answers(
    answers: dict[int, Answer], questions: Sequence[Question], path: Path
) -> dict[int, Answer]:
    """Return the answers to some questions; count others in the log, and pass them over.

    Parameters
    ----------
    answers : dict
        By question.
    questions : sequence of Question
    path : Path
        Where the answers are from, for the log.
    """
    wanted = {question.question_id for question in questions}
    known = {number: answer for number, answer in answers.items() if number in wanted}
    if len(known) < len(answers):
        _LOG.warning(
            "%s: %s answers are to none of the %s questions and are passed over",
            path, f"{len(answers) - len(known):,}", f"{len(wanted):,}",
        )  # fmt: skip
    return known


def write_answers(path: Path, answers: Iterable[Answer]) -> None:
    """Write answers atomically, by question; the same answers give the same bytes.

    Notes
    -----
    What FastChat draws or takes from the clock follows from the content here: ``answer_id``
    is a digest of model, question and texts, ``tstamp`` is ``SOURCE_DATE_EPOCH`` or 0. In a
    choice stand ``n_tokens`` and ``finish`` where they are known; FastChat passes them over.
    """
    ordered = sorted(answers, key=lambda answer: answer.question_id)
    write_text(path, "".join(answer_line(answer) for answer in ordered))


def answer_line(answer: Answer) -> str:
    """Return the line of an answer, with its end."""
    choice: dict[str, Any] = {"index": 0, "turns": list(answer.turns)}
    choice |= {"n_tokens": list(answer.n_tokens)} if answer.n_tokens else {}
    choice |= {"finish": list(answer.finish)} if answer.finish else {}
    about = [answer.model_id, answer.question_id, *answer.turns]
    digest = hashlib.sha256(json.dumps(about).encode()).hexdigest()
    line = {
        "question_id": answer.question_id,
        "answer_id": digest[:_ID_DIGITS],
        "model_id": answer.model_id,
        "choices": [choice],
        "tstamp": _timestamp(),
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


def _timestamp() -> float:
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    return float(given) if given.isdecimal() and given.isascii() else 0.0
