"""What stops before or while a judge is asked, and what is never shown."""

import json
import logging
import traceback

import pytest
from chat_server import SERVED, at_random
from judge_asking import KEY, OPTIONS, ask, logged, write_material

from wildpaper.errors import WildpaperError

pytest_plugins = ["judge_fixtures"]


def test_limits_refuse_before_anything_is_asked(tmp_path, judge, caplog):
    caplog.set_level(logging.INFO, "wildpaper")
    material = write_material(tmp_path, 10)
    prices = {"usd_per_million_in": 10.0, "usd_per_million_out": 1_000.0}
    most = 40 * 64 * 1_000 / 1e6
    for limits, where in (
        ({"most_requests": 39}, "most_requests"),
        ({"most_requests": 0}, "most_requests"),
        (prices | {"most_usd": most}, "most_usd"),
    ):
        caplog.clear()
        with pytest.raises(WildpaperError, match="nothing was asked") as caught:
            ask(tmp_path, judge, material, **limits)
        assert caught.value.where == f"evaluate.judge.{where}"
        assert "To ask the judge: 40 requests, about" in caplog.text
        assert "at most 2,560 tokens out; at most" in caplog.text
    assert not judge.requests
    assert ask(tmp_path, judge, material, **prices, most_usd=most + 1)[0]["asked"] == 40


def test_money_is_counted_while_it_is_spent(tmp_path, judge):
    material = write_material(tmp_path, 30)
    prices = {"usd_per_million_in": 0.0, "usd_per_million_out": 1_000_000.0 / 64}
    limit = 120 * 1.0  # a dollar a verdict, if it is as long as allowed
    judge.usage = {"prompt_tokens": 1, "completion_tokens": 64 * 3}  # three dollars each
    with pytest.raises(WildpaperError, match="USD are spent") as caught:
        ask(tmp_path, judge, material, **prices, most_usd=limit)
    assert caught.value.where == "evaluate.judge.most_usd"
    n = len(logged(tmp_path))
    # each request under way was let through with a dollar and took three
    assert limit - 3 <= 3 * n <= limit + 2 * OPTIONS["concurrency"]
    assert len(judge.requests) == n
    assert f"{120 - n} of 120 verdicts are missing" in str(caught.value)
    assert not (tmp_path / "judgments.parquet").exists()
    judge.usage = {"prompt_tokens": 1, "completion_tokens": 10}
    report, _ = ask(tmp_path, judge, material, **prices, most_usd=limit)
    assert report["asked"] == 120 - n
    assert report["usd"] == pytest.approx((120 - n) * 10 / 64)


@pytest.mark.parametrize(
    ("endpoint", "key", "where"),
    [
        ("https://judge.invalid/v1", "", "JUDGE_KEY"),
        ("https://judge.invalid/v1", KEY + "\nx", "JUDGE_KEY"),
        ("http://judge.invalid/v1", KEY, "evaluate.judge.endpoint"),
        (f"https://judge.invalid/?key={KEY}", KEY, "evaluate.judge.endpoint"),
        (f"https://user:{KEY}@judge.invalid/v1", KEY, "evaluate.judge.endpoint"),
        ("", KEY, "evaluate.judge.endpoint"),
    ],
)
def test_an_unusable_address_or_key_is_told_and_not_shown(
    tmp_path, monkeypatch, endpoint, key, where
):
    monkeypatch.setenv("JUDGE_KEY", key)
    with pytest.raises(WildpaperError) as caught:
        ask(tmp_path, endpoint, write_material(tmp_path, 1))
    assert where in caught.value.where
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "kind", ["ok", "401", "400", "500", "429", "malformed", "html", "drop", "served", "written"]
)
def test_a_planted_key_appears_nowhere(tmp_path, judge, monkeypatch, caplog, kind):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("JUDGE_KEY", KEY)
    judge.said = f'{{"error": {{"message": "Incorrect API key: {KEY}", "code": "{KEY}"}}}}'
    judge.served = KEY if kind == "served" else SERVED
    judge.write = lambda messages: f"{KEY if kind == 'written' else ''} [[5]]"
    judge.fault = lambda messages, nth: "ok" if kind in ("served", "written") else kind
    told = ""
    try:
        ask(tmp_path, judge, write_material(tmp_path, 2), attempts=2)
        assert kind == "ok"
    except WildpaperError as error:
        assert kind != "ok"
        chain: BaseException | None = error
        while chain:
            told += "".join(traceback.format_exception(chain)) + repr(chain.args)
            chain = chain.__cause__ or chain.__context__
    assert {one.authorization for one in judge.requests} == {f"Bearer {KEY}"}
    assert KEY not in told + caplog.text + repr(caplog.records)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "judgments.jsonl" for path in files)
    assert not any(KEY.encode() in path.read_bytes() for path in files)


def test_no_log_of_the_libraries_and_no_report_holds_a_text(tmp_path, judge, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("JUDGE_KEY", KEY)
    judge.fault = at_random(1)
    judge.write = lambda messages: "secretword [[5]]"
    ask(tmp_path, judge, write_material(tmp_path, 10), pairs=[["a", "b"]])
    assert {record.name.split(".")[0] for record in caplog.records} >= {"wildpaper", "httpcore"}
    report = (tmp_path / "report.json").read_text()
    table = (tmp_path / "judgments.parquet").read_bytes().decode("latin-1")
    for text in ("secretword", " on 3, first", "question 3", KEY):
        assert text not in caplog.text
        assert text not in report
        assert text not in table


@pytest.mark.parametrize("status", [401, 402, 403, 404, 301])
def test_a_refusal_stops_at_once_and_what_was_judged_stays(tmp_path, judge, monkeypatch, status):
    monkeypatch.setenv("JUDGE_KEY", KEY)
    judge.fault = lambda messages, nth: str(status) if len(judge.answered) >= 20 else "ok"
    material = write_material(tmp_path, 25)
    with pytest.raises(WildpaperError, match=str(status)) as caught:
        ask(tmp_path, judge, material)
    assert caught.value.where.startswith(judge.url)
    if status in (401, 403):
        assert "JUDGE_KEY" in caught.value.hint
    refused = [one for one in judge.requests if one.kind != "ok"]
    assert len(refused) <= OPTIONS["concurrency"]
    have = {json.dumps(line["messages"]) for line in logged(tmp_path)}
    assert len(have) >= 20 - OPTIONS["concurrency"]
    judge.fault = lambda messages, nth: "ok"
    before = len(judge.requests)
    ask(tmp_path, judge, material)
    again = {json.dumps(one.body["messages"]) for one in judge.requests[before:]}
    assert not again & have
    assert len(again | have) == 100


def test_a_judge_that_is_down_is_left(tmp_path, judge):
    material = write_material(tmp_path, 100)
    with pytest.raises(WildpaperError, match="answered none of the last") as caught:
        ask(tmp_path, "http://127.0.0.1:9/v1", material, attempts=2)
    assert "no connection" in caught.value.what
    assert not (tmp_path / "judgments.parquet").exists()


@pytest.mark.parametrize("kind", ["400", "500", "html", "drop", "slow"])
def test_requests_without_a_verdict_are_counted_and_the_rest_is_kept(tmp_path, judge, kind):
    def fault(messages, nth):
        return kind if "on 3, first" in messages[1]["content"] else "ok"

    judge.fault, judge.slow_s = fault, 1.2
    material = write_material(tmp_path, 10)
    with pytest.raises(WildpaperError) as caught:
        ask(tmp_path, judge, material, attempts=2, timeout_s=1.0)
    assert caught.value.what.startswith(
        "4 of 40 requests to the judge have no answer, the first: q"
    )
    assert " on 3, first" not in str(caught.value)
    assert len(logged(tmp_path)) == 36
    judge.fault = lambda messages, nth: "ok"
    before = len(judge.requests)
    report, rows = ask(tmp_path, judge, material)
    assert report["asked"] == len(judge.requests) - before == 4
    assert {row["outcome"] for row in rows} == {"parsed"}


def test_a_pause_beyond_patience_is_left_for_a_later_run(tmp_path, judge):
    judge.fault = lambda messages, nth: "429"
    judge.retry_after = "86400"
    with pytest.raises(WildpaperError, match="86,400 s"):
        ask(tmp_path, judge, write_material(tmp_path, 2))
