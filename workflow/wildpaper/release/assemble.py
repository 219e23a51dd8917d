"""Join labels to linked conversations and write the release in the published schema."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wildpaper.acquire.record import Held, write_acquired
from wildpaper.config_release import ReleaseConfig
from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, read_json, sha256_file, write_json, write_text
from wildpaper.progress import Progress
from wildpaper.release.data_card import CardFacts, Variant, data_card
from wildpaper.release.joined import Joined, Shards, joined_batches
from wildpaper.release.published_counts import ReleaseCounts, VariantCounts
from wildpaper.release.published_rows import flagged_minors, published_rows
from wildpaper.release.published_schema import PUBLISHED

_LOG = logging.getLogger("wildpaper")


def assemble_release(
    conversations: list[Path],
    redacted: list[Path],
    turns: list[Path],
    language: list[Path],
    detoxify: list[Path],
    moderation: list[Path],
    rawlogs: Path,
    full: list[Path],
    public: list[Path],
    acquired: Path,
    card_full: Path,
    card_public: Path,
    report: Path,
    ledger: Path,
    toxic_threshold: float = 0.1,
    settings: dict[str, Any] | None = None,
) -> None:
    """Write a release of linked conversations, with and without the toxic ones.

    Parameters
    ----------
    conversations, turns : list of Path
        All shards of `wildpaper.release.linking.link.link_calls`.
    redacted : list of Path
        All shards of their messages after redaction.
    language, detoxify, moderation : list of Path
        All shards of their labels.
    rawlogs : Path
        ``acquired.json`` of the raw logs; says whether they are simulated.
    full, public : list of Path
        Files to write, as many of either. File k of N holds what is released of the
        conversations from k n // N on, so that their order does not depend on N.
    acquired : Path
        ``acquired.json`` to write beside the files of `full`, for the ingest stage.
    card_full, card_public : Path
        Data cards (``README.md``), to write beside the files.
    report, ledger : Path
        Counts; and what was kept and dropped.
    toxic_threshold : float
        A Detoxify toxicity above it makes a message toxic.
    settings : dict, optional
        A dump of `ReleaseConfig`; default: what the authors' code does.

    Raises
    ------
    WildpaperError
        If a conversation, message, turn or label is missing, doubled or too many.
    """
    _check_places(full, public, acquired, card_full, card_public)
    shards = Shards(conversations, redacted, turns, language, detoxify, moderation)
    origin, config = _origin(shards), ReleaseConfig(**(settings or {}))
    source: dict[str, Any] = read_json(rawlogs)
    counts = _write_rows(shards, full, public, toxic_threshold, config)
    write_json(report, counts.report(full, public) | {"toxic_threshold": toxic_threshold, **origin})
    write_json(ledger, counts.ledger())
    held = [Held(p.name, sha256_file(p), p.stat().st_size, "recorded") for p in full]
    version = source.get("version", "local")
    write_acquired(acquired, "wildchat", "release", version, _release(source["release"]), held)
    told = _Told(source["release"], toxic_threshold, config, origin["labels"])
    _write_card(card_full, "full", counts.full, full, told)
    _write_card(card_public, "public", counts.public, public, told)
    _LOG.info(
        "release: %d conversations, %d of them toxic; %d removed: sexual-minors",
        counts.full.n_conversations, counts.full.n_toxic, counts.n_removed,
    )  # fmt: skip


def _check_places(
    full: list[Path], public: list[Path], acquired: Path, card_full: Path, card_public: Path
) -> None:
    beside = {acquired.parent, card_full.parent} | {path.parent for path in full}
    if len(beside) > 1 or {path.parent for path in public} != {card_public.parent}:
        raise ValueError("acquired.json and the cards stand beside their files")
    if len(full) != len(public):
        raise ValueError("as many public files as full ones")


def _write_rows(
    shards: Shards, full: list[Path], public: list[Path], toxic_threshold: float,
    config: ReleaseConfig,
) -> ReleaseCounts:  # fmt: skip
    n, counts = shards.n_conversations(), ReleaseCounts()
    ranges = [range(k * n // len(full), (k + 1) * n // len(full)) for k in range(len(full))]
    progress = Progress("release: conversations written", n, "conversations")
    with _writers(full) as in_full, _writers(public) as in_public:
        for number, joined in joined_batches(shards, ranges):
            minors = flagged_minors(joined)
            removed = minors if config.sexual_minors == "remove" else np.zeros_like(minors)
            made = published_rows(joined, toxic_threshold, config)
            rows = made.filter(pa.array(~removed))
            mild = rows.filter(pc.invert(rows["toxic"]))
            _write(in_full[number], rows, counts.full)
            _write(in_public[number], mild, counts.public)
            counts.n_minors += int(minors.sum())
            counts.n_removed += int(removed.sum())
            counts.n_removed_messages += _n_messages(joined, removed)
            progress.advance(made.num_rows)
    return counts


def _write(writer: pq.ParquetWriter, rows: pa.Table, counts: VariantCounts) -> None:
    if rows.num_rows:
        writer.write_table(rows)
        counts.add(rows)


def _n_messages(joined: Joined, chosen: npt.NDArray[np.bool_]) -> int:
    return int(joined.conversations["n_messages"].to_numpy()[chosen].sum())


@contextmanager
def _writers(paths: list[Path]) -> Iterator[list[pq.ParquetWriter]]:
    """Yield a writer for each file; all appear under their names at the end."""
    with ExitStack() as stack:
        temporary = [stack.enter_context(atomic_path(path)) for path in paths]
        yield [
            stack.enter_context(pq.ParquetWriter(path, PUBLISHED, compression="zstd"))
            for path in temporary
        ]


@dataclass(frozen=True, slots=True)
class _Told:
    """What the cards of both variants tell."""

    release: dict[str, Any]
    toxic_threshold: float
    settings: ReleaseConfig
    labels: dict[str, dict[str, str]]


def _write_card(
    card: Path, variant: Variant, counts: VariantCounts, paths: list[Path], told: _Told
) -> None:
    facts = CardFacts(
        variant=variant,
        counts=counts,
        n_file_bytes=sum(path.stat().st_size for path in paths),
        simulated=bool(told.release["simulated"]),
        licence=told.release["licence"],
        toxic_threshold=told.toxic_threshold,
        settings=told.settings,
        annotators={label: made["annotator"] for label, made in told.labels.items()},
    )
    write_text(card, data_card(facts))


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
