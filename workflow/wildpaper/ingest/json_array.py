"""Stream the items of one large JSON array, also of a damaged one."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.ingest import json_items
from wildpaper.ingest.json_items import Broken
from wildpaper.ingest.json_window import Window, decode

NO_ARRAY = "not-a-json-array"
CUT = "truncated-file"
_CHUNK_CHARACTERS = 1 << 20
_HELD_ITEMS = 1000
_OVERLAP = 256
_DEEP_PLACES = 1000
_RECORD = re.compile(r'\{\s*"')
_RECORD_AFTER_ANOTHER = re.compile(r'[}\]]\s*,?\s*(?=\{\s*")')
_ANOTHER_ARRAY = re.compile(r'\[\s*(\{\s*"|\])')


def iter_array(
    path: Path,
    chunk_characters: int = _CHUNK_CHARACTERS,
    key: str | None = None,
    max_characters: int = json_items.MAX_ITEM_CHARACTERS,
) -> Iterator[Any]:
    """Yield each item of a JSON array in a file, and a `Broken` for each hole in it.

    Memory is bounded by `max_characters`. Where something cannot be read, reading goes on
    at the next whole record, and all that lies between is one `Broken`, with the reason

    - ``truncated-file``: the file ends before the array does;
    - ``unparsable-json``: what is there is no JSON, or the array seems to end too early;
    - ``oversized-item``: an item is longer than `max_characters`, or of so many values
      that they would fill the memory;
    - ``trailing-data``: something follows the array. Another array is not read.

    Parameters
    ----------
    path : Path
        The file, UTF-8 with or without byte order mark.
    chunk_characters : int
        How much is read at once.
    key : str, optional
        What makes an object a record: pieces of a cut record are objects, too. Default:
        any object is one. Items that are no records are yielded where the array is whole.
    max_characters : int
        Longer items are not read.
    """
    window = Window(path, chunk_characters)
    try:
        first = window.skip()
        if first != "[":
            what = "is empty" if not first else "does not begin with '['"
            yield Broken(NO_ARRAY, f"the file {what}")
            return
        window.at += 1
        yield from _Array(window, key, max_characters).items()
    finally:
        window.close()


class _Array:
    """The items behind the bracket that opens an array."""

    def __init__(self, window: Window, key: str | None, max_characters: int) -> None:
        self._window, self._key, self._max = window, key, max_characters
        self._open = True
        self._held: list[Any] = []
        """Items that are no records: rows of their own, or pieces of a record with a hole."""

    def items(self) -> Iterator[Any]:
        """Yield items and holes."""
        window = self._window
        while self._open:
            following, start = window.skip(), window.place
            if not following:
                yield from self._let_go()
                yield self._located(Broken(CUT, "the array is not closed"), start, "on")
                return
            if following == "]":
                yield from self._close(start)
                continue
            item = decode(window, self._max)
            if isinstance(item, Broken):
                yield from self._hole(item, start, following not in '{["')
            elif self._is_record(item):
                yield from self._let_go()
                yield item
            else:
                yield from self._hold(item, start)

    def _is_record(self, item: Any) -> bool:
        return isinstance(item, dict) and (self._key is None or self._key in item)

    def _hold(self, item: Any, start: int) -> Iterator[Any]:
        window = self._window
        window.anchor = start if window.anchor is None else window.anchor
        self._held.append(item)
        if len(self._held) > _HELD_ITEMS or window.place - window.anchor > self._max:
            yield from self._let_go()

    def _let_go(self) -> Iterator[Any]:
        self._window.anchor = None
        yield from self._held
        self._held.clear()

    def _close(self, start: int) -> Iterator[Any]:
        """End the array at its closing bracket, unless that closes something with a hole."""
        window = self._window
        window.at += 1
        following = window.skip()
        broken = Broken("trailing-data", "the array has ended")
        if following and not (following == "[" and self._another_array()):
            yield from self._hole(broken, start, following in "}]")
            return
        self._open = False
        yield from self._let_go()
        if following:
            yield self._located(broken, window.place, "on")

    def _another_array(self) -> bool:
        window = self._window
        while len(window.text) - window.at < _OVERLAP and not window.ended:
            window.grow()
        return bool(_ANOTHER_ARRAY.match(window.text, window.at))

    def _hole(self, broken: Broken, start: int, stray: bool) -> Iterator[Any]:
        """Go on at the next record; what was held may be pieces of the one that is cut.

        `stray` says that what follows cannot begin an item, so that it belongs to one.
        """
        merged = bool(self._held) and (stray or any(isinstance(i, str) for i in self._held))
        if merged and self._window.anchor is not None:
            start = self._window.place = self._window.anchor
            self._held.clear()
        yield from self._let_go()
        self._open = self._find_record(start)
        reason = broken.reason
        if (self._open and reason == CUT) or (reason == "trailing-data" and (self._open or merged)):
            broken = Broken("unparsable-json", broken.detail)
        until = f"to {self._window.place:,}" if self._open else "on"
        yield self._located(broken, start, until)

    @staticmethod
    def _located(broken: Broken, start: int, until: str) -> Broken:
        return Broken(broken.reason, f"{broken.detail}, from character {start:,} {until}")

    def _find_record(self, start: int) -> bool:
        """Move to the next whole record; return False where there is none."""
        window = self._window
        if window.place == start:
            window.at += 1
        pattern, n_deep = _RECORD, 0
        while n_deep < _DEEP_PLACES:
            match = pattern.search(window.text, window.at)
            if match is None:
                if window.ended:
                    return False
                window.at = max(window.at, len(window.text) - _OVERLAP)
                window.grow()
                continue
            window.at = match.start() if pattern is _RECORD else match.end()
            place = window.place
            item = decode(window, self._max)
            if self._is_record(item):
                window.place = place
                return True
            if isinstance(item, Broken):
                window.at += window.place == place
                if item.deep:  # all that opens here is deep, too: look behind what closes
                    pattern, n_deep = _RECORD_AFTER_ANOTHER, n_deep + 1
        return False


def iter_records(path: Path, title: str, fields: str, key: str) -> Iterator[tuple[int, Any]]:
    """Yield (row, item) of each item of `iter_array`; rows count from 0.

    Parameters
    ----------
    path : Path
        The file.
    title, fields : str
        What it should be and what its records hold, for messages.
    key : str
        See `iter_array`.

    Raises
    ------
    WildpaperError
        If the file holds no JSON array.
    """
    items = iter_array(path, key=key, max_characters=json_items.MAX_ITEM_CHARACTERS)
    for row, item in enumerate(items):
        if isinstance(item, Broken) and item.reason == NO_ARRAY:
            raise WildpaperError(
                f"Not in the format of {title}: {item.detail}",
                where=f"{path}, before row 0",
                hint=f"It must be one JSON array of records with {fields}.",
            )
        yield row, item
