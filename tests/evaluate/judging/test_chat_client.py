"""The client of chat completions: what it takes for a reply, and its patience."""

import asyncio

import pytest
from chat_server import SERVED, own_grade

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.chat.client import ChatClient, Reply, about_tokens, read_reply
from wildpaper.interfaces.endpoint import Pace, open_endpoint
from wildpaper.interfaces.patience import UnansweredError

pytest_plugins = ["judge_fixtures"]

MESSAGES = [{"role": "system", "content": "be fair"}, {"role": "user", "content": "judge é😀"}]
CHOICE = {"message": {"content": "text"}, "finish_reason": "stop"}
BODY = {"model": "m-1", "choices": [CHOICE], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}


def run(url, *, attempts=3, timeout_s=1.0, pace=None, **more):
    place = open_endpoint(
        url, called="judge", setting="s.endpoint", model_setting="s.model", key_variable="JUDGE_KEY"
    )

    async def go():
        async with ChatClient(
            place, "m", pace or Pace(60_000, 0), concurrency=2, timeout_s=timeout_s,
            attempts=attempts,
        ) as client:  # fmt: skip
            options = {"temperature": 0.5, "max_tokens": 7} | more
            return await client.ask(MESSAGES, **options), client.counts

    return asyncio.run(go())


@pytest.mark.parametrize("end", ["", "/", "/chat/completions"])
def test_what_is_sent_and_what_comes_back(judge, end):
    reply, counts = run(judge.url + end, seed=3)
    text = f"Reasons. Rating: [[{own_grade(MESSAGES)}]]"
    assert reply == Reply(text, "stop", SERVED, 100, 10)
    assert judge.requests[0].body == {
        "model": "m", "messages": MESSAGES, "temperature": 0.5, "max_tokens": 7, "seed": 3,
    }  # fmt: skip
    assert judge.requests[0].authorization is None
    assert counts == {"answered": 1}
    run(judge.url)
    assert "seed" not in judge.requests[1].body


@pytest.mark.parametrize(
    "kind", ["429", "429-date", "500", "502", "503", "slow", "malformed", "html", "drop", "cut"]
)
def test_what_may_be_mended_is_tried_again(judge, kind):
    judge.fault = lambda messages, nth: kind if nth < 2 else "ok"
    judge.slow_s = 1.3
    reply, counts = run(judge.url)
    assert reply.served == SERVED
    assert counts["answered"] == 1
    assert counts.total() == len(judge.requests) == 3


@pytest.mark.parametrize("kind", ["500", "html", "drop"])
def test_patience_has_an_end(judge, kind):
    judge.fault = lambda messages, nth: kind
    with pytest.raises(UnansweredError) as caught:
        run(judge.url, attempts=2)
    assert caught.value.patient
    assert len(judge.requests) == 2


def test_what_the_interface_does_not_take_is_not_sent_again(judge):
    judge.fault = lambda messages, nth: "400"
    with pytest.raises(UnansweredError, match="400"):
        run(judge.url)
    assert len(judge.requests) == 1


@pytest.mark.parametrize(
    ("kind", "match"),
    [("401", "wants a key"), ("404", "no judge at this address"), ("402", "no credit")],
)
def test_a_refusal_is_told_at_once(judge, kind, match):
    judge.fault = lambda messages, nth: kind
    with pytest.raises(WildpaperError, match=match):
        run(judge.url)
    assert len(judge.requests) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Reply("text", "stop", "m-1", 3, 4)),
        ({"usage": None}, Reply("text", "stop", "m-1", None, None)),
        ({"usage": {"prompt_tokens": -1, "completion_tokens": True}},
         Reply("text", "stop", "m-1", None, None)),
        ({"model": "two words"}, Reply("text", "stop", "", 3, 4)),
        ({"choices": [CHOICE, None]}, Reply("text", "stop", "m-1", 3, 4)),
        ({"choices": [CHOICE | {"finish_reason": None}]}, Reply("text", "", "m-1", 3, 4)),
        ({"choices": [{"message": {"content": None}, "finish_reason": "content_filter"}]},
         Reply("", "content_filter", "m-1", 3, 4)),
        ({"choices": [{"message": {"content": "a\ud800b😀"}}]},
         Reply("a\ufffdb😀", "", "m-1", 3, 4)),
    ],
)  # fmt: skip
def test_what_a_reply_says(change, expected):
    assert read_reply(BODY | change) == expected


@pytest.mark.parametrize(
    "body",
    [
        None, [], {}, "text", {"choices": None}, {"choices": []}, {"choices": [None]},
        {"choices": [{"message": None}]}, {"choices": [{"message": {}}]},
        {"choices": [{"message": {"content": 5}, "finish_reason": "stop"}]},
        {"choices": [{"message": {"content": None}}]},
        {"choices": [{"message": {"content": ["a"]}}]},
        {"error": {"message": "overloaded"}}, BODY | {"usage": [1]},
    ],
)  # fmt: skip
def test_a_body_of_another_form_is_no_reply(body):
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError, IndexError)):
        read_reply(body)


def test_a_reply_that_holds_the_key_is_none():
    for change in ({"model": "sk-1"}, {"choices": [{"message": {"content": "is sk-1?"}}]}):
        with pytest.raises(ValueError, match="echo"):
            read_reply(BODY | change, "sk-1")


def test_tokens_are_estimated_by_bytes():
    assert about_tokens([]) == 0
    assert about_tokens([{"role": "user", "content": "x" * 9}]) == 3 + 4
    assert about_tokens([{"role": "user", "content": "é" * 8}]) == 4 + 4
