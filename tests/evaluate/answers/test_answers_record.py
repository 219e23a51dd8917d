"""Files of answers: what they say, and for each way to be wrong the line where it is."""

import json
import logging

import pytest

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.answers.record import (
    Answer,
    known_answers,
    missing_questions,
    read_answers,
    write_answers,
)
from wildpaper.evaluate.questions import Question, read_questions

SECRET = "zxqv"


def line(number=81, turns=("a zxqv", "b"), **changes):
    choice = {"index": 0, "turns": list(turns)}
    whole = {"question_id": number, "answer_id": "x", "model_id": "m", "choices": [choice],
             "tstamp": 1.5}  # fmt: skip
    return whole | changes


def write(path, *lines):
    texts = [one if isinstance(one, str) else json.dumps(one) for one in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8", errors="surrogatepass")
    return path


def test_what_is_written_is_read_again(tmp_path):
    given = [
        Answer(90, "m", ("line\u2028break\x00 </s>", ""), (3, 0), ("length", "end")),
        Answer(81, "m", ("日本", "\r\n😀")),
    ]
    write_answers(tmp_path / "a.jsonl", given)
    assert read_answers(tmp_path / "a.jsonl") == {81: given[1], 90: given[0]}
    assert list(read_answers(tmp_path / "a.jsonl")) == [81, 90]


def test_bytes_follow_from_the_answers_alone(tmp_path, monkeypatch):
    given = [Answer(number, "m", (str(number), "x")) for number in (5, 3, 4)]
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    write_answers(tmp_path / "a.jsonl", given)
    write_answers(tmp_path / "b.jsonl", given[::-1])
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    lines = [json.loads(one) for one in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [one["question_id"] for one in lines] == [3, 4, 5]
    assert len({one["answer_id"] for one in lines}) == 3
    assert {one["tstamp"] for one in lines} == {0.0}
    assert list(lines[0]) == ["question_id", "answer_id", "model_id", "choices", "tstamp"]
    assert lines[0]["choices"] == [{"index": 0, "turns": ["3", "x"]}]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1714780800")
    write_answers(tmp_path / "a.jsonl", given)
    assert json.loads((tmp_path / "a.jsonl").read_text().splitlines()[0])["tstamp"] == 1714780800.0


WRONG = {
    "Not JSON": ['{"question_id": 81, "choices": [{"turns": ["zxqv', "zxqv", "[" * 100_000],
    "Not a JSON object": ["[]", '"zxqv"', "3"],
    "question_id": [line("81"), line(True), line(-1), line(2**63), line(None), {"zxqv": 1}],
    "model_id": [line(model_id=None), line(model_id=""), line(model_id=["zxqv"])],
    "no choices": [line(choices=[]), line(choices=None), line(choices={"zxqv": 1})],
    "first choice": [line(choices=["zxqv"]), line(choices=[None, {"turns": ["a", "b"]}])],
    "not a list": [line(choices=[{"turns": "zxqv"}]), line(choices=[{"index": 0}])],
    "not 2": [line(turns=["zxqv"]), line(turns=["a", "b", "c"]), line(turns=[])],
    "not all texts": [line(turns=["zxqv", None]), line(turns=["zxqv", ["a"]])],
    "surrogate": [line(turns=["zxqv", "\ud83d"])],
    "n_tokens": [line(choices=[{"turns": ["a", "b"], "n_tokens": wrong}])
                 for wrong in ([1], [1, -2], ["zxqv", 1], 3, [True, 1])],
    "finish": [line(choices=[{"turns": ["a", "b"], "finish": wrong}])
               for wrong in (["zxqv", "end"], "end", ["end"], [["end"], "end"])],
    "answered twice, first in line 1": [line(7), line(7, turns=["zxqv", "c"])],
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_line_is_named_and_not_quoted(what, tmp_path):
    for wrong in WRONG[what]:
        path = write(tmp_path / "a.jsonl", line(7), "", wrong)
        if what.startswith("answered twice") and wrong == WRONG[what][1]:
            path = write(tmp_path / "a.jsonl", line(7), "", wrong, line(9))
        with pytest.raises(WildpaperError, match=what) as caught:
            read_answers(path)
        assert caught.value.where == f"{path}, line 3"
        assert SECRET not in str(caught.value)


def test_a_last_line_that_was_cut_off_is_no_answer(tmp_path):
    path = write(tmp_path / "a.jsonl", line(1), line(2))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert list(read_answers(path)) == [1, 2]
    for end in range(len(whole) - 2, len(whole) - 30, -1):
        path.write_bytes(whole[:end])
        with pytest.raises(WildpaperError, match="Not JSON") as caught:
            read_answers(path)
        assert caught.value.where.endswith("line 2")


@pytest.mark.parametrize("content", [None, b"", b"\n \n", b"\xff\xfe{"])
def test_a_file_without_answers_is_refused(content, tmp_path):
    path = tmp_path / "a.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WildpaperError, match=r"Cannot read the answers|no answer in the file"):
        read_answers(path)


def test_the_first_choice_counts_and_others_are_counted(tmp_path, caplog):
    choices = [{"index": i, "turns": [f"{SECRET}{i}", "b"]} for i in range(3)]
    path = write(tmp_path / "a.jsonl", line(1, choices=choices), line(2, choices=choices))
    with caplog.at_level(logging.INFO, "wildpaper"):
        found = read_answers(path)
    assert found[1].turns == (f"{SECRET}0", "b")
    assert "4 others are passed over" in caplog.text
    assert SECRET not in caplog.text


def test_missing_and_unknown_questions_are_counted(tmp_path, caplog):
    asked = [Question(number, "math", ("a", "b")) for number in (1, 2, 3)]
    answers = {number: Answer(number, "m", ("a", "b")) for number in (3, 8, 9)}
    with caplog.at_level(logging.WARNING, "wildpaper"):
        known = known_answers(answers, asked, tmp_path)
    assert list(known) == [3]
    assert "2 answers are to none of the 3 questions" in caplog.text
    assert [one.question_id for one in missing_questions(known, asked)] == [1, 2]


@pytest.mark.realdata
def test_the_answers_of_vicuna_are_to_the_80_questions(realdata, tmp_path, caplog):
    folder = realdata / "mtbench"
    with caplog.at_level(logging.INFO, "wildpaper"):
        answers = read_answers(folder / "model_answer_vicuna-7b-v1.3.jsonl")
        known = known_answers(answers, read_questions(folder / "question.jsonl"), folder)
    assert len(known) == len(answers) == 80
    assert not caplog.records
    assert {answer.model_id for answer in answers.values()} == {"vicuna-7b-v1.3"}
    write_answers(tmp_path / "again.jsonl", answers.values())
    assert read_answers(tmp_path / "again.jsonl") == answers
