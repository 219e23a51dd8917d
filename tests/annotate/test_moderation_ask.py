"""Asking a moderation interface that misbehaves: nothing is lost, nothing asked for twice."""

from collections import Counter
from itertools import pairwise

import pyarrow.parquet as pq
import pytest
from moderation_asking import MODEL, ask, sha256, stored, texts
from moderation_server import BAD, SERVED, at_random, grain

from wildpaper.annotate.moderation.ask import SHORTEST_PIECE_CHARACTERS
from wildpaper.annotate.moderation.replay import replay_moderation
from wildpaper.errors import WildpaperError

pytest_plugins = ["moderation_fixtures"]


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_lost_and_nothing_asked_twice_whatever_goes_wrong(tmp_path, interface, seed):
    interface.fault = at_random(seed)
    said = texts(60)
    report = ask(tmp_path, interface, [*said[:40], "", said[3]], [*said[20:], ""])
    assert len({one.kind for one in interface.requests}) > 6
    assert interface.answered == Counter(said)
    assert Counter(line["sha256"] for line in stored(tmp_path)) == Counter(map(sha256, said))
    assert {k: report[k] for k in ("messages", "texts", "in_store", "asked", "failed")} == {
        "messages": 81, "texts": 60, "in_store": 0, "asked": 60, "failed": 0,
    }  # fmt: skip
    assert sum(report["requests"].values()) == len(interface.requests)
    replay_moderation(
        tmp_path / "wildchat-0.parquet", tmp_path / "labels", answers=tmp_path / "store"
    )
    labels = pq.read_table(tmp_path / "labels").to_pylist()
    for text, row in zip([*said[:40], "", said[3]], labels, strict=True):
        assert row["flagged"] is row["hate_threatening"] is (BAD in text)
        assert not row["hate"]
        assert row["sexual_score"] == (0 if not text else grain(text) + 0.5 * (BAD in text))


def test_a_second_run_asks_for_nothing_and_needs_no_key(tmp_path, interface):
    ask(tmp_path, interface, texts(10))
    before = len(interface.requests)
    report = ask(tmp_path, "https://interface.invalid/", texts(10), most_texts=0)
    assert len(interface.requests) == before
    assert (report["in_store"], report["asked"]) == (10, 0)
    assert ask(tmp_path, interface, texts(12))["asked"] == 2
    assert ask(tmp_path, interface, texts(12), model="another")["asked"] == 12
    assert {line["model"] for line in stored(tmp_path)} == {MODEL, "another"}
    assert {line["served"] for line in stored(tmp_path)} == {SERVED}


def test_requests_keep_to_texts_and_tokens(tmp_path, interface):
    long = ["long " * 200, "x" * 700]
    report = ask(tmp_path, interface, [*texts(9), *long, *texts(3, 100)], request_tokens=20)
    for one in interface.requests:
        assert len(one.texts) <= 4
        assert len(one.texts) == 1 or sum(len(text.encode()) for text in one.texts) <= 80
    assert len(interface.requests) == report["estimate"]["n_requests"]
    assert report["tokens"] == report["estimate"]["n_tokens"]


def test_a_text_that_is_not_taken_whole_is_split(tmp_path, interface):
    interface.longest = 150
    halves = ["a" * 300 + BAD + "b" * 295, "c" * 600]
    said = [*halves, *texts(4), "".join(halves)]
    report = ask(tmp_path, interface, said, request_texts=8, request_tokens=10_000)
    lines = {line["sha256"]: line for line in stored(tmp_path)}
    pieces = {
        whole: [whole[i : i + 150] for i in range(0, len(whole), 150)]
        for whole in (*halves, said[-1])
    }
    for whole, parts in pieces.items():
        line = lines[sha256(whole)]
        assert line["flagged"] is line["categories"]["hate_threatening"] is (BAD in whole)
        wanted = max(grain(part) + 0.5 * (BAD in part) for part in parts)
        assert line["category_scores"]["violence"] == wanted
    assert (report["asked"], report["split"]) == (7, 3)
    assert set(interface.answered.values()) == {1}
    assert len(stored(tmp_path)) == len(lines)


def test_pieces_that_are_stored_are_not_asked_again(tmp_path, interface):
    interface.longest = 150
    whole = "".join(f"{i:04}" for i in range(150))
    interface.fault = lambda asked, nth: "drop" if asked == [whole[450:]] else "ok"
    with pytest.raises(
        WildpaperError, match=r"1 of 2 texts .* wildchat-0, conversation_id 0, posi"
    ):
        ask(tmp_path, interface, [whole, whole[:150]])
    assert interface.answered.keys() == {whole[i : i + 150] for i in (0, 150, 300)}
    interface.fault = lambda asked, nth: "ok"
    ask(tmp_path, interface, [whole, whole[:150]])
    assert interface.answered == Counter(whole[i : i + 150] for i in (0, 150, 300, 450))


@pytest.mark.parametrize("kind", ["400", "413", "500", "malformed", "drop", "429", "timeout"])
def test_texts_that_cannot_be_had_are_counted_and_the_rest_is_kept(tmp_path, interface, kind):
    bad = "unanswerable " * 20
    assert len(bad) >= 2 * SHORTEST_PIECE_CHARACTERS
    interface.fault = lambda asked, nth: kind if any("unans" in t for t in asked) else "ok"
    said = [*texts(9), bad]
    with pytest.raises(WildpaperError) as caught:
        ask(tmp_path, interface, said, request_texts=2, attempts=2, timeout_s=0.25)
    n_lost = 2 if kind in ("drop", "429") else 1
    assert caught.value.what.startswith(f"{n_lost} of 10 texts have no moderation answer")
    assert "unanswerable" not in str(caught.value)
    assert not (tmp_path / "report.json").exists()
    have = {line["sha256"] for line in stored(tmp_path)}
    interface.fault = lambda asked, nth: "ok"
    before = len(interface.requests)
    ask(tmp_path, interface, said)
    again = {sha256(text) for one in interface.requests[before:] for text in one.texts}
    assert again == set(map(sha256, said)) - have


def test_retry_after_keeps_all_requests_waiting(tmp_path, interface):
    interface.fault = lambda asked, nth: "429" if "text 0 " in asked[0] and nth == 0 else "ok"
    interface.retry_after = "1"
    interface.delay_s = 0.05
    ask(tmp_path, interface, texts(120))
    refused = next(one.at for one in interface.requests if one.kind == "429")
    times = sorted(one.at for one in interface.requests if one.at >= refused)
    silences = [after - before for before, after in pairwise(times)]
    assert max(silences) > 0.7
    assert len(times) - silences.index(max(silences)) > 10


def test_a_pause_beyond_patience_is_left_for_a_later_run(tmp_path, interface):
    interface.fault = lambda asked, nth: "429"
    interface.retry_after = "86400"
    with pytest.raises(WildpaperError, match="86,400 s"):
        ask(tmp_path, interface, texts(2))


@pytest.mark.parametrize(
    "limits", [{"requests_per_minute": 1_200}, {"tokens_per_minute": 1_200 * 16}]
)
def test_requests_keep_to_the_rate_of_the_account(tmp_path, interface, limits):
    said = [f"{i:02} " + "y" * 13 for i in range(40)]  # 4 tokens each, 16 in a request
    ask(tmp_path, interface, said, **limits)
    times = sorted(one.at for one in interface.requests)
    assert len(times) == 10
    assert times[-1] - times[0] > 0.3


def test_one_run_at_a_time_writes_to_a_store(tmp_path, interface):
    from wildpaper.annotate.moderation.store import Store

    with Store(tmp_path / "store"), pytest.raises(WildpaperError, match="Another run"):
        ask(tmp_path, interface, texts(3))
    assert ask(tmp_path, interface, texts(3))["asked"] == 3


def test_a_request_that_is_refused_for_its_rate_waits_while_others_are_answered(
    tmp_path, interface
):
    interface.fault = lambda asked, nth: "429" if "text 0 " in asked[0] and nth < 6 else "ok"
    interface.retry_after = "0.05"
    ask(tmp_path, interface, texts(40), attempts=3, concurrency=2)
    assert interface.answered == Counter(texts(40))


@pytest.mark.parametrize("kind", ["malformed", "short", "long", "400", "413"])
def test_a_list_that_is_not_answered_as_one_is_asked_for_in_halves_at_once(
    tmp_path, interface, kind
):
    interface.fault = lambda asked, nth: kind if len(asked) > 1 else "ok"
    ask(tmp_path, interface, texts(8), request_texts=8, concurrency=1)
    sizes = [8, 4, 2, 1, 1, 2, 1, 1, 4, 2, 1, 1, 2, 1, 1]
    assert [len(one.texts) for one in interface.requests] == sizes
    assert interface.answered == Counter(texts(8))
