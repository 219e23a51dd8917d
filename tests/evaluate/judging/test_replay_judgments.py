"""Stored judgments in FastChat's format, made up and real."""

import json
import logging
from collections import Counter, defaultdict

import pyarrow.parquet as pq
import pytest
from judge_asking import answer, question, write_lines

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.judging.judgments import JUDGMENTS
from wildpaper.evaluate.judging.replay import replay_judgments
from wildpaper.evaluate.questions import read_questions

NAMES = {"vicuna-7b-v1.3": "vicuna", "vicuna-7b-v1.3-greedy": "greedy"}


def single(number=1, turn=1, score=7, text=None, model="m", judge="gpt-4", **more):
    text = f"secretword [[{score}]]" if text is None else text
    return {
        "question_id": number, "model": model, "judge": [judge, "single-v1"], "user_prompt": "…",
        "judgment": text, "score": score, "turn": turn, "tstamp": 1.5, **more,
    }  # fmt: skip


def pair(number=1, turn=1, winners=("model_1", "model_1"), texts=("[[A]]", "[[B]]"), **more):
    row = {"question_id": number, "model_1": "m", "model_2": "n", "turn": turn, "tstamp": 1.5}
    for i in (0, 1):
        row |= {f"g{i + 1}_winner": winners[i], f"g{i + 1}_judgment": texts[i]}
    return row | {"judge": ["gpt-4", "pair-v2"]} | more


def replay(folder, *rows, models=None, answers=None, n_questions=2):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    source = folder / "judgment.jsonl"
    source.write_text("\n".join(lines), encoding="utf-8")
    asked = write_lines(folder / "q.jsonl", [question(i + 1) for i in range(n_questions)])
    out, report = folder / "j.parquet", folder / "r.json"
    replay_judgments(asked, [source], out, report, models, answers)
    return pq.read_table(out).to_pylist(), json.loads(report.read_text())


def test_grades_come_from_texts_and_texts_without_one_have_none(tmp_path):
    rows, report = replay(
        tmp_path,
        single(1, 1, 8.5),
        single(1, 2, -1, "no verdict"),
        single(2, 1, -1, "[[5]]"),
        single(2, 2, 5, "[[6]]"),
        single(3, 1, 5, "[[5]] [[6]]"),
        single(3, 2, 5, "Rating: [5]"),
        single(4, 1, 11),
        single(4, 2, 3, ""),
        n_questions=4,
    )
    assert [(row["grade"], row["outcome"]) for row in rows] == [
        (8.5, "parsed"), (None, "unparsed-in-file"), (None, "unparsed-in-file"),
        (None, "contradicts-its-text"), (None, "two-verdicts"), (None, "no-verdict"),
        (None, "out-of-range"), (None, "empty"),
    ]  # fmt: skip
    assert report["outcomes"]["single"] == Counter(row["outcome"] for row in rows)
    assert {(row["judge"], row["route"], row["variant"]) for row in rows} == {
        ("gpt-4", "replayed", "plain")
    }
    assert report["absent"] == {}


def test_winners_are_models_in_both_orders(tmp_path):
    rows, _ = replay(
        tmp_path,
        pair(1, 1, ("model_1", "model_2"), ("[[A]]", "[[A]]")),
        pair(1, 2, ("tie", "model_1"), ("[[C]]", "[[B]]")),
        pair(2, 1, ("model_1", "error"), ("[[B]]", "[[A]]")),
        pair(2, 2, ("error", "tie"), ("", "no verdict")),
    )
    assert [(r["turn"], r["swapped"], r["winner"], r["outcome"]) for r in rows] == [
        (1, False, "first", "parsed"), (1, True, "second", "parsed"),
        (2, False, "tie", "parsed"), (2, True, "first", "parsed"),
        (1, False, None, "contradicts-its-text"), (1, True, None, "unparsed-in-file"),
        (2, False, None, "unparsed-in-file"), (2, True, None, "no-verdict"),
    ]  # fmt: skip
    assert {(row["first"], row["second"]) for row in rows} == {("m", "n")}


def test_names_are_ours_and_other_models_and_questions_are_left_out_and_counted(tmp_path):
    rows, report = replay(
        tmp_path,
        *(single(i, t, model=m) for i in (1, 2, 9) for t in (1, 2) for m in ("m", "n")),
        pair(1), pair(1, model_2="o"), single(1, 3),
        models={"m": "ours", "n": "theirs", "p": "absent"},
    )  # fmt: skip
    assert Counter((row["first"], row["second"]) for row in rows) == {
        ("ours", None): 4, ("theirs", None): 4, ("ours", "theirs"): 2,
    }  # fmt: skip
    assert report["left_out"] == {
        "unreadable_lines": 0, "duplicates": 0, "other_questions": 4, "other_models": 1,
        "other_turns": 1,
    }  # fmt: skip
    assert report["absent"] == {"gpt-4 m n": 3, "p": 4}


def test_lines_that_hold_no_judgment_are_counted_and_named(tmp_path, caplog):
    caplog.set_level(logging.WARNING, "wildpaper")
    bad = [
        '{"question_id": 1, "judgment": "secretw', "[]", single(judge=5) | {"judge": None},
        single(score="7"), single(score=float("nan")), single(score=10**400), single(text=5),
        single(turn=True), single("1"), pair(winners=("m", "n")), pair(model_2="m"),
        pair(texts=("[[A]]", None)), {k: v for k, v in single().items() if k != "judgment"},
    ]  # fmt: skip
    rows, report = replay(tmp_path, single(), *bad, "", '{"cut off')
    assert len(rows) == 1
    assert report["left_out"]["unreadable_lines"] == len(bad) + 1
    assert f"judgment.jsonl, line 2: not JSON; {len(bad) + 1} such lines" in caplog.text
    assert "secretw" not in caplog.text + json.dumps(report)


def test_identical_duplicates_are_one_and_different_ones_an_error(tmp_path):
    rows, report = replay(tmp_path, single(), single() | {"tstamp": 9.0}, pair(), pair())
    assert len(rows) == 3
    assert report["left_out"]["duplicates"] == 2
    for other in (single(score=6), single(text="otherwise [[7]]")):
        with pytest.raises(WildpaperError, match="question 1, turn 1, differ") as caught:
            replay(tmp_path, single(2), single(), single(2, 2), other)
        assert "line 2; " in caught.value.where
        assert caught.value.where.endswith("line 4")
        assert "[[7]]" not in str(caught.value)
    turned = pair(
        model_1="n", model_2="m", winners=("model_2", "model_2"), texts=("[[B]]", "[[A]]")
    )
    with pytest.raises(WildpaperError, match="differ"):
        replay(tmp_path, pair(), turned)


def test_judges_and_names_are_not_mixed(tmp_path):
    with pytest.raises(WildpaperError, match="several judges: claude, gpt-4"):
        replay(tmp_path, single(), single(2, judge="claude"))
    replay(tmp_path, single(), pair(judge=["gpt-4-turbo", "pair-v2"]))
    with pytest.raises(WildpaperError, match="same name here: x"):
        replay(tmp_path, single(), models={"m": "x", "n": "x"})


def test_files_of_which_nothing_is_left_are_refused(tmp_path):
    with pytest.raises(WildpaperError, match="None of 1 stored"):
        replay(tmp_path, single(9))
    with pytest.raises(WildpaperError, match="None of 1 stored"):
        replay(tmp_path, single(), models={"other": "x"})
    with pytest.raises(WildpaperError, match="no judgment in the file"):
        replay(tmp_path, "{")
    with pytest.raises(WildpaperError, match="Cannot read"):
        replay_judgments(tmp_path / "q.jsonl", [tmp_path / "none"], tmp_path / "a", tmp_path / "b")


def test_lengths_are_known_where_answers_are_given(tmp_path):
    said = write_lines(tmp_path / "m.jsonl", [answer(1, "m", "four", "seventy")])
    rows, _ = replay(
        tmp_path, *(single(i, t, model=m) for i in (1, 2) for t in (1, 2) for m in ("m", "n")),
        models={"m": "ours", "n": "theirs"}, answers={"ours": said},
    )  # fmt: skip
    assert [row["n_answer_characters"] for row in rows if row["first"] == "ours"] == [
        4, 7, None, None,
    ]  # fmt: skip
    assert {row["n_answer_characters"] for row in rows if row["first"] == "theirs"} == {None}


@pytest.fixture(scope="module")
def real(realdata, tmp_path_factory):
    folder = tmp_path_factory.mktemp("replay")
    source = realdata / "mtbench/model_judgment_gpt-4_single.jsonl"
    out = folder / "j.parquet"
    replay_judgments(
        realdata / "mtbench/question.jsonl", [source], out, folder / "r.json", models=NAMES
    )
    raw = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    table = pq.read_table(out)
    assert table.schema.equals(JUDGMENTS)
    return table.to_pylist(), raw, json.loads((folder / "r.json").read_text())


def mean(values):
    values = list(values)
    return sum(values) / len(values)


@pytest.mark.parametrize(
    ("model", "published"),
    [("vicuna", (6.731, 5.475, 6.103)), ("greedy", (6.519, 5.238, 5.878))],
)
def test_real_judgments_give_the_known_means(real, model, published):
    rows = [row for row in real[0] if row["first"] == model]
    turns = [mean(r["grade"] for r in rows if r["turn"] in t) for t in ((1,), (2,), (1, 2))]
    assert turns == pytest.approx(published, abs=0.0006)
    assert len(rows) == 160


def test_real_judgments_by_category_are_those_of_the_stored_scores(real, realdata):
    rows, raw, report = real
    categories = {
        one.question_id: one.category for one in read_questions(realdata / "mtbench/question.jsonl")
    }
    stored, found = defaultdict(list), defaultdict(list)
    for row in raw:
        key = (NAMES[row["model"]], categories[row["question_id"]], row["turn"])
        stored[key].append(row["score"])
    for row in rows:
        found[row["first"], row["category"], row["turn"]].append(row["grade"])
    assert len(stored) == 2 * 8 * 2
    assert {key: mean(values) for key, values in found.items()} == pytest.approx(
        {key: mean(values) for key, values in stored.items()}
    )
    assert report["outcomes"] == {"single": {"parsed": 320}}
    assert sum(row["grade"] % 1 > 0 for row in rows) == 4
