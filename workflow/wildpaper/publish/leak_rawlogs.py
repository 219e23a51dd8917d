"""What raw logs hold that may not be published, read apart from the code that links them.

The scan must not trust what it checks: who consented and who did not is worked out here
anew, from the log itself.
"""

import io
import ipaddress
import json
import lzma
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.publish.leak_forms import spaced, squeezed
from wildpaper.publish.leak_search import SHORTEST, Searcher

_LOG = re.compile(r"(calls|consents)-.*\.jsonl(\.(?:gz|bz2|xz|zst|lz4))?")
_STEPS = {"agree", "publish"}
_BUFFER_BYTES = 1 << 20
_REMEMBERED = 1 << 20
_SHORTEST_TEXT = 40
_NEEDLE_CHARACTERS, _TO_BORDER = 100, 20
_PORT = re.compile(r"\[([0-9a-fA-F:.]+)\](?::\d+)?|([0-9.]+):\d+")

Record = dict[str, Any]


@dataclass(slots=True)
class RawLogs:
    """The files of raw logs, and whether a simulation wrote them."""

    acquired: Path
    simulated: bool
    calls: list[Path] = field(default_factory=list)
    consents: list[Path] = field(default_factory=list)


def open_rawlogs(acquired: Path) -> RawLogs:
    """Return the files that ``rawlogs/acquired.json`` lists.

    Raises
    ------
    WildpaperError
        If the list cannot be read.
    """
    try:
        listed = read_json(acquired)
        logs = RawLogs(acquired, bool(listed["release"]["simulated"]))
        names = sorted(str(entry["name"]) for entry in listed["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WildpaperError(
            f"Not a list of acquired files ({type(error).__name__})",
            where=str(acquired),
            hint="Its schema is data/schemas/acquired.schema.json; acquire the raw logs anew.",
        ) from None
    for name in names:
        if match := _LOG.fullmatch(name):
            (logs.calls if match[1] == "calls" else logs.consents).append(acquired.parent / name)
    return logs


def clients(logs: RawLogs) -> tuple[set[str], set[str]]:
    """Return all addresses of the internet and all sessions of the calls and consents."""
    addresses: set[str] = set()
    sessions: set[str] = set()
    for record in _records([*logs.calls, *logs.consents]):
        addresses.update(filter(_is_global, _hops(record)))
        if session := _session(record):
            sessions.add(session)
    return addresses, sessions


def unconsented_texts(logs: RawLogs, withdrawal: str, client: str) -> list[str]:
    """Return beginnings of texts that only people said who withdrew or never consented.

    Parameters
    ----------
    logs : RawLogs
        Of a simulated study.
    withdrawal, client : str
        The options `withdrawal` and `client_address` of the section `release.linking`.

    Returns
    -------
    list of str
        At least 100 characters of each text, or all of a text of 40 to 100; shorter ones
        and those that anybody else said too are left out. Sorted.
    """
    steps, withdrawn = _consents(logs)
    barred_addresses: set[str] = set()
    if withdrawal == "address":
        barred_addresses = {
            address
            for record in _records(logs.calls)
            if _session(record) in withdrawn and (address := _client(record, client))
        }

    def barred(record: Record) -> bool:
        session = _session(record)
        consented = steps.get(session, set()) >= _STEPS and session not in withdrawn
        return not consented or _client(record, client) in barred_addresses

    needles = {
        needle
        for record in _records(logs.calls)
        if barred(record)
        for text in _texts(record)
        if (needle := beginning(text))
    }
    others = (record for record in _records(logs.calls) if not barred(record))
    said = said_in((text for record in others for text in _texts(record)), needles)
    return sorted(needles - said)


def beginning(text: str) -> str:
    """Return the first 100 characters of a text or some more, to the end of a word.

    It is empty for texts too short to tell whose they are.
    """
    text = text.strip()
    if len(text) <= _NEEDLE_CHARACTERS:
        return text if len(text) >= _SHORTEST_TEXT else ""
    border = re.search(r"\s", text[_NEEDLE_CHARACTERS : _NEEDLE_CHARACTERS + _TO_BORDER])
    return text[: _NEEDLE_CHARACTERS + (border.start() if border else 0)]


def said_in(texts: Iterable[str], values: Iterable[str]) -> set[str]:
    """Return those of the values that stand in any of the texts."""
    forms = {value: squeezed(spaced(value.encode("utf-8", "ignore"))) for value in values}
    listed = [value for value, form in forms.items() if len(form) >= SHORTEST]
    searcher = Searcher([forms[value] for value in listed])
    found: set[str] = set()
    seen: set[int] = set()  # a log repeats the beginning of a conversation at every turn
    for text in texts:
        if hash(text) in seen:
            continue
        if len(seen) >= _REMEMBERED:
            seen.clear()
        seen.add(hash(text))
        data = squeezed(spaced(text.encode("utf-8", "ignore")))
        found.update(listed[index] for index, _ in searcher.find(data))
    return found


def said_by_anyone(logs: RawLogs, values: Iterable[str]) -> set[str]:
    """Return those of the values that stand in messages of any call."""
    return said_in((text for one in _records(logs.calls) for text in _texts(one)), values)


def _consents(logs: RawLogs) -> tuple[dict[str, set[str]], set[str]]:
    """Return the steps that each session took, and the sessions that withdrew."""
    steps: dict[str, set[str]] = {}
    withdrawn: set[str] = set()
    for record in _records(logs.consents):
        session, step = _session(record), record.get("step")
        if step == "withdraw":
            withdrawn.add(session)
        elif isinstance(step, str):
            steps.setdefault(session, set()).add(step)
    return steps, withdrawn


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if path.suffix == ".xz":
        with lzma.open(path) as handle:
            yield handle
        return
    with (
        pa.input_stream(str(path), compression="detect") as stream,
        io.BufferedReader(stream, _BUFFER_BYTES) as handle,
    ):
        yield handle


def _records(paths: Iterable[Path]) -> Iterator[Record]:
    """Yield the JSON objects of logs; lines that hold none are nobody's messages."""
    for path in paths:
        try:
            with _opened(path) as handle:
                for line in handle:
                    record = _record(line)
                    if record is not None:
                        yield record
        except (OSError, EOFError, ValueError, lzma.LZMAError, pa.ArrowException) as error:
            raise WildpaperError(
                f"A raw log cannot be read to its end ({type(error).__name__})",
                where=str(path),
                hint="Copy it again and compare its checksum.",
            ) from None


def _record(line: bytes) -> Record | None:
    try:
        found = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _session(record: Record) -> str:
    session = record.get("session")
    return session if isinstance(session, str) else ""


def _hops(record: Record) -> list[str]:
    """Return the elements of the forwarded-for chain, without ports."""
    headers = record.get("headers")
    if not isinstance(headers, dict):
        return []
    chain = [
        text
        for name, text in headers.items()
        if name.lower() == "x-forwarded-for" and isinstance(text, str)
    ]
    hops = (hop.strip() for text in chain for hop in text.split(","))
    return [_without_port(hop) for hop in hops if hop]


def _without_port(hop: str) -> str:
    match = _PORT.fullmatch(hop)
    return (match[1] or match[2]) if match else hop


def _client(record: Record, client: str) -> str:
    hops = _hops(record)
    return hops[0 if client == "first" else -1] if hops else ""


def _is_global(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def _texts(record: Record) -> Iterator[str]:
    """Yield the texts of a call: all messages sent, and the reply."""
    request, response = record.get("request"), record.get("response")
    messages = request.get("messages") if isinstance(request, dict) else None
    reply = response.get("message") if isinstance(response, dict) else None
    for message in [*(messages if isinstance(messages, list) else []), reply]:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str):
            yield content
