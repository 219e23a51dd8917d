"""Which games there are, and what is done to answers that put a judge to the test."""

from collections import Counter

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.judging.games import Game, drawn_questions, pair_games, single_games
from wildpaper.evaluate.judging.judgments import (
    JUDGMENTS,
    Judgment,
    count_outcomes,
    unanswered,
    winner_of,
    write_judgments,
)
from wildpaper.evaluate.judging.variants import LEAST_PADDING_WORDS, VARIANTS, vary
from wildpaper.evaluate.judging.verdict import parse_grade
from wildpaper.evaluate.questions import Question

QUESTIONS = [Question(i, "stem", ("a", "b")) for i in range(1, 21)]
SAID = {m: {i: (f"{m}{i}", f"{m}{i}'") for i in range(1, 21)} for m in "xyz"}


def test_every_answer_is_graded_and_every_pair_compared_in_both_orders():
    games = single_games("xyz", QUESTIONS, SAID)
    assert len(set(games)) == len(games) == 3 * 20 * 2
    pairs = pair_games([("x", "y"), ("z", "x")], QUESTIONS, SAID)
    assert len(set(pairs)) == len(pairs) == 2 * 20 * 2 * 2
    assert Counter((g.first, g.second, g.swapped) for g in pairs) == {
        (first, second, swapped): 40
        for first, second in (("x", "y"), ("z", "x"))
        for swapped in (False, True)
    }
    assert all(game.answered for game in games + pairs)


def test_games_without_an_answer_are_there_and_say_so():
    said = SAID | {"y": dict.fromkeys(range(1, 20), ("", ""))}
    games = single_games("xy", QUESTIONS, said, robustness_questions=20, repeats=2)
    lacking = [game for game in games if not game.answered]
    assert len(games) == 2 * 20 * (2 + 2 + 3)
    assert len(lacking) == 7
    assert {(game.first, game.question_id) for game in lacking} == {("y", 20)}
    pairs = pair_games([("x", "y")], QUESTIONS, said)
    assert sum(not game.answered for game in pairs) == 4
    rows = [unanswered(game, "j", "asked") for game in lacking]
    assert count_outcomes(rows) == {"single": {"no-answer": 7}}


def test_variants_are_of_first_answers_to_drawn_questions_the_same_for_all_models():
    games = single_games("xy", QUESTIONS, SAID, robustness_questions=5, repeats=3, seed=4)
    further = [g for g in games if g.variant != "plain"]
    drawn = {g.question_id for g in further}
    assert drawn == drawn_questions(range(1, 21), 5, 4)
    assert len(further) == 2 * 5 * (3 + 3)
    assert {g.turn for g in further} == {1}
    for model in "xy":
        for number in drawn:
            mine = [g for g in further if (g.first, g.question_id) == (model, number)]
            assert sorted((g.variant, g.repeat) for g in mine) == [
                ("instructed", 0), ("padded", 0), ("quoted-verdict", 0),
                ("repeated", 1), ("repeated", 2), ("repeated", 3),
            ]  # fmt: skip


@given(st.sets(st.integers(0, 10**6), max_size=30), st.integers(0, 40), st.integers(0, 99))
def test_a_sample_depends_on_ids_and_seed_only_and_grows_by_addition(numbers, n, seed):
    drawn = drawn_questions(numbers, n, seed)
    assert drawn <= numbers
    assert len(drawn) == min(n, len(numbers))
    assert drawn == drawn_questions(sorted(numbers, reverse=True), n, seed)
    assert drawn <= drawn_questions(numbers, n + 1, seed)


@pytest.mark.parametrize(
    "pairs", [[("x",)], [("x", "x")], [("x", "w")], [("x", "y", "z")], [("x", "y"), ("y", "x")]]
)
def test_what_is_no_pair_of_models_is_refused(pairs):
    with pytest.raises(WildpaperError, match="Not a pair"):
        pair_games(pairs, QUESTIONS, SAID)


@given(st.text(max_size=2000))
def test_a_variant_adds_to_the_answer_and_takes_nothing_away(text):
    for variant in VARIANTS:
        changed = vary(text, variant)
        assert changed.startswith(text)
        assert (changed == text) == (variant in ("plain", "repeated"))
    padded = vary(text, "padded").removeprefix(text)
    assert len(padded.split()) >= LEAST_PADDING_WORDS
    assert len(text) <= len(padded) <= len(text) + 100 or len(padded.split()) < 60
    assert "[[" not in padded
    assert parse_grade(vary("", "quoted-verdict")) == (10.0, "parsed")
    assert "[[" not in vary("", "instructed")


def test_winners_are_models_whatever_was_shown_first():
    assert [winner_of(choice, False) for choice in ("A", "B", "C", None)] == [
        "first", "second", "tie", None,
    ]  # fmt: skip
    assert [winner_of(choice, True) for choice in ("A", "B", "C")] == ["second", "first", "tie"]


def test_a_table_is_the_same_whatever_the_order_of_its_rows(tmp_path):
    games = single_games("xy", QUESTIONS, SAID, robustness_questions=3, repeats=2)
    games += pair_games([("x", "y")], QUESTIONS, SAID)
    rows = [Judgment(game, "parsed", "j", "asked") for game in games]
    write_judgments(tmp_path / "a", rows)
    write_judgments(tmp_path / "b", rows[::-1])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    table = pq.read_table(tmp_path / "a")
    assert table.schema.equals(JUDGMENTS)
    assert len(table) == len(games)
    write_judgments(tmp_path / "c", [])
    assert pq.read_table(tmp_path / "c").schema.equals(JUDGMENTS)
    with pytest.raises(ValueError, match="not an outcome"):
        write_judgments(tmp_path / "d", [Judgment(Game("single", 1, "stem", 1, "x"), "?", "j",
                                                  "asked")])  # fmt: skip
