"""Exact repetitions of conversations."""

import hashlib

from wildpaper.ingest.records import Message


class Duplicates:
    """Tells conversations whose messages were seen before; 16 bytes of memory each."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def repeats(self, messages: list[Message]) -> bool:
        """Say whether the same roles and texts were seen before, and remember them."""
        digest = hashlib.blake2b(digest_size=16)
        for message in messages:
            text = message.text.encode()
            digest.update(f"{message.role} {len(text)} ".encode() + text)
        known = digest.digest() in self._seen
        self._seen.add(digest.digest())
        return known
