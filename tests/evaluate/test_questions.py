"""Questions: what the file says, and for each way to be wrong the line where it is."""

import json
from collections import Counter
from pathlib import Path

import pytest

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.questions import CATEGORIES, Question, read_questions

OWN = Path(__file__).parents[2] / "data/mtbench/demo-questions.jsonl"
GOOD = {"question_id": 3, "category": "math", "turns": ["one", "two"], "reference": ["1", ""]}


def write(folder, *lines):
    path = folder / "question.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def test_what_a_line_says_is_what_is_read(tmp_path):
    bare = {"turns": ["a\u2028b", "é\U0001f600"], "category": "stem", "question_id": 0}
    path = write(tmp_path, GOOD, "", bare | {"other": [1]}, " ")
    assert read_questions(path) == [
        Question(3, "math", ("one", "two"), ("1", "")),
        Question(0, "stem", ("a\u2028b", "é\U0001f600")),
    ]
    raw = json.dumps(bare, ensure_ascii=False)
    for start in ("", "\ufeff"):
        assert read_questions(write(tmp_path, start + raw + "\r"))[0].turns == tuple(bare["turns"])


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ('{"question_id": 4', "Not JSON"),
        ("[" * 100_000, "Not JSON"),
        ('{"question_id": 1' + "0" * 5000 + "}", "Not JSON"),
        ("[4]", "Not a JSON object"),
        (GOOD | {"question_id": "4"}, "question_id is not"),
        (GOOD | {"question_id": True}, "question_id is not"),
        (GOOD | {"question_id": -1}, "question_id is not"),
        (GOOD | {"question_id": 2**63}, "question_id is not"),
        ({k: v for k, v in GOOD.items() if k != "question_id"}, "question_id is not"),
        (GOOD | {"question_id": 4, "category": "maths"}, "4 is of no known category"),
        (GOOD | {"question_id": 4, "category": ["math"]}, "4 is of no known category"),
        (GOOD | {"question_id": 4, "turns": ["secret"]}, "turns of question 4 are 1, not 2"),
        (GOOD | {"question_id": 4, "turns": ["secret"] * 3}, "are 3, not 2"),
        (GOOD | {"question_id": 4, "turns": "secret"}, "are not a list"),
        (GOOD | {"question_id": 4, "turns": ["secret", None]}, "are not all texts"),
        (GOOD | {"question_id": 4, "turns": ["secret", " \n"]}, "turn of question 4 is empty"),
        ('{"question_id": 4, "category": "math", "turns": ["secret", "\\ud800"]}', "surrogate"),
        (GOOD | {"question_id": 4, "reference": ["secret"]}, "References of question 4 are 1"),
        (GOOD | {"turns": ["secret", "other"]}, "3 is there twice, first in line 1"),
    ],
)
def test_a_bad_line_is_named_and_its_text_is_not_quoted(tmp_path, line, match):
    path = write(tmp_path, GOOD, "", line)
    with pytest.raises(WildpaperError, match=match) as caught:
        read_questions(path)
    assert caught.value.where == f"{path}, line 3"
    assert "secret" not in str(caught.value)
    assert caught.value.hint


def test_a_file_that_is_no_such_file_is_named(tmp_path):
    with pytest.raises(WildpaperError, match="Cannot read the questions") as caught:
        read_questions(tmp_path / "none.jsonl")
    assert "none.jsonl" in caught.value.where
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WildpaperError, match="Cannot read the questions"):
        read_questions(tmp_path / "bytes.jsonl")
    with pytest.raises(WildpaperError, match="no question"):
        read_questions(write(tmp_path, "", "  "))


def test_our_own_questions_have_two_of_each_category_and_answers_where_there_are_right_ones():
    questions = read_questions(OWN)
    assert Counter(q.category for q in questions) == dict.fromkeys(CATEGORIES, 2)
    for question in questions:
        has_one = question.category in ("math", "reasoning", "coding")
        assert bool(question.reference) == has_one
        assert all(question.reference)
    turns = [turn for question in questions for turn in question.turns]
    assert len(set(turns)) == len(turns)


def test_the_code_among_our_own_answers_runs_and_gives_what_the_question_asks(tmp_path, capsys):
    runs, months = (q for q in read_questions(OWN) if q.category == "coding")
    names = {}
    for answer, expected in zip(runs.reference, ([3, 0, 1], [(3, 2), (0, None), (1, 0)]),
                                strict=True):  # fmt: skip
        exec(answer.split("\n\nIt gives")[0], names)  # noqa: S102 - of this project
        inputs = ([2, 2, 5, 5, 5, 1, 1, 1], [], [None, 7])
        assert [names["longest_run"](values) for values in inputs] == expected
    days = ["day,room", "2024-06-01,z", "2024-05-31,b", "2024-05-30,a", "2024-05-02,c"]
    (tmp_path / "visits.csv").write_text("\n".join([*days, "2024-05-02,a", "2024-05-02,b"]))
    code = months.reference[0].replace("visits.csv", str(tmp_path / "visits.csv"))
    exec(code, {})  # noqa: S102
    assert capsys.readouterr().out == "2024-05 a\n2024-06 z\n"


@pytest.mark.realdata
def test_the_questions_of_mt_bench_are_80_and_none_of_ours_is_among_them(realdata):
    path = realdata / "mtbench/question.jsonl"
    if not path.is_file():
        pytest.skip(f"no real data: {path} is absent")
    questions = read_questions(path)
    assert [question.question_id for question in questions] == list(range(81, 161))
    assert Counter(q.category for q in questions) == dict.fromkeys(CATEGORIES, 10)
    own = {turn for question in read_questions(OWN) for turn in question.turns}
    assert not own & {turn for question in questions for turn in question.turns}
