"""What is to be judged: single answers, and pairs of answers in both orders."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.json_lines import N_TURNS
from wildpaper.evaluate.judging.variants import PLAIN, REPEATED, VARIANTS, Variant
from wildpaper.evaluate.questions import Question

Answers = Mapping[str, Mapping[int, Sequence[str]]]
"""{model: {question_id: what it said, turn by turn}}."""


@dataclass(frozen=True, slots=True)
class Game:
    """One verdict to be had.

    Attributes
    ----------
    kind : {"single", "pair"}
        A grade of one answer, or the better of two.
    question_id : int
    category : str
    turn : int
        1 or 2.
    first : str
        The model that is graded, or the first of the pair.
    second : str or None
        The second of the pair.
    swapped : bool or None
        Of a pair: whether the answer of `second` is shown first.
    variant : str
        What is done to the answer, see `wildpaper.evaluate.judging.variants`.
    repeat : int
        0, or the number of the repetition.
    answered : bool
        Whether there is something to judge.
    """

    kind: Literal["single", "pair"]
    question_id: int
    category: str
    turn: int
    first: str
    second: str | None = None
    swapped: bool | None = None
    variant: Variant = PLAIN
    repeat: int = 0
    answered: bool = True

    @property
    def models(self) -> tuple[str, ...]:
        """The models whose answers are judged."""
        return (self.first,) if self.second is None else (self.first, self.second)

    @property
    def order(self) -> tuple[object, ...]:
        """What games are sorted by."""
        return (
            self.kind, self.question_id, self.turn, self.first, self.second or "",
            bool(self.swapped), VARIANTS.index(self.variant), self.repeat,
        )  # fmt: skip


def single_games(
    models: Iterable[str],
    questions: Sequence[Question],
    answers: Answers,
    *,
    robustness_questions: int = 0,
    repeats: int = 0,
    seed: int = 0,
) -> list[Game]:
    """Return the games in which one answer is graded, each turn of each model.

    Parameters
    ----------
    models : iterable of str
    questions : sequence of Question
    answers : mapping
        Where a model has no answer to a question, the game is there and not `answered`.
    robustness_questions : int
        Questions, drawn by `seed` and the same for all models, whose first answers are graded
        in all variants as well.
    repeats : int
        How many times those are graded again, unchanged.
    seed : int
    """
    drawn = drawn_questions([q.question_id for q in questions], robustness_questions, seed)
    games = []
    for model in models:
        for question in questions:
            about = (question.question_id, question.category)
            answered = question.question_id in answers.get(model, {})
            games += [
                Game("single", *about, turn, model, answered=answered)
                for turn in range(1, N_TURNS + 1)
            ]
            if question.question_id in drawn:
                games += [
                    Game("single", *about, 1, model, None, None, variant, repeat, answered)
                    for variant, repeat in _further(repeats)
                ]
    return games


def pair_games(
    pairs: Iterable[Sequence[str]], questions: Sequence[Question], answers: Answers
) -> list[Game]:
    """Return the games in which two answers are compared, each turn in both orders.

    Parameters
    ----------
    pairs : iterable of (str, str)
    questions : sequence of Question
    answers : mapping
        See `single_games`.

    Raises
    ------
    WildpaperError
        If a pair is no pair of two models whose answers are given, or is there twice.
    """
    seen: set[frozenset[str]] = set()
    games = []
    for pair in pairs:
        first, second = _checked(pair, answers, seen)
        for question in questions:
            number = question.question_id
            answered = number in answers[first] and number in answers[second]
            games += [
                Game("pair", number, question.category, turn, first, second, swapped,
                     answered=answered)
                for turn in range(1, N_TURNS + 1)
                for swapped in (False, True)
            ]  # fmt: skip
    return games


def drawn_questions(numbers: Iterable[int], n: int, seed: int) -> set[int]:
    """Return `n` of some questions, or all: which ones depends on `seed` and their ids only."""

    def rank(number: int) -> bytes:
        return hashlib.blake2b(f"{seed}/robustness/{number}".encode(), digest_size=8).digest()

    return set(sorted(numbers, key=rank)[: max(n, 0)])


def _further(repeats: int) -> list[tuple[Variant, int]]:
    again: list[tuple[Variant, int]] = [(REPEATED, repeat) for repeat in range(1, repeats + 1)]
    return again + [(v, 0) for v in VARIANTS if v not in (PLAIN, REPEATED)]


def _checked(pair: Sequence[str], answers: Answers, seen: set[frozenset[str]]) -> tuple[str, str]:
    names = frozenset(pair)
    if len(pair) != 2 or len(names) != 2 or not names <= answers.keys() or names in seen:
        raise WildpaperError(
            f"Not a pair of models to compare: {', '.join(map(str, pair))}",
            hint="A pair is two different models whose answers are judged, in one order only: "
            f"each is compared in both orders. Models: {', '.join(answers)}.",
        )
    seen.add(names)
    return pair[0], pair[1]
