"""What the readers of JSON share: items that cannot be read, and how large one may be."""

from dataclasses import dataclass

MAX_ITEM_CHARACTERS = 64 << 20
"""A longer item is not read (of JSON lines: bytes)."""

_CHARACTERS_PER_VALUE = 16


@dataclass(frozen=True, slots=True)
class Broken:
    """An item that is no JSON: why, and its place in the file with what the parser says."""

    reason: str
    detail: str
    deep: bool = False
    """Whether the parser gave up because values are nested too deeply."""


def is_dense(text: str | bytes, max_characters: int) -> bool:
    """Say whether a text opens so many lists and records that it would fill the memory.

    A list of empty lists takes twenty times the memory of its text, words hardly more.
    """
    most = max_characters // _CHARACTERS_PER_VALUE
    if len(text) <= most:
        return False
    if isinstance(text, bytes):
        return text.count(b"[") + text.count(b"{") > most
    return text.count("[") + text.count("{") > most
