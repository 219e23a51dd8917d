"""The files of raw logs: which is what; and what their fields are made of."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LINES = r"\.jsonl(\.(gz|bz2|xz|zst|lz4))?"
_PATTERNS = {
    "calls": re.compile(rf"calls-.*{_LINES}"),
    "consents": re.compile(rf"consents-.*{_LINES}"),
    "databases": re.compile(r".*\.mmdb"),
    "wildbench": re.compile(rf"wildbench{_LINES}"),
}
_SUBFOLDERS = ("", "geoip")


@dataclass(frozen=True, slots=True)
class RawLogs:
    """The files of raw logs by what they hold, each kind in the order of its names."""

    release: dict[str, Any]
    calls: list[Path]
    consents: list[Path]
    databases: list[Path]
    wildbench: list[Path]


def find_rawlogs(acquired: Path) -> RawLogs:
    """Return the files that ``rawlogs/acquired.json`` lists; they lie beside it or in geoip/.

    Raises
    ------
    WildpaperError
        If a file is not there, or there are no calls or no consents.
    """
    try:
        source = read_json(acquired)
        names = sorted(listed["name"] for listed in source["files"])
        release: dict[str, Any] = source["release"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WildpaperError(
            f"Not a list of acquired files ({type(error).__name__})",
            where=str(acquired),
            hint="Its schema is data/schemas/acquired.schema.json; acquire the raw logs anew.",
        ) from error
    found = {
        kind: [_locate(acquired, name) for name in names if pattern.fullmatch(name)]
        for kind, pattern in _PATTERNS.items()
    }
    for kind in ("calls", "consents"):
        if not found[kind]:
            raise WildpaperError(
                f"Raw logs without {kind}: no file is named {kind}-….jsonl",
                where=str(acquired),
                hint="Names (.gz, .bz2, .xz, .zst or .lz4 may follow) and format are described in "
                "docs/raw-logs.md.",
            )
    return RawLogs(release, **found)


def _locate(acquired: Path, name: str) -> Path:
    for folder in _SUBFOLDERS:
        path = acquired.parent / folder / name
        if path.is_file():
            return path
    raise WildpaperError(
        f"A listed file is missing: {name}",
        where=str(acquired),
        hint="Put it beside acquired.json (databases also in geoip/), or acquire anew.",
    )


def json_object(data: bytes) -> dict[str, Any] | None:
    """Return the JSON object that a line holds; None if it holds anything else."""
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def microseconds(time: object) -> int | None:
    """Return microseconds since 1970 of a time in ISO 8601 with its offset, else None."""
    if not isinstance(time, str):
        return None
    try:
        found = datetime.fromisoformat(time)
        return None if found.tzinfo is None else (found.astimezone(UTC) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def moment(time_us: int) -> datetime:
    """Return the time that lies so many microseconds after 1970, in UTC."""
    return _EPOCH + time_us * _MICROSECOND
