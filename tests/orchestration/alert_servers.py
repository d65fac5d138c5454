"""A mail server and a web server that keep what they are given, each on a port of this machine."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class _Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs that sends one message."""

    def handle(self) -> None:
        server: Any = self.server
        self._say("220 mailbox.example")
        while line := self.rfile.readline():
            command = line.strip().upper()
            if command == b"DATA":
                self._say("354 end with a dot")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                server.kept.append(text.decode())
            refuses = command.startswith(b"RCPT") and server.refuses
            self._say("550 nobody of that name" if refuses else "221 bye" if command == b"QUIT" else "250 fine")
            if command == b"QUIT":
                return

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        server.kept.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(500 if server.refuses else 200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """A test's output is for the test."""


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    server.kept, server.refuses = [], False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def mail_server() -> Any:
    return serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Smtp))


def web_server() -> Any:
    return serving(HTTPServer(("127.0.0.1", 0), _Hook))
