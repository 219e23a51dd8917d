"""Link calls into conversations, as the authors of WildChat do.

A call with earlier exchanges continues the call whose messages, reply included, are its
own without the last exchange; both come from the same device and model, and from the same
address if there is such a call. Only a call that nothing continues yet can be continued,
and of several the latest is. So conversations are chains, and a second reply to a message
that was gone on from finds nothing to continue. A chain whose beginning is missing is no
conversation. Settings change this (`LinkingConfig`).

Calls that end alike, from the same device and model, and the calls that go on from there
make a group. Groups are independent: they pass by one after the other, sorted on disk.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pyarrow as pa

from wildpaper.config_release import LinkingConfig
from wildpaper.release.linking.call_runs import RowFile
from wildpaper.release.linking.link_database import Database

NOT_LOGGED = "not-logged"
NOT_YET_LOGGED = "not-yet-logged"
OTHER_CLIENT = "other-device-or-model"
OTHER_ADDRESS = "other-address"
TOO_LONG_AGO = "too-long-ago"
CONTINUED = "already-continued"

LINKS = pa.schema(
    {
        "n": pa.int64(),
        "parent": pa.int64(),
        "cause": pa.string(),
        "new_address": pa.bool_(),
    }
)
"""One row a call with earlier exchanges: the call it continues, or why there is none."""

Event = tuple[int, int, bool, bytes, int]
"""Group, number of the call, whether it looks for what to continue, address, time."""

_US_PER_HOUR = 3_600_000_000


def link(database: Database, folder: Path, settings: LinkingConfig) -> None:
    """Make the table ``links`` of the schema `LINKS`.

    Parameters
    ----------
    database : Database
        Knows usable calls as ``calls``, numbered (``n``) in the order in which they count:
        by time, equal times by files and lines.
    folder : Path
        For a temporary file.
    settings : LinkingConfig
        Which calls may continue which.
    """
    _gather_groups(database)
    path = folder / "links.parquet"
    with RowFile(path, LINKS) as rows:
        for events in _groups(database):
            for n, parent, cause, new_address in resolve(events, settings):
                rows.add({"n": n, "parent": parent, "cause": cause, "new_address": new_address})
    database.view_files("resolved", [path])
    _add_ungrouped(database)


def _gather_groups(database: Database) -> None:
    """Make the table of groups: where a call ends and another goes on, by the same client."""
    database.run(
        "CREATE TABLE groups AS SELECT row_number() OVER () AS g, digest, client FROM"
        " (SELECT DISTINCT previous AS digest, client FROM calls WHERE n_exchanges > 1"
        " INTERSECT SELECT current, client FROM calls)"
    )


def _groups(database: Database) -> Iterator[Iterable[Event]]:
    batches = database.batches(
        "SELECT g, n, takes, address, time_us FROM ("
        " SELECT g.g, c.n, true AS takes, c.address, c.time_us FROM calls c JOIN groups g"
        " ON g.digest = c.previous AND g.client = c.client WHERE c.n_exchanges > 1"
        " UNION ALL SELECT g.g, c.n, false, c.address, c.time_us FROM calls c JOIN groups g"
        " ON g.digest = c.current AND g.client = c.client) ORDER BY g, n"
    )
    events = (
        event
        for batch in batches
        for event in zip(*(column.to_pylist() for column in batch.columns), strict=True)
    )
    for _, group in groupby(events, key=itemgetter(0)):
        yield group


def resolve(
    events: Iterable[Event], settings: LinkingConfig
) -> Iterator[tuple[int, int | None, str | None, bool]]:
    """Yield, for each call of a group that goes on, what it continues.

    Parameters
    ----------
    events : iterable of Event
        One group, in the order in which calls count.
    settings : LinkingConfig
        Which calls may be continued.

    Yields
    ------
    tuple of (int, int or None, str or None, bool)
        The call, the call that it continues, else the cause (None: no call of the group
        came before), and whether the address changed.
    """
    ended = _Ended(settings)
    for _, n, takes, address, time_us in events:
        if not takes:
            ended.add(n, address, time_us)
            continue
        found = ended.take(address, time_us)
        if isinstance(found, tuple):
            yield n, found[0], None, found[1] != address
        else:
            yield n, None, found, False


class _Ended:
    """Calls of a group that may be continued, the latest last.

    Nothing is popped from the list of all addresses when a call is taken by its own: it is
    passed over when it comes to the end of the list.
    """

    def __init__(self, settings: LinkingConfig) -> None:
        hours = settings.within_hours
        self._longest_us = None if hours is None else round(hours * _US_PER_HOUR)
        self._across = settings.across_addresses
        self._branch = settings.continued_parents == "branch"
        self._all: list[tuple[int, bytes, int]] = []
        self._by_address: dict[bytes, list[tuple[int, bytes, int]]] = {}
        self._latest: dict[bytes | None, tuple[int, bytes, int]] = {}
        self._taken: set[int] = set()

    def add(self, n: int, address: bytes, time_us: int) -> None:
        """Add a call, later than all so far."""
        call = (n, address, time_us)
        self._all.append(call)
        self._by_address.setdefault(address, []).append(call)
        self._latest[address] = self._latest[None] = call

    def take(self, address: bytes, time_us: int) -> tuple[int, bytes] | str | None:
        """Return the call to continue and its address, else the cause."""
        if not self._latest:
            return None
        places = (self._by_address.get(address, []), *([self._all] if self._across else []))
        too_old = False
        for calls in places:
            while calls and calls[-1][0] in self._taken:
                calls.pop()
            if calls and self._in_time(calls[-1], time_us):
                found = calls.pop()
                self._taken.add(found[0])
                return found[0], found[1]
            too_old = too_old or bool(calls)
        if self._branch:
            for key in (address, *([None] if self._across else [])):
                latest = self._latest.get(key)
                if latest is not None and self._in_time(latest, time_us):
                    return latest[0], latest[1]
                too_old = too_old or latest is not None
        if too_old:
            return TOO_LONG_AGO
        return CONTINUED if self._across or address in self._latest else OTHER_ADDRESS

    def _in_time(self, call: tuple[int, bytes, int], time_us: int) -> bool:
        return self._longest_us is None or time_us - call[2] <= self._longest_us


def _add_ungrouped(database: Database) -> None:
    """Add the calls before which nothing of their group came, and the cause for each."""
    database.run(
        "CREATE TABLE orphans AS SELECT c.n, c.previous AS digest FROM calls c"
        " LEFT JOIN resolved r ON r.n = c.n WHERE c.n_exchanges > 1"
        " AND r.parent IS NULL AND r.cause IS NULL"
    )
    database.run(
        "CREATE TABLE ends AS SELECT c.current AS digest, min(c.n) AS first FROM calls c"
        " WHERE c.current IN (SELECT digest FROM orphans) GROUP BY c.current"
    )
    database.run(
        "CREATE TABLE links AS SELECT n, parent, cause, new_address FROM resolved"
        " WHERE parent IS NOT NULL OR cause IS NOT NULL UNION ALL"
        " SELECT o.n, NULL, CASE WHEN e.first IS NULL THEN $not_logged"
        " WHEN e.first < o.n THEN $other ELSE $not_yet END, false"
        " FROM orphans o LEFT JOIN ends e ON e.digest = o.digest",
        not_logged=NOT_LOGGED, other=OTHER_CLIENT, not_yet=NOT_YET_LOGGED,
    )  # fmt: skip
    database.drop("groups", "orphans", "ends")
