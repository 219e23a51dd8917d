"""Ingest one data set: read, check, number, cut into shards, report."""

import hashlib
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.files import atomic_path, read_json, write_json
from wildpaper.ingest.native import Kept, numbered_records
from wildpaper.ingest.normalise import Clean, turns
from wildpaper.ingest.records import Reject
from wildpaper.ingest.writer import ShardWriter
from wildpaper.ledger import entry
from wildpaper.schema import QUARANTINE, check_table

_LOG = logging.getLogger("wildpaper")


class Tally:
    """What ingest counts while it reads one data set."""

    def __init__(self) -> None:
        self.n_conversations = self.n_messages = self.n_duplicates = 0
        self.n_surrogates = self.n_repaired_messages = 0
        self.rejects: list[Reject] = []
        self.files: dict[str, Counter[str]] = {}
        self.checks: dict[str, Counter[str]] = {}
        self.models: Counter[str] = Counter()
        self._seen: set[bytes] = set()

    def is_duplicate(self, clean: Clean) -> bool:
        """Say whether the same messages were seen before, and remember them."""
        digest = hashlib.blake2b(digest_size=16)
        for message in clean.messages:
            text = message.text.encode()
            digest.update(f"{message.role} {len(text)} ".encode() + text)
        known = digest.digest() in self._seen
        self._seen.add(digest.digest())
        return known

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
        self.rejects.append(reject)


def ingest_dataset(
    acquired: Path,
    conversations: list[Path],
    messages: list[Path],
    quarantine: Path,
    report: Path,
    ledger: Path,
    dataset: str,
    native_format: str,
    alpaca_separator: str = "",
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
    alpaca_separator : str
        See `read_alpaca`.

    Raises
    ------
    WildpaperError
        If a file cannot be read at all; names file and row.
    """
    source = read_json(acquired)
    tally = Tally()
    tally.files = {listed["name"]: Counter(kept=0, quarantined=0) for listed in source["files"]}
    with ShardWriter(conversations, messages) as writer:
        for record in numbered_records(acquired, dataset, native_format, alpaca_separator):
            if isinstance(record, Reject):
                tally.reject(record)
            else:
                _keep(record, dataset, tally, writer)
    dropped = Counter(reject.reason for reject in tally.rejects)
    _write_quarantine(quarantine, dataset, tally.rejects)
    write_json(report, _report(dataset, source, tally, dropped))
    write_json(ledger, [entry("ingest", dataset, "conversation", tally.n_conversations, dropped)])
    _log_summary(dataset, tally, dropped, quarantine)


def _keep(kept: Kept, dataset: str, tally: Tally, writer: ShardWriter) -> None:
    record, clean, number = kept.conversation, kept.clean, kept.number
    duplicate = tally.is_duplicate(clean)
    numbered = turns(clean.messages)
    conversation: dict[str, Any] = {
        "dataset": dataset,
        "conversation_id": number,
        "source_id": record.source_id,
        "model": record.model,
        "language": record.language,
        "country": record.country,
        "state": record.state,
        "user": record.user,
        "timestamp": record.timestamp,
        "n_turns": sum(message.role == "user" for message in clean.messages),
        "n_messages": len(clean.messages),
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
        for position, (message, turn) in enumerate(zip(clean.messages, numbered, strict=True))
    ]
    writer.add(conversation, rows)
    tally.keep(kept, duplicate)


def _write_quarantine(path: Path, dataset: str, rejects: list[Reject]) -> None:
    columns: dict[str, list[Any]] = {
        "dataset": [dataset] * len(rejects),
        "file": [reject.file for reject in rejects],
        "row": [reject.row for reject in rejects],
        "reason": [reject.reason for reject in rejects],
        "detail": [reject.detail for reject in rejects],
    }
    table = check_table(pa.table(columns, schema=QUARANTINE), QUARANTINE, path)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _report(
    dataset: str, source: dict[str, Any], tally: Tally, dropped: Counter[str]
) -> dict[str, Any]:
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
        "quarantine": dict(sorted(dropped.items())),
        "checks": {
            name: {"checked": sum(counts.values()), "verified": counts["verified"]}
            for name, counts in sorted(tally.checks.items())
        },
        "models": dict(sorted(tally.models.items(), key=lambda item: (-item[1], item[0]))),
    }


def _log_summary(dataset: str, tally: Tally, dropped: Counter[str], quarantine: Path) -> None:
    _LOG.info("%s: %d conversations kept, %d quarantined", dataset, tally.n_conversations,
              len(tally.rejects))  # fmt: skip
    for reason, n in sorted(dropped.items()):
        _LOG.warning("%s: %d rows quarantined as %s; see %s", dataset, n, reason, quarantine)
    for name, counts in tally.checks.items():
        if counts["failed"]:
            _LOG.warning("%s: check %s failed on %d rows", dataset, name, counts["failed"])
