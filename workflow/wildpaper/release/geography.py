"""Countries and states of addresses, by the database that was current at the time."""

import ipaddress
import re
import struct
import sys
from bisect import bisect_right
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import maxminddb

from wildpaper.errors import WildpaperError

Place = tuple[str | None, str | None]
"""Country and state by their English names; None where unknown."""

_NOWHERE: Place = (None, None)
_DATE = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?!\d)")
_KINDS = ("city", "country")
_MOST_KNOWN = 200_000
_DAMAGE = (  # what reading damaged bytes raises
    maxminddb.InvalidDatabaseError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


class Geography:
    """Looks addresses up in dated databases in MaxMind's format.

    A database's date stands in its name (``GeoLite2-City_20230404.mmdb``); where it does
    not, or is no date, the time it was built counts. Of several with the same date the
    last by name is asked. Without any database all places are unknown.

    Parameters
    ----------
    paths : list of Path
        The databases, in any order.

    Raises
    ------
    WildpaperError
        If a file is no such database.
    """

    def __init__(self, paths: list[Path]) -> None:
        opened = [(path, _open(path)) for path in paths]
        dated = [(_dated_us(path, reader), path.name, path, reader) for path, reader in opened]
        self._databases = sorted(dated, key=lambda found: found[:2])
        self._since_us = [found[0] for found in self._databases]
        self._known = lru_cache(maxsize=_MOST_KNOWN)(self._look_up)

    @property
    def names(self) -> list[str]:
        """The databases, oldest first."""
        return [name for _, name, _, _ in self._databases]

    def locate(self, address: str, time_us: int) -> Place:
        """Return where an address was, by the newest database not after the time.

        Before all databases the oldest is asked. State is the most specific subdivision.
        An IPv4 address in IPv6 form (``::ffff:192.0.2.1``) is where the IPv4 address is.

        Parameters
        ----------
        address : str
            Without a port; a text that is no address is nowhere.
        time_us : int
            Microseconds since 1970.

        Raises
        ------
        WildpaperError
            If the database turns out to be damaged; names the file, not the address.
        """
        if not self._databases:
            return _NOWHERE
        return self._known(max(bisect_right(self._since_us, time_us) - 1, 0), address)

    def _look_up(self, number: int, address: str) -> Place:
        _, _, path, reader = self._databases[number]
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return _NOWHERE
        if isinstance(ip, ipaddress.IPv6Address):
            ip = ip.ipv4_mapped or ip
        if ip.version == 6 and reader.metadata().ip_version == 4:
            return _NOWHERE
        try:
            record: Any = reader.get(ip)
        except _DAMAGE:  # whose message may hold the address
            raise _damaged(path, "at a lookup") from None
        return _place(record) if isinstance(record, dict) else _NOWHERE


def _place(record: dict[str, Any]) -> Place:
    parts = record.get("subdivisions")
    state = _name(parts[-1]) if isinstance(parts, list) and parts else None
    return _name(record.get("country")), state


def _name(part: Any) -> str | None:
    names = part.get("names") if isinstance(part, dict) else None
    name = names.get("en") if isinstance(names, dict) else None
    return sys.intern(name) if isinstance(name, str) else None


def _open(path: Path) -> Any:
    try:
        # The reader in Python: the one in C can end the process at a damaged database.
        reader = maxminddb.open_database(path, maxminddb.MODE_MMAP)
        kind, built = reader.metadata().database_type, reader.metadata().build_epoch
    except _DAMAGE:
        raise _damaged(path, "when it was opened") from None
    if not isinstance(kind, str) or not isinstance(built, int):
        raise _damaged(path, "when it was opened")
    if not any(wanted in kind.lower() for wanted in _KINDS):
        raise WildpaperError(
            f"The database knows no cities or countries; its type is {kind!r}",
            where=str(path),
            hint="Take GeoLite2-City or another database of cities in the same format.",
        )
    return reader


def _damaged(path: Path, when: str) -> WildpaperError:
    return WildpaperError(
        f"The database of places is damaged, as was seen {when}",
        where=str(path),
        hint="Fetch it again and compare its checksum.",
    )


def _dated_us(path: Path, reader: Any) -> int:
    """Return when a database was current first, in microseconds since 1970."""
    for year, month, day in _DATE.findall(path.name):
        try:
            date = datetime(int(year), int(month), int(day), tzinfo=UTC)
        except ValueError:
            continue
        return int(date.timestamp()) * 1_000_000
    return int(reader.metadata().build_epoch) * 1_000_000
