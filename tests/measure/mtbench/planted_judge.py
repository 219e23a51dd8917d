"""A judge whose strength of models, rate of ties and bias to a position are known."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.evaluate.judging.judgments import JUDGMENTS
from wildpaper.evaluate.questions import CATEGORIES

TURN_STEP = 0.6
"""By how much second turns are worse."""


def rows_of(seed, strengths, pairs=(), n_questions=80, tie=0.2, wins=0.4, bias=0.15, route="asked"):
    """Return a table of judgments.

    A grade is strength + what the question is worth + noise, rounded at random so that its
    expectation stays. In a pair the judge has an opinion (a tie at the rate `tie`, else the first
    model wins at the rate `wins`, which differs by question) and, at the rate `bias` and anew in
    each order, says instead that the answer shown first is better.
    """
    draw = np.random.default_rng(seed)
    rows = []
    for question in range(1, n_questions + 1):
        worth = draw.uniform(-1.2, 1.2)
        for model, strength in strengths.items():
            for turn in (1, 2):
                exact = strength + worth + draw.uniform(-1, 1) - TURN_STEP * (turn == 2)
                grade = float(np.floor(exact + draw.uniform()))
                rows.append(row("single", question, turn, model, grade=grade, route=route))
        chance = draw.beta(4 * wins, 4 * (1 - wins))
        for first, second in pairs:
            for turn in (1, 2):
                if draw.uniform() < tie:
                    opinion = "tie"
                else:
                    opinion = "first" if draw.uniform() < chance else "second"
                for swapped in (False, True):
                    biased = draw.uniform() < bias
                    winner = ("second" if swapped else "first") if biased else opinion
                    rows.append(row("pair", question, turn, first, second=second,
                                    swapped=swapped, winner=winner, route=route))  # fmt: skip
    return rows


def expected_pair(tie=0.2, wins=0.4, bias=0.15):
    """Return what the columns of a pair come to in expectation, in percent."""
    won, lost = (1 - tie) * wins, (1 - tie) * (1 - wins)
    honest = 1 - bias
    games = {"games-win": honest * won, "games-loss": honest * lost}
    games["games-tie"] = 1 - sum(games.values())
    shares = games | {
        "win": honest * won + bias / 2, "tie": honest * tie, "loss": honest * lost + bias / 2,
        "consistent": honest * (won + lost) + honest**2 * tie,
        "win-rate": games["games-win"] + games["games-tie"] / 2, "position-bias": bias,
    }  # fmt: skip
    return {name: 100 * share for name, share in shares.items()}


def row(kind, question, turn, first, **other):
    base = {
        "kind": kind, "question_id": question, "category": CATEGORIES[question % 8], "turn": turn,
        "first": first, "second": None, "swapped": None, "variant": "plain", "repeat": 0,
        "grade": None, "winner": None, "outcome": "parsed", "judge": "planted", "route": "asked",
        "n_answer_characters": 100 + question, "n_tokens_in": None, "n_tokens_out": None,
    }  # fmt: skip
    return base | other


def write(path, rows):
    frame = pd.DataFrame(rows).to_dict("records")
    clean = [{k: None if v is None or v != v else v for k, v in one.items()} for one in frame]
    for one in clean:
        one["swapped"] = None if one["swapped"] is None else bool(one["swapped"])
    pq.write_table(pa.Table.from_pylist(clean, JUDGMENTS), path)
    return path
