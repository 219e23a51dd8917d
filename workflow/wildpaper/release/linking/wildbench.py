"""Keep the conversations of the WildBench benchmark out of the release."""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from wildpaper.release.linking.call_lines import read_lines
from wildpaper.release.linking.call_runs import RowFile
from wildpaper.release.linking.calls import UNPARSABLE, Refused, opening_of
from wildpaper.release.linking.link_database import Database
from wildpaper.release.linking.rawlog_files import json_object, microseconds
from wildpaper.release.linking.tally import Quarantine

LISTED = pa.schema({"opening": pa.int32(), "time_us": pa.int64()})
"""One row a listed conversation: the number of its opening, and its time if that is given."""


@dataclass(slots=True)
class WildBench:
    """The listed conversations: numbers of openings, and the times listed for each."""

    openings: dict[str, int] = field(default_factory=dict)
    listed: list[tuple[int, int | None]] = field(default_factory=list)

    def write(self, run: Path) -> None:
        """Write one Parquet file of the schema `LISTED`."""
        with RowFile(run, LISTED) as rows:
            for opening, time_us in self.listed:
                rows.add({"opening": opening, "time_us": time_us})


def read_wildbench(paths: list[Path], n_characters: int, quarantine: Quarantine) -> WildBench:
    """Read ``wildbench.jsonl``; lines that cannot be read go to quarantine.

    Parameters
    ----------
    paths : list of Path
        The lists, none or more.
    n_characters : int
        Characters of the first message that identify a conversation.
    quarantine : Quarantine
        Counts lines that cannot be read.
    """
    found = WildBench()
    for path in paths:
        for line in read_lines(path):
            record = json_object(line.data) or {}
            opening, time = record.get("first_50"), record.get("timestamp")
            time_us = microseconds(time)
            if not isinstance(opening, str) or (time is not None and time_us is None):
                part = "timestamp" if isinstance(opening, str) else "first_50"
                quarantine.add(path.name, line.number, Refused(UNPARSABLE, part))
                continue
            key = opening_of(opening, n_characters)
            number = found.openings.setdefault(key, len(found.openings))
            found.listed.append((number, time_us))
    return found


def match_wildbench(database: Database) -> dict[str, int]:
    """Make the table ``reserved`` of the conversations that are listed; return counts.

    An opening that one conversation has identifies it; of several, those whose last turn
    is of the listed time are meant.

    Parameters
    ----------
    database : Database
        Knows conversations with consent as ``agreed`` (leaf, opening, last_us) and the
        list as ``listed``.
    """
    database.run(
        "CREATE TABLE sharing AS SELECT opening, count(*) AS n FROM agreed"
        " WHERE opening >= 0 GROUP BY opening"
    )
    database.run(
        "CREATE TABLE reserved AS SELECT DISTINCT a.leaf FROM agreed a"
        " JOIN sharing s ON s.opening = a.opening JOIN listed l ON l.opening = a.opening"
        " WHERE s.n = 1 OR l.time_us = a.last_us"
    )
    counts = database.row(
        "SELECT count(*), count(*) FILTER (s.n IS NULL),"
        " count(*) FILTER (s.n > 1 AND h.opening IS NULL),"
        " (SELECT count(*) FROM reserved)"
        " FROM listed l LEFT JOIN sharing s ON s.opening = l.opening"
        " LEFT JOIN (SELECT DISTINCT opening, last_us FROM agreed) h"
        " ON h.opening = l.opening AND h.last_us = l.time_us"
    )
    n_listed, n_missing, n_ambiguous, n_removed = counts
    return {
        "n_listed": n_listed,
        "n_removed": n_removed,
        "n_missing": n_missing,
        "n_ambiguous": n_ambiguous,
    }
