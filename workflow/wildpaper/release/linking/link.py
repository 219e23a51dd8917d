"""Raw logs in; conversations, messages and turns of the data set ``rawlogs`` out.

Nothing that stays or is logged holds an address, a session or the salt. Nothing of the
size of the log stands in memory: calls are linked in a database on disk.
"""

import logging
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.config_release import LinkingConfig
from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.ledger import entry
from wildpaper.release.geography import Geography
from wildpaper.release.linking.call_lines import is_compressed
from wildpaper.release.linking.call_runs import Reader, Reading, read_calls
from wildpaper.release.linking.consent import (
    NO_CONSENT,
    WITHDRAWN,
    count_sessions,
    gather_consents,
    read_consents,
)
from wildpaper.release.linking.link_chains import (
    KEPT,
    WILDBENCH,
    choose_chains,
    count_chains,
    gather_chains,
)
from wildpaper.release.linking.link_database import Database, n_threads, private_folder
from wildpaper.release.linking.link_fates import write_fates
from wildpaper.release.linking.link_order import count_addresses, count_duplicates, order_calls
from wildpaper.release.linking.link_texts import read_texts
from wildpaper.release.linking.link_write import read_chains, write_conversations
from wildpaper.release.linking.linked_rows import LinkedRows
from wildpaper.release.linking.parents import link
from wildpaper.release.linking.rawlog_files import RawLogs, find_rawlogs, microseconds
from wildpaper.release.linking.tally import Quarantine
from wildpaper.release.linking.wildbench import read_wildbench
from wildpaper.release.salt import AddressHasher, read_salt

DATASET = "rawlogs"

_LOG = logging.getLogger("wildpaper")


def link_calls(
    acquired: Path,
    conversations: list[Path],
    messages: list[Path],
    turns: list[Path],
    fates: Path,
    report: Path,
    ledger: Path,
    settings: dict[str, Any] | None = None,
    n_workers: int = 1,
    memory_mb: int = 1500,
) -> None:
    """Link the calls of raw logs into conversations of people who agreed to a release.

    Parameters
    ----------
    acquired : Path
        ``rawlogs/acquired.json``; docs/raw-logs.md describes the files beside it.
    conversations, messages, turns : list of Path
        The shards to write, as many of each. Conversations are numbered by the time of
        their last call; the shard is the number modulo N.
    fates : Path
        What became of each line of the call logs (`wildpaper.schema.FATES`). Its folder
        is closed to all but its owner; temporary files stand in a folder there.
    report, ledger : Path
        Counts, never who; and what was kept and dropped.
    settings : dict, optional
        Keys and values of `wildpaper.config_release.LinkingConfig`.
    n_workers : int
        Processes that read, this one not counted while it only waits; threads of the
        database. At most as many as processors. Results do not depend on it.
    memory_mb : int
        Memory of the process that links, in MB: 500 for Python, the rest, but at least
        100, for the database. Each further process needs about 400 MB and ten times the
        longest line. Results do not depend on it.

    Raises
    ------
    WildpaperError
        If a file cannot be read, a line of consent cannot, a database of places is
        damaged, or there is no salt for the addresses (`wildpaper.release.salt`).
    """
    chosen = LinkingConfig(**(settings or {}))
    start_us = _start_us(chosen.start)
    logs = find_rawlogs(acquired)
    hasher = AddressHasher(read_salt(acquired, logs.release["simulated"]), chosen.address_hash)
    geography, quarantine = Geography(logs.databases), Quarantine()
    wildbench = read_wildbench(logs.wildbench, chosen.wildbench_characters, quarantine)
    with private_folder(fates) as folder:
        read_consents(logs.consents, folder / "consents.parquet")
        wildbench.write(folder / "listed.parquet")
        readings = _readings(logs, folder)
        read_calls(Reader(chosen, wildbench.openings), readings, n_threads(n_workers))
        with closing(Database(folder, n_threads(n_workers), memory_mb)) as database:
            database.view_files("runs", [reading.run for reading in readings])
            linked = _link(database, folder, chosen, start_us)
            rows, shards = LinkedRows(hasher, geography), (conversations, messages, turns)
            paths = [reading.second_look for reading in readings]
            said = read_texts(read_chains(database), paths, chosen, n_threads(n_workers))
            with closing(said):
                write_conversations(database, said, rows, shards)
            names = [path.name for path in logs.calls]
            by_fate = write_fates(database, names, fates)
            quarantine.add_calls(database, names)
    entries = _ledger(by_fate, linked)
    write_json(ledger, entries)
    found = _report(logs, chosen, linked, entries) | rows.report()
    found["geography"] = {"databases": geography.names, **rows.places()}
    found["quarantine"] = quarantine.report()
    write_json(report, found)
    _log_summary(found)


def _start_us(start: str) -> int:
    start_us = microseconds(start)
    if start_us is None:
        raise WildpaperError(
            f"Not a time with its offset: {start!r}",
            where="config key release.linking.start",
            hint="Write it as 2023-04-09T00:00:00Z.",
        )
    return start_us


def _readings(logs: RawLogs, folder: Path) -> list[Reading]:
    return [
        Reading(k, path, folder / f"calls-{k}.parquet", folder / f"calls-{k}.jsonl")
        for k, path in enumerate(logs.calls)
    ]


@dataclass(frozen=True, slots=True)
class _Linked:
    """What linking found: parts of the report, calls answered, conversations by fate."""

    report: dict[str, Any]
    n_answered: int
    fates: dict[str, int]


def _link(database: Database, folder: Path, settings: LinkingConfig, start_us: int) -> _Linked:
    """Fill the tables that say which conversations there are; return counts."""
    database.view_files("consents", [folder / "consents.parquet"])
    database.view_files("listed", [folder / "listed.parquet"])
    order_calls(database, start_us, settings.duplicate_calls == "keep")
    gather_consents(database, settings.withdrawal)
    link(database, folder, settings)
    gather_chains(database)
    wildbench = choose_chains(database, settings.missing_turn == "keep-rest")
    chains = count_chains(database)
    fates: dict[str, int] = chains["fates"]
    (n_answered,) = database.row("SELECT count(*) FROM firsts")
    report = {
        "duplicates": count_duplicates(database),
        "addresses": count_addresses(database),
        "linking": chains["linking"],
        "consent": {
            **count_sessions(database),
            "n_conversations_no_consent": fates.get(NO_CONSENT, 0),
            "n_conversations_withdrawn": fates.get(WITHDRAWN, 0),
        },
        "wildbench": wildbench,
    }
    return _Linked(report, n_answered, fates)


def _ledger(by_fate: Counter[str], linked: _Linked) -> list[dict[str, Any]]:
    """Return the rows of the ledger in calls and in conversations with consent."""
    dropped = {fate: n for fate, n in by_fate.items() if fate != KEPT}
    reserved = {WILDBENCH: linked.fates.get(WILDBENCH, 0)}
    return [
        entry("release", DATASET, "call", by_fate[KEPT], dropped),
        entry("release", DATASET, "conversation", linked.fates.get(KEPT, 0), reserved),
    ]


def _report(
    logs: RawLogs, settings: LinkingConfig, linked: _Linked, ledger: list[dict[str, Any]]
) -> dict[str, Any]:
    calls, conversations = ledger
    return {
        "dataset": DATASET,
        "release": logs.release,
        "start": settings.start,
        "settings": settings.model_dump(mode="json"),
        "files": {"n": len(logs.calls), "n_compressed": sum(map(is_compressed, logs.calls))},
        "n_lines": calls["in"],
        "n_calls_answered": linked.n_answered,
        "n_linked": conversations["in"],
        "n_wildbench": conversations["in"] - conversations["kept"],
        "calls": {"kept": calls["kept"], "dropped": calls["dropped"]},
        **linked.report,
    }


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
