"""Counts of what is released: never a text, an address or who."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from wildpaper.ledger import entry

SEXUAL_MINORS = "sexual-minors"


@dataclass(slots=True)
class VariantCounts:
    """Counts of one variant of a release; all but `n_bytes` are independent of batches.

    `n_bytes` is the size of the rows in memory, as Arrow holds them batch by batch.
    """

    n_conversations: int = 0
    n_turns: int = 0
    n_toxic: int = 0
    n_redacted: int = 0
    n_redacted_messages: int = 0
    n_bytes: int = 0
    first: datetime | None = None
    last: datetime | None = None
    models: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    users: set[str] = field(default_factory=set)

    @property
    def n_messages(self) -> int:
        """Two a turn."""
        return 2 * self.n_turns

    def add(self, rows: pa.Table) -> None:
        """Count rows of the published schema."""
        self.n_conversations += rows.num_rows
        self.n_turns += pc.sum(rows["turn"]).as_py() or 0
        self.n_toxic += pc.sum(rows["toxic"]).as_py() or 0
        self.n_redacted += pc.sum(rows["redacted"]).as_py() or 0
        self.n_bytes += rows.nbytes
        messages = pc.list_flatten(rows["conversation"])
        self.n_redacted_messages += pc.sum(pc.struct_field(messages, "redacted")).as_py() or 0
        _count(pc.struct_field(messages, "language"), self.languages)
        _count(rows["model"], self.models)
        self.users.update(rows["hashed_ip"].unique().to_pylist())
        times = pc.min_max(pc.struct_field(messages, "timestamp")).as_py()
        if times["min"] is not None:
            self.first = min(self.first or times["min"], times["min"])
            self.last = max(self.last or times["max"], times["max"])


def _count(values: pa.ChunkedArray, counter: Counter[str]) -> None:
    for found in values.value_counts().to_pylist():
        if found["values"] is not None:
            counter[found["values"]] += found["counts"]


@dataclass(slots=True)
class ReleaseCounts:
    """Counts of both variants, and of what was removed before."""

    full: VariantCounts = field(default_factory=VariantCounts)
    public: VariantCounts = field(default_factory=VariantCounts)
    n_minors: int = 0
    n_removed: int = 0
    n_removed_messages: int = 0

    def report(self, full: list[Path], public: list[Path]) -> dict[str, Any]:
        """Return all counts; those without a variant are of the full one."""
        return {
            "dataset": "wildchat",
            "n_conversations": self.full.n_conversations,
            "n_turns": self.full.n_turns,
            "n_messages": self.full.n_messages,
            "n_toxic_conversations": self.full.n_toxic,
            "n_redacted_messages": self.full.n_redacted_messages,
            "n_redacted_conversations": self.full.n_redacted,
            "n_sexual_minors": self.n_minors,
            "n_public_conversations": self.public.n_conversations,
            "n_users": len(self.full.users),
            "models": dict(by_count(self.full.models)),
            "variants": {
                "full": _variant(self.full, full),
                "public": _variant(self.public, public),
            },
        }

    def ledger(self) -> list[dict[str, Any]]:
        """Return the rows of the ledger: linked with consent in, released in full kept."""
        released = self.full
        return [
            entry(
                "release", "wildchat", "conversation", released.n_conversations,
                {SEXUAL_MINORS: self.n_removed},
            ),
            entry(
                "release", "wildchat", "message", released.n_messages,
                {SEXUAL_MINORS: self.n_removed_messages},
            ),
        ]  # fmt: skip


def by_count(counter: Counter[str]) -> list[tuple[str, int]]:
    """Return (value, count), the most frequent first, equally frequent ones by value."""
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def _variant(counts: VariantCounts, paths: list[Path]) -> dict[str, Any]:
    return {
        "n_conversations": counts.n_conversations,
        "n_turns": counts.n_turns,
        "n_redacted_messages": counts.n_redacted_messages,
        "n_files": len(paths),
        "n_bytes": sum(path.stat().st_size for path in paths),
    }
