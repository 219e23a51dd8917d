"""Lines that are no usable records: counted by reason, the first of them by place."""

from collections import Counter
from typing import Any

from wildpaper.release.linking.calls import QUARANTINED, Refused
from wildpaper.release.linking.link_database import Database

_FIRST = 20


class Quarantine:
    """Counts of unusable lines by reason; knows places, never what a line says."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._first: dict[str, list[dict[str, Any]]] = {}

    def add(self, file: str, line: int, refused: Refused, n: int = 1) -> None:
        """Count a line, or `n` lines of which this is the place of the first."""
        self.counts[refused.reason] += n
        first = self._first.setdefault(refused.reason, [])
        if len(first) < _FIRST:
            first.append({"file": file, "line": line, "part": refused.part})

    def add_calls(self, database: Database, names: list[str]) -> None:
        """Count the lines of the call logs; `names` are those of the files by number."""
        rows = database.rows(
            "SELECT file, line, reason, part, count(*) OVER (PARTITION BY reason) FROM runs"
            " WHERE reason IN (SELECT unnest($reasons))"
            " QUALIFY row_number() OVER (PARTITION BY reason ORDER BY file, line) <= $first"
            " ORDER BY file, line",
            reasons=list(QUARANTINED), first=_FIRST,
        )  # fmt: skip
        counted: set[str] = set()
        for file, line, reason, part, n in rows:
            self.add(names[file], line, Refused(reason, part), 0 if reason in counted else n)
            counted.add(reason)

    def report(self) -> dict[str, Any]:
        """Return {reason: {n, first}}, where first are the places of the first 20 lines."""
        return {
            reason: {"n": n, "first": self._first[reason]}
            for reason, n in sorted(self.counts.items())
        }
