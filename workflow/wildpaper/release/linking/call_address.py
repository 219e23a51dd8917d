"""The address of a client, as the headers of a call have it."""

import ipaddress
import re
from functools import lru_cache

IPV4 = "ipv4"
IPV6 = "ipv6"
PRIVATE = "private"
MALFORMED = "malformed"
KINDS = (IPV4, IPV6, PRIVATE, MALFORMED)

_WITH_PORT = re.compile(r"\[([^\[\]]*)\](?::\d{1,5})?|([^:\[\]]+):\d{1,5}")
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
        "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128",
    )
)  # fmt: skip


_LONGEST_KNOWN = 200


def client_address(forwarded_for: str, which: str) -> tuple[str, str, int]:
    """Return the client's address, its kind, and the number of elements it was taken from.

    Parameters
    ----------
    forwarded_for : str
        The header ``x-forwarded-for``, elements parted by commas.
    which : str
        ``first`` or ``last`` element.

    Returns
    -------
    tuple of (str, str, int)
        The address is empty where the element is. A port is stripped
        (``1.2.3.4:99``, ``[2001:db8::1]:443``), else it stands as written. The kind is
        ``ipv4``, ``ipv6``, ``private`` (also loopback, link-local and shared by a
        carrier) or ``malformed``.
    """
    if len(forwarded_for) > _LONGEST_KNOWN:
        return _read(forwarded_for, which)
    return _known(forwarded_for, which)


def _read(forwarded_for: str, which: str) -> tuple[str, str, int]:
    elements = forwarded_for.split(",")
    address = elements[0 if which == "first" else -1].strip()
    if found := _WITH_PORT.fullmatch(address):
        bare = found[1] if found[1] is not None else found[2]
        kind = _kind(bare)
        if kind != MALFORMED:
            return bare, kind, len(elements)
        return address, MALFORMED, len(elements)
    return address, _kind(address), len(elements)


_known = lru_cache(maxsize=50_000)(_read)


def _kind(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return MALFORMED
    if any(found in network for network in _PRIVATE):
        return PRIVATE
    return IPV4 if found.version == 4 else IPV6
