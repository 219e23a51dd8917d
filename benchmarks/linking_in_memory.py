"""The linker that `linking.py` measures beside ours: all calls in Python objects."""

import gzip
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from wildpaper.release.linking.rawlog_files import microseconds

Conversations = list[tuple[int, int]]
"""Time of the last call, in microseconds since 1970, and number of turns of each; sorted."""


def link_in_memory(acquired: Path, out: Path, n_workers: int, memory_mb: int) -> Conversations:
    """Link with all calls in Python objects, texts included; return whole conversations.

    Consent is not looked at: in these logs all have given it. `out`, `n_workers` and
    `memory_mb` are what ours takes, too, and not used.
    """
    calls = [call for call in _records(acquired) if call["response"] is not None]
    calls.sort(key=lambda call: str(call["time"]))
    seen: set[str] = set()
    leaves: dict[tuple[Any, ...], list[tuple[str, int, int]]] = {}
    for place, call in enumerate(calls):
        if call["response"]["id"] in seen:
            continue
        seen.add(call["response"]["id"])
        messages = [*call["request"]["messages"], call["response"]["message"]]
        headers = call["headers"]
        address = headers["x-forwarded-for"].partition(",")[0]
        client = headers["user-agent"], headers["accept-language"], call["request"]["model"]
        n_turns = 1
        if len(messages) > 2:
            candidates = leaves.get((_digest(messages[:-2]), *client), [])
            near = [k for k, leaf in enumerate(candidates) if leaf[0] == address]
            if not candidates:
                n_turns = 0
            else:
                n_before = candidates.pop(near[-1] if near else -1)[2]
                n_turns = n_before + 1 if n_before else 0
        leaves.setdefault((_digest(messages), *client), []).append((address, place, n_turns))
    return sorted(
        (microseconds(calls[place]["time"]) or 0, n_turns)
        for left in leaves.values()
        for _, place, n_turns in left
        if n_turns
    )


def _records(acquired: Path) -> Iterator[dict[str, Any]]:
    listed = json.loads(acquired.read_text(encoding="utf-8"))["files"]
    for path in (acquired.parent / file["name"] for file in listed):
        if path.name.startswith("calls-"):
            with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as lines:
                yield from map(json.loads, lines)


def _digest(messages: list[dict[str, str]]) -> bytes:
    return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).digest()
