"""Files of the raw logs: written line by line, checksummed on the way."""

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from wildpaper.acquire.record import Held
from wildpaper.acquire.simulation.block_log import BlockLog
from wildpaper.acquire.simulation.tally import Tally
from wildpaper.acquire.simulation.true_calls import write_part
from wildpaper.files import atomic_path

KINDS = ("calls", "consents", "moderation")
OVERLAP = "calls-overlap.jsonl.gz"
PATTERNS = (*(f"{kind}-*.jsonl" for kind in KINDS), OVERLAP, "wildbench.jsonl", "geoip/*.mmdb")
"""All that a simulation writes beside ``rawlogs/acquired.json``."""


@dataclass(frozen=True, slots=True)
class BlockResult:
    """What a block leaves: its files, its counts, its entries of the WildBench list."""

    files: list[Held]
    tally: Tally
    wildbench: list[str]
    n_bytes: int


def write_lines(path: Path, lines: Iterable[str]) -> Held:
    """Write lines, each with its line feed, atomically; return name, checksum and size."""
    digest, n_bytes = hashlib.sha256(), 0
    with atomic_path(path) as temporary, temporary.open("wb") as out:
        for line in lines:
            data = line.encode("utf-8")
            digest.update(data)
            n_bytes += len(data)
            out.write(data)
    return Held(path.name, digest.hexdigest(), n_bytes, "recorded")


def _write_compressed(path: Path, lines: list[str]) -> Held:
    data = gzip.compress("".join(lines).encode("utf-8"), mtime=0)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
    return Held(path.name, hashlib.sha256(data).hexdigest(), len(data), "recorded")


def write_block(rawlogs: Path, parts: Path, index: int, log: BlockLog) -> BlockResult:
    """Write the files of one block, and its parts of ``personal.json`` and the true calls."""
    content: dict[str, Iterable[str]] = {
        "calls": (line for _, line in log.lines),
        "consents": (line for _, line in log.consents),
        "moderation": log.moderation.values(),
    }
    files = [write_lines(rawlogs / f"{kind}-{index:05d}.jsonl", content[kind]) for kind in KINDS]
    if log.overlap:
        files.append(_write_compressed(rawlogs / OVERLAP, log.overlap))
    write_part(parts, index, log.true_calls)
    personal: dict[str, list[Any]] = {
        "ips": log.addresses,
        "sessions": log.sessions,
        "planted": log.planted,
    }
    for name, items in personal.items():
        _part(parts, name, index).write_text(_items(items), encoding="utf-8")
    wildbench = [
        json.dumps({"first_50": opening, "timestamp": time}, ensure_ascii=False) + "\n"
        for opening, time in log.wildbench
    ]
    return BlockResult(files, log.tally.tally, wildbench, sum(one.n_bytes for one in files))


def _part(parts: Path, name: str, index: int) -> Path:
    return parts / f"{name}-{index:05d}"


def _items(items: list[Any]) -> str:
    return ",\n".join(f"  {json.dumps(item, ensure_ascii=False)}" for item in items)


def write_personal(path: Path, parts: Path, n_blocks: int, salt: str) -> None:
    """Join the parts of all blocks to ``personal.json``, one after the other."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as out:
        out.write(f'{{\n "salt": {json.dumps(salt)}')
        for name in ("ips", "sessions", "planted"):
            out.write(f',\n "{name}": [\n')
            _join(out, [_part(parts, name, index) for index in range(n_blocks)])
            out.write("\n ]")
        out.write("\n}\n")


def _join(out: IO[str], paths: list[Path]) -> None:
    separator = ""
    for path in paths:
        text = path.read_text(encoding="utf-8")
        path.unlink()
        if text:
            out.write(separator + text)
            separator = ",\n"


def remove_stale(rawlogs: Path) -> None:
    """Remove what an earlier simulation left in a folder, its record first."""
    (rawlogs / "acquired.json").unlink(missing_ok=True)
    for pattern in PATTERNS:
        for path in rawlogs.glob(pattern):
            path.unlink()
