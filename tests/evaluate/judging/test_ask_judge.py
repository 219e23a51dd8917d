"""Asking a judge that misbehaves: nothing is lost, nothing asked for twice."""

import json
import logging
from collections import Counter

import pytest
from chat_server import SERVED, at_random, digest, own_grade, verdict
from judge_asking import PROMPTS, answer, ask, logged, question, write_lines, write_material

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.judging.log import AuditLog

pytest_plugins = ["judge_fixtures"]

VICUNA = "vicuna-7b-v1.3"


def vicuna(realdata):
    folder = realdata / "mtbench"
    return {
        "questions": folder / "question.jsonl",
        "answers": [folder / f"model_answer_{VICUNA}.jsonl"],
        "models": [VICUNA],
    }


def test_all_real_answers_are_judged_whatever_goes_wrong(tmp_path, judge, realdata):
    judge.fault = at_random(3)
    judge.delay_s = 0.005
    references = realdata / "mtbench/reference_answer_gpt-4.jsonl"
    report, rows = ask(
        tmp_path, judge, vicuna(realdata), references=references, robustness_questions=8, repeats=2
    )
    n = 160 + 8 * (2 + 3)
    assert len({one.kind for one in judge.requests}) > 7
    assert judge.most_under_way <= 8
    assert len(rows) == n
    assert {row["outcome"] for row in rows} == {"parsed"}
    # a repetition is sent with the same messages, and is a request of its own
    assert sum(judge.answered.values()) == n
    assert Counter(judge.answered.values()) == {1: n - 24, 3: 8}
    assert len({line["request"] for line in logged(tmp_path)}) == len(logged(tmp_path)) == n
    assert (report["asked"], report["games"], report["without_reference"]) == (n, n, 0)
    assert report["served"] == {SERVED: n}
    assert sum(report["attempts"].values()) == len(judge.requests)
    assert (report["tokens_in"], report["tokens_out"]) == (100 * n, 10 * n)
    plain = [row for row in rows if row["variant"] == "plain"]
    assert Counter((row["category"], row["turn"]) for row in plain) == {
        (row["category"], turn): 10 for row in plain for turn in (1, 2)
    }
    again, same = ask(
        tmp_path, "https://judge.invalid/v1", vicuna(realdata), references=references,
        robustness_questions=8, repeats=2, most_requests=0,
    )  # fmt: skip
    assert same == rows
    assert (again["asked"], again["verdicts"]) == (0, n)


def test_eight_requests_are_under_way_at_a_time_and_no_more(tmp_path, judge):
    judge.gathers = 8
    report, _ = ask(tmp_path, judge, write_material(tmp_path, 6), timeout_s=15)
    assert judge.most_under_way == 8
    assert report["asked"] == len(judge.requests) == 24


def test_rows_say_what_the_judge_said_of_which_answer(tmp_path, judge):
    material = write_material(tmp_path, 3)
    _, rows = ask(tmp_path, judge, material, pairs=[["a", "b"]])
    lines = logged(tmp_path)
    assert [row["route"] for row in rows] == ["asked"] * (2 * 3 * 2 + 3 * 2 * 2)
    for row in rows:
        models = [name for name in (row["first"], row["second"]) if name]
        (line,) = [
            line for line in lines
            if (line["question_id"], line["turn"], line["models"], line["swapped"])
            == (row["question_id"], row["turn"], models, row["swapped"])
        ]  # fmt: skip
        shown = line["messages"][1]["content"]
        nth = "first" if row["turn"] == 1 else "second"
        places = [shown.index(f"{name} on {row['question_id']}, {nth}") for name in models]
        if row["kind"] == "single":
            assert row["grade"] == own_grade(line["messages"])
            assert row["n_answer_characters"] == len(f"a on 1, {nth}")
        else:
            assert (places[0] > places[1]) == row["swapped"]
            letter = verdict(line["messages"])[-3]
            wins = {"A": ("first", "second"), "B": ("second", "first"), "C": ("tie", "tie")}
            assert row["winner"] == wins[letter][row["swapped"]]
        assert (row["n_tokens_in"], row["n_tokens_out"]) == (100, 10)


def test_temperature_is_nought_and_nothing_else_is_sent(tmp_path, judge):
    ask(tmp_path, judge, write_material(tmp_path, 1))
    assert {tuple(sorted(one.body)) for one in judge.requests} == {
        ("max_tokens", "messages", "model", "temperature")
    }
    assert {(one.body["temperature"], one.body["max_tokens"]) for one in judge.requests} == {
        (0.0, 64)
    }


def test_an_answer_that_is_not_there_is_told_and_not_asked_about(tmp_path, judge):
    material = write_material(tmp_path, 3)
    write_lines(material["answers"][1], [answer(1, "b"), answer(3, "b"), answer(77, "b")])
    report, rows = ask(tmp_path, judge, material, pairs=[["a", "b"]])
    lacking = [(row["kind"], row["turn"]) for row in rows if row["outcome"] == "no-answer"]
    assert Counter(lacking) == {("single", 1): 1, ("single", 2): 1, ("pair", 1): 2, ("pair", 2): 2}
    assert {row["question_id"] for row in rows if row["outcome"] == "no-answer"} == {2}
    assert len(rows) == 24
    assert report["asked"] == 18
    assert report["outcomes"] == {
        "single": {"parsed": 10, "no-answer": 2}, "pair": {"parsed": 8, "no-answer": 4},
    }  # fmt: skip


def test_equal_requests_are_sent_once(tmp_path, judge):
    material = write_material(tmp_path, 2)
    write_lines(material["answers"][1], [answer(i, "b", f"a on {i}, first", "x") for i in (1, 2)])
    report, rows = ask(tmp_path, judge, material, pairs=[["a", "b"]])
    assert set(judge.answered.values()) == {1}
    assert len(rows) == 8 + 8
    # of the first turn the answers are one, and so are both orders of a pair
    assert report["verdicts"] == report["asked"] == (2 + 4) + (2 + 4)
    firsts = [row for row in rows if row["kind"] == "single" and row["turn"] == 1]
    assert len({(row["question_id"], row["grade"]) for row in firsts}) == 2


def test_verdicts_that_are_none_are_counted_and_not_asked_for_again(tmp_path, judge):
    written = ["Fine.", "", "[[3]] no, [[4]]", "[[11]]", "<html>[[2]]", "[7]", "[[5]]", None]
    judge.write = lambda messages: written[digest(messages)[1] % len(written)]
    judge.finish = "stop"
    report, rows = ask(tmp_path, judge, write_material(tmp_path, 30))
    outcomes = Counter(row["outcome"] for row in rows)
    assert set(outcomes) == {
        "no-verdict", "empty", "two-verdicts", "out-of-range", "html", "parsed",
    }  # fmt: skip
    assert report["outcomes"]["single"] == outcomes
    assert {row["grade"] for row in rows if row["outcome"] == "parsed"} == {5.0}
    assert {row["grade"] for row in rows if row["outcome"] != "parsed"} == {None}
    n = len(judge.requests)
    assert ask(tmp_path, judge, write_material(tmp_path, 30))[1] == rows
    assert len(judge.requests) == n


def test_a_verdict_that_was_cut_off_says_so(tmp_path, judge):
    judge.finish = "length"
    judge.write = lambda messages: "It begins well"
    _, rows = ask(tmp_path, judge, write_material(tmp_path, 1))
    assert {row["outcome"] for row in rows} == {"cut-off"}


def test_tokens_that_are_not_counted_are_estimated_for_the_budget_only(tmp_path, judge):
    judge.usage = None
    report, rows = ask(tmp_path, judge, write_material(tmp_path, 2))
    assert {row["n_tokens_in"] for row in rows} == {None}
    assert report["tokens_in"] == report["estimate"]["n_tokens_in"] > 0
    assert 0 < report["tokens_out"] < report["estimate"]["most_tokens_out"]


def test_another_judge_prompt_length_or_repetition_is_another_request(tmp_path, judge):
    material = write_material(tmp_path, 2)
    assert ask(tmp_path, judge, material)[0]["asked"] == 8
    assert ask(tmp_path, judge, material)[0]["asked"] == 0
    assert ask(tmp_path, judge, material, judge="other")[0]["asked"] == 8
    assert ask(tmp_path, judge, material, max_tokens=65)[0]["asked"] == 8
    more = {"robustness_questions": 1, "repeats": 2}
    assert ask(tmp_path, judge, material, **more)[0]["asked"] == 2 * (2 + 3)
    text = PROMPTS.read_text(encoding="utf-8").replace("You judge", "Judge")
    (tmp_path / "p.jsonl").write_text(text, encoding="utf-8")
    assert ask(tmp_path, judge, material, prompts=tmp_path / "p.jsonl")[0]["asked"] == 8


def test_questions_without_a_right_answer_are_judged_plainly_and_counted(tmp_path, judge):
    material = write_material(tmp_path, 3)
    right = {"reference": ["so", "and so"]}
    rows = [question(1, "math", **right), question(2, "coding"), question(3, "stem", **right)]
    write_lines(material["questions"], rows)
    report, _ = ask(tmp_path, judge, material, references=[])
    assert report["without_reference"] == 2 * 2
    templates = Counter((line["question_id"], line["template"]) for line in logged(tmp_path))
    assert {number for number, name in templates if name.endswith("-reference")} == {1}


def test_the_log_tells_all_and_its_folder_is_private(tmp_path, judge):
    ask(tmp_path, judge, write_material(tmp_path, 1), pairs=[["a", "b"]])
    folder = tmp_path / "private" / "judge"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "judgments.jsonl").stat().st_mode & 0o777 == 0o600
    sent = {json.dumps(one.body["messages"]) for one in judge.requests}
    lines = logged(tmp_path)
    assert {json.dumps(line["messages"]) for line in lines} == sent
    assert all(line["text"] == verdict(line["messages"]) for line in lines)
    assert {(line["judge"], line["served"], line["finish"]) for line in lines} == {
        ("judge-latest", SERVED, "stop")
    }


def test_lines_that_hold_no_verdict_are_passed_over_and_asked_for_again(tmp_path, judge, caplog):
    material = write_material(tmp_path, 4)
    ask(tmp_path, judge, material)
    path = tmp_path / "private" / "judge" / "judgments.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1]
    torn = [
        lines[0],
        lines[1][:50],
        *lines[2:5],
        b'{"request": 5}',
        lines[6],
        b"\xff\xfe",
        lines[8],
    ]
    path.write_bytes(b"\n".join(torn) + b"\n" + lines[9][:99])
    caplog.set_level(logging.INFO, "wildpaper")
    report, rows = ask(tmp_path, judge, material)
    assert report["unreadable_log_lines"] == 3
    assert report["asked"] == 16 - 6
    assert {row["outcome"] for row in rows} == {"parsed"}
    assert f"{path}, line 2: no verdict; 3 such lines" in caplog.text
    assert "an unfinished last line (99 bytes) is cut off" in caplog.text


def test_one_run_at_a_time_writes_to_a_log(tmp_path, judge):
    with AuditLog(tmp_path / "private" / "judge"), pytest.raises(WildpaperError, match="Another"):
        ask(tmp_path, judge, write_material(tmp_path, 1))
    assert not judge.requests
