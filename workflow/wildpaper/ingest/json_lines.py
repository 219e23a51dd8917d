"""Stream the items of a file of JSON lines, plain or gzip-compressed, also of a damaged one."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from wildpaper.errors import WildpaperError
from wildpaper.ingest import json_items
from wildpaper.ingest.json_items import Broken, is_dense

_GZIP = b"\x1f\x8b"
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def iter_lines(path: Path, title: str, max_bytes: int | None = None) -> Iterator[tuple[int, Any]]:
    """Yield (row, item) of each line of JSON, a `Broken` for each that is none.

    Rows count lines from 0; blank lines are passed over. Memory is bounded by `max_bytes`:
    a longer line, or one of so many values that they would fill the memory, is one
    `Broken` with reason ``oversized-item``. Bytes that are not UTF-8 become lone
    surrogates, which ingest removes and counts. A file that ends in mid-line yields what
    is whole and one `Broken` with reason ``truncated-file``.

    Parameters
    ----------
    path : Path
        The file, UTF-8 with or without byte order mark. Compression is recognised by
        the first bytes, not by the name.
    title : str
        What the file should be, for messages: ``"Dolly"``.
    max_bytes : int, optional
        Longer lines are not read; default `json_items.MAX_ITEM_CHARACTERS`.

    Raises
    ------
    WildpaperError
        If the file holds no line of JSON at all, is in another encoding, or its
        compressed data are damaged.
    """
    most = json_items.MAX_ITEM_CHARACTERS if max_bytes is None else max_bytes
    n_whole = row = 0
    last: Broken | None = None
    with _open(path) as handle:
        for row, line in _lines(handle, path, most):
            if row == 0:
                line = _first(line, path, title)
            if isinstance(line, Broken) or line.strip():
                item = line if isinstance(line, Broken) else _parse(line, row)
                last = item if isinstance(item, Broken) else None
                n_whole += last is None
                yield row, item
    if not n_whole:
        detail = f" (row {row}: {last.detail})" if last else ""
        raise _refuse(path, title, f"no line of it is JSON{detail}")


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as handle:
        compressed = handle.read(2) == _GZIP
    opener: Any = gzip.open if compressed else open
    return cast(IO[bytes], opener(path, "rb"))


def _lines(handle: IO[bytes], path: Path, max_bytes: int) -> Iterator[tuple[int, bytes | Broken]]:
    row = 0
    try:
        while line := handle.readline(max_bytes + 1):
            if len(line) > max_bytes or is_dense(line, max_bytes):
                while line and not line.endswith(b"\n"):
                    line = handle.readline(max_bytes)
                yield (
                    row,
                    Broken("oversized-item", f"longer than {max_bytes:,} bytes or too many values"),
                )
            else:
                yield row, line
            row += 1
    except EOFError:
        yield row, Broken("truncated-file", "the compressed data end too early")
    except (OSError, zlib.error) as error:
        raise WildpaperError(
            f"The file cannot be read: {type(error).__name__}",
            where=f"{path}, row {row} (counting from 0) or after it",
            hint="The file was changed or damaged. Fetch it again and compare its checksum.",
        ) from error


def _first(line: bytes | Broken, path: Path, title: str) -> bytes | Broken:
    if isinstance(line, Broken):
        return line
    if line.startswith(_UTF16_MARKS):
        raise _refuse(path, title, "it is UTF-16, not UTF-8")
    line = line.removeprefix(_UTF8_MARK)
    if line.lstrip().startswith(b"["):
        raise _refuse(path, title, "it is a JSON array, not one record a line")
    return line


def _parse(line: bytes, row: int) -> Any:
    try:
        return json.loads(line.decode("utf-8", errors="surrogateescape"))
    except json.JSONDecodeError as error:
        cut = not line.endswith(b"\n")  # only the last line of a file can end so
        reason = "truncated-file" if cut else "unparsable-json"
        return Broken(reason, f"{error.msg}, at character {error.pos:,} of the line")
    except (RecursionError, ValueError) as error:
        return Broken("unparsable-json", type(error).__name__)


def _refuse(path: Path, title: str, why: str) -> WildpaperError:
    return WildpaperError(
        f"Not in the format of {title}: {why}",
        where=f"{path}, before row 0",
        hint="It must hold one JSON record a line, in UTF-8, plain or gzip-compressed.",
    )
