"""Ingest one data set: read, check, number, cut into shards, report."""

import logging
from collections import Counter
from pathlib import Path
from typing import Any

from wildpaper.files import read_json, write_json
from wildpaper.ingest.duplicates import Duplicates
from wildpaper.ingest.native import Kept, numbered_records
from wildpaper.ingest.normalise import count_turns, turns
from wildpaper.ingest.options import ReadingOptions, reading_options
from wildpaper.ingest.records import Reject
from wildpaper.ingest.writer import QuarantineWriter, ShardWriter
from wildpaper.ledger import entry

_LOG = logging.getLogger("wildpaper")


class Tally:
    """What ingest counts while it reads one data set."""

    def __init__(self, files: list[str]) -> None:
        self.n_conversations = self.n_messages = self.n_duplicates = 0
        self.n_surrogates = self.n_repaired_messages = 0
        self.dropped: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.files = {name: Counter(kept=0, quarantined=0) for name in files}
        self.checks: dict[str, Counter[str]] = {}
        self.models: Counter[str] = Counter()

    def keep(self, kept: Kept, duplicate: bool) -> None:
        """Count one conversation that is kept."""
        conversation, clean = kept.conversation, kept.clean
        self.files[conversation.file]["kept"] += 1
        self.n_conversations += 1
        self.n_messages += len(clean.messages)
        self.n_duplicates += duplicate
        self.n_surrogates += clean.n_surrogates
        self.n_repaired_messages += clean.n_repaired_messages
        if conversation.model is not None:
            self.models[conversation.model] += 1
        for name, held in conversation.checks.items():
            self.checks.setdefault(name, Counter())["verified" if held else "failed"] += 1

    def reject(self, reject: Reject) -> None:
        """Count one row that goes to quarantine."""
        self.files[reject.file]["quarantined"] += 1
        self.dropped[reject.reason] += 1


def ingest_dataset(
    acquired: Path,
    conversations: list[Path],
    messages: list[Path],
    quarantine: Path,
    report: Path,
    ledger: Path,
    dataset: str,
    native_format: str,
    options: dict[str, Any] | None = None,
) -> None:
    """Turn the native files of one data set into N shards of the canonical schema.

    Parameters
    ----------
    acquired : Path
        ``acquired.json`` of the acquire stage; the files lie beside it.
    conversations, messages : list of Path
        The shards to write, as many of either. A conversation's shard is its number
        modulo N, its number is its place in the source among what is kept.
    quarantine, report, ledger : Path
        Rows that could not be read, counts and checks, kept and dropped.
    dataset, native_format : str
        Name and format, as in ``data/sources.yaml``.
    options : dict, optional
        The section `ingest` of the configuration; see `reading_options`.

    Raises
    ------
    WildpaperError
        If a file cannot be read at all; names file and row.
    """
    source, reading = read_json(acquired), reading_options(options)
    tally = Tally([listed["name"] for listed in source["files"]])
    marking = Duplicates() if reading.rows.duplicates == "mark" else None
    with (
        QuarantineWriter(quarantine, dataset) as refused,
        ShardWriter(conversations, messages) as writer,
    ):
        for record in numbered_records(
            acquired, dataset, native_format, reading, left_out=tally.left_out
        ):
            if isinstance(record, Reject):
                tally.reject(record)
                refused.add(record)
                continue
            duplicate = marking is not None and marking.repeats(record.clean.messages)
            tally.keep(record, duplicate)
            writer.add(*_rows(record, dataset, reading, duplicate))
    write_json(report, _report(dataset, source, tally))
    kept = tally.n_conversations
    write_json(ledger, [entry("ingest", dataset, "conversation", kept, tally.dropped)])
    _log_summary(dataset, tally, quarantine)


def _rows(
    kept: Kept, dataset: str, options: ReadingOptions, duplicate: bool
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a conversation's row and those of its messages."""
    record, messages, number = kept.conversation, kept.clean.messages, kept.number
    conversation = {
        "dataset": dataset,
        "conversation_id": number,
        "source_id": record.source_id,
        "model": record.model,
        "language": record.language,
        "country": record.country,
        "state": record.state,
        "user": record.user,
        "timestamp": record.timestamp,
        "n_turns": count_turns(messages, options.turns),
        "n_messages": len(messages),
        "toxic": record.toxic,
        "redacted": record.redacted,
        "duplicate": duplicate,
    }
    rows = [
        {
            "conversation_id": number,
            "position": position,
            "turn": turn,
            "role": message.role,
            "text": message.text,
            "timestamp": message.timestamp,
        }
        for position, (message, turn) in enumerate(zip(messages, turns(messages), strict=True))
    ]
    return conversation, rows


def _report(dataset: str, source: dict[str, Any], tally: Tally) -> dict[str, Any]:
    left_out = {"messages_left_out": dict(sorted(tally.left_out.items()))}
    return {
        "dataset": dataset,
        "release": source["release"],
        "files": [
            {"name": name, "rows": sum(counts.values()), **counts}
            for name, counts in tally.files.items()
        ],
        "n_conversations": tally.n_conversations,
        "n_messages": tally.n_messages,
        "n_duplicates": tally.n_duplicates,
        "surrogates_removed": {
            "n_characters": tally.n_surrogates,
            "n_messages": tally.n_repaired_messages,
        },
        **(left_out if tally.left_out else {}),
        "quarantine": dict(sorted(tally.dropped.items())),
        "checks": {
            name: {"checked": sum(counts.values()), "verified": counts["verified"]}
            for name, counts in sorted(tally.checks.items())
        },
        "models": dict(sorted(tally.models.items(), key=lambda item: (-item[1], item[0]))),
    }


def _log_summary(dataset: str, tally: Tally, quarantine: Path) -> None:
    _LOG.info("%s: %d conversations kept, %d quarantined", dataset, tally.n_conversations,
              tally.dropped.total())  # fmt: skip
    for reason, n in sorted(tally.dropped.items()):
        _LOG.warning("%s: %d rows quarantined as %s; see %s", dataset, n, reason, quarantine)
    for reason, n in sorted(tally.left_out.items()):
        _LOG.warning("%s: %d messages left out as %s", dataset, n, reason)
    for name, counts in tally.checks.items():
        if counts["failed"]:
            _LOG.warning("%s: check %s failed on %d rows", dataset, name, counts["failed"])
