"""Message trees: every root-to-leaf path once, nothing invented, nothing lost uncounted."""

import gzip
import json
import random
from datetime import UTC, datetime

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from ingesting import ingest, read_shards
from json_inputs import lines, reasons

from wildpaper.acquire.sources import load_sources
from wildpaper.acquire.tokenizer import from_npm
from wildpaper.annotate.tokens.counter import TokenCounter
from wildpaper.errors import WildpaperError
from wildpaper.ingest.oasst import read_oasst
from wildpaper.ingest.records import Conversation, Reject


def say(name, parent, role=None, **more):
    """Return a message; its role follows from the length of its name, its text is its name."""
    role = role or ("prompter" if len(name) % 2 else "assistant")
    tree = name[:1]
    found = {"message_id": name, "parent_id": parent, "text": name, "role": role, "lang": "en"}
    return {**found, "message_tree_id": tree, "deleted": False, **more}


def tree(*names):
    """Return messages named by their way from the root: ``"aba"`` hangs on ``"ab"``."""
    return [say(name, name[:-1] or None) for name in names]


TREE = tree("a", "aa", "aaa", "aaaa", "aab", "ab", "b", "ba")
PATHS = [["a", "aa", "aaa", "aaaa"], ["a", "aa", "aab"], ["a", "ab"], ["b", "ba"]]


def texts(records):
    return [[m.text for m in r.messages] for r in records if isinstance(r, Conversation)]


def rejects(path):
    return [(r.row, r.reason) for r in read_oasst(path) if isinstance(r, Reject)]


def test_each_path_from_root_to_leaf_is_a_conversation(tmp_path):
    path = lines(tmp_path / "o.jsonl", *TREE)
    found = list(read_oasst(path))
    assert texts(found) == PATHS
    assert [m.role for m in found[0].messages] == ["user", "assistant"] * 2
    assert [r.source_id for r in found] == ["aaaa", "aab", "ab", "ba"]
    assert [r.row for r in found] == [3, 4, 5, 7]


def test_paths_come_in_the_order_of_their_leaves_whatever_the_order_of_the_rest(tmp_path):
    rng = random.Random(7)
    for _ in range(20):
        shuffled = rng.sample(TREE, len(TREE))
        found = texts(read_oasst(lines(tmp_path / "o.jsonl", *shuffled)))
        order = [
            m["message_id"] for m in shuffled if m["message_id"] in ("aaaa", "aab", "ab", "ba")
        ]
        assert [p[-1] for p in found] == order
        assert sorted(found) == sorted(PATHS)


def test_a_plain_and_a_gzip_file_are_the_same(tmp_path):
    plain = lines(tmp_path / "o.jsonl", *TREE)
    packed = tmp_path / "o.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert texts(read_oasst(packed)) == texts(read_oasst(plain)) == PATHS


def test_deleted_messages_are_kept(tmp_path):
    changed = [{**m, "deleted": True} for m in TREE]
    assert texts(read_oasst(lines(tmp_path / "o.jsonl", *changed))) == PATHS


def test_each_path_below_a_missing_message_is_quarantined_once(tmp_path):
    without = [m for m in TREE if m["message_id"] != "aa"]
    path = lines(tmp_path / "o.jsonl", *without)
    assert texts(read_oasst(path)) == [["a", "ab"], ["b", "ba"]]
    assert rejects(path) == [(2, "missing-parent"), (3, "missing-parent")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": None}, "non-string-text"),
        ({"text": 3}, "non-string-text"),
        ({"role": "moderator"}, "unknown-role"),
        ({"role": None}, "unknown-role"),
        ({"role": ["prompter"]}, "unknown-role"),
    ],
)
def test_a_bad_message_takes_its_own_paths_along_and_no_other(tmp_path, change, reason):
    changed = [{**m, **change} if m["message_id"] == "aa" else m for m in TREE]
    folder = ingest(
        tmp_path, "open_assistant", "oasst-jsonl", lines(tmp_path / "o.jsonl", *changed)
    )
    assert reasons(folder) == [(3, reason), (4, reason)]
    conversations, messages = read_shards(folder)
    assert conversations["source_id"].to_pylist() == ["ab", "ba"]
    assert messages["text"].to_pylist() == ["a", "ab", "b", "ba"]


@pytest.mark.parametrize("field", ["text", "role", "parent_id"])
def test_a_message_without_a_field_is_no_leaf_less(tmp_path, field):
    """The message before it must not turn into the end of a path that nobody wrote."""
    changed = [{k: v for k, v in m.items() if m["message_id"] != "ba" or k != field} for m in TREE]
    path = lines(tmp_path / "o.jsonl", *changed)
    assert rejects(path) == [(7, "missing-field")]
    expected = PATHS[:3] if field != "parent_id" else [*PATHS[:3], ["b"]]
    assert texts(read_oasst(path)) == expected


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (None, "null-message"),
        ("text", "not-a-record"),
        (b"{oops", "unparsable-json"),
        ({"text": "a", "parent_id": None, "role": "prompter"}, "missing-field"),
        ({**say("z", None), "message_id": 7}, "no-string-id"),
        ({**say("z", None), "parent_id": 7}, "no-string-id"),
        ({**say("ba", "b"), "text": "another"}, "repeated-id"),
        (say("z", "z"), "cyclic-parent"),
        (say("z", ""), "missing-parent"),
    ],
)
def test_a_line_that_fits_nowhere_is_quarantined(tmp_path, bad, reason):
    path = lines(tmp_path / "o.jsonl", *TREE, bad, *tree("c", "ca"))
    assert rejects(path) == [(8, reason)]
    assert texts(read_oasst(path)) == [*PATHS, ["c", "ca"]]


def test_messages_that_hang_on_one_another_are_counted_and_end(tmp_path):
    ring = [say("x", "xxx"), say("xx", "x"), say("xxx", "xx"), say("tail", "xx")]
    path = lines(tmp_path / "o.jsonl", *ring, *TREE)
    assert rejects(path) == [(row, "cyclic-parent") for row in range(4)]
    assert texts(read_oasst(path)) == PATHS


def test_a_very_deep_tree_is_one_path(tmp_path):
    chain = [say(str(i), str(i - 1) if i else None, "prompter") for i in range(5000)]
    (found,) = texts(read_oasst(lines(tmp_path / "o.jsonl", *reversed(chain))))
    assert found == [str(i) for i in range(5000)]


def test_times_are_those_of_the_messages_and_of_the_leaf(tmp_path):
    dated = [
        say("a", None, created_date="2023-02-07T17:29:24.727400+00:00"),
        say("aa", "a", created_date="2023-02-07T19:00:00+01:00", lang="de"),
        say("ab", "a", created_date="yesterday"),
        say("ac", "a", created_date=20230207),
    ]
    path = lines(tmp_path / "o.jsonl", *dated)
    first, second, third = read_oasst(path)
    assert first.timestamp == datetime(2023, 2, 7, 18, tzinfo=UTC)
    assert first.messages[0].timestamp == datetime(2023, 2, 7, 17, 29, 24, 727400, tzinfo=UTC)
    assert first.language == "en"
    assert second.timestamp is None
    assert (second.checks, third.checks) == ({"created_date": False},) * 2
    folder = ingest(tmp_path, "open_assistant", "oasst-jsonl", path)
    assert read_shards(folder)[0]["timestamp"].null_count == 2


@pytest.mark.parametrize(
    "content", [b"", b"text", json.dumps(TREE).encode(), json.dumps(TREE[0]).encode("utf-16")]
)
def test_a_file_of_another_kind_stops_the_run_by_name(tmp_path, content):
    path = tmp_path / "o.jsonl"
    path.write_bytes(content)
    with pytest.raises(WildpaperError, match="format of OpenAssistant") as caught:
        list(read_oasst(path))
    assert f"{path}, before row 0" in caught.value.where


def test_a_truncated_file_keeps_what_is_whole(tmp_path):
    raw = lines(tmp_path / "o.jsonl", *TREE).read_bytes()
    path = tmp_path / "cut.jsonl"
    path.write_bytes(raw[:-20])
    assert rejects(path) == [(7, "truncated-file")]
    assert texts(read_oasst(path)) == [*PATHS[:3], ["b"]]


def test_shards_change_nothing(tmp_path):
    path = lines(tmp_path / "o.jsonl", *TREE)
    one = ingest(tmp_path / "1", "open_assistant", "oasst-jsonl", path, n_shards=1)
    three = ingest(tmp_path / "3", "open_assistant", "oasst-jsonl", path, n_shards=3)
    for left, right in zip(read_shards(one), read_shards(three), strict=True):
        assert left.to_pylist() == right.to_pylist()


@pytest.fixture
def counter(project, tmp_path):
    npm = load_sources(project / "data/sources.yaml").tokenizers.llama2.npm
    archive = project / "data/raw/llama2-tokenizer" / npm.archive
    if not archive.is_file():
        pytest.skip("the Llama-2 tokenizer is absent: make setup")
    from_npm(archive, npm.sha256, tmp_path / "tokenizer.json")
    return TokenCounter(tmp_path / "tokenizer.json")


@pytest.mark.realdata
def test_the_real_file_has_the_known_paths_turns_and_lengths(tmp_path, realdata, counter):
    path = realdata / "oasst1" / "en-validation.jsonl"
    folder = ingest(tmp_path, "open_assistant", "oasst-jsonl", path)
    conversations, messages = read_shards(folder)
    assert len(conversations) == 1002
    assert [reason for _, reason in reasons(folder)] == ["missing-parent"] * 3
    assert round(pc.mean(conversations["n_turns"]).as_py(), 3) == 1.979
    expected = {"user": (34.2, 76.8), "assistant": (198.0, 210.8)}
    for role, lengths in expected.items():
        chosen = messages.filter(pc.equal(messages["role"].cast("string"), role))
        counts = counter.count(chosen["text"])
        assert (round(counts.mean(), 1), round(counts.std(), 1)) == lengths
    assert pq.read_table(folder / "quarantine.parquet")["detail"].to_pylist() == [""] * 3
