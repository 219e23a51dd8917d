"""A judge on the loopback address that misbehaves as told.

What goes wrong with a request depends on its messages and on how often they were sent, not on
the order in which requests come; so does what the judge writes.
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

SERVED = "judge-0613"
FAULTS = ("429", "429-date", "500", "503", "slow", "malformed", "html", "other-form", "drop")
HTML = "<!DOCTYPE html><html><body>Bad gateway [[7]]</body></html>"


def digest(messages: list[dict[str, str]]) -> bytes:
    return hashlib.sha256(json.dumps(messages).encode()).digest()


def own_grade(messages: list[dict[str, str]]) -> int:
    return 1 + digest(messages)[0] % 10


def verdict(messages: list[dict[str, str]]) -> str:
    """Return what the judge writes: a grade, or a choice where an assistant B is to be judged."""
    if "ssistant B" in messages[0]["content"] + messages[1]["content"]:
        return f"Reasons. [[{'ABC'[digest(messages)[0] % 3]}]]"
    return f"Reasons. Rating: [[{own_grade(messages)}]]"


@dataclass
class Request:
    """One request as the server saw it, and what it did."""

    at: float
    body: dict[str, Any]
    authorization: str | None
    kind: str

    @property
    def name(self) -> str:
        return digest(self.body["messages"]).hex()


@dataclass
class Judge:
    """How the server behaves, and what it was asked.

    Nothing is answered before `gathers` requests were under way at once.
    """

    fault: Callable[[list[dict[str, str]], int], str] = lambda messages, nth: "ok"
    write: Callable[[list[dict[str, str]]], str | None] = verdict
    finish: str = "stop"
    usage: dict[str, Any] | None = field(
        default_factory=lambda: {"prompt_tokens": 100, "completion_tokens": 10}
    )
    served: str = SERVED
    said: str = ""
    delay_s: float = 0.0
    slow_s: float = 2.3
    gathers: int = 0
    retry_after: str = "0"
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    times: Counter[str] = field(default_factory=Counter)
    under_way: int = 0
    most_under_way: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def answered(self) -> Counter[str]:
        """How often each list of messages was answered as it should be."""
        return Counter(one.name for one in self.requests if one.kind == "ok")


def at_random(
    seed: int, share: float = 0.5, n_slow: int = 2
) -> Callable[[list[dict[str, str]], int], str]:
    """Return what lets a request fail at random at the first three times.

    Few are slow: each takes long.
    """
    left = ["slow"] * n_slow

    def fault(messages: list[dict[str, str]], nth: int) -> str:
        random = Random(f"{seed} {nth} {digest(messages).hex()}")
        kind = random.choice(FAULTS) if nth < 3 and random.random() < share else "ok"
        if kind == "slow":
            return left.pop() if left else "drop"
        return kind

    return fault


class _Handler(Handler):
    state: Judge

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        state = self.state
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        messages = body["messages"]
        with state.lock:
            name = digest(messages).hex()
            kind = state.fault(messages, state.times[name])
            if self.path != "/v1/chat/completions":
                kind = "404"
            state.times[name] += 1
            state.under_way += 1
            state.most_under_way = max(state.most_under_way, state.under_way)
            authorization = self.headers["Authorization"]
            state.requests.append(Request(time.time(), body, authorization, kind))
        deadline = time.monotonic() + 10
        while state.most_under_way < state.gathers and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(state.delay_s)
        with state.lock:
            state.under_way -= 1
        self._answer(kind, messages)

    def _answer(self, kind: str, messages: list[dict[str, str]]) -> None:
        state = self.state
        if kind == "drop":
            self.close_connection = True
        elif kind == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices": [')
            self.close_connection = True
        elif kind == "slow":
            time.sleep(state.slow_s)
            self.close_connection = True
        elif kind == "429-date":
            self.say(429, {"Retry-After": email.utils.formatdate(usegmt=True)}, state.said)
        elif kind == "429":
            self.say(429, {"Retry-After": state.retry_after}, state.said)
        elif kind.isdecimal():
            self.say(int(kind), {}, state.said)
        elif kind == "malformed":
            self.say(200, {}, '{"choices": [' + state.said)
        elif kind == "html":
            self.say(200, {"Content-Type": "text/html"}, HTML)
        elif kind == "other-form":
            self.say(200, {}, '{"choices": []}')
        else:
            message = {"role": "assistant", "content": state.write(messages)}
            choice = {"index": 0, "message": message, "finish_reason": state.finish}
            reply = {"id": "c-1", "model": state.served, "choices": [choice]}
            self.say(200, {}, json.dumps(reply | {"usage": state.usage}))


@contextmanager
def serving() -> Iterator[Judge]:
    """Yield a judge that answers until the block is left."""
    state = Judge()
    with served(type("OwnHandler", (_Handler,), {"state": state})) as state.port:
        yield state
