"""Exercises of the notebooks: the right answer is computed from the results, never written down.

An answer that is wrong gets a hint on how to find the right one, or what it may have been
mistaken for; the right answer itself is not told.
"""

from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

from wildpaper.errors import WildpaperError
from wildpaper.present.teaching.questions import EXERCISES
from wildpaper.present.teaching.run import Run

State = Literal["right", "wrong", "not answered", "not possible"]

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an answer, and what is said to it."""

    state: State
    message: str


def check(exercise_id: str, answer: Any, results: Run) -> None:
    """Print whether an answer is right; a wrong one gets a hint.

    Parameters
    ----------
    exercise_id : str
        ``<notebook>.<name>``, a key of `wildpaper.present.teaching.questions.EXERCISES`.
    answer : number, str or None
        None: not answered yet.
    results : Run
    """
    print(judge(exercise_id, answer, results).message)


def judge(exercise_id: str, answer: Any, results: Run) -> Verdict:
    """Return what becomes of an answer; see `check`.

    Raises
    ------
    WildpaperError
        If there is no such exercise.
    """
    if exercise_id not in EXERCISES:
        raise WildpaperError(
            f"There is no exercise {exercise_id!r}", hint=f"There are {', '.join(EXERCISES)}."
        )
    exercise = EXERCISES[exercise_id]
    lacking = exercise.needs if exercise.needs and not results.has(exercise.needs) else ""
    right = None if lacking else exercise.solve(results)
    if right is None:
        why = (
            f"it has no {lacking}: {results.why_not(lacking)}" if lacking else "too little is known"
        )
        return Verdict("not possible", f"This run cannot tell: {why}.")
    if answer is None:
        return Verdict("not answered", "Not answered yet.")
    if problem := _misfit(answer, right):
        return Verdict("wrong", f"Not yet. {problem}")
    if _equal(answer, right, exercise.within):
        return Verdict("right", "Right.")
    for said, mistaken in exercise.mistakes.items():
        other = mistaken(results)
        if other is not None and _equal(answer, other, exercise.within):
            return Verdict("wrong", f"Not yet. {said}")
    return Verdict("wrong", f"Not yet. {exercise.hint}")


def _misfit(answer: Any, right: Any) -> str:
    """Return what is wrong with the kind of an answer; nothing if it is that of the right one."""
    wants_number = isinstance(right, Real)
    is_number = isinstance(answer, Real) and not isinstance(answer, bool)
    if wants_number and not is_number:
        return f"A number is asked for, not {type(answer).__name__}."
    if not wants_number and not isinstance(answer, str):
        return f"A text in quotes is asked for, not {type(answer).__name__}."
    return ""


def _equal(answer: Any, right: Any, within: float) -> bool:
    if isinstance(right, Real):
        return abs(float(answer) - float(right)) <= within + _ROUNDING
    accepted = right if isinstance(right, set | frozenset) else {right}
    return str(answer).strip().casefold() in {str(one).casefold() for one in accepted}
