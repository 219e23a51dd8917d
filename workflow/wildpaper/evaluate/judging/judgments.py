"""The table of judgments, one form for all judges."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.evaluate.judging.games import Game
from wildpaper.evaluate.judging.verdict import NO_ANSWER, OUTCOMES, Choice
from wildpaper.files import atomic_path

Route = Literal["asked", "replayed", "likelihood"]

JUDGMENTS = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("question_id", pa.int64(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("turn", pa.int32(), nullable=False),
        pa.field("first", pa.string(), nullable=False),
        pa.field("second", pa.string()),
        pa.field("swapped", pa.bool_()),
        pa.field("variant", pa.string(), nullable=False),
        pa.field("repeat", pa.int32(), nullable=False),
        pa.field("grade", pa.float64()),
        pa.field("winner", pa.string()),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("judge", pa.string(), nullable=False),
        pa.field("route", pa.string(), nullable=False),
        pa.field("n_answer_characters", pa.int64()),
        pa.field("n_tokens_in", pa.int64()),
        pa.field("n_tokens_out", pa.int64()),
    ]
)
"""Per verdict: what was judged, see `wildpaper.evaluate.judging.games.Game`; the grade from 1 to
10 of a single answer, or the winner of a pair (``first``, ``second``, ``tie``: which model,
whatever was shown first); the outcome, see `wildpaper.evaluate.judging.verdict.OUTCOMES`; the
judge and how the verdict was come by (`Route`); characters of the single answer as it was shown,
null where it is not known; tokens that the judge read and wrote, null where that is not known."""

_SHOWN_FIRST = {"A": "first", "B": "second", "C": "tie"}
_SHOWN_SECOND = {"A": "second", "B": "first", "C": "tie"}


@dataclass(frozen=True, slots=True)
class Judgment:
    """A row of `JUDGMENTS`."""

    game: Game
    outcome: str
    judge: str
    route: Route
    grade: float | None = None
    winner: str | None = None
    n_answer_characters: int | None = None
    n_tokens_in: int | None = None
    n_tokens_out: int | None = None


def winner_of(choice: Choice | None, swapped: bool | None) -> str | None:
    """Return the winner of a pair from the answer that the judge prefers."""
    return None if choice is None else (_SHOWN_SECOND if swapped else _SHOWN_FIRST)[choice]


def unanswered(game: Game, judge: str, route: Route) -> Judgment:
    """Return the row of a game in which there is nothing to judge."""
    return Judgment(game, NO_ANSWER, judge, route)


def count_outcomes(judgments: Iterable[Judgment]) -> dict[str, dict[str, int]]:
    """Return {kind: {outcome: how many judgments}}, kinds and outcomes that are there."""
    counts = Counter((one.game.kind, one.outcome) for one in judgments)
    return {
        kind: {outcome: counts[kind, outcome] for outcome in OUTCOMES if counts[kind, outcome]}
        for kind in ("single", "pair")
        if any(counts[kind, outcome] for outcome in OUTCOMES)
    }


def write_judgments(path: Path, judgments: Iterable[Judgment]) -> None:
    """Write a table of judgments atomically; the order in which they are given is of no account.

    Raises
    ------
    ValueError
        If an outcome is none of `OUTCOMES`.
    """
    ordered = sorted(judgments, key=lambda one: (*one.game.order, one.judge))
    table = pa.Table.from_pylist([_row(one) for one in ordered], JUDGMENTS)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _row(one: Judgment) -> Mapping[str, object]:
    if one.outcome not in OUTCOMES:
        raise ValueError(f"not an outcome: {one.outcome}")
    game = one.game
    return {
        "kind": game.kind,
        "question_id": game.question_id,
        "category": game.category,
        "turn": game.turn,
        "first": game.first,
        "second": game.second,
        "swapped": game.swapped,
        "variant": game.variant,
        "repeat": game.repeat,
        "grade": one.grade,
        "winner": one.winner,
        "outcome": one.outcome,
        "judge": one.judge,
        "route": one.route,
        "n_answer_characters": one.n_answer_characters,
        "n_tokens_in": one.n_tokens_in,
        "n_tokens_out": one.n_tokens_out,
    }
