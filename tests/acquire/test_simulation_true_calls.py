"""The true conversations that simulated calls belong to."""

import itertools
from collections import Counter, defaultdict

import pyarrow.parquet as pq
import pytest
from linking_oracle import Logs, Turn, link
from simulating import Run, large_study

from wildpaper.acquire.simulation.phenomena import PHENOMENA
from wildpaper.schema import TRUE_CALLS

COMPLETE = ("plain", "source", "retry", "address-changed", "copy-own", "copy-other", "same-time",
            "same-moment", "same-opening-own", "same-opening-other", "long-pause", "minors-flag",
            "failed-end", "first-moment", "last-moment", "first-edited", "first-regenerated",
            "first-regenerated-continued", "last-logged-twice", "first-logged-twice")  # fmt: skip
"""Whose path a linker recovers."""
UNLINKED = ("before-start", "across-start", "first-missing")
LOSING = ("later-edited", "later-regenerated-continued", "middle-missing", "model-changed")


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Run:
    return large_study(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def logs(large) -> Logs:
    return link(large.rawlogs)


@pytest.fixture(scope="module")
def rows(large) -> list[dict]:
    return pq.read_table(large.folder / "true-calls.parquet").to_pylist()


@pytest.fixture(scope="module")
def paths(rows) -> dict[int, list[dict]]:
    found = defaultdict(list)
    for row in rows:
        if row["path"] is not None:
            found[row["conversation"]].append(row)
    return found


def chain_ids(chain: list[Turn]) -> list[str]:
    return [turn.call_id for turn in chain]


def test_each_answer_of_a_conversation_has_one_row(large, rows):
    names = Counter(row["call_id"] for row in rows)
    assert set(names.values()) == {1}
    asked = defaultdict(list)
    for call in large.answered():
        asked[call["response"]["id"]].append(call)
    assert set(names) <= set(asked)
    truth = large.realised
    outside = sum(len(calls) for calls in asked.values()) - len(rows)
    n_malformed = truth["simulated.ledger.wrong-roles"] + truth["simulated.ledger.own-traffic"]
    n_malformed += truth["simulated.ledger.malformed-address"]
    assert n_malformed < outside < n_malformed + truth["simulated.ledger.duplicate-call"]


def test_rows_are_sorted_and_numbered_over_all_blocks(large, rows):
    table = pq.read_table(large.folder / "true-calls.parquet")
    assert table.schema.equals(TRUE_CALLS)
    keys = [(r["conversation"], r["path"] is None, r["path"] or 0, r["call_id"]) for r in rows]
    assert keys == sorted(keys)
    assert {row["conversation"] for row in rows} == set(range(3000))
    causes = {row["cause"] for row in rows}
    assert causes == {p.name for p in PHENOMENA} | {"plain", "source"}


def test_successive_calls_of_a_path_repeat_what_was_said(large, rows, paths):
    calls = {}
    for call in large.answered():
        calls.setdefault(call["response"]["id"], call)
    broken = Counter()
    for path in paths.values():
        for earlier, later in itertools.pairwise(path):
            said = calls[earlier["call_id"]]
            told = [*said["request"]["messages"], said["response"]["message"]]
            assert later["path"] > earlier["path"]
            asked = calls[later["call_id"]]["request"]["messages"]
            assert asked[: len(told)] == told
            broken[later["cause"]] += later["path"] != earlier["path"] + 1
        assert all(len(calls[r["call_id"]]["request"]["messages"]) == 2 * r["path"] + 1
                   for r in path)  # fmt: skip
    assert set(+broken) == {"middle-missing"}


def test_a_linker_recovers_the_paths_that_it_should(logs, paths):
    chains = {tuple(chain_ids(chain)) for chain in logs.linked}
    linked = {name for chain in chains for name in chain}
    whole, n = Counter(), Counter()
    touched = Counter()
    for path in paths.values():
        ids = tuple(row["call_id"] for row in path)
        n[path[0]["cause"]] += 1
        whole[path[0]["cause"]] += ids in chains
        touched[path[0]["cause"]] += bool(set(ids) & linked)
    for cause in COMPLETE:
        assert whole[cause] == n[cause], cause
    for cause in UNLINKED:
        assert touched[cause] == 0, cause
    for cause in LOSING:
        assert whole[cause] == 0, cause
        assert touched[cause] == n[cause], cause


def test_what_was_abandoned_has_no_place(rows):
    by_cause = defaultdict(set)
    for row in rows:
        by_cause[row["cause"]].add(row["path"] is None)
    edits = ("regenerated", "edited", "twice")
    for cause, found in by_cause.items():
        assert (True in found) == any(word in cause for word in edits), cause


def test_the_last_thing_said_ends_the_path(large, rows, paths):
    times = {}
    for call in large.answered():
        times.setdefault(call["response"]["id"], call["time"])
    last = defaultdict(str)
    for row in rows:
        last[row["conversation"]] = max(last[row["conversation"]], times[row["call_id"]])
    ends = {number: times[path[-1]["call_id"]] for number, path in paths.items()}
    assert ends == last
