"""A moderation interface on the loopback address that misbehaves as told.

A text is flagged where it holds `BAD`. What goes wrong with a request depends on its texts
and on how often they were asked for, not on the order in which requests come.
"""

import email.utils
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from misbehaving_server import Handler, served

BAD = "#bad#"
SERVED = "omni-moderation-2024-09-26"
CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit",
    "illicit/violent", "self-harm", "self-harm/intent", "self-harm/instructions", "sexual",
    "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
FAULTS = ("429", "429-date", "500", "503", "timeout", "malformed", "short", "long", "drop")


def grain(text: str) -> float:
    """A score that only this text has, below one half."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**33


def result(text: str) -> dict[str, Any]:
    bad = BAD in text
    score = 0.5 + grain(text) if bad else grain(text)
    return {
        "flagged": bad,
        "categories": {name: bad and name == "hate/threatening" for name in CATEGORIES},
        "category_scores": dict.fromkeys(CATEGORIES, score),
        "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
    }


@dataclass
class Request:
    """One request as the server saw it, and what it did."""

    at: float
    texts: list[str]
    model: str
    authorization: str | None
    kind: str


@dataclass
class Interface:
    """How the server behaves, and what it was asked."""

    fault: Callable[[list[str], int], str] = lambda texts, nth: "ok"
    longest: int = 10**9
    delay_s: float = 0.0
    retry_after: str = "0"
    served: str = SERVED
    said: str = ""
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    times: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/moderations"

    @property
    def answered(self) -> Counter[str]:
        """How often each text was answered as it should be."""
        return Counter(text for one in self.requests if one.kind == "ok" for text in one.texts)


def at_random(seed: int, share: float = 0.6) -> Callable[[list[str], int], str]:
    """Return what lets a request fail at random at the first three times.

    Two time out at most: each takes long.
    """
    left = ["timeout", "timeout"]

    def fault(texts: list[str], nth: int) -> str:
        random = Random(f"{seed} {nth} {hashlib.sha256(chr(0).join(texts).encode()).hexdigest()}")
        kind = random.choice(FAULTS) if nth < 3 and random.random() < share else "ok"
        if kind == "timeout":
            return left.pop() if left else "drop"
        return kind

    return fault


class _Handler(Handler):
    state: Interface

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        state = self.state
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = body["input"]
        with state.lock:
            name = json.dumps(texts)
            kind = state.fault(texts, state.times[name])
            state.times[name] += 1
            if kind == "ok" and any(len(text) > state.longest for text in texts):
                kind = "400"
            state.requests.append(
                Request(time.time(), texts, body["model"], self.headers["Authorization"], kind)
            )
        time.sleep(state.delay_s)
        self._answer(kind, texts)

    def _answer(self, kind: str, texts: list[str]) -> None:
        state = self.state
        if kind == "drop":
            self.close_connection = True
        elif kind == "timeout":
            time.sleep(1.2)
            self.close_connection = True
        elif kind == "429-date":
            self.say(429, {"Retry-After": email.utils.formatdate(usegmt=True)}, state.said)
        elif kind == "429":
            self.say(429, {"Retry-After": state.retry_after}, state.said)
        elif kind.isdecimal():
            self.say(int(kind), {}, state.said)
        elif kind == "malformed":
            self.say(200, {}, '{"results": [' + state.said)
        else:
            results = [result(text) for text in texts]
            results = {"short": results[1:], "long": [*results, result("")]}.get(kind, results)
            reply = {"id": "modr-1", "model": state.served, "results": results}
            self.say(200, {}, json.dumps(reply))


@contextmanager
def serving() -> Iterator[Interface]:
    """Yield an interface that answers until the block is left."""
    state = Interface()
    with served(type("OwnHandler", (_Handler,), {"state": state})) as state.port:
        yield state
