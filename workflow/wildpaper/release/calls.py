"""Calls to the chat service: one line of a raw log each, and the table of all of them."""

import hashlib
import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from wildpaper.ingest.normalise import remove_surrogates
from wildpaper.release.rawlog_files import Line, json_object, microseconds

UNPARSABLE = "unparsable-line"
FAILED = "failed-call"
NO_HEADERS = "no-headers"
NO_ADDRESS = "no-address"
WRONG_ROLES = "wrong-roles"

_DIGEST_BYTES = 16
_OPENING_CHARACTERS = 50
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Call:
    """One answered call; `messages` are (role, content), the reply is the last of them."""

    time_us: int
    session: str
    address: str
    user_agent: str | None
    accept_language: str | None
    model: str
    messages: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is no usable call: the reason, and which part of it is wrong."""

    reason: str
    part: str = ""


def parse_call(data: bytes) -> Call | Refused:
    """Read one line of a call log.

    Parameters
    ----------
    data : bytes
        One JSON object, as docs/raw-logs.md describes it.

    Returns
    -------
    Call or Refused
        Reasons, the first that applies: ``unparsable-line`` (no JSON object, or a field
        missing or of another type), ``failed-call`` (no response), ``no-headers``,
        ``no-address`` (of the client), ``wrong-roles``.
    """
    record = json_object(data)
    if record is None:
        return Refused(UNPARSABLE, "json")
    time_us, session = microseconds(record.get("time")), record.get("session")
    if time_us is None:
        return Refused(UNPARSABLE, "time")
    if not isinstance(session, str) or not session:
        return Refused(UNPARSABLE, "session")
    exchange = _exchange(record)
    if isinstance(exchange, Refused):
        return exchange
    client = _client(record.get("headers"))
    if isinstance(client, Refused):
        return client
    model, messages = exchange
    wanted = ("user", "assistant")
    if any(role != wanted[i % 2] for i, (role, _) in enumerate(messages)) or len(messages) % 2:
        return Refused(WRONG_ROLES)
    return Call(time_us, session, *client, model, messages)


def _exchange(record: dict[str, Any]) -> tuple[str, list[tuple[str, str]]] | Refused:
    """Return the model and all messages, the reply included."""
    request = record.get("request")
    if not isinstance(request, dict):
        return Refused(UNPARSABLE, "request")
    model, listed = request.get("model"), request.get("messages")
    if not isinstance(model, str) or not model:
        return Refused(UNPARSABLE, "request.model")
    if not isinstance(listed, list) or not all(map(_is_message, listed)):
        return Refused(UNPARSABLE, "request.messages")
    if "response" not in record:
        return Refused(UNPARSABLE, "response")
    response = record["response"]
    if response is None:
        return Refused(FAILED)
    reply = response.get("message") if isinstance(response, dict) else None
    if not isinstance(reply, dict) or not _is_message({"role": "assistant"} | reply):
        return Refused(UNPARSABLE, "response.message")
    messages = [(item["role"], item["content"]) for item in listed]
    return model, [*messages, (reply.get("role", "assistant"), reply["content"])]


def _is_message(item: object) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("role"), str)
        and isinstance(item.get("content"), str)
    )


def _client(headers: object) -> tuple[str, str | None, str | None] | Refused:
    """Return address, user agent and accepted languages of the client."""
    if not isinstance(headers, dict) or not headers:
        return Refused(NO_HEADERS)
    found = {name.lower(): text for name, text in headers.items() if isinstance(text, str)}
    address = found.get("x-forwarded-for", "").partition(",")[0].strip()
    if not address:
        return Refused(NO_ADDRESS)
    return address, found.get("user-agent"), found.get("accept-language")


def hash_messages(messages: Sequence[tuple[str, str]]) -> tuple[bytes, bytes]:
    """Return the digests of a list of messages and of the list without its last exchange.

    A digest is the beginning (128 bits) of the SHA-256 of the list as JSON with sorted
    keys; a message is its content and role.
    """
    parts = [
        json.dumps({"content": content, "role": role}, sort_keys=True).encode()
        for role, content in messages
    ]
    digest = hashlib.sha256(b"[" + b", ".join(parts[:-2]))
    previous = digest.copy()
    previous.update(b"]")
    digest.update((b", " if len(parts) > 2 else b"") + b", ".join(parts[-2:]) + b"]")
    return digest.digest()[:_DIGEST_BYTES], previous.digest()[:_DIGEST_BYTES]


class Names(Generic[_T]):
    """Values that occur often, numbered in the order of their first appearance."""

    def __init__(self) -> None:
        self._numbers: dict[_T, int] = {}
        self.values: list[_T] = []

    def number(self, value: _T) -> int:
        """Return the number of a value, a new one for a new value."""
        found = self._numbers.setdefault(value, len(self.values))
        if found == len(self.values):
            self.values.append(value)
        return found


class CallTable:
    """What linking needs of each call, in columns: about 100 bytes a call, and no text.

    `openings` are the beginnings of first user messages to look out for; a call's
    `opening` is the number of its own among them, or -1.
    """

    def __init__(self, openings: dict[str, int]) -> None:
        self._openings = openings
        self.time_us, self.place = array("q"), array("q")
        self.file, self.n_exchanges, self.opening = array("i"), array("i"), array("i")
        self.session, self.address, self.header = array("i"), array("i"), array("i")
        self.client, self.model = array("i"), array("i")
        self.sessions: Names[str] = Names()
        self.addresses: Names[str] = Names()
        self.headers: Names[tuple[str | None, str | None]] = Names()
        self.clients: Names[tuple[str, int]] = Names()
        self.models: Names[str] = Names()
        self._current, self._previous = bytearray(), bytearray()

    def __len__(self) -> int:
        return len(self.time_us)

    def add(self, call: Call, line: Line) -> None:
        """Append a call and where its line is."""
        model = self.models.number(call.model)
        fingerprint = (call.user_agent or "") + (call.accept_language or "")
        current, previous = hash_messages(call.messages)
        self._current += current
        self._previous += previous
        self.time_us.append(call.time_us)
        self.file.append(line.file)
        self.place.append(line.place)
        self.n_exchanges.append(len(call.messages) // 2)
        self.session.append(self.sessions.number(call.session))
        self.address.append(self.addresses.number(call.address))
        self.header.append(self.headers.number((call.user_agent, call.accept_language)))
        self.client.append(self.clients.number((fingerprint, model)))
        self.model.append(model)
        self.opening.append(self._openings.get(opening_of(call.messages[0][1]), -1))

    def current(self, call: int) -> bytes:
        """Return the digest of all messages of a call, the reply included."""
        return bytes(self._current[_DIGEST_BYTES * call : _DIGEST_BYTES * (call + 1)])

    def previous(self, call: int) -> bytes:
        """Return the digest of the messages of a call without its last exchange."""
        return bytes(self._previous[_DIGEST_BYTES * call : _DIGEST_BYTES * (call + 1)])

    def in_time_order(self) -> list[int]:
        """Return all calls by time; equal times in the order of files and lines."""
        return sorted(range(len(self)), key=self.time_us.__getitem__)


def opening_of(text: str) -> str:
    """Return the first 50 characters of a text as the release will have it."""
    return remove_surrogates(text)[0][:_OPENING_CHARACTERS]
