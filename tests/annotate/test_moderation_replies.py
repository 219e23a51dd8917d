"""Replies of a moderation interface, the lines that store them, and what fits a request."""

import email.utils
import json
import os
import time
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moderation_server import result

from wildpaper.annotate.moderation.answers import (
    Answer,
    answer_line,
    combine,
    parse_line,
    read_reply,
    text_digest,
)
from wildpaper.annotate.moderation.plan import Limits, Text, about_tokens, in_requests
from wildpaper.annotate.moderation.store import ASKED, Store
from wildpaper.errors import WildpaperError
from wildpaper.interfaces.patience import retry_after_s
from wildpaper.schema import MODERATION_CATEGORIES

N = len(MODERATION_CATEGORIES)


def reply(**changes):
    return {"model": "m-1", "results": [result("hello") | changes]}


def read(body, n_texts=1):
    return read_reply(body, n_texts, "m", "2026-01-02")


ANSWERS = st.builds(
    Answer,
    st.dates().map(str),
    st.text("abc-", min_size=1),
    st.sampled_from(["", "m-1"]),
    st.tuples(*[st.booleans()] * (1 + N)),
    st.tuples(*[st.floats(0, 1)] * N),
)


@given(ANSWERS, st.text())
def test_a_stored_line_gives_the_answer_back(answer, text):
    line = answer_line(text_digest(text), answer)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert parse_line(line) == (text_digest(text), answer)


@given(st.lists(ANSWERS, min_size=1, max_size=4))
def test_pieces_are_combined_by_or_and_maximum(parts):
    whole = combine(parts)
    for i in range(N):
        assert whole.bits[1 + i] == any(part.bits[1 + i] for part in parts)
        assert whole.scores[i] == max(part.scores[i] for part in parts)
    assert combine([combine(parts[:1]), *parts[1:]])[3:] == combine(parts[::-1])[3:]


def test_categories_are_known_by_either_way_of_writing_and_new_ones_passed_over():
    one = result("hello")
    for part in ("categories", "category_scores"):
        one[part] |= {name.replace("/", "_").replace("-", "_"): v for name, v in one[part].items()}
    assert read({"model": "m-1", "results": [one]}) == read(reply())
    assert len(read(reply())[0].scores) == N


def test_what_an_older_model_does_not_know_is_not_flagged():
    flags = {"hate": True, "sexual": False, "violence": None}
    scores = {"hate": 0.9, "sexual": 1, "violence": None}
    answer = read(reply(flagged=True, categories=flags, category_scores=scores))[0]
    assert answer.bits[0]
    by_name = dict(zip(MODERATION_CATEGORIES, answer.bits[1:], strict=True))
    assert [name for name in by_name if by_name[name]] == ["hate"]
    assert sorted(answer.scores)[-3:] == [0.0, 0.9, 1.0]


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"results": None},
        {"results": {"0": result("a")}},
        {"results": [None]},
        {"results": [[]]},
        {"results": []},
        {"results": [result("a"), result("b")]},
        reply(flagged=None),
        reply(flagged=1),
        reply(categories={}),
        reply(categories=["hate"]),
        reply(categories={"hate": "no"}),
        reply(category_scores={}),
        reply(category_scores={"hate": "0.1"}),
        reply(category_scores={"hate": 1.5}),
        reply(category_scores={"hate": float("nan")}),
        reply(category_scores={"hate": True}),
    ],
)
def test_a_reply_of_another_form_is_none(body):
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        read(body)


@pytest.mark.parametrize("served", [None, 5, "", "two words", "x" * 101, "a\nb"])
def test_a_name_that_no_model_has_is_not_taken_down(served):
    assert read(reply() | {"model": served})[0].served == ""


def test_retry_after_is_a_number_or_a_date():
    def asked(value):
        return retry_after_s(httpx.Response(429, headers={"Retry-After": value}))

    assert (asked("7"), asked(" 1.5 ")) == (7.0, 1.5)
    assert [asked(value) for value in ("", "soon", "-3", "nan", "1e9")] == [None] * 5
    for zone in (True, False):
        assert 28 < asked(email.utils.formatdate(time.time() + 30, usegmt=zone)) <= 30
    assert asked("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@given(
    st.lists(st.text("ab😀", min_size=1, max_size=30)),
    st.integers(1, 5),
    st.integers(1, 12),
)
def test_requests_hold_each_text_once_within_the_budget(said, most_texts, most_tokens):
    limits = Limits(most_texts, most_tokens, 1, 0, 0.0, 0, 0.0)
    texts = [Text(text_digest(text), text, str(i)) for i, text in enumerate(said)]
    made = list(in_requests(texts, limits))
    assert sorted(t.message for one in made for t in one) == sorted(t.message for t in texts)
    sizes = [sum(about_tokens(text.text) for text in one) for one in made]
    for one, size in zip(made, sizes, strict=True):
        assert 1 <= len(one) <= most_texts
        assert size <= most_tokens or len(one) == 1
    shared = [(one, size) for one, size in zip(made, sizes, strict=True) if size <= most_tokens]
    for (one, size), (after, _) in pairwise(shared):
        assert len(one) == most_texts or size + about_tokens(after[0].text) > most_tokens


@given(st.integers(0, 200_000), st.integers(0, 3))
def test_only_an_unfinished_last_line_is_cut_off(tmp_path_factory, n_torn, n_lines):
    folder: Path = tmp_path_factory.mktemp("store")
    whole = answer_line(text_digest("a"), read(reply())[0]) * n_lines
    (folder / ASKED).write_bytes(whole + b"{" * n_torn)
    with Store(folder) as store:
        assert (folder / ASKED).read_bytes() == whole
        store.add([(text_digest("b"), read(reply())[0])])
        assert store.missing({text_digest(text) for text in "abc"}, "m") == {
            text_digest(text) for text in ("abc" if not n_lines else "bc") if text != "b"
        }
    assert json.loads((folder / ASKED).read_bytes().splitlines()[-1])["model"] == "m"


def test_answers_are_on_the_disk_when_they_are_stored(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size))
    with Store(tmp_path) as store:
        for text in "ab":
            store.add([(text_digest(text), read(reply())[0])])
            assert synced[-1] == (tmp_path / ASKED).stat().st_size


def test_a_store_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(WildpaperError, match="cannot be written"), Store(tmp_path / "file"):
        pass
    with Store(tmp_path) as store:
        monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
        with pytest.raises(WildpaperError, match="No space") as caught:
            store.add([(text_digest("a"), read(reply())[0])])
    assert caught.value.where.endswith(ASKED)
