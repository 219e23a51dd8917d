"""Keep the conversations of the WildBench benchmark out of the release."""

from dataclasses import dataclass, field
from pathlib import Path

from wildpaper.release.calls import UNPARSABLE, CallTable, Refused, opening_of
from wildpaper.release.rawlog_files import LineStore, json_object, microseconds
from wildpaper.release.tally import Quarantine


@dataclass(slots=True)
class WildBench:
    """The listed conversations: numbers of openings, and the times listed for each."""

    openings: dict[str, int] = field(default_factory=dict)
    times_us: list[list[int | None]] = field(default_factory=list)

    def matching(
        self, table: CallTable, chains: list[list[int]]
    ) -> tuple[set[int], dict[str, int]]:
        """Return the places in `chains` of the listed conversations, and counts.

        An opening that one conversation has identifies it; of several, those whose last
        turn is of the listed time are meant.
        """
        sharing: list[list[int]] = [[] for _ in self.times_us]
        for place, chain in enumerate(chains):
            if (opening := table.opening[chain[-1]]) >= 0:
                sharing[opening].append(place)
        meant: set[int] = set()
        n_missing = n_ambiguous = 0
        for places, times_us in zip(sharing, self.times_us, strict=True):
            for listed_us in times_us:
                hits = places
                if len(places) > 1:
                    hits = [p for p in places if table.time_us[chains[p][-1]] == listed_us]
                    n_ambiguous += not hits
                n_missing += not places
                meant.update(hits)
        counts = {
            "n_listed": sum(map(len, self.times_us)),
            "n_removed": len(meant),
            "n_missing": n_missing,
            "n_ambiguous": n_ambiguous,
        }
        return meant, counts


def read_wildbench(paths: list[Path], quarantine: Quarantine) -> WildBench:
    """Read ``wildbench.jsonl``; lines that cannot be read go to quarantine."""
    listed = WildBench()
    with LineStore(paths) as store:
        for line in store.lines():
            record = json_object(line.data) or {}
            opening, time = record.get("first_50"), record.get("timestamp")
            time_us = microseconds(time)
            if not isinstance(opening, str) or (time is not None and time_us is None):
                part = "timestamp" if isinstance(opening, str) else "first_50"
                quarantine.add(paths[line.file].name, line.number, Refused(UNPARSABLE, part))
                continue
            number = listed.openings.setdefault(opening_of(opening), len(listed.times_us))
            if number == len(listed.times_us):
                listed.times_us.append([])
            listed.times_us[number].append(time_us)
    return listed
