"""Trees of Open Assistant: nested and flat files agree, each definition of a conversation."""

import gzip
import json

import pytest
from ingesting import ingest, read_shards
from json_inputs import lines, reasons

from wildpaper.ingest.oasst import read_oasst
from wildpaper.ingest.options import OasstOptions
from wildpaper.ingest.records import Conversation, Reject


def say(name, **more):
    """Return a message that hangs on the one named by all but its last letter."""
    role = "prompter" if len(name) % 2 else "assistant"
    found = {"message_id": name, "parent_id": name[:-1] or None, "text": name, "role": role}
    return {**found, "user_id": f"by {name}", "lang": "en", **more}


def nested(messages):
    """Return one tree a line, as nested files have them; an orphan is a tree of its own."""
    grown = {m["message_id"]: {**m, "replies": []} for m in messages}
    roots = []
    for message in grown.values():
        above = grown.get(message["parent_id"])
        (roots if above is None else above["replies"]).append(message)
    for message in grown.values():
        if message["parent_id"] in grown:
            del message["parent_id"]
    return [{"message_tree_id": r["message_id"], "tree_state": "x", "prompt": r} for r in roots]


NAMES = ("a", "aa", "aaa", "aaaa", "aab", "ab", "aba", "b", "ba")
TREES = [say(name) for name in NAMES]
OPTIONS = {
    "default": OasstOptions(),
    "orphans": OasstOptions(orphans="keep"),
    "best-path": OasstOptions("best-path", "keep", "leave-out"),
    "tree": OasstOptions("tree", "keep", "leave-out"),
}


def texts(path, **options):
    found = read_oasst(path, OasstOptions(**options))
    return [[m.text for m in r.messages] for r in found if isinstance(r, Conversation)]


def rejects(path, **options):
    found = read_oasst(path, OasstOptions(**options))
    return [(r.row, r.reason) for r in found if isinstance(r, Reject)]


def without_rows(records):
    """Return what a conversation is, but for the line it stands in."""
    return [
        (r.source_id, r.messages, r.language, r.user, r.timestamp, r.checks)
        if isinstance(r, Conversation)
        else r.reason
        for r in records
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_nested_trees_give_the_paths_of_the_flat_file(tmp_path, packed):
    flat = lines(tmp_path / "o.messages.jsonl", *TREES)
    deep = lines(tmp_path / "o.trees.jsonl", *nested(TREES))
    if packed:
        deep.write_bytes(gzip.compress(deep.read_bytes()))
    found = list(read_oasst(deep))
    assert without_rows(found) == without_rows(read_oasst(flat))
    assert [r.source_id for r in found] == ["aaaa", "aab", "aba", "ba"]
    assert [r.row for r in found] == [0, 0, 0, 1]


@pytest.mark.realdata
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_real_file_is_the_same_nested_and_flat(tmp_path, realdata, options):
    flat = realdata / "oasst1" / "en-validation.jsonl"
    messages = [json.loads(line) for line in flat.read_text(encoding="utf-8").splitlines()]
    deep = lines(tmp_path / "o.trees.jsonl", *nested(messages))
    assert without_rows(read_oasst(deep, options)) == without_rows(read_oasst(flat, options))


def test_flat_and_nested_lines_may_stand_in_one_file(tmp_path):
    path = lines(tmp_path / "o.jsonl", *nested(TREES)[:1], *TREES[-2:], say("abb"))
    assert texts(path) == [["a", "aa", "aaa", "aaaa"], ["a", "aa", "aab"], ["a", "ab", "aba"],
                           ["b", "ba"], ["a", "ab", "abb"]]  # fmt: skip


def test_the_paths_of_a_tree_have_the_user_who_began_it(tmp_path):
    messages = [*TREES, say("c", user_id=None), say("d", user_id=7), say("e", user_id="")]
    folder = ingest(tmp_path, "open_assistant", "oasst-jsonl", lines(tmp_path / "o", *messages))
    users = read_shards(folder)[0]["user"].to_pylist()
    assert users == ["by a"] * 3 + ["by b", None, None, None]


def test_a_whole_tree_is_one_conversation_depth_first(tmp_path):
    dated = [say(n, created_date=f"2023-01-0{9 - i}T00:00:00Z") for i, n in enumerate(NAMES)]
    path = lines(tmp_path / "o.jsonl", *reversed(dated))
    found = list(read_oasst(path, OasstOptions("tree")))
    assert [r.source_id for r in found] == ["b", "a"]
    assert [[m.text for m in r.messages] for r in found] == [
        ["b", "ba"], ["a", "ab", "aba", "aa", "aab", "aaa", "aaaa"],
    ]  # fmt: skip
    assert [r.timestamp.day for r in found] == [2, 9]


@pytest.mark.parametrize(
    ("ranks", "best"),
    [
        ({}, ["a", "aa", "aaa", "aaaa"]),
        ({"aa": 1, "ab": 0}, ["a", "ab", "aba"]),
        ({"ab": 5}, ["a", "ab", "aba"]),
        ({"aa": 0, "ab": 0, "aab": 2, "aaa": 3}, ["a", "aa", "aab"]),
        ({"aa": 10, "ab": 9.5}, ["a", "ab", "aba"]),
        ({"aa": "0", "ab": True}, ["a", "aa", "aaa", "aaaa"]),
        ({"aa": float("nan"), "ab": 10**400}, ["a", "ab", "aba"]),
    ],
)
def test_the_best_path_follows_the_lowest_ranks(tmp_path, ranks, best):
    messages = [say(name, rank=ranks.get(name)) for name in NAMES]
    path = lines(tmp_path / "o.jsonl", *messages)
    assert texts(path, conversation="best-path") == [best, ["b", "ba"]]


@pytest.mark.parametrize(
    ("conversation", "n_kept", "rows"),
    [("path", 4, (10, 12, 14, 15)), ("best-path", 2, (10, 12, 13)), ("tree", 2, (9, 11, 13))],
)
def test_each_conversation_that_is_lost_is_a_row(tmp_path, conversation, n_kept, rows):
    textless = {k: v for k, v in say("ca").items() if k != "text"}
    bad = [say("c"), textless, say("d"), say("da", role="x"), say("zz"), say("zza"), say("zzb")]
    path = lines(tmp_path / "o.jsonl", *TREES, *bad)
    options = {"oasst": {"conversation": conversation}}
    folder = ingest(tmp_path, "open_assistant", "oasst-jsonl", path, options=options)
    names = ["missing-field", "unknown-role", "missing-parent", "missing-parent"]
    assert reasons(folder) == list(zip(rows, names, strict=False))
    assert len(read_shards(folder)[0]) == n_kept


def test_orphans_are_roots_if_they_are_kept(tmp_path):
    orphans = [m for m in TREES if m["message_id"] != "aa"]
    path = lines(tmp_path / "o.jsonl", *orphans)
    assert rejects(path) == [(2, "missing-parent"), (3, "missing-parent")]
    assert rejects(path, orphans="keep") == []
    assert texts(path, orphans="keep") == [["aaa", "aaaa"], ["aab"], ["a", "ab", "aba"],
                                           ["b", "ba"]]  # fmt: skip
    ring = [{**say("x"), "parent_id": "xx"}, say("xx")]
    path = lines(tmp_path / "ring.jsonl", *TREES, *ring)
    assert rejects(path, orphans="keep") == [(9, "cyclic-parent"), (10, "cyclic-parent")]


def test_deleted_messages_end_paths_if_they_are_left_out(tmp_path):
    deleted = [say(n, deleted=n in ("aaa", "ab", "b")) for n in NAMES]
    path = lines(tmp_path / "o.jsonl", *deleted)
    assert len(texts(path)) == 4
    assert texts(path, deleted="leave-out") == [["a", "aa", "aab"]]
    assert rejects(path, deleted="leave-out") == [(7, "deleted")]
    folder = ingest(tmp_path, "open_assistant", "oasst-jsonl", path,
                    options={"oasst": {"deleted": "leave-out"}})  # fmt: skip
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["messages_left_out"] == {"deleted": 6}
    assert report["quarantine"] == {"deleted": 1}
    last = [say(n, deleted=n in ("aaaa", "aaa", "aab")) for n in NAMES[:5]]
    assert texts(lines(tmp_path / "p", *last), deleted="leave-out") == [["a", "aa"]]


def prompt(**change):
    """Return a nested tree a - (aa - aaa, ab), with changes to the message aa."""
    second = {**say("aa"), "replies": [say("aaa", parent_id=None)], **change}
    return {"prompt": {**say("a"), "replies": [second, say("ab")]}}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"message_id": None}, ["missing-field"]),
        ({"message_id": 7}, ["no-string-id"]),
        ({"message_id": "a"}, ["repeated-id"]),
        ({"message_id": "ab"}, ["repeated-id"]),
        ({"message_id": "b"}, ["repeated-id"]),
        ({"parent_id": "ab"}, ["contradictory-parent"]),
        ({"parent_id": 7}, ["no-string-id"]),
        ({"replies": {"aaa": say("aaa")}}, ["not-a-list"]),
        ({"replies": "aaa"}, ["not-a-list"]),
        ({"replies": [None]}, ["null-message"]),
        ({"replies": ["aaa"]}, ["not-a-record"]),
        ({"replies": [{**say("aaa"), "replies": 0}]}, ["not-a-list"]),
        ({"replies": [say("aaa"), {"text": "x"}]}, ["missing-field"]),
        ({"text": 7}, ["non-string-text"]),
        ({"role": "moderator"}, ["unknown-role"]),
    ],
)
def test_a_bad_message_of_a_nested_tree_takes_its_own_paths_along(tmp_path, change, found):
    path = lines(tmp_path / "o.jsonl", {"prompt": say("b")}, prompt(**change), {"prompt": say("c")})
    folder = ingest(tmp_path, "open_assistant", "oasst-jsonl", path)
    refused = reasons(folder)
    kept = read_shards(folder)[0]["source_id"].to_pylist()
    if change.get("message_id") == "ab":  # the second of two is the one that repeats
        assert (kept, refused) == (["b", "aaa", "c"], [(1, "repeated-id")])
        return
    assert refused == [(1, reason) for reason in found]
    one_more = ["aaa"] if len(change.get("replies", ())) == 2 else []
    assert kept == ["b", *one_more, "ab", "c"]


@pytest.mark.parametrize("name", ["text", "role"])
def test_a_field_that_a_nested_message_lacks_is_named(tmp_path, name):
    broken = prompt()
    del broken["prompt"]["replies"][0][name]
    records = list(read_oasst(lines(tmp_path / "o.jsonl", broken)))
    (refused,) = [r for r in records if isinstance(r, Reject)]
    assert (refused.reason, refused.detail) == (
        "missing-field", f"row 0, message 1 of the tree: {name}")  # fmt: skip


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ({"prompt": None}, "null-message"),
        ({"prompt": "text"}, "not-a-record"),
        ({"prompt": []}, "not-a-record"),
        ({"prompt": {}}, "missing-field"),
        ({"prompt": {**say("z"), "parent_id": "y"}}, "missing-parent"),
        ({"prompt": {**say("z"), "parent_id": "z"}}, "cyclic-parent"),
        ({"prompt": {**say("z"), "parent_id": 7}}, "no-string-id"),
    ],
)
def test_a_nested_tree_that_has_no_root_is_quarantined(tmp_path, line, found):
    path = lines(tmp_path / "o.jsonl", *nested(TREES), line)
    assert rejects(path) == [(2, found)]
    assert len(texts(path)) == 4


def test_a_nested_tree_that_bites_its_tail_ends(tmp_path):
    ring = {**say("z"), "parent_id": "zzz", "replies": [{**say("zz"), "replies": [say("zzz")]}]}
    path = lines(tmp_path / "o.jsonl", {"prompt": ring})
    assert rejects(path) == [(0, "cyclic-parent")] * 3


def test_a_deep_and_a_wide_tree(tmp_path):
    inner = say("a")
    for _ in range(300):
        inner = {**say("a"), "message_id": f"{id(inner)}", "parent_id": None, "replies": [inner]}
    wide = {**say("b"), "replies": [{**say("ba"), "message_id": f"b{i}"} for i in range(3000)]}
    path = lines(tmp_path / "o.jsonl", {"prompt": inner}, {"prompt": wide})
    found = texts(path)
    assert [len(messages) for messages in found] == [301] + [2] * 3000
    assert len(texts(path, conversation="tree")[1]) == 3001
