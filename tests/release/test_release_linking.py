"""Calls become conversations as the authors' code makes them."""

import hashlib
import random
from collections import Counter

import pytest
from rawlog_writing import SALT, Logs, at, call, chat, consent, release
from release_oracle import expected, first_mode

AGENTS = (("A/1", "en"), ("A/1", "fr"), ("A/", "1en"), (None, "fr"))
LONG = "The same fifty characters stand at the beginning here, whatever follows: "


def hashed(ip):
    return hashlib.sha256(bytes.fromhex(SALT) + ip.encode()).hexdigest()


def random_line(rng, seconds, lines):
    """Return a call that begins anew, goes on, regenerates, edits or has gone wrong."""
    usable = [x for x in lines if isinstance(x, dict) and x["response"] and x["headers"]]
    base = rng.choice(usable) if usable and rng.random() < 0.75 else None
    history, client = [], {}
    agent, language = rng.choice(AGENTS)
    if base is not None:
        history = [m["content"] for m in base["request"]["messages"]]
        history.append(base["response"]["message"]["content"])
        history = history[: len(history) - 2 * rng.choice((0, 0, 0, 0, 1, 2))]
        agent, language = base["headers"].get("user-agent"), base["headers"]["accept-language"]
        address = base["headers"]["x-forwarded-for"].split(",")[0]
        client = {"ip": address, "model": base["request"]["model"], "session": base["session"]}
    for key, values in (
        ("ip", ("240.0.0.1", "240.0.0.2", "2001:db8::7")),
        ("model", ("gpt-x", "gpt-y")),
        ("session", ("s1", "s2", "s3", "s4")),
    ):
        if not client.get(key) or rng.random() < 0.1:
            client[key] = rng.choice(values)
    text = rng.choice(("Hi.", "Hi!", LONG + "a", LONG + "b"))
    reply = None if rng.random() < 0.05 else rng.choice(("Hello.", "Oh.", "\ud83dWell."))
    line = call(seconds, [*history, text], reply, agent=agent, language=language, **client)
    if agent is None:
        del line["headers"]["user-agent"]
    if rng.random() < 0.03:
        line["headers"] = None
    if rng.random() < 0.03:
        line["request"]["messages"].insert(0, {"role": "system", "content": "Be kind."})
    return b'{"time": "2023' if rng.random() < 0.02 else line


def random_logs(seed):
    rng, lines = random.Random(seed), []
    for _ in range(rng.choice((0, 5, 60, 60, 60))):
        seconds = rng.choice((-86_401, -86_400, *(len(lines) + step for step in (-3, -1, 0, 0, 1))))
        lines.append(random_line(rng, seconds, lines))
    lines = [line for line in lines if rng.random() > 0.08]  # never logged
    if rng.random() < 0.3:
        rng.shuffle(lines)
    consents = [
        *consent("s1"), *consent("s2", agree=20.0), *consent("s3", publish=rng.choice((None, -1))),
        *consent("s4"),
    ]  # fmt: skip
    if rng.random() < 0.2:
        consents.append({"time": at(9e6), "session": "s4", "step": "withdraw"})
    ends = [line["time"] for line in lines if isinstance(line, dict)]
    wildbench = [
        {"first_50": (text + "x")[:50] if text.startswith("The") else text, "timestamp": time}
        for text in ("Hi.", LONG, "Never said.")
        for time in rng.sample(ends, min(len(ends), 3))
    ]
    rng.shuffle(consents)
    return Logs(
        lines, consents, wildbench, n_files=rng.choice((1, 2, 7)), packed=rng.random() < 0.3
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return (what the oracle expects, what the stage released) of many random logs."""
    found = []
    for seed in range(90):
        logs = random_logs(seed)
        oracle = expected(logs.calls, logs.consents, logs.wildbench)
        found.append((oracle, release(tmp_path_factory.mktemp("logs"), logs, seed % 3 + 1)))
    return found


def test_conversations_are_those_of_the_oracle(runs):
    for (chains, _), released in runs:
        wanted = [
            [m["content"].encode("utf-8", "ignore").decode() for m in chain[-1]["messages"]]
            for chain in chains
        ]
        assert released.texts() == wanted
        found = [
            (row["conversation_id"], row["model"], row["timestamp"], row["n_turns"], row["user"])
            for row in released.rows("conversations")
        ]
        assert found == [
            (
                i,
                chain[-1]["model"],
                chain[-1]["time"],
                len(chain),
                hashed(first_mode([one["ip"] for one in chain])),
            )
            for i, chain in enumerate(chains)
        ]


def test_turns_are_those_of_the_oracle(runs):
    for (chains, _), released in runs:
        rows = released.rows("turns")
        assert [
            (row["conversation_id"], row["turn"], row["timestamp"], row["hashed_ip"],
             row["user_agent"], row["accept_language"])
            for row in rows
        ] == [
            (i, turn, one["time"], hashed(one["ip"]), one["agent"], one["language"])
            for i, chain in enumerate(chains)
            for turn, one in enumerate(chain)
        ]  # fmt: skip
        assert len({row["turn_identifier"] for row in rows}) == len(rows)
        replies = [row for row in released.rows("messages") if row["role"] == "assistant"]
        assert [row["timestamp"] for row in replies] == [row["timestamp"] for row in rows]
        assert len(replies) == released.ledger[0]["kept"]


def test_dropped_calls_are_counted_as_the_oracle_counts_them(runs):
    for (chains, dropped), released in runs:
        calls, conversations, messages = released.ledger
        assert calls["dropped"] == dict(sorted(dropped.items()))
        assert calls["in"] == released.report["n_lines"]
        assert calls["kept"] == sum(map(len, chains))
        assert conversations["kept"] == len(chains)
        assert conversations["in"] == released.report["n_linked"]
        assert messages["kept"] == 2 * calls["kept"]


def test_the_random_logs_hold_what_they_are_for(runs):
    reasons, missing, n_new_address, n_long = Counter(), Counter(), 0, 0
    for (chains, dropped), released in runs:
        reasons.update(dropped)
        missing.update(released.report["linking"]["missing_turn"])
        n_new_address += released.report["linking"]["n_calls_new_address"]
        n_long += sum(len(chain) > 2 for chain in chains)
    assert set(reasons) == {
        "unparsable-line", "failed-call", "no-headers", "wrong-roles", "before-start",
        "missing-turn", "no-consent", "withdrawn", "wildbench",
    }  # fmt: skip
    assert set(missing) == {"not-logged", "other-device-or-model", "already-continued"}
    assert n_new_address > 20
    assert n_long > 20


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
    assert [(row["in"], row["kept"]) for row in released.ledger] == [(0, 0)] * 3
