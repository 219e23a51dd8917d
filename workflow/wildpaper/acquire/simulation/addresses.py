"""Addresses of the simulated users, and the database that locates them.

All addresses are of ranges that are reserved: 240.0.0.0/4 for IPv4 (a /10 for each
country, cut into four networks) and 2001:db8::/32 for IPv6 (a /48 for each of these).
An address holds the user's number and the number of the address, so none occurs twice.
"""

import ipaddress
import struct
from pathlib import Path

from mmdb_writer import MMDBWriter, TreeWriter
from netaddr import IPSet  # type: ignore[import-untyped]

from wildpaper.acquire.simulation.places import COUNTRIES, PLACES
from wildpaper.files import atomic_path

DATABASE, LATER_DATABASE = "GeoLite2-City_20230404.mmdb", "GeoLite2-City_20231003.mmdb"
_BUILD_EPOCHS = {DATABASE: 1_680_566_400, LATER_DATABASE: 1_696_291_200}  # as the names say
MOVED = {("US", 3): ("OR", "Oregon"), ("RU", 1): ("LEN", "Leningrad Oblast")}
"""Quarters of countries that the later database puts into another state. No country changes:
a user has the same one before and after."""
_CLASS_E = 240 << 24
_PLACE_BITS = 22  # of an IPv4 address within its country
_USER_BITS = 20
MAX_USERS = 1 << _USER_BITS
_SCRAMBLE = 0x9E375  # odd, so that multiplying by it modulo 2**20 maps users one to one
_QUARTERS = 4
_IPV6_SHARE = 7  # every seventh user has IPv6


def address(place: int, user: int, number: int) -> str:
    """Return address `number` (0 to 3) of a user in one of `PLACES`."""
    if user % _IPV6_SHARE == 3:
        site = f"2001:db8:{_site(place, quarter_of(user)):x}"
        return f"{site}:{user >> 16:x}:{user & 0xFFFF:x}::{number + 1:x}"
    host = (_scrambled(user) << 2) | number
    a, b, c, d = struct.pack(">I", _CLASS_E | (place << _PLACE_BITS) | host)
    return f"{a}.{b}.{c}.{d}"


def _scrambled(user: int) -> int:
    return user * _SCRAMBLE % MAX_USERS


def _site(place: int, quarter: int) -> int:
    return ((place + 1) << 8) | quarter


def quarter_of(user: int) -> int:
    """Return which quarter of its country's addresses a user has; it decides on the state."""
    return _scrambled(user) >> (_USER_BITS - 2)


def networks() -> list[tuple[str, int, int]]:
    """Return (network, index of the country, quarter) of all located addresses."""
    found = []
    for place in range(len(COUNTRIES)):
        for quarter in range(_QUARTERS):
            base = _CLASS_E | (place << _PLACE_BITS) | (quarter << (_PLACE_BITS - 2))
            found.append((f"{ipaddress.IPv4Address(base)}/12", place, quarter))
            found.append((f"2001:db8:{_site(place, quarter):x}::/48", place, quarter))
    return found


def record(place: int, quarter: int, name: str = DATABASE) -> dict[str, object]:
    """Return what a database says of a network, as GeoLite2-City does.

    Where a country has fewer states than four, its other quarters have none.
    """
    country = COUNTRIES[place]
    found: dict[str, object] = {
        "country": {"iso_code": country.iso, "names": {"en": country.name}},
        "registered_country": {"iso_code": country.iso, "names": {"en": country.name}},
    }
    if quarter < len(country.states):
        code, state = country.states[quarter]
        if name == LATER_DATABASE:
            code, state = MOVED.get((country.iso, quarter), (code, state))
        found["subdivisions"] = [{"iso_code": code, "names": {"en": state}}]
    return found


def write_database(path: Path) -> None:
    """Write `DATABASE` or `LATER_DATABASE`, as the path says; the bytes are always the same."""
    writer = MMDBWriter(
        ip_version=6,
        database_type="GeoLite2-City",
        languages=["en"],
        description="Simulated networks of reserved addresses",
        ipv4_compatible=True,
    )
    for network, place, quarter in networks():
        writer.insert_network(IPSet([network]), record(place, quarter, path.name))
    meta = {
        "ip_version": writer.ip_version,
        "database_type": writer.database_type,
        "languages": writer.languages,
        "binary_format_major_version": writer.binary_format_major_version,
        "binary_format_minor_version": writer.binary_format_minor_version,
        "description": writer.description,
        "build_epoch": _BUILD_EPOCHS.get(path.name, _BUILD_EPOCHS[DATABASE]),
    }
    with atomic_path(path) as temporary:
        TreeWriter(writer.tree, meta).write(str(temporary))


assert len(PLACES) < 63  # noqa: S101 - the 64 networks of 240.0.0.0/4; the last is broadcast
