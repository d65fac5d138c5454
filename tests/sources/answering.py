"""A server that answers each request as a function says, for systems whose answers depend on what is asked."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Told:
    """Its answer. `cut` breaks the connection off that many bytes before the end of the chunked body."""

    body: bytes
    status: int = 200
    cut: int = 0


@contextmanager
def answering(answer: Callable[[Asked], Told]) -> Iterator[str]:
    """The address of the server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Tests say themselves what was asked."""

        def _serve(self) -> None:
            form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            url = urlsplit(self.path)
            told = answer(
                Asked(self.command, url.path, dict(parse_qsl(url.query)), dict(parse_qsl(form)), dict(self.headers))
            )
            self.send_response(told.status)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            body = told.body[: len(told.body) - told.cut]
            if body:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body))
            if told.cut:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = _serve  # noqa: N815 - the names that http.server calls

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
