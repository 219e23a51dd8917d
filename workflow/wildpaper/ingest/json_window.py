"""A piece of a JSON text that moves along a file, and the decoding of one item in it."""

import json
import re
from pathlib import Path
from typing import Any

from wildpaper.ingest.json_items import Broken, is_dense

NEAR_END = 16
_SKIP = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder()


class Window:
    """A piece of a text file that grows at the end and is cut off at the front.

    Attributes
    ----------
    text : str
        The piece.
    at : int
        Where reading stands in it.
    ended : bool
        Whether it reaches to the end of the file.
    anchor : int or None
        Place that must not be cut off.
    """

    def __init__(self, path: Path, chunk_characters: int) -> None:
        self._chunk = chunk_characters
        # Bytes that are not UTF-8 become lone surrogates, which ingest removes and counts.
        self._handle = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._cut = 0
        self.text, self.at, self.ended = "", 0, False
        self.anchor: int | None = None

    @property
    def place(self) -> int:
        """Where reading stands, in characters from the beginning of the file."""
        return self._cut + self.at

    @place.setter
    def place(self, value: int) -> None:
        self.at = value - self._cut

    def grow(self) -> None:
        """Read on, at least as much again as is still unread."""
        front = self.at if self.anchor is None else self.anchor - self._cut
        more = self._handle.read(max(self._chunk, len(self.text) - self.at))
        self.ended = not more
        self.text = self.text[front:] + more
        self._cut, self.at = self._cut + front, self.at - front

    def skip(self) -> str:
        """Skip blanks and commas; return the next character, empty at the end."""
        while True:
            match = _SKIP.match(self.text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.text) or self.ended:
                return self.text[self.at : self.at + 1]
            self.grow()

    def close(self) -> None:
        """Close the file."""
        self._handle.close()


def decode(window: Window, max_characters: int) -> Any:
    """Return the item at the window's place and move behind it, or return a `Broken`.

    The window stays where it is before what cannot be decoded, and moves behind an item
    that is whole but longer than `max_characters`.
    """
    while True:
        try:
            item, end = _DECODER.raw_decode(window.text, window.at)
        except json.JSONDecodeError as error:
            near_end = error.pos >= len(window.text) - NEAR_END
            if not near_end and "Unterminated" not in error.msg:
                return Broken("unparsable-json", error.msg)
            if window.ended:
                return Broken("truncated-file", error.msg)
        except RecursionError:
            return Broken("unparsable-json", "values are nested too deeply", deep=True)
        except ValueError as error:
            return Broken("unparsable-json", type(error).__name__)
        else:
            if end - window.at > max_characters:
                window.at = end
                return _oversized(max_characters)
            if end < len(window.text) or window.ended:
                window.at = end
                return item
            # A number that ends with the window may go on after it.
        if len(window.text) - window.at > max_characters:
            return _oversized(max_characters)
        window.grow()
        if is_dense(window.text, max_characters):
            return _oversized(max_characters)


def _oversized(max_characters: int) -> Broken:
    return Broken("oversized-item", f"longer than {max_characters:,} characters or too many values")
