"""``acquired.json``: which files were brought in, and which release they are."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wildpaper.acquire.sources import Dataset, Version
from wildpaper.files import write_json


@dataclass(frozen=True)
class Held:
    """A file that is in place; `verified` says against what: registry, server or nothing."""

    name: str
    sha256: str
    n_bytes: int
    verified: str


def release_block(
    entry: Dataset, key: str, version: Version, revision: str | None
) -> dict[str, Any]:
    """Return the release block of a registered version."""
    return {
        "name": key,
        "title": version.title,
        "comparable": version.comparable,
        "why_not": version.why_not,
        "simulated": version.simulated,
        "licence": entry.licence,
        "gated": version.gated,
        "citation": entry.citation,
        "revision": revision,
    }


def local_release(entry: Dataset, checksums: set[str]) -> dict[str, Any]:
    """Return the release block of files that no registered release consists of."""
    why_not = "its checksum matches no registered release"
    for key, version in entry.versions.items():
        common = sum(file.sha256 in checksums for file in version.files)
        if common:
            why_not = (
                f"its files are not exactly those of a registered release: {common} of the "
                f"{len(version.files)} files of {key} are among them"
            )
    return {
        "name": "local",
        "title": f"{entry.title}, local files",
        "comparable": False,
        "why_not": why_not,
        "simulated": False,
        "licence": "unknown",
        "gated": False,
        "citation": entry.citation,
        "revision": None,
    }


def write_acquired(
    acquired: Path, dataset: str, source: str, version: str, release: dict[str, Any],
    held: list[Held],
) -> None:  # fmt: skip
    """Write ``acquired.json`` atomically; its schema is data/schemas/acquired.schema.json."""
    content = {
        "dataset": dataset,
        "source": source,
        "version": version,
        "release": release,
        "files": [asdict(one) for one in held],
    }
    write_json(acquired, content)
