"""A server that answers each request as a function says: the one that all tests of REST sources ask."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request. `target` is its path with the query."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def place(self) -> str:
        return f"{self.method} {urlsplit(self.target).path}"

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Answer:
    """One reply: JSON, or a text or bytes as they stand. The connection is broken off `cut` bytes before its end."""

    content: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0

    def bytes(self) -> bytes:
        if isinstance(self.content, bytes):
            return self.content
        return self.content.encode() if isinstance(self.content, str) else json.dumps(self.content).encode()


SILENCE = Answer(status=0)
"""No reply at all: the connection is closed."""


@contextmanager
def answering(answer: Callable[[Asked], Answer]) -> Iterator[str]:
    """The address of the server, while it runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # one packet for headers and body: in two, each answer waits 40 ms for an acknowledgement

        def log_message(self, *_: object) -> None:
            """Tests say themselves what was asked."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told = answer(Asked(self.command, self.path, dict(self.headers), body))
            if told is SILENCE:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            content = told.bytes()
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) - told.cut])
            self.close_connection = self.close_connection or told.cut > 0

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 - the names that http.server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


Reply = Callable[[str, Any], Any]
"""Is told the path with its query and the JSON that was posted, and gives the JSON to answer."""


def simulated(reply: Reply) -> AbstractContextManager[str]:
    """The address of a system that never fails, while it runs."""
    return answering(lambda asked: Answer(reply(asked.target, json.loads(asked.body) if asked.body else None)))
