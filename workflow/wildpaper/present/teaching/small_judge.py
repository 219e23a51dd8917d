"""A judge whose taste, noise and bias are planted, in the place of GPT-4.

Its judgments have the form of a run's, so that the same measures read them.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.evaluate.judging.judgments import JUDGMENTS
from wildpaper.evaluate.questions import CATEGORIES

MODELS = ("planted_a", "planted_b")
STRENGTHS = {"planted_a": 6.2, "planted_b": 5.4}
BIAS = 0.15
"""Rate at which the judge prefers what is shown first, whatever it is."""
_N_QUESTIONS = 80
_TIE, _WINS = 0.2, 0.6
_SECOND_TURN = 0.6
_CHANGES = {"repeated": 0.0, "padded": 0.5, "quoted-verdict": 0.9, "instructed": 0.3}
"""Points by which a change of an answer moves its grade."""
_CHANGED_QUESTIONS = 20


def write_planted_judgments(path: Path, seed: int) -> None:
    """Write judgments of two models on 80 questions of two turns, single and in pairs.

    Grades grow with the length of an answer. In a pair the judge has an opinion, but says at
    the rate `BIAS`, anew in each order, that the answer shown first is better.
    """
    draw = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for question in range(1, _N_QUESTIONS + 1):
        worth, chance = draw.uniform(-1.2, 1.2), draw.beta(4 * _WINS, 4 * (1 - _WINS))
        for turn in (1, 2):
            for model in MODELS:
                rows += _graded(draw, question, turn, model, worth)
            rows += _compared(draw, question, turn, chance)
    pq.write_table(pa.Table.from_pylist(rows, JUDGMENTS), path)


def _graded(
    draw: np.random.Generator, question: int, turn: int, model: str, worth: float
) -> list[dict[str, Any]]:
    n_characters = int(draw.lognormal(6, 0.5))
    exact = STRENGTHS[model] + worth - _SECOND_TURN * (turn == 2)
    exact += 0.5 * np.log(n_characters / 400) + draw.uniform(-1, 1)
    changes = {"plain": 0.0} | (_CHANGES if question <= _CHANGED_QUESTIONS else {})
    return [
        _row("single", question, turn, model, variant=variant,
             repeat=int(variant == "repeated"), n_answer_characters=n_characters,
             grade=float(np.clip(np.floor(exact + change + draw.uniform()), 1, 10)))
        for variant, change in changes.items()
    ]  # fmt: skip


def _compared(
    draw: np.random.Generator, question: int, turn: int, chance: float
) -> list[dict[str, Any]]:
    opinion = "tie" if draw.uniform() < _TIE else "first" if draw.uniform() < chance else "second"
    rows = []
    for swapped in (False, True):
        biased = draw.uniform() < BIAS
        winner = ("second" if swapped else "first") if biased else opinion
        rows.append(_row("pair", question, turn, MODELS[0], second=MODELS[1], swapped=swapped,
                         winner=winner))  # fmt: skip
    return rows


def _row(kind: str, question: int, turn: int, first: str, **other: Any) -> dict[str, Any]:
    base = dict.fromkeys(JUDGMENTS.names) | {
        "kind": kind, "question_id": question, "category": CATEGORIES[question % 8], "turn": turn,
        "first": first, "variant": "plain", "repeat": 0, "outcome": "parsed",
        "judge": "planted", "route": "asked",
    }  # fmt: skip
    return base | other
