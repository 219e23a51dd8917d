"""The files of raw logs: which is what, their lines, and a second look at some of them."""

import gzip
import json
import os
import re
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PATTERNS = {
    "calls": re.compile(r"calls-.*\.jsonl(\.gz)?"),
    "consents": re.compile(r"consents-.*\.jsonl(\.gz)?"),
    "databases": re.compile(r".*\.mmdb"),
    "wildbench": re.compile(r"wildbench\.jsonl(\.gz)?"),
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
                f"Raw logs without {kind}: no file is named {kind}-….jsonl or {kind}-….jsonl.gz",
                where=str(acquired),
                hint="The format of raw logs is described in docs/raw-logs.md.",
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


class Line(NamedTuple):
    """A line that is not blank; `number` counts from 1, `place` finds it again."""

    file: int
    number: int
    place: int
    data: bytes


class LineStore:
    """Lines of plain and compressed files, read once in order and then again by place.

    A compressed file cannot be entered in the middle: its lines are copied, in the first
    reading, to a temporary file without a name, which vanishes with the process.
    """

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self.n_bytes = sum(path.stat().st_size for path in paths)
        self._spool: IO[bytes] | None = None
        self._handle: IO[bytes] | None = None
        self._open = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for handle in (self._spool, self._handle):
            if handle is not None:
                handle.close()

    def lines(self, advance: Callable[[int], None] = lambda n_bytes: None) -> Iterator[Line]:
        """Yield all lines; `advance` is told of bytes read from the disk.

        Raises
        ------
        WildpaperError
            If a file cannot be read to its end; names file and line.
        """
        for file, path in enumerate(self.paths):
            number = 0
            try:
                for number, (place, data, n_bytes) in enumerate(self._lines_of(path), start=1):
                    if data.strip():
                        yield Line(file, number, place, data)
                    advance(n_bytes)
            except (OSError, EOFError, zlib.error) as error:
                why = getattr(error, "strerror", None) or type(error).__name__
                raise WildpaperError(
                    f"The file cannot be read to its end ({why})",
                    where=f"{path}, after line {number}",
                    hint="Copy it again and compare its checksum; see whether the disk is full.",
                ) from None

    def _lines_of(self, path: Path) -> Iterator[tuple[int, bytes, int]]:
        """Yield place, line and bytes read from the disk for it."""
        if path.suffix != ".gz":
            place = 0
            with path.open("rb") as plain:
                for data in plain:
                    yield place, data, len(data)
                    place += len(data)
            return
        if self._spool is None:
            self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the store
        place, before = self._spool.seek(0, os.SEEK_END), 0
        with path.open("rb") as raw, gzip.open(raw) as packed:
            for data in packed:
                self._spool.write(data)
                yield place, data, raw.tell() - before
                place, before = place + len(data), raw.tell()

    def again(self, file: int, place: int) -> bytes:
        """Return a line that `lines` yielded, after its end."""
        if self.paths[file].suffix == ".gz":
            handle = self._spool
        else:
            if self._open != file:
                if self._handle is not None:
                    self._handle.close()
                self._handle, self._open = self.paths[file].open("rb"), file
            handle = self._handle
        assert handle is not None  # noqa: S101 - lines() has opened it
        handle.seek(place)
        return handle.readline()


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
