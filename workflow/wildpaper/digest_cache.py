"""What is known of source files, kept on disk: Snakemake reads all rules anew in each job."""

import atexit
import json
import sys
from pathlib import Path

from wildpaper.files import write_json

Facts = tuple[str, tuple[str, ...]]
"""Digest of a file's syntax tree, and the names that it imports."""


class FactsOfFiles:
    """Facts by the checksum of a file; a file that changed has another one.

    Nothing is kept until `keep_in` names a file.
    """

    def __init__(self) -> None:
        self._known: dict[str, Facts] = {}
        self._used: dict[str, Facts] = {}
        self._path: Path | None = None
        self._is_new = False

    def keep_in(self, path: Path) -> None:
        """Read what is kept in a file, and write it again at the end of the process."""
        if self._path is None:
            atexit.register(self.save)
        self._path = path
        self._known = _read(path)

    def get(self, checksum: str) -> Facts | None:
        """Return what is known of a file, None if nothing is."""
        found = self._used.get(checksum) or self._known.get(checksum)
        if found is not None:
            self._used[checksum] = found
        return found

    def add(self, checksum: str, facts: Facts) -> Facts:
        """Remember facts, and return them."""
        self._used[checksum] = facts
        self._is_new = True
        return facts

    def save(self) -> None:
        """Write what this process used, if any of it is new."""
        if self._path is None or not self._is_new:
            return
        facts = {name: list(found) for name, found in sorted(self._used.items())}
        try:
            write_json(self._path, {"python": _PYTHON, "facts": facts})
        except OSError:  # no place to keep them: they are found anew
            return
        self._is_new = False


_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""Syntax trees are written differently by each version."""


def _read(path: Path) -> dict[str, Facts]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["python"] != _PYTHON:
            return {}
        return {name: (digest, tuple(names)) for name, (digest, names) in kept["facts"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
