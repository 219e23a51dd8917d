"""Calls become conversations as the authors' code makes them."""

import random

import pytest
from rawlog_writing import Logs, at, call, chat, consent, release


def test_the_same_result_however_calls_are_spread_over_files(tmp_path):
    calls = []
    for i in range(12):
        calls += chat(
            i * 7 + i / 9, "Hi.", "Hello.", f"More {i % 3}?", "Yes.", ip=f"240.0.0.{i % 2}"
        )
    random.Random(1).shuffle(calls)
    one = release(tmp_path / "one", Logs(calls), 1)
    many = release(tmp_path / "many", Logs(calls[::-1], n_files=5, packed=True), 4)
    for kind in ("conversations", "messages", "turns"):
        assert one.rows(kind) == many.rows(kind)
    assert len(one.rows("conversations")) == 12
    assert one.ledger == many.ledger


def test_repeated_runs_give_the_same_bytes(tmp_path):
    logs = Logs(chat(0, "Hi.", "Hello.", "More?", "Yes."))
    runs = [release(tmp_path / name, logs) for name in ("a", "b")]
    contents = [
        {path.name: path.read_bytes() for path in (run.folder / "rawlogs").iterdir()}
        for run in runs
    ]
    assert contents[0] == contents[1]
    assert len(contents[0]) == 8


def test_a_reply_regenerated_at_the_first_turn_leaves_two_conversations(tmp_path):
    calls = [
        call(0, ["Hi."], "Hello."),
        call(1, ["Hi."], "Good day."),
        call(2, ["Hi.", "Hello.", "More?"], "Yes."),
    ]
    released = release(tmp_path, Logs(calls))
    assert released.texts() == [["Hi.", "Good day."], ["Hi.", "Hello.", "More?", "Yes."]]
    assert released.dropped == {}


def test_a_reply_regenerated_later_is_dropped_with_all_that_follows(tmp_path):
    start = ["Hi.", "Hello.", "More?"]
    calls = [
        *chat(0, "Hi.", "Hello.", "More?", "Yes."),
        call(5, start, "No."),
        call(6, [*start, "No.", "Why?"], "So."),
    ]
    released = release(tmp_path, Logs(calls))
    assert released.texts() == [["Hi.", "Hello.", "More?", "Yes."]]
    assert released.dropped == {"missing-turn": 2}
    assert released.report["linking"]["missing_turn"] == {"already-continued": 1}
    assert released.report["linking"]["n_conversations_missing_turn"] == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"model": "gpt-y"}, {"other-device-or-model": 1}),
        ({"agent": "B/2"}, {"other-device-or-model": 1}),
        ({"ip": "240.9.9.9"}, {}),
    ],
)
def test_who_may_go_on_with_a_conversation(tmp_path, change, why):
    first, second = chat(0, "Hi.", "Hello.", "More?", "Yes.")
    second = call(1, ["Hi.", "Hello.", "More?"], "Yes.", **change)
    released = release(tmp_path, Logs([first, second]))
    assert released.report["linking"]["missing_turn"] == why
    assert [len(texts) for texts in released.texts()] == ([2] if why else [4])


def test_exact_copies_are_kept_and_marked(tmp_path):
    calls = [*chat(0, "Hi.", "Hello."), *chat(9, "Hi.", "Hello.", ip="240.0.0.9")]
    rows = release(tmp_path, Logs(calls)).rows("conversations")
    assert [row["duplicate"] for row in rows] == [False, True]
    assert rows[0]["source_id"] == rows[1]["source_id"]


def test_no_calls_at_all_give_empty_tables(tmp_path):
    released = release(tmp_path, Logs([]))
    assert [released.rows(kind) for kind in released.paths] == [[], [], []]
    assert [(row["in"], row["kept"]) for row in released.ledger] == [(0, 0)] * 2
    assert released.fates() == []


def test_a_call_logged_before_what_it_continues_is_told_from_one_that_was_lost(tmp_path):
    first, second = chat(0, "Hi.", "Hello.", "More?", "Yes.")
    first["time"] = at(30)
    lost = call(50, ["Never logged.", "Oh.", "More?"], "Yes.")
    released = release(tmp_path, Logs([first, second, lost]))
    assert released.texts() == [["Hi.", "Hello."]]
    assert released.dropped == {"missing-turn": 2}
    assert released.report["linking"]["missing_turn"] == {"not-logged": 1, "not-yet-logged": 1}


def test_a_line_that_repeats_a_call_counts_once(tmp_path):
    calls = chat(0, "Hi.", "Hello.", "More?", "Yes.")
    other = call(60, ["Hi."], "Good day.")
    other["response"]["id"] = calls[0]["response"]["id"]
    anonymous = call(70, ["Oh."], "Yes.")
    del anonymous["response"]["id"]
    elsewhere = anonymous | {"session": "s2"}
    lines = [*calls, anonymous, *calls, other, anonymous, elsewhere]
    released = release(tmp_path, Logs(lines, consents=[*consent(), *consent("s2")], n_files=3))
    assert released.texts() == [
        ["Hi.", "Hello.", "More?", "Yes."],
        ["Oh.", "Yes."],
        ["Oh.", "Yes."],
    ]
    assert released.dropped == {"duplicate-call": 4}
    assert released.report["duplicates"] == {"n_duplicates_same": 3, "n_duplicates_other": 1}
    assert released.report["n_calls_answered"] == 4
    assert released.report["quarantine"] == {}


def test_the_fate_of_each_line_says_where_it_went(tmp_path):
    calls = [
        *chat(0, "Hi.", "Hello.", "More?", "Yes."),
        *chat(10, "Oh.", "Yes.", session="s2", ip="240.0.0.2"),
        *chat(20, "Late.", "Hm."),
        call(30, ["Lost.", "Oh.", "More?"], "Yes."),
        b"   ",
        b"{",
        call(40, ["Hi."], None),
        call(-86_401, ["Early."], "Hm."),
    ]
    released = release(tmp_path, Logs(calls))
    ids = [line["response"] and line["response"]["id"] for line in calls if isinstance(line, dict)]
    name = "calls-00000.jsonl"
    assert [tuple(row.values()) for row in released.fates()] == [
        (name, 1, ids[0], "kept", 0, 0, 0),
        (name, 2, ids[1], "kept", 0, 1, 0),
        (name, 3, ids[2], "no-consent", 1, 0, None),
        (name, 4, ids[3], "kept", 2, 0, 1),
        (name, 5, ids[4], "missing-turn", None, None, None),
        (name, 7, None, "unparsable-line", None, None, None),
        (name, 8, None, "failed-call", None, None, None),
        (name, 9, ids[6], "before-start", None, None, None),
    ]


def test_a_long_conversation_is_one(tmp_path):
    texts = [f"{i}" for i in range(600)]
    released = release(tmp_path, Logs(chat(0, *texts)))
    assert released.texts() == [texts]
    assert released.rows("conversations")[0]["n_turns"] == 300
