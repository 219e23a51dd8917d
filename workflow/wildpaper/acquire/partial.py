"""The part of a file that has been fetched so far, and what it is a part of.

``<target>.part`` holds the bytes, ``<target>.part.json`` says from which address and
version they are. A part without that record, or of another version, is not continued.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from wildpaper.acquire.transfer import shown
from wildpaper.files import write_json


@dataclass(frozen=True)
class Known:
    """What is known of the file that a part belongs to.

    `source` is a digest of the address, `expected` the checksum asked for, `n_total` the
    whole size in bytes.
    """

    source: str
    expected: str | None
    etag: str | None = None
    last_modified: str | None = None
    n_total: int | None = None
    commit: str | None = None

    @property
    def validator(self) -> str | None:
        """The value for ``If-Range``: a strong ETag, else the date of the last change."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified


class Part:
    """The unfinished file beside a target.

    Parameters
    ----------
    target : Path
        Where the finished file will be.
    url : str
        Where it comes from.
    expected : str or None
        Its SHA-256, if known.
    """

    def __init__(self, target: Path, url: str, expected: str | None) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self.record = target.with_name(target.name + ".part.json")
        digest = hashlib.sha256(shown(url).encode()).hexdigest()
        self.known = self._load(Known(source=digest, expected=expected))

    @property
    def n_bytes(self) -> int:
        """How many bytes are there."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def complete(self) -> bool:
        """Whether all bytes are there (not whether they are right)."""
        return 0 < self.n_bytes == self.known.n_total

    def begin(self, known: Known) -> None:
        """Start over with a file of which `known` is known."""
        self.path.unlink(missing_ok=True)
        self.learn(known)

    def learn(self, known: Known) -> None:
        """Record what is known of the file."""
        self.known = known
        write_json(self.record, asdict(known))

    def append(self) -> BinaryIO:
        """Open the part to add bytes at its end."""
        return self.path.open("ab")

    def discard(self) -> None:
        """Throw the part away."""
        self._forget()
        self.known = Known(source=self.known.source, expected=self.known.expected)

    def publish(self) -> None:
        """Give the finished file its name."""
        with self.path.open("rb") as handle:
            os.fsync(handle.fileno())
        self.path.replace(self.target)
        self.record.unlink(missing_ok=True)

    def _load(self, fresh: Known) -> Known:
        """Return the record of the part there is if it may be continued, else `fresh`.

        Without a checksum to hold the result against, only the same address and a
        validator show that the part belongs to what the server has now.
        """
        try:
            old = Known(**json.loads(self.record.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            old = None
        if old is None or old.expected != fresh.expected:
            self._forget()
            return fresh
        if fresh.expected or (old.source == fresh.source and old.validator):
            return Known(**{**asdict(old), "source": fresh.source})
        self._forget()
        return fresh

    def _forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self.record.unlink(missing_ok=True)
