"""Calls to the chat service: one line of a raw log each."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from wildpaper.config_release import LinkingConfig
from wildpaper.ingest.normalise import remove_surrogates
from wildpaper.release.linking.call_address import MALFORMED, client_address
from wildpaper.release.linking.call_own_traffic import OwnTraffic
from wildpaper.release.linking.rawlog_files import json_object, microseconds

UNPARSABLE = "unparsable-line"
FAILED = "failed-call"
NO_HEADERS = "no-headers"
NO_ADDRESS = "no-address"
MALFORMED_ADDRESS = "malformed-address"
WRONG_ROLES = "wrong-roles"
OWN_TRAFFIC = "own-traffic"
QUARANTINED = (UNPARSABLE, NO_HEADERS, NO_ADDRESS, MALFORMED_ADDRESS, WRONG_ROLES)
"""Reasons that say that a line is not as it should be; the report names their places."""

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is no usable call: the reason, and which part of it is wrong."""

    reason: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """Who called: address, its kind, how many elements it was one of, and the device."""

    address: str
    kind: str
    n_hops: int
    user_agent: str | None
    accept_language: str | None


@dataclass(slots=True)
class Parsed:
    """What a line says, as far as it can be read; all of it where `refused` is None.

    `messages` are (role, content), the reply is the last of them; `payload` stands for the
    same list (`encode_messages`).
    """

    refused: Refused | None = None
    time_us: int | None = None
    session: str | None = None
    client: Client | None = None
    call_id: str | None = None
    model: str = ""
    messages: list[tuple[str, str]] = field(default_factory=list)
    payload: tuple[bytes, int] = (b"", 0)


def parse_call(data: bytes, settings: LinkingConfig) -> Parsed:
    """Read one line of a call log.

    Parameters
    ----------
    data : bytes
        One JSON object, as docs/raw-logs.md describes it.
    settings : LinkingConfig
        What is refused, and which address is the client's.

    Returns
    -------
    Parsed
        Reasons why it is refused, the first that applies: ``unparsable-line`` (no JSON
        object, or a field missing or of another type), ``failed-call`` (no response),
        ``no-headers``, ``no-address`` (of the client), ``malformed-address``,
        ``wrong-roles``, ``own-traffic``. Session and address are there wherever they can
        be read, since a withdrawal reaches all addresses of its session.
    """
    record = json_object(data)
    if record is None:
        return Parsed(Refused(UNPARSABLE, "json"))
    parsed = Parsed(time_us=microseconds(record.get("time")), call_id=_call_id(record))
    session = record.get("session")
    parsed.session = session if isinstance(session, str) and session else None
    client = _client(record.get("headers"), settings)
    parsed.client = client if isinstance(client, Client) else None
    exchange = _exchange(record)
    if parsed.time_us is None:
        parsed.refused = Refused(UNPARSABLE, "time")
    elif parsed.session is None:
        parsed.refused = Refused(UNPARSABLE, "session")
    elif isinstance(exchange, Refused):
        parsed.refused = exchange
    elif isinstance(client, Refused):
        parsed.refused = client
    else:
        parsed.model, parsed.messages = exchange
        parsed.refused = _check_messages(parsed, settings)
    return parsed


def _call_id(record: dict[str, Any]) -> str | None:
    response = record.get("response")
    found = response.get("id") if isinstance(response, dict) else None
    return found if isinstance(found, str) and found else None


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


def _client(headers: object, settings: LinkingConfig) -> Client | Refused:
    """Return who called; of header names that differ in case only the last counts."""
    if not isinstance(headers, dict) or not headers:
        return Refused(NO_HEADERS)
    found = {name.lower(): text for name, text in headers.items() if isinstance(text, str)}
    forwarded_for = found.get("x-forwarded-for", "")
    address, kind, n_hops = client_address(forwarded_for, settings.client_address)
    if not address:
        return Refused(NO_ADDRESS)
    if kind == MALFORMED and settings.malformed_address == "refuse":
        return Refused(MALFORMED_ADDRESS)
    return Client(address, kind, n_hops, found.get("user-agent"), found.get("accept-language"))


def _check_messages(parsed: Parsed, settings: LinkingConfig) -> Refused | None:
    """Leave leading system messages aside if so set; check roles and what is said."""
    logged = messages = parsed.messages
    if settings.leading_system == "remove":
        first = next((i for i, (role, _) in enumerate(logged) if role != "system"), len(logged))
        messages = parsed.messages = logged[first:]
    wanted = ("user", "assistant")
    if any(role != wanted[i % 2] for i, (role, _) in enumerate(messages)):
        return Refused(WRONG_ROLES)
    if not messages or len(messages) % 2:
        return Refused(WRONG_ROLES)
    parsed.payload = encode_messages(messages)
    own = _own_traffic(settings.own_traffic, settings.own_traffic_except)
    if own.found((text for _, text in messages), parsed.payload[0]):
        return Refused(OWN_TRAFFIC)
    return None


@lru_cache(maxsize=8)
def _own_traffic(marker: str, exceptions: tuple[str, ...]) -> OwnTraffic:
    return OwnTraffic(marker, exceptions)


def encode_messages(messages: Sequence[tuple[str, str]]) -> tuple[bytes, int]:
    """Return bytes that stand for a list of messages, and where its last exchange begins.

    Each text comes after its length in bytes, so that no other list has the same bytes;
    roles need not be written, since user and assistant take turns.
    """
    parts: list[bytes] = []
    n_bytes = begin = 0
    for i, (_, content) in enumerate(messages):
        if i == len(messages) - 2:
            begin = n_bytes
        text = content.encode("utf-8", "surrogatepass")
        parts += (len(text).to_bytes(8, "big"), text)
        n_bytes += 8 + len(text)
    return b"".join(parts), begin


def hash_messages(payload: tuple[bytes, int]) -> tuple[bytes, bytes]:
    """Return the digests of all messages and of those without the last exchange.

    A digest is the beginning (128 bits) of a SHA-256 over `encode_messages`.
    """
    data, begin = memoryview(payload[0]), payload[1]
    digest = hashlib.sha256(data[:begin])
    previous = digest.digest()[:DIGEST_BYTES]
    digest.update(data[begin:])
    return digest.digest()[:DIGEST_BYTES], previous


def digest_of(*parts: str) -> bytes:
    """Return 128 bits of SHA-256 over texts, each after its length."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()[:DIGEST_BYTES]


def opening_of(text: str, n_characters: int) -> str:
    """Return the first characters of a text as the release will have it."""
    opening, n_removed = remove_surrogates(text[:n_characters])
    return remove_surrogates(text)[0][:n_characters] if n_removed else opening
