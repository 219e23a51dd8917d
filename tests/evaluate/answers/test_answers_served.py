"""Answers over an interface: what is sent, what is tried again, what is kept."""

import logging

import pytest
from answering import questions_of, write_questions
from answers_server import serve

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.answers.record import read_answers
from wildpaper.evaluate.answers.served import answer_over_interface
from wildpaper.evaluate.answers.temperature import TEMPERATURES
from wildpaper.interfaces import patience

KEY = "sk-zxqv"


@pytest.fixture
def interface(monkeypatch):
    monkeypatch.setattr(patience, "FIRST_WAIT_S", 0.005)
    monkeypatch.setenv("A_KEY", KEY)
    with serve() as one:
        yield one


@pytest.fixture
def ask(interface, tmp_path):
    questions = write_questions(tmp_path / "question.jsonl", questions_of(9))
    options = {"model_name": "theirs", "served_model": "chat", "key_variable": "A_KEY", "seed": 3,
               "max_new_tokens": 50, "concurrency": 3, "timeout_s": 5.0, "attempts": 3}  # fmt: skip

    def run(**changes):
        path = tmp_path / "out" / "a.jsonl"
        answer_over_interface(questions, path, **{"url": interface.url, **options, **changes})
        return path

    return run


def test_each_turn_is_asked_with_what_was_said_before(ask, interface, caplog):
    with caplog.at_level(logging.INFO, "wildpaper"):
        answers = read_answers(ask())
    assert interface.paths == {"/v1/chat/completions"}
    assert interface.keys == {f"Bearer {KEY}"}
    sent = {(len(one["messages"]), one["messages"][0]["content"]): one
            for one in interface.requests}  # fmt: skip
    assert len(sent) == len(interface.requests) == 18
    for question in questions_of(9):
        first, second = sent[1, question.turns[0]], sent[3, question.turns[0]]
        reply = f"zxqv to {question.turns[0]} at 1"
        assert second["messages"] == [
            {"role": "user", "content": question.turns[0]},
            {"role": "assistant", "content": reply},
            {"role": "user", "content": question.turns[1]},
        ]
        for one in (first, second):
            assert one["model"] == "chat"
            assert one["max_tokens"] == 50
            assert one["temperature"] == TEMPERATURES[question.category]
            assert 0 <= one["seed"] < 2**31
        assert first["seed"] != second["seed"]
        answer = answers[question.question_id]
        assert answer.turns == (reply, f"zxqv to {question.turns[1]} at 3")
        assert (answer.model_id, answer.n_tokens, answer.finish) == (
            "theirs", (7, 7), ("end", "end"),
        )  # fmt: skip
    assert "18 answers came from served-1" in caplog.text
    assert "zxqv" not in caplog.text
    assert len({one["seed"] for one in interface.requests}) == 18


def test_bytes_do_not_depend_on_how_many_are_asked_at_a_time(ask):
    first = ask().read_bytes()
    assert ask(concurrency=1).read_bytes() == first
    assert ask(seed=4).read_bytes() == first


def test_what_is_refused_for_a_while_is_asked_again(ask, interface, caplog):
    smooth = ask().read_bytes()
    statuses = (429, 503, 500)
    interface.times.clear()
    interface.fault = lambda messages, nth: 200 if nth > 2 else statuses[len(messages) % 3]
    path = ask(attempts=4)
    assert path.read_bytes() == smooth
    assert "trying again" in caplog.text
    assert "zxqv" not in caplog.text


def test_questions_without_an_answer_are_counted_and_only_they_are_asked_again(ask, interface):
    smooth = ask().read_bytes()
    bad = questions_of(9)[2].turns

    def fault(messages, nth):
        return 400 if len(messages) == 3 and messages[2]["content"] == bad[1] else 200

    interface.fault = fault
    with pytest.raises(WildpaperError, match="1 of 9 questions have no answer, the first: 83") as e:
        ask()
    assert "zxqv" not in str(e.value)
    assert "say" not in str(e.value)
    interface.fault = lambda messages, nth: 200
    interface.requests.clear()
    path = ask()
    assert path.read_bytes() == smooth
    assert [len(one["messages"]) for one in interface.requests] == [1, 3]
    assert list(path.parent.iterdir()) == [path]


def test_without_access_it_stops_and_keeps_what_came(ask, interface):
    interface.fault = lambda messages, nth: 401 if len(interface.requests) > 5 else 200
    with pytest.raises(WildpaperError, match="does not accept the key") as caught:
        ask(concurrency=1)
    assert KEY not in str(caught.value)
    interface.fault = lambda messages, nth: 200
    n_before = len(interface.requests)
    assert len(read_answers(ask())) == 9
    assert n_before == 6
    assert len(interface.requests) == 18


def test_an_address_may_be_whole_and_must_be_safe(ask, interface, monkeypatch):
    ask(url=f"{interface.url}/chat/completions")
    ask(url=f"{interface.url}/")
    assert interface.paths == {"/v1/chat/completions"}
    with pytest.raises(WildpaperError, match="unencrypted") as caught:
        ask(url="http://example.org/v1")
    assert caught.value.where == "evaluate.models.theirs.endpoint"
    monkeypatch.delenv("A_KEY")
    with pytest.raises(WildpaperError, match="key of the interface of the model theirs is missing"):
        ask(url="https://example.org/v1")
