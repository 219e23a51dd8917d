"""Lines of plain and compressed logs, and a second look at some of them."""

import bz2
import gzip
import io
import lzma
import os
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa

from wildpaper.errors import WildpaperError

_PYTHON: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_ARROW = {".zst": "zstd", ".lz4": "lz4"}
_OPEN_FILES = 64


class Line(NamedTuple):
    """A line that is not blank; `number` counts from 1, `place` finds it again."""

    number: int
    place: int
    data: bytes


def is_compressed(path: Path) -> bool:
    """Say whether the name of a file says that it is compressed."""
    return path.suffix in _PYTHON or path.suffix in _ARROW


def read_lines(
    path: Path,
    spool: Path | None = None,
    advance: Callable[[int], None] = lambda n_bytes: None,
) -> Iterator[Line]:
    """Yield the lines of a log that are not blank.

    Parameters
    ----------
    path : Path
        Plain, or compressed as its name says: .gz, .bz2, .xz, .zst, .lz4.
    spool : Path, optional
        Where to copy a compressed file to, so that `SecondLook` can enter it anywhere;
        places are those in the copy.
    advance : callable
        Is told of bytes read from the disk.

    Raises
    ------
    WildpaperError
        If the file cannot be read to its end; names file and line.
    """
    number = place = before = 0
    try:
        with ExitStack() as stack:
            raw = stack.enter_context(path.open("rb"))
            if is_compressed(path) and not raw.read(1):
                raise EOFError
            raw.seek(0)
            lines = stack.enter_context(_decompressed(raw, path.suffix))
            copy = None
            if spool is not None and is_compressed(path):
                copy = stack.enter_context(spool.open("wb"))
            for number, data in enumerate(lines, start=1):
                if copy is not None:
                    copy.write(data)
                if data.strip():
                    yield Line(number, place, data)
                place += len(data)
                now = raw.tell() if is_compressed(path) else place
                advance(now - before)
                before = now
    except (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise WildpaperError(
            f"The file cannot be read to its end ({why})",
            where=f"{path}, after line {number}",
            hint="Copy it again and compare its checksum; see whether the disk is full.",
        ) from None


def _decompressed(raw: IO[bytes], suffix: str) -> AbstractContextManager[Any]:
    if suffix in _PYTHON:
        opened: AbstractContextManager[Any] = _PYTHON[suffix](raw)
        return opened
    if suffix in _ARROW:
        stream: Any = pa.CompressedInputStream(pa.PythonFile(raw, "r"), _ARROW[suffix])
        return io.BufferedReader(stream, 1 << 20)
    return raw


class SecondLook:
    """Reads lines again by file and place; a bounded number of files is open at a time.

    Parameters
    ----------
    paths : list of Path
        The logs; of a compressed one its copy.
    """

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self._open: OrderedDict[int, IO[bytes]] = OrderedDict()

    def close(self) -> None:
        """Close all files."""
        while self._open:
            self._open.popitem()[1].close()

    def line(self, file: int, place: int, size: int) -> bytes:
        """Return the `size` bytes at a place of a file, fewer where it has become shorter."""
        handle = self._open.pop(file, None)
        if handle is None:
            if len(self._open) >= _OPEN_FILES:
                self._open.popitem(last=False)[1].close()
            handle = self.paths[file].open("rb")
        self._open[file] = handle
        return os.pread(handle.fileno(), size, place)
