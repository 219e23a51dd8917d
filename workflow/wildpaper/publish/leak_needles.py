"""What may stand nowhere in the results: values, the forms they are looked for in, guards."""

import ipaddress
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from wildpaper.publish.leak_forms import spaced, squeezed
from wildpaper.publish.leak_rawlogs import (
    RawLogs,
    clients,
    open_rawlogs,
    said_by_anyone,
    said_in,
    unconsented_texts,
)
from wildpaper.publish.leak_search import SHORTEST
from wildpaper.release.redaction.planted_items import WITHIN, Planted, read_planted
from wildpaper.release.salt import read_salt

ADDRESS, SESSION, SALT, TEXT = "ADDRESS", "SESSION", "SALT", "TEXT"
MEANT_TO_CATCH = ("PHONE_NUMBER", "EMAIL_ADDRESS", "CREDIT_CARD", "URL", "SECRET")
"""Kinds of which nothing within the rules' reach may be left. Names that are missed are
counted in the privacy report instead: no model finds all."""

_NUMBERS = ("PHONE_NUMBER", "CREDIT_CARD")
_UNMISTAKABLE_DIGITS = 14
_DIGITS, _HEX = b"0123456789", b"0123456789abcdef"
_FLOAT = re.compile(rb"[0-9]\.[0-9]*\Z")
_LONGEST_FLOAT = 24


@dataclass(frozen=True, slots=True, repr=False)
class Needle:
    """Bytes to look for.

    Attributes
    ----------
    kind : str
    value : int
        Number of the value that they are a form of.
    form : bytes
    in_squeezed : bool
        Whether they are looked for in the squeezed form of a file or in the spaced one.
    guard : bytes
        Characters that may not stand on either side, or it is another value.
    """

    kind: str
    value: int
    form: bytes
    in_squeezed: bool
    guard: bytes = b""

    def stands_in(self, data: bytes, at: int) -> bool:
        """Say whether what begins at `at` is this value and not part of a longer one."""
        end = at + len(self.form)
        if self.guard:
            beside = data[max(at - 1, 0) : at], data[end : end + 1]
            return not any(byte and byte in self.guard for byte in beside)
        if self.form.isdigit():
            return not _FLOAT.search(data[max(at - _LONGEST_FLOAT, 0) : at])
        return True


@dataclass(slots=True, repr=False)
class Needles:
    """All needles; `raw` are bytes that are looked for as they are, by their value."""

    listed: list[Needle] = field(default_factory=list)
    raw: dict[bytes, int] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    n_too_short: int = 0
    n_said: int = 0

    def add(self, kind: str, values: Iterable[str]) -> None:
        """Add values of a kind, each once."""
        for value in sorted(set(values)):
            forms = _forms(kind, value)
            if not forms:
                self.n_too_short += 1
                continue
            number = len(self.kinds)
            self.kinds.append(kind)
            for form, in_squeezed, guard in forms:
                self.listed.append(Needle(kind, number, form, in_squeezed, guard))

    def add_salt(self, salt: bytes) -> None:
        """Add the salt: its bytes, its hex digits, and the text that it may be."""
        number = len(self.kinds)
        self.kinds.append(SALT)
        self.raw[salt] = number
        texts = {salt.hex(), salt.decode("utf-8", "ignore")}
        forms = {squeezed(spaced(text.encode())) for text in texts}
        self.listed += [
            Needle(SALT, number, form, True) for form in sorted(forms) if len(form) >= SHORTEST
        ]

    @property
    def counts(self) -> dict[str, int]:
        """How many values of each kind are looked for."""
        return dict(sorted(Counter(self.kinds).items()))


def gather_needles(
    personal: list[Path],
    rawlogs: list[Path],
    withdrawal: str = "address",
    client_address: str = "first",
    pattern_languages: Collection[str] | None = None,
    elsewhere: list[Path] | None = None,
) -> Needles:
    """Return what may stand nowhere in the results of a run.

    Parameters
    ----------
    personal : list of Path
        ``personal.json`` of a simulated study; none for logs of people.
    rawlogs : list of Path
        ``acquired.json`` of the raw logs, if the run has any.
    withdrawal, client_address : str
        Options of the section `release.linking`.
    pattern_languages : collection of str, optional
        Languages in which patterns are looked for; None: all.
    elsewhere : list of Path, optional
        Messages of data sets that do not come from these logs: what stands in one of theirs
        is not looked for.

    Raises
    ------
    WildpaperError
        If a file cannot be read, or there is no salt for logs of people.

    Notes
    -----
    Of a simulated study: all addresses, sessions and the salt; what was planted within the
    rules' reach but names; texts of people who withdrew or never consented. Of logs of
    people: addresses of the internet, unless somebody wrote them in a message, sessions and
    the salt.
    """
    needles = Needles()
    for path in personal:
        _add_planted(needles, read_planted(path), pattern_languages)
    for path in rawlogs:
        logs = open_rawlogs(path)
        if logs.simulated:
            texts = set(unconsented_texts(logs, withdrawal, client_address))
            needles.add(TEXT, texts - said_in(_texts_of(elsewhere or []), texts))
        else:
            _add_clients(needles, logs)
    return needles


def _texts_of(messages: list[Path]) -> Iterator[str]:
    for path in messages:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["text"]):
                yield from batch.column(0).to_pylist()


def _add_planted(
    needles: Needles, planted: Planted, pattern_languages: Collection[str] | None
) -> None:
    needles.add(ADDRESS, planted.addresses)
    needles.add(SESSION, planted.sessions)
    needles.add_salt(_salt_bytes(planted.salt))
    beyond = {item.value for item in planted.items if item.reach != WITHIN}
    for kind in MEANT_TO_CATCH:
        covered = None if kind == "SECRET" else pattern_languages
        needles.add(
            kind,
            {
                item.value
                for item in planted.items
                if item.kind == kind
                and item.value not in beyond
                and item.reach == WITHIN
                and (covered is None or item.language in covered)
            },
        )


def _add_clients(needles: Needles, logs: RawLogs) -> None:
    addresses, sessions = clients(logs)
    said = said_by_anyone(logs, addresses)
    needles.n_said += len(said)
    needles.add(ADDRESS, addresses - said)
    needles.add(SESSION, sessions)
    needles.add_salt(read_salt(logs.acquired, simulated=False))


def _salt_bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()


def _forms(kind: str, value: str) -> list[tuple[bytes, bool, bytes]]:
    """Return (bytes, whether in the squeezed form, guard); none if the value is too short."""
    plain = spaced(value.strip().encode("utf-8", "ignore"))
    tight = squeezed(plain)
    if kind == ADDRESS:
        forms = [(form, False, _guard(form)) for form in _spellings(plain)]
    elif kind in _NUMBERS and not _unmistakable(tight):
        forms = [(plain, False, _DIGITS)]
    else:
        forms = [(tight, True, b"")]
    return [form for form in forms if len(form[0]) >= SHORTEST]


def _unmistakable(number: bytes) -> bool:
    digits = sum(byte in _DIGITS for byte in number)
    return number.startswith(b"+") or digits >= _UNMISTAKABLE_DIGITS


def _guard(address: bytes) -> bytes:
    return _HEX if b":" in address else _DIGITS


def _spellings(address: bytes) -> list[bytes]:
    """Return an address as written, and shortest and longest in the case of IPv6."""
    try:
        parsed = ipaddress.ip_address(address.decode())
    except ValueError:
        return [address]
    return sorted({address, parsed.compressed.encode(), parsed.exploded.encode()})
