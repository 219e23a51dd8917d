"""What a line of a call log says, as it is described: the first half of the oracle."""

import hashlib
import ipaddress
import json
import re
from datetime import datetime

DEFAULTS = {
    "start": "2023-04-09T00:00:00Z",
    "own_traffic": "yuntian",
    "own_traffic_except": ("yuntian could", "yuntian-deng", "yuntian d"),
    "leading_system": "refuse",
    "client_address": "first",
    "malformed_address": "refuse",
    "duplicate_calls": "drop",
    "same_model": True,
    "across_addresses": True,
    "within_hours": None,
    "continued_parents": "refuse",
    "missing_turn": "discard",
    "wildbench_characters": 50,
    "withdrawal": "address",
}


def _sha256(value) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def address_of(headers, settings):
    """Return (address, whether it is one) of the client; None where there is none."""
    listed = headers.get("x-forwarded-for")
    if not isinstance(listed, str):
        return None
    text = listed.split(",")[0 if settings["client_address"] == "first" else -1].strip()
    if not text:
        return None
    without_port = re.sub(r"^\[(.*)\](:\d+)?$", r"\1", text)
    if text.count(":") == 1:
        without_port = text.split(":")[0]
    try:
        ipaddress.ip_address(without_port)
    except ValueError:
        return text, False
    return without_port, True


def _own_traffic(text, settings) -> bool:
    marker, text = settings["own_traffic"], text.lower()
    if not marker:
        return False
    other = [
        range(found.start(), found.start() + len(exception))
        for exception in settings["own_traffic_except"]
        for found in re.finditer(f"(?={re.escape(exception)})", text)
    ]
    starts = [found.start() for found in re.finditer(f"(?={re.escape(marker)})", text)]
    ends = [start + len(marker) - 1 for start in starts]
    return any(
        not any(start in span and end in span for span in other)
        for start, end in zip(starts, ends, strict=True)
    )


def read_line(line, settings):
    """Return (reason, None) or ("", call) of one line."""
    if isinstance(line, bytes):
        return "unparsable-line", None
    if line["response"] is None:
        return "failed-call", None
    if not line.get("headers"):
        return "no-headers", None
    headers = {name.lower(): value for name, value in line["headers"].items()}
    client = address_of(headers, settings)
    if client is None:
        return "no-address", None
    if not client[1] and settings["malformed_address"] == "refuse":
        return "malformed-address", None
    messages = line["request"]["messages"]
    if settings["leading_system"] == "remove":
        while messages and messages[0]["role"] == "system":
            messages = messages[1:]
    roles = [message["role"] for message in messages]
    if roles != (["user", "assistant"] * len(roles))[: len(roles)] or len(roles) % 2 == 0:
        return "wrong-roles", None
    reply = {"content": line["response"]["message"]["content"], "role": "assistant"}
    messages = [*messages, reply]
    if any(_own_traffic(message["content"], settings) for message in messages):
        return "own-traffic", None
    agent, language = headers.get("user-agent"), headers.get("accept-language")
    return "", {
        "time": datetime.fromisoformat(line["time"]),
        "session": line["session"],
        "ip": client[0],
        "agent": agent,
        "language": language,
        "fingerprint": _sha256((agent or "") + (language or "")),
        "model": line["request"]["model"],
        "messages": messages,
        "hash": _sha256(messages),
        "previous": _sha256(messages[:-2]),
        "n_earlier": len(messages) // 2 - 1,
        "id": line["response"].get("id"),
        "parent": None,
        "continued": False,
        "missing": False,
    }
