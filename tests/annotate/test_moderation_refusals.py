"""What stops before or while asking for moderation, and what is never shown."""

import logging
import traceback

import pytest
from moderation_asking import KEY, OPTIONS, ask, texts
from moderation_server import SERVED, at_random

from wildpaper.errors import WildpaperError

pytest_plugins = ["moderation_fixtures"]


def test_limits_refuse_before_anything_is_asked(tmp_path, interface, caplog):
    caplog.set_level(logging.INFO, "wildpaper")
    for limits, where in (
        ({"most_texts": 9}, "annotate.moderation.most_texts"),
        ({"usd_per_million_tokens": 1_000.0, "most_usd": 0.03}, "annotate.moderation.most_usd"),
    ):
        caplog.clear()
        with pytest.raises(WildpaperError, match="nothing was asked") as caught:
            ask(tmp_path, interface, ["z" * 16] * 3 + texts(9), **limits)
        assert caught.value.where == where
        assert "10 texts, about 35 tokens, in 3 requests" in caplog.text
    assert not interface.requests
    ask(tmp_path, interface, texts(10), most_texts=10, usd_per_million_tokens=1e3, most_usd=0.036)


@pytest.mark.parametrize(
    ("endpoint", "key", "where"),
    [
        ("https://interface.invalid/v1", "", "OPENAI_API_KEY"),
        ("https://interface.invalid/v1", KEY + "\nx", "OPENAI_API_KEY"),
        ("https://interface.invalid/v1", KEY + "é", "OPENAI_API_KEY"),
        ("http://interface.invalid/v1", KEY, "annotate.moderation.endpoint"),
        (f"https://interface.invalid/?key={KEY}", KEY, "annotate.moderation.endpoint"),
        (f"https://user:{KEY}@interface.invalid/v1", KEY, "annotate.moderation.endpoint"),
        ("ftp://interface.invalid", KEY, "annotate.moderation.endpoint"),
        ("https://[", KEY, "annotate.moderation.endpoint"),
        ("https://interface.invalid:99999999/", KEY, "annotate.moderation.endpoint"),
        ("", KEY, "annotate.moderation.endpoint"),
    ],
)
def test_an_unusable_address_or_key_is_told_and_not_shown(
    tmp_path, monkeypatch, endpoint, key, where
):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(WildpaperError) as caught:
        ask(tmp_path, endpoint, texts(3))
    assert where in caught.value.where
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("kind", ["ok", "401", "400", "500", "429", "malformed", "drop", "echo"])
def test_a_planted_key_appears_nowhere(tmp_path, interface, monkeypatch, caplog, kind):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    interface.said = f'{{"error": {{"message": "Incorrect API key: {KEY}", "code": "{KEY}"}}}}'
    interface.served = KEY if kind == "echo" else SERVED
    interface.fault = lambda asked, nth: "ok" if kind == "echo" else kind
    told = ""
    try:
        ask(tmp_path, interface, texts(3), attempts=2)
        assert kind == "ok"
    except WildpaperError as error:
        assert kind != "ok"
        chain: BaseException | None = error
        while chain:
            told += "".join(traceback.format_exception(chain)) + repr(chain.args)
            chain = chain.__cause__ or chain.__context__
    assert interface.requests[0].authorization == f"Bearer {KEY}"
    told += caplog.text
    told += "".join(f.read_text() for f in tmp_path.rglob("*.json*"))
    assert KEY not in told


def test_no_log_of_the_libraries_holds_key_or_text(tmp_path, interface, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    interface.fault = at_random(1)
    ask(tmp_path, interface, [f"{text} secretword" for text in texts(20)])
    assert {record.name.split(".")[0] for record in caplog.records} >= {"wildpaper", "httpcore"}
    assert KEY not in caplog.text
    assert "secretword" not in caplog.text


@pytest.mark.parametrize("status", [401, 402, 403, 404, 301])
def test_a_refusal_stops_at_once(tmp_path, interface, status):
    interface.fault = lambda asked, nth: str(status)
    with pytest.raises(WildpaperError, match=str(status)) as caught:
        ask(tmp_path, interface, texts(100))
    assert len(interface.requests) <= OPTIONS["concurrency"]
    assert caught.value.where == interface.url


def test_an_account_without_credit_is_not_tried_again(tmp_path, interface):
    interface.fault = lambda asked, nth: "429"
    interface.said = '{"error": {"code": "insufficient_quota"}}'
    with pytest.raises(WildpaperError, match="no credit"):
        ask(tmp_path, interface, texts(4))
    assert len(interface.requests) == 1


@pytest.mark.parametrize("kind", ["500", "400", "drop"])
def test_an_interface_that_answers_nothing_is_left(tmp_path, interface, kind):
    interface.fault = lambda asked, nth: kind
    with pytest.raises(WildpaperError, match="answered none of the last"):
        ask(tmp_path, interface, texts(400), attempts=2)
    assert len(interface.requests) < 120
