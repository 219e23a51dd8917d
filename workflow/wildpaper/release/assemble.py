"""Join labels to linked conversations and write the release in the published schema."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wildpaper.acquire.record import Held, write_acquired
from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, read_json, sha256_file, write_json
from wildpaper.progress import Progress
from wildpaper.release.joined import Joined, Shards, joined_batches
from wildpaper.release.published_rows import published_rows
from wildpaper.release.published_schema import PUBLISHED

_LOG = logging.getLogger("wildpaper")


def assemble_release(
    conversations: list[Path],
    messages: list[Path],
    turns: list[Path],
    language: list[Path],
    detoxify: list[Path],
    moderation: list[Path],
    rawlogs: Path,
    full: list[Path],
    public: list[Path],
    acquired: Path,
    report: Path,
    toxic_threshold: float = 0.1,
) -> None:
    """Write a release of linked conversations, with and without the toxic ones.

    Parameters
    ----------
    conversations, messages, turns : list of Path
        All shards of `wildpaper.release.link.link_calls`.
    language, detoxify, moderation : list of Path
        All shards of their labels.
    rawlogs : Path
        ``acquired.json`` of the raw logs; says whether they are simulated.
    full, public : list of Path
        Files to write, as many of either. File k of N holds the conversations from
        k n // N on, so that their order does not depend on N.
    acquired : Path
        ``acquired.json`` to write beside the files of `full`, for the ingest stage.
    report : Path
        Counts.
    toxic_threshold : float
        A Detoxify toxicity above it makes a message toxic.

    Raises
    ------
    WildpaperError
        If a conversation, message, turn or label is missing, doubled or too many.
    """
    if any(path.parent != acquired.parent for path in full) or len(full) != len(public):
        raise ValueError("acquired.json beside the full files; as many public ones")
    shards = Shards(conversations, messages, turns, language, detoxify, moderation)
    source: dict[str, Any] = read_json(rawlogs)
    n, tally = shards.n_conversations(), _Tally()
    ranges = [range(k * n // len(full), (k + 1) * n // len(full)) for k in range(len(full))]
    progress = Progress("release: conversations written", n, "conversations")
    with _writers(full) as in_full, _writers(public) as in_public:
        for number, joined in joined_batches(shards, ranges):
            rows = published_rows(joined, toxic_threshold)
            in_full[number].write_table(rows)
            in_public[number].write_table(rows.filter(pc.invert(rows["toxic"])))
            tally.count(joined, rows)
            progress.advance(rows.num_rows)
    write_json(report, tally.report() | {"toxic_threshold": toxic_threshold, **_origin(shards)})
    held = [Held(p.name, sha256_file(p), p.stat().st_size, "recorded") for p in full]
    version = source.get("version", "local")
    write_acquired(acquired, "wildchat", "release", version, _release(source["release"]), held)
    _LOG.info(
        "release: %d conversations, %d of them toxic",
        tally.counts["n_conversations"], tally.counts["n_toxic_conversations"],
    )  # fmt: skip


@contextmanager
def _writers(paths: list[Path]) -> Iterator[list[pq.ParquetWriter]]:
    """Yield a writer for each file; all appear under their names at the end."""
    with ExitStack() as stack:
        temporary = [stack.enter_context(atomic_path(path)) for path in paths]
        yield [
            stack.enter_context(pq.ParquetWriter(path, PUBLISHED, compression="zstd"))
            for path in temporary
        ]


class _Tally:
    """Counts of what is released."""

    def __init__(self) -> None:
        names = ("conversations", "turns", "messages", "toxic_conversations")
        self.counts = Counter[str]({f"n_{name}": 0 for name in names})
        self._models: Counter[str] = Counter()
        self._users: set[str] = set()

    def count(self, joined: Joined, rows: pa.Table) -> None:
        """Count the conversations of one batch."""
        self.counts["n_conversations"] += rows.num_rows
        self.counts["n_turns"] += joined.turns.num_rows
        self.counts["n_messages"] += joined.messages.num_rows
        self.counts["n_toxic_conversations"] += pc.sum(rows["toxic"]).as_py() or 0
        self._models.update(rows["model"].to_pylist())
        self._users.update(rows["hashed_ip"].to_pylist())

    def report(self) -> dict[str, Any]:
        """Return all counts."""
        n_public = self.counts["n_conversations"] - self.counts["n_toxic_conversations"]
        return {
            "dataset": "wildchat",
            **self.counts,
            "n_public_conversations": n_public,
            "n_users": len(self._users),
            "models": dict(sorted(self._models.items(), key=lambda item: (-item[1], item[0]))),
        }


def _origin(shards: Shards) -> dict[str, Any]:
    """Return who made each kind of labels, and by which route."""
    origin: dict[str, Any] = {}
    for field in fields(shards)[3:]:
        kinds = set()
        for path in getattr(shards, field.name):
            metadata = pq.read_schema(path).metadata or {}
            kinds.add(tuple(metadata.get(key, b"").decode() for key in (b"annotator", b"route")))
        if len(kinds) > 1:
            raise WildpaperError(
                f"Labels {field.name!r} come from several annotators",
                where=", ".join(str(path) for path in getattr(shards, field.name)),
                hint="Delete these files and run again; the workflow writes them anew.",
            )
        annotator, route = kinds.pop() if kinds else ("", "")
        origin[field.name] = {"annotator": annotator, "route": route}
    return {"labels": origin}


def _release(rawlogs: dict[str, Any]) -> dict[str, Any]:
    """Return the release block of what was made of raw logs."""
    simulated = bool(rawlogs["simulated"])
    return {
        "name": "simulated" if simulated else "own",
        "title": "Simulated WildChat, full" if simulated else "WildChat from own raw logs",
        "comparable": False,
        "why_not": "simulated corpus written by this project" if simulated else "own raw logs",
        "simulated": simulated,
        "licence": rawlogs["licence"],
        "gated": False,
        "citation": "zhao2024wildchat",
        "revision": None,
    }
