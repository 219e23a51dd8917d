"""Stream the items of one large JSON array, also of a damaged one."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError

_CHUNK_CHARACTERS = 1 << 20
_NEAR_END = 16
NO_ARRAY = "not-a-json-array"
_SKIP = re.compile(r"[\s,]*")
_NEXT_OBJECT = re.compile(r",\s*(?=\{)")


@dataclass(frozen=True, slots=True)
class Broken:
    """An item that is no JSON: its place in the file and what the parser says."""

    reason: str
    detail: str


class _Window:
    """A piece of a text file that grows at the end and is cut off at the front."""

    def __init__(self, path: Path, chunk_characters: int) -> None:
        self._chunk = chunk_characters
        # Bytes that are not UTF-8 become lone surrogates, which ingest removes and counts.
        self._handle = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
        self.text, self.at, self.offset, self.ended = "", 0, 0, False

    def grow(self) -> None:
        """Read on, at least as much again as is still unread."""
        unread = self.text[self.at :]
        more = self._handle.read(max(self._chunk, len(unread)))
        self.ended = not more
        self.offset += self.at
        self.text, self.at = unread + more, 0

    def skip(self) -> str:
        """Skip blanks and commas; return the next character, empty at the end."""
        while True:
            match = _SKIP.match(self.text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.text) or self.ended:
                return self.text[self.at : self.at + 1]
            self.grow()

    def close(self) -> None:
        self._handle.close()


def iter_array(path: Path, chunk_characters: int = _CHUNK_CHARACTERS) -> Iterator[Any]:
    """Yield each item of a JSON array in a file, and a `Broken` for each that is none.

    Memory is bounded by the largest item. A file that ends in mid-item yields what is
    whole and one `Broken` with reason ``truncated-file``. A malformed item yields a
    `Broken` with reason ``unparsable-json``; reading goes on at the next place that
    looks like the beginning of an object, and what lies between is part of that item.
    Whatever follows the array is one `Broken` with reason ``trailing-data``.

    Parameters
    ----------
    path : Path
        The file, UTF-8 with or without byte order mark.
    chunk_characters : int
        How much is read at once.
    """
    decoder = json.JSONDecoder()
    window = _Window(path, chunk_characters)
    try:
        first = window.skip()
        if first != "[":
            what = "is empty" if not first else "does not begin with '['"
            yield Broken(NO_ARRAY, f"the file {what}")
            return
        window.at += 1
        while True:
            following = window.skip()
            if following == "]":
                window.at += 1
                if window.skip():
                    yield Broken("trailing-data", _place(window, "the array has ended"))
                return
            if not following:
                yield Broken("truncated-file", _place(window, "the array is not closed"))
                return
            item = _next_item(decoder, window)
            yield item
            if isinstance(item, Broken) and not _find_next_object(window):
                return
    finally:
        window.close()


def iter_records(path: Path, title: str, fields: str) -> Iterator[tuple[int, Any]]:
    """Yield (row, item) of each item of `iter_array`; rows count from 0.

    Parameters
    ----------
    path : Path
        The file.
    title, fields : str
        What it should be and what its records hold, for messages.

    Raises
    ------
    WildpaperError
        If the file holds no JSON array.
    """
    for row, item in enumerate(iter_array(path)):
        if isinstance(item, Broken) and item.reason == NO_ARRAY:
            raise WildpaperError(
                f"Not in the format of {title}: {item.detail}",
                where=f"{path}, before row 0",
                hint=f"It must be one JSON array of records with {fields}.",
            )
        yield row, item


def _next_item(decoder: json.JSONDecoder, window: _Window) -> Any:
    while True:
        try:
            item, end = decoder.raw_decode(window.text, window.at)
        except json.JSONDecodeError as error:
            unfinished = error.pos >= len(window.text) - _NEAR_END or "Unterminated" in error.msg
            if unfinished and not window.ended:
                window.grow()
                continue
            reason = "truncated-file" if unfinished else "unparsable-json"
            return Broken(reason, _place(window, error.msg))
        except (RecursionError, ValueError) as error:
            return Broken("unparsable-json", _place(window, type(error).__name__))
        if end == len(window.text) and not window.ended:
            window.grow()  # a number that ends with the window may go on after it
            continue
        window.at = end
        return item


def _find_next_object(window: _Window) -> bool:
    """Move to the next place where an object seems to begin; False at the end of the file."""
    while True:
        match = _NEXT_OBJECT.search(window.text, window.at)
        if match:
            window.at = match.end()
            return True
        if window.ended:
            return False
        window.at = max(window.at, len(window.text) - _NEAR_END)
        window.grow()


def _place(window: _Window, message: str) -> str:
    return f"{message}, from character {window.offset + window.at:,} on"
