"""An interface of chat completions on the loopback address that misbehaves as told."""

import json
import threading
from contextlib import contextmanager

from misbehaving_server import Handler, served


class ChatInterface:
    """What the server does, and what it was asked.

    `fault` gets the messages and how often they were sent, and says a status, or 200.
    """

    def __init__(self):
        self.fault = lambda messages, nth: 200
        self.requests, self.paths, self.keys = [], set(), set()
        self.retry_after = "0"
        self.times, self.lock, self.port = {}, threading.Lock(), 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def take(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        said = json.dumps(body["messages"])
        with self.lock:
            self.paths.add(handler.path)
            self.keys.add(handler.headers.get("Authorization"))
            self.times[said] = self.times.get(said, 0) + 1
            status = self.fault(body["messages"], self.times[said])
            if status == 200:
                self.requests.append(body)
        text = f" zxqv to {body['messages'][-1]['content']} at {len(body['messages'])} "
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        reply = {"model": "served-1", "choices": [choice], "usage": {"completion_tokens": 7}}
        return status, reply if status == 200 else {"error": {"message": "zxqv"}}


@contextmanager
def serve():
    """Yield an interface that answers until the end of the block."""
    interface = ChatInterface()

    class OwnHandler(Handler):
        def do_POST(self):  # noqa: N802 - the name that http.server calls
            status, reply = interface.take(self)
            waits = status in (429, 503)
            headers = {"Retry-After": interface.retry_after} if waits else {}
            self.say(status, headers, json.dumps(reply))

    with served(OwnHandler) as interface.port:
        yield interface
