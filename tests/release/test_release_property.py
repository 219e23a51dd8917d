"""On random adversarial logs the stage finds what the plain reading of the rules finds."""

import hashlib
import os
from collections import Counter

import pytest
from adversarial_logs import random_logs
from rawlog_writing import SALT, release
from release_oracle import expected, first_mode, texts_of

N_LOGS = 200
LARGE = {17: 2_000, 90: 700, 133: 2_000}
"""Logs of so many calls; the others have up to 80."""
SETTINGS = (
    {},
    {"continued_parents": "branch"},
    {"missing_turn": "keep-rest", "leading_system": "remove"},
    {"within_hours": 5 / 3600, "withdrawal": "session"},
    {"across_addresses": False, "duplicate_calls": "keep", "malformed_address": "keep"},
    {"same_model": False, "client_address": "last", "own_traffic": ""},
    {"continued_parents": "branch", "missing_turn": "keep-rest", "within_hours": 9 / 3600},
)


def hashed(ip):
    return hashlib.sha256(bytes.fromhex(SALT) + ip.encode()).hexdigest()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return (what the oracle expects, what the stage released) of many random logs."""
    found, slow = [], os.fsync
    os.fsync = lambda handle: None
    try:
        for seed in range(N_LOGS):
            logs, settings = random_logs(seed, LARGE.get(seed)), _settings(seed)
            oracle = expected(logs.files(), logs.consents, logs.wildbench, **settings)
            folder = tmp_path_factory.mktemp("logs")
            found.append((oracle, release(folder, logs, 1 + 2 * (seed % 9 == 0), **settings)))
    finally:
        os.fsync = slow
    return found


def _settings(seed):
    """Return other settings for every third log, the defaults for the rest."""
    return SETTINGS[seed // 3 % len(SETTINGS)] if seed % 3 == 0 else {}


def test_conversations_are_those_of_the_oracle(runs):
    for oracle, released in runs:
        assert released.texts() == [texts_of(chain) for chain in oracle.chains]
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
            for i, chain in enumerate(oracle.chains)
        ]


def test_turns_are_those_of_the_oracle(runs):
    for oracle, released in runs:
        rows = released.rows("turns")
        assert [
            (row["conversation_id"], row["turn"], row["timestamp"], row["hashed_ip"],
             row["user_agent"], row["accept_language"])
            for row in rows
        ] == [
            (i, turn, one["time"], hashed(one["ip"]), one["agent"], one["language"])
            for i, chain in enumerate(oracle.chains)
            for turn, one in enumerate(chain)
        ]  # fmt: skip
        assert len({row["turn_identifier"] for row in rows}) == len(rows)
        replies = [row for row in released.rows("messages") if row["role"] == "assistant"]
        assert [row["timestamp"] for row in replies] == [row["timestamp"] for row in rows]


def test_the_fate_of_each_line_is_that_of_the_oracle(runs):
    for oracle, released in runs:
        assert [tuple(row.values()) for row in released.fates()] == oracle.fates


def test_dropped_calls_are_counted_as_the_oracle_counts_them(runs):
    for oracle, released in runs:
        (calls, conversations), report = released.ledger, released.report
        assert calls["dropped"] == dict(sorted(oracle.dropped.items()))
        assert calls["in"] == report["n_lines"] == len({row[:2] for row in oracle.fates})
        turns = sum(map(len, oracle.chains))
        assert calls["kept"] == turns - report["linking"]["n_calls_repeated"]
        assert conversations["kept"] == len(oracle.chains)
        assert conversations["in"] == report["n_linked"]
        assert report["linking"]["missing_turn"] == dict(sorted(oracle.causes.items()))
        assert report["duplicates"] == {
            "n_duplicates_same": oracle.n_same, "n_duplicates_other": oracle.n_other,
        }  # fmt: skip


def test_the_random_logs_hold_what_they_are_for(runs):
    causes, dropped, default_causes = Counter(), Counter(), Counter()
    n_long = n_other_address = n_repeated = n_same = n_other = 0
    for seed, (oracle, released) in enumerate(runs):
        dropped.update(oracle.dropped)
        causes.update(oracle.causes)
        n_long += sum(len(chain) > 3 for chain in oracle.chains)
        n_other_address += released.report["linking"]["n_calls_new_address"]
        n_repeated += released.report["linking"]["n_calls_repeated"]
        n_same += oracle.n_same
        n_other += oracle.n_other
        if not _settings(seed):
            default_causes.update(oracle.causes)
    assert set(dropped) == {
        "unparsable-line", "failed-call", "no-headers", "no-address", "malformed-address",
        "wrong-roles", "own-traffic", "duplicate-call", "before-start", "missing-turn",
        "withdrawn", "no-consent", "wildbench",
    }  # fmt: skip
    assert min(dropped.values()) > 20
    usual = {"not-logged", "not-yet-logged", "other-device-or-model", "already-continued"}
    assert set(default_causes) == usual
    assert set(causes) == {*usual, "other-address", "too-long-ago"}
    assert min(causes.values()) > 9
    assert min(n_long, n_other_address, n_repeated, n_same, n_other) > 20
