"""Lines that are no usable records: counted by reason, the first of them by place."""

from collections import Counter
from typing import Any

from wildpaper.release.calls import Refused

_FIRST = 20


class Quarantine:
    """Counts of unusable lines by reason; knows places, never what a line says."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._first: dict[str, list[dict[str, Any]]] = {}

    def add(self, file: str, line: int, refused: Refused) -> None:
        """Count one line."""
        self.counts[refused.reason] += 1
        first = self._first.setdefault(refused.reason, [])
        if len(first) < _FIRST:
            first.append({"file": file, "line": line, "part": refused.part})

    def report(self) -> dict[str, Any]:
        """Return {reason: {n, first}}, where first are the places of the first 20 lines."""
        return {
            reason: {"n": n, "first": self._first[reason]}
            for reason, n in sorted(self.counts.items())
        }
