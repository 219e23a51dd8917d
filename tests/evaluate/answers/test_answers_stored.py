"""Answers that somebody else made: checked, and taken over."""

import json
import logging

import pytest
from answering import questions_of, write_questions

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.answers.record import Answer, read_answers, write_answers
from wildpaper.evaluate.answers.stored import take_answers
from wildpaper.evaluate.questions import read_questions


@pytest.fixture
def take(tmp_path):
    questions = write_questions(tmp_path / "question.jsonl", questions_of(4))

    def run(numbers, **options):
        source = tmp_path / "given.jsonl"
        write_answers(source, [Answer(n, "theirs", (f"zxqv{n}", "b")) for n in numbers])
        take_answers(questions, source, tmp_path / "out.jsonl", "ours", **options)
        return read_answers(tmp_path / "out.jsonl")

    return run


def test_texts_stay_and_the_model_has_the_name_of_this_study(take, caplog):
    with caplog.at_level(logging.INFO, "wildpaper"):
        found = take([84, 81, 82, 83])
    assert {n: answer.turns for n, answer in found.items()} == {
        n: (f"zxqv{n}", "b") for n in (81, 82, 83, 84)
    }
    assert {answer.model_id for answer in found.values()} == {"ours"}
    assert "zxqv" not in caplog.text


def test_a_missing_answer_stops_it_unless_that_is_allowed(take, caplog):
    with pytest.raises(WildpaperError, match="2 of 4 questions have no answer: 82, 84"):
        take([81, 83, 999])
    found = take([81, 83, 999], allow_missing=True)
    assert list(found) == [81, 83]
    assert "2 of 4 questions have no answer" in caplog.text
    assert "1 answers are to none" in caplog.text


def test_answers_to_other_questions_are_none(take):
    with pytest.raises(WildpaperError, match="4 of 4 questions have no answer"):
        take([1, 2], allow_missing=True)


def test_a_file_of_several_models_is_refused(tmp_path):
    questions = write_questions(tmp_path / "question.jsonl", questions_of(2))
    write_answers(tmp_path / "g.jsonl", [Answer(81, "m", ("a", "b")), Answer(82, "n", ("a", "b"))])
    with pytest.raises(WildpaperError, match="answers of 2 models"):
        take_answers(questions, tmp_path / "g.jsonl", tmp_path / "out.jsonl", "ours")
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.realdata
def test_the_answers_of_vicuna_are_taken_over(realdata, tmp_path):
    folder, out = realdata / "mtbench", tmp_path / "out.jsonl"
    source = folder / "model_answer_vicuna-7b-v1.3.jsonl"
    take_answers(folder / "question.jsonl", source, out, "vicuna-7b")
    lines = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    turns = {line["question_id"]: tuple(line["choices"][0]["turns"]) for line in lines}
    assert {n: answer.turns for n, answer in read_answers(out).items()} == turns
    assert set(turns) == {one.question_id for one in read_questions(folder / "question.jsonl")}
