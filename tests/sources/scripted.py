"""A system that answers by a script: each place has a list of answers, of which the last is repeated."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


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


@dataclass(frozen=True)
class Answer:
    """One reply: JSON, or a text as it stands."""

    content: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def bytes(self) -> bytes:
        return self.content.encode() if isinstance(self.content, str) else json.dumps(self.content).encode()


Script = dict[str, list[Answer | Callable[[Asked], Answer]]]


@dataclass
class Scripted:
    """The running system, and what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    def asked_at(self, place: str) -> list[Asked]:
        return [a for a in self.asked if a.place == place]


@contextmanager
def scripted(script: Script) -> Iterator[Scripted]:
    """Answers `POST /token` with `script["POST /token"]`, one after the other; an unknown place with 404."""
    system, lock = Scripted(""), threading.Lock()
    left = {place: list(answers) for place, answers in script.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Tests say themselves what was asked."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, self.path, dict(self.headers), body)
            with lock:
                system.asked.append(asked)
                answers = left.get(asked.place, [Answer({}, 404)])
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
            answer = answer if isinstance(answer, Answer) else answer(asked)
            content = answer.bytes()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815 - the names that http.server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    system.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield system
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def private_key() -> str:
    """A new RSA key in PEM: none is kept in the repository."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
