"""Raw logs in; conversations, messages and turns of the data set ``rawlogs`` out.

Nothing that is written or logged holds an address, a session or the salt.
"""

import logging
from collections import Counter
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.ingest.writer import ShardWriter
from wildpaper.ledger import entry
from wildpaper.progress import Progress
from wildpaper.release.calls import FAILED, CallTable, Refused, parse_call
from wildpaper.release.consent import NO_CONSENT, WITHDRAWN, Consents, read_consents
from wildpaper.release.geography import Geography
from wildpaper.release.linked_rows import LinkedRows
from wildpaper.release.linking import Linked, link
from wildpaper.release.rawlog_files import LineStore, find_rawlogs, microseconds
from wildpaper.release.salt import AddressHasher, read_salt
from wildpaper.release.tally import Quarantine
from wildpaper.release.wildbench import WildBench, read_wildbench

DATASET = "rawlogs"
BEFORE_START = "before-start"
MISSING_TURN = "missing-turn"
WILDBENCH = "wildbench"

_LOG = logging.getLogger("wildpaper")


def link_calls(
    acquired: Path,
    conversations: list[Path],
    messages: list[Path],
    turns: list[Path],
    report: Path,
    ledger: Path,
    start: str = "2023-04-09T00:00:00Z",
) -> None:
    """Link the calls of raw logs into conversations of people who agreed to a release.

    Parameters
    ----------
    acquired : Path
        ``rawlogs/acquired.json``; docs/raw-logs.md describes the files beside it.
    conversations, messages, turns : list of Path
        The shards to write, as many of each. Conversations are numbered by the time of
        their last call; the shard is the number modulo N.
    report, ledger : Path
        Counts, never who; and what was kept and dropped.
    start : str
        Calls before this time are left out.

    Raises
    ------
    WildpaperError
        If a file cannot be read, a line of consent cannot, a database of places is
        damaged, or there is no salt for the addresses (`wildpaper.release.salt`).
    """
    start_us = _start_us(start)
    logs = find_rawlogs(acquired)
    hasher = AddressHasher(read_salt(acquired, simulated=logs.release["simulated"]))
    geography, quarantine = Geography(logs.databases), Quarantine()
    consents, wildbench = read_consents(logs.consents), read_wildbench(logs.wildbench, quarantine)
    with LineStore(logs.calls) as store:
        table, refused = _read_calls(store, start_us, wildbench.openings, quarantine)
        linked = link(table)
        chosen = _Chosen(table, linked, consents, wildbench)
        rows = LinkedRows(table, store, hasher, geography)
        _write(rows, chosen.kept, conversations, messages, turns)
    calls = entry("release", DATASET, "call", rows.n_turns, refused + chosen.dropped)
    write_json(ledger, [calls, *chosen.ledger(rows)])
    found = {
        "dataset": DATASET,
        "release": logs.release,
        "start": start,
        "n_lines": len(table) + refused.total(),
        "n_calls_answered": len(table) + refused[BEFORE_START],
        "n_linked": chosen.n_agreed,
        "n_wildbench": chosen.n_agreed - len(chosen.kept),
        "calls": {"kept": calls["kept"], "dropped": calls["dropped"]},
        **chosen.report(consents),
        "geography": {"databases": geography.names, **rows.places()},
        **rows.report(),
        "quarantine": quarantine.report(),
    }
    write_json(report, found)
    _log_summary(found)


def _start_us(start: str) -> int:
    start_us = microseconds(start)
    if start_us is None:
        raise WildpaperError(
            f"Not a time with its offset: {start!r}",
            where="config key release.start",
            hint="Write it as 2023-04-09T00:00:00Z.",
        )
    return start_us


def _read_calls(
    store: LineStore, start_us: int, openings: dict[str, int], quarantine: Quarantine
) -> tuple[CallTable, Counter[str]]:
    """Return what linking needs of all usable calls, and how many lines are not usable."""
    table, refused = CallTable(openings), Counter[str]()
    progress = Progress(f"{DATASET}: calls read", store.n_bytes, "bytes")
    for line in store.lines(progress.advance):
        call = parse_call(line.data)
        if isinstance(call, Refused):
            refused[call.reason] += 1
            if call.reason != FAILED:
                quarantine.add(store.paths[line.file].name, line.number, call)
        elif call.time_us < start_us:
            refused[BEFORE_START] += 1
        else:
            table.add(call, line)
    return table, refused


class _Chosen:
    """Which conversations are released, and why the others and their calls are not."""

    def __init__(
        self, table: CallTable, linked: Linked, consents: Consents, wildbench: WildBench
    ) -> None:
        self._table, self._linked = table, linked
        self.dropped = Counter[str]({MISSING_TURN: sum(map(len, linked.broken))})
        self.objections: Counter[str] = Counter()
        agreed = []
        for chain in linked.whole:
            if why := consents.objection(table, chain):
                self.objections[why] += 1
                self.dropped[why] += len(chain)
            else:
                agreed.append(chain)
        listed, self.wildbench = wildbench.matching(table, agreed)
        self.dropped[WILDBENCH] = sum(len(agreed[place]) for place in listed)
        self.n_agreed, self.n_listed = len(agreed), len(listed)
        self.kept = [chain for place, chain in enumerate(agreed) if place not in listed]

    def ledger(self, rows: LinkedRows) -> list[dict[str, Any]]:
        """Return the rows of the ledger in conversations and messages, as written."""
        dropped = {WILDBENCH: self.n_listed}
        return [
            entry("release", "wildchat", "conversation", rows.n_conversations, dropped),
            entry("release", "wildchat", "message", rows.n_messages, {}),
        ]

    def report(self, consents: Consents) -> dict[str, Any]:
        """Return counts of linking, consent and WildBench."""
        linked = self._linked
        return {
            "linking": {
                "n_conversations_whole": len(linked.whole),
                "n_conversations_missing_turn": len(linked.broken),
                "n_calls_missing_turn": self.dropped[MISSING_TURN],
                "missing_turn": dict(sorted(linked.missing.items())),
                "n_calls_new_address": linked.n_new_address,
            },
            "consent": {
                **consents.counts(self._table),
                "n_conversations_no_consent": self.objections[NO_CONSENT],
                "n_conversations_withdrawn": self.objections[WITHDRAWN],
            },
            "wildbench": self.wildbench,
        }


def _write(
    rows: LinkedRows,
    chains: list[list[int]],
    conversations: list[Path],
    messages: list[Path],
    turns: list[Path],
) -> None:
    progress = Progress(f"{DATASET}: conversations written", len(chains), "conversations")
    with ShardWriter(conversations, messages, turns) as writer:
        for number, chain in enumerate(chains):
            writer.add(*rows.of(number, chain))
            progress.advance(1)


def _log_summary(report: dict[str, Any]) -> None:
    _LOG.info(
        "%s: %d conversations of %d calls kept, from %d lines",
        DATASET, report["n_conversations"], report["n_turns"], report["n_lines"],
    )  # fmt: skip
    for reason, n in report["calls"]["dropped"].items():
        _LOG.info("%s: %d calls dropped: %s", DATASET, n, reason)
    for reason, found in report["quarantine"].items():
        first = found["first"][0]
        where = f"{first['file']}, line {first['line']}"
        _LOG.warning("%s: %d lines are %s, the first: %s", DATASET, found["n"], reason, where)
    if not report["geography"]["databases"]:
        _LOG.warning("%s: no database of places, so countries stay unknown", DATASET)
