"""The verdict in what a judge writes: strictly parsed, or not at all and for a reason.

FastChat takes the first ``[[…]]`` of a judgment, so that a judge who quotes one from the
answer gives that grade. Here a text with two different verdicts has none.
"""

import re
from typing import Literal

Choice = Literal["A", "B", "C"]
"""The answer shown first is better, the one shown second, or neither."""

PARSED = "parsed"
NO_ANSWER = "no-answer"
REASONS = (
    "empty",
    "html",
    "cut-off",
    "no-verdict",
    "two-verdicts",
    "out-of-range",
    "unparsed-in-file",
    "contradicts-its-text",
)
"""Why a judgment has no verdict: the text is empty, is a page of HTML, was cut off before a
verdict, holds none, holds two different ones, or a grade that is not from 1 to 10; a file of
judgments says that it had none, or says another one than its text."""

OUTCOMES = (PARSED, NO_ANSWER, *REASONS)
"""What may become of a judgment; ``no-answer`` where there was nothing to judge."""

LOWEST, HIGHEST = 1.0, 10.0
"""Grades."""

_GRADE = re.compile(r"\[\[(-?[0-9]+(?:\.[0-9]*)?)\]\]")
_SINGLE_BRACKETS = re.compile(r"(?<!\[)\[(-?[0-9]+(?:\.[0-9]*)?)\](?!\])")
_CHOICE = re.compile(r"\[\[([ABC])\]\]")
_HTML = re.compile(r"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)


def parse_grade(text: str, finish: str = "", *, lenient: bool = False) -> tuple[float | None, str]:
    """Return the grade that a judge gives, and `PARSED` or one of `REASONS`.

    Parameters
    ----------
    text : str
        What the judge wrote.
    finish : str
        Why it ended, as the interface says: ``length`` where it was cut off.
    lenient : bool
        Take a number in single brackets where there is none in double ones, as FastChat does.

    Returns
    -------
    grade : float or None
        From 1 to 10, halves and other fractions among them.
    outcome : str

    Notes
    -----
    A verdict is a number in double square brackets, ``[[7]]`` or ``[[7.5]]``, wherever it
    stands. The same verdict may be repeated.
    """
    found = {float(number) for number in _GRADE.findall(text)}
    if not found and lenient:
        found = {float(number) for number in _SINGLE_BRACKETS.findall(text)}
    reason = _reason(text, finish, len(found))
    if reason != PARSED:
        return None, reason
    (grade,) = found
    return (grade, PARSED) if LOWEST <= grade <= HIGHEST else (None, "out-of-range")


def parse_choice(text: str, finish: str = "") -> tuple[Choice | None, str]:
    """Return which of two answers a judge prefers, and `PARSED` or one of `REASONS`.

    Parameters
    ----------
    text, finish : str
        See `parse_grade`.

    Returns
    -------
    choice : {"A", "B", "C"} or None
    outcome : str
    """
    found: set[Choice] = set(_CHOICE.findall(text))
    reason = _reason(text, finish, len(found))
    if reason != PARSED:
        return None, reason
    (choice,) = found
    return choice, PARSED


def _reason(text: str, finish: str, n_verdicts: int) -> str:
    """Return why a text with so many different verdicts has none, or `PARSED`."""
    if _HTML.match(text):
        return "html"
    if n_verdicts == 1:
        return PARSED
    if n_verdicts:
        return "two-verdicts"
    if finish == "length":
        return "cut-off"
    return "no-verdict" if text.strip() else "empty"
