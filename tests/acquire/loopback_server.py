"""A web server on the loopback address that misbehaves as told; also plays the hub.

``/files/<name>`` serves `content`; ``…/resolve/…`` answers as the hub does, with a
redirect to ``/cdn/…`` under another host name and a signed query. Faults, one for each GET
of the bytes, are taken from `script`, and from `always` when that is used up.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "c" * 40
SECRET = "Signature=do-not-show"  # a signed query, as storage hosts use


@dataclass
class Seen:
    """One request as the server saw it."""

    method: str
    path: str
    host: str
    headers: dict[str, str]

    @property
    def range(self) -> str | None:
        return self.headers.get("range")

    @property
    def first_byte(self) -> int | None:
        """The first byte of the range that was asked for, None for a plain request."""
        return int(self.range.removeprefix("bytes=").rstrip("-")) if self.range else None

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")


@dataclass
class Loopback:
    """What the server serves, how it misbehaves, and what it was asked."""

    content: bytes
    etag: str | None = '"v1"'
    script: list[dict[str, Any]] = field(default_factory=list)
    always: dict[str, Any] = field(default_factory=dict)
    hub_status: int = 200
    hub_script: list[dict[str, Any]] = field(default_factory=list)
    hub_sha256: str | None = None
    listing: Any = None
    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def file_url(self) -> str:
        return f"{self.url}/files/data.bin"

    @property
    def transfers(self) -> list[Seen]:
        """The requests for bytes."""
        return [one for one in self.seen if one.path.startswith(("/files/", "/cdn/"))]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Loopback

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._note()
        self._hub()

    def do_GET(self) -> None:
        self._note()
        if self.path.startswith("/api/"):
            self._api()
        elif "/resolve/" in self.path:
            self._hub()
        else:
            fault = self.state.script.pop(0) if self.state.script else self.state.always
            self._bytes(**fault)

    def _note(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        host = headers["host"].split(":")[0]
        self.state.seen.append(Seen(self.command, self.path, host, headers))

    def _say(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _api(self) -> None:
        self._say(
            200, {"Content-Type": "application/json"}, json.dumps(self.state.listing).encode()
        )

    def _hub(self) -> None:
        state = self.state
        fault = state.hub_script.pop(0) if state.hub_script else {"status": state.hub_status}
        if fault["status"] != 200:
            return self._say(fault["status"], fault.get("headers", {}))
        linked = state.hub_sha256 or sha256(state.content).hexdigest()
        name = self.path.rpartition("/")[2]
        return self._say(
            302,
            {
                "X-Repo-Commit": COMMIT,
                "X-Linked-Etag": f'"{linked}"',
                "X-Linked-Size": str(len(state.content)),
                "Location": f"http://localhost:{state.port}/cdn/{name}?{SECRET}",
            },
        )

    def _bytes(
        self,
        status: int = 200,
        headers: dict[str, str] | None = None,
        to: str | None = None,
        cut: int | None = None,
        stall: int | None = None,
        announce: int | None = None,
        ignore_range: bool = False,
        ignore_condition: bool = False,
        content_range: str | None = None,
        wrong_byte: int | None = None,
        chunked: bool = False,
        encoding: str | None = None,
    ) -> None:
        if to:
            return self._say(302, {"Location": to})
        if status != 200:
            return self._say(status, headers or {}, b"<html>no</html>")
        whole = self.state.content
        if wrong_byte is not None:
            flipped = bytes([whole[wrong_byte] ^ 1])
            whole = whole[:wrong_byte] + flipped + whole[wrong_byte + 1 :]
        start = 0 if ignore_range else self._start(ignore_condition)
        if start >= len(whole):
            return self._say(416, {"Content-Range": f"bytes */{len(whole)}"})
        body = whole[start:]
        self.send_response(206 if start else 200)
        if start:
            default = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
            self.send_header("Content-Range", content_range or default)
        if self.state.etag:
            self.send_header("ETag", self.state.etag)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        else:
            self.send_header("Content-Length", str(len(body) if announce is None else announce))
        self.end_headers()
        return self._send_body(body, cut, stall, broken=announce is not None)

    def _start(self, ignore_condition: bool) -> int:
        """Return the first byte to send, honouring Range and If-Range."""
        asked = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        if not asked or not (ignore_condition or condition in (None, self.state.etag)):
            return 0
        return int(asked.removeprefix("bytes=").rstrip("-"))

    def _send_body(self, body: bytes, cut: int | None, stall: int | None, broken: bool) -> None:
        if stall is not None:
            self.wfile.write(body[:stall])
            self.wfile.flush()
            self.state.stalled.set()
            self.state.release.wait(10)
            cut = stall
            body = b""
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None or broken:
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing: clients that hang up are part of the tests."""


@contextmanager
def serve(content: bytes) -> Iterator[Loopback]:
    """Run the server on a free port until the block ends."""
    state = Loopback(content)
    handler = type("Handler", (_Handler,), {"state": state})
    with _Server(("127.0.0.1", 0), handler) as server:
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield state
        finally:
            state.release.set()
            server.shutdown()
