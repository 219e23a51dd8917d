"""An interface of chat completions on the loopback address that misbehaves as told."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


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

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            status, reply = interface.take(self)
            body = json.dumps(reply).encode()
            self.send_response(status)
            if status in (429, 503):
                self.send_header("Retry-After", interface.retry_after)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    interface.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield interface
    finally:
        server.shutdown()
        server.server_close()
