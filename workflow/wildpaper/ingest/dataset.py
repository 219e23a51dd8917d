"""Ingest one data set: read, check, number, cut into shards, report."""

import hashlib
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, read_json, write_json
from wildpaper.ingest.alpaca import read_alpaca
from wildpaper.ingest.normalise import Clean, clean_names, normalise, turns
from wildpaper.ingest.records import Conversation, Records, Reject
from wildpaper.ingest.wildchat import read_wildchat
from wildpaper.ingest.writer import ShardWriter
from wildpaper.ledger import entry
from wildpaper.progress import Progress
from wildpaper.schema import QUARANTINE, check_table

_LOG = logging.getLogger("wildpaper")


def read_native(native_format: str, path: Path, alpaca_separator: str = "") -> Records:
    """Yield the records of one file in one of the native formats.

    Raises
    ------
    WildpaperError
        If no reader knows the format.
    """
    if native_format == "alpaca-json":
        return read_alpaca(path, alpaca_separator)
    if native_format == "wildchat-parquet":
        return read_wildchat(path)
    raise WildpaperError(
        f"No reader for the format {native_format!r} yet",
        where=str(path),
        hint="Readers: alpaca-json, wildchat-parquet. Set the data set's source to 'none'.",
    )


def count_rows(native_format: str, path: Path) -> int | None:
    """Return how many rows a file announces, for the time left; None where it does not say."""
    if native_format != "wildchat-parquet":
        return None
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        return None  # the reader says what is wrong


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

    def keep(self, conversation: Conversation, clean: Clean, duplicate: bool) -> None:
        """Count one conversation that is kept."""
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
    with ShardWriter(conversations, messages) as writer:
        for listed in source["files"]:
            path = acquired.parent / listed["name"]
            tally.files[path.name] = Counter(kept=0, quarantined=0)
            n_rows = count_rows(native_format, path)
            progress = Progress(f"{dataset}: {path.name}", n_rows, "conversations")
            for record in read_native(native_format, path, alpaca_separator):
                _take(record, dataset, tally, writer)
                progress.advance(1)
    dropped = Counter(reject.reason for reject in tally.rejects)
    _write_quarantine(quarantine, dataset, tally.rejects)
    write_json(report, _report(dataset, source, tally, dropped))
    write_json(ledger, [entry("ingest", dataset, "conversation", tally.n_conversations, dropped)])
    _log_summary(dataset, tally, dropped, quarantine)


def _take(record: Conversation | Reject, dataset: str, tally: Tally, writer: ShardWriter) -> None:
    if isinstance(record, Reject):
        tally.reject(record)
        return
    clean = normalise(record)
    if isinstance(clean, Reject):
        tally.reject(clean)
        return
    record = clean_names(record)
    duplicate = tally.is_duplicate(clean)
    number = tally.n_conversations
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
    tally.keep(record, clean, duplicate)


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
