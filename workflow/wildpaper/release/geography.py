"""Countries and states of addresses, by the database that was current at the time."""

import ipaddress
import re
from bisect import bisect_right
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import maxminddb

from wildpaper.errors import WildpaperError

Place = tuple[str | None, str | None]
"""Country and state by their English names; None where unknown."""

_NOWHERE: Place = (None, None)
_DATE = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?!\d)")
_KINDS = ("city", "country")


class Geography:
    """Looks addresses up in dated databases in MaxMind's format.

    A database's date stands in its name (``GeoLite2-City_20230404.mmdb``); where it does
    not, the time it was built counts. Without any database all places are unknown.

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
        self._known: dict[tuple[int, str], Place] = {}

    @property
    def names(self) -> list[str]:
        """The databases, oldest first."""
        return [name for _, name, _, _ in self._databases]

    def locate(self, address: str, time_us: int) -> Place:
        """Return where an address was, by the newest database not after the time.

        Before all databases the oldest is asked. State is the most specific subdivision.

        Raises
        ------
        WildpaperError
            If the database turns out to be damaged.
        """
        if not self._databases:
            return _NOWHERE
        number = max(bisect_right(self._since_us, time_us) - 1, 0)
        key = (number, address)
        if key not in self._known:
            self._known[key] = self._look_up(number, address)
        return self._known[key]

    def _look_up(self, number: int, address: str) -> Place:
        _, _, path, reader = self._databases[number]
        try:
            record: Any = reader.get(ipaddress.ip_address(address))
        except ValueError:  # no address, or one of IPv6 where the database has none
            return _NOWHERE
        except maxminddb.InvalidDatabaseError:
            raise _damaged(path, "at a lookup") from None  # its message holds the address
        if not isinstance(record, dict):
            return _NOWHERE
        parts = record.get("subdivisions") or [None]
        return _name(record.get("country")), _name(parts[-1])


def _name(part: Any) -> str | None:
    names = part.get("names") if isinstance(part, dict) else None
    name = names.get("en") if isinstance(names, dict) else None
    return name if isinstance(name, str) else None


def _open(path: Path) -> Any:
    try:
        reader = maxminddb.open_database(path)
    except (maxminddb.InvalidDatabaseError, OSError, ValueError):
        raise _damaged(path, "when it was opened") from None
    kind = reader.metadata().database_type
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
