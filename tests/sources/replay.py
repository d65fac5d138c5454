"""A system that answers as recorded: `tests/sources/recorded/<source>.yaml`, and can be told to misbehave.

A recording holds, per stream, what is asked and what is answered, written by hand from the public documentation:

    seen: 2026-11-22 https://developers.example.com/reference
    day: 2026-11-20                         # the partition it was recorded for
    connection: {login: somebody, password: a-key-of-nobody, extra: {...}}   # "{private_key}": a new one of RSA
    tokens: {POST /oauth/token: {...}}      # replies to the requests of the authentication
    streams:
      contacts:
        records: items                      # where a JSON reply has the list of records; "" when it is the list
        exchanges:                          # in the order of the pages
          - ask: GET /contacts?updated_from={start:%Y-%m-%dT%H:%M:%SZ}&updated_to={end:%Y-%m-%dT%H:%M:%SZ}
            body: {...}                     # JSON that must have been posted; placeholders as in `ask`
            reply: {...}                    # JSON; or `text:` as it stands, or `lines:` a list of JSON objects,
                                            # or `zip:` an archive of these files; `encoding:` of a text, if not UTF-8
            headers: {Link: '<{url}/contacts?page=2>; rel="next"'}
        empty: {...}                        # the reply of a window without records, where clearing `records` is not it
        files: {visits.csv: "..."}          # instead of exchanges, for a folder (recorded_files.py)
        sql: [CREATE TABLE ...]             # instead of exchanges, for a database (recorded_sql.py)
        rows: {contact: [...]}              # what `tidy` makes of it; nulls left out

`{start}` and `{end}` are the bounds of the window, `{before}` is the second before it and `{last}` its last day, as Python
formats dates, or as `{start:epoch}` in seconds since 1970; `{url}` is the address of this server.
"""

import importlib
import io
import json
import pickle
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from answering import SILENCE, Answer, Asked, answering
from scripted import private_key

from audience.core.connection import Connection
from audience.core.masked import Secret
from audience.core.partition import Partition, Window

JSON = {"Content-Type": "application/json"}

RECORDED = Path(__file__).parent / "recorded"


class AtOnce:
    """Turns of a system that has no rate: `test_pace.py` shows how one is kept."""

    def take(self, per_second: float) -> float:
        return 0.0

    def rest(self, seconds: float) -> None: ...


@cache
def _parsed(file: Path) -> bytes:
    """Read once: the kit opens each recording a dozen times, for each test anew, and YAML takes a hundred times as long."""
    return pickle.dumps(yaml.safe_load(file.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Recording:
    """One recorded source."""

    source: str
    said: dict[str, Any]

    @classmethod
    def of(cls, source: str) -> "Recording":
        file = RECORDED / f"{source}.yaml"
        assert file.exists(), f"no recording of {source}: write {file}, `audience new-source` shows the form"
        said: dict[str, Any] = pickle.loads(_parsed(file))
        unknown = said.keys() - {"seen", "day", "connection", "tokens", "streams"}
        assert not unknown, f"{file.name}: unknown {unknown}"
        for name, stream in said["streams"].items():
            unknown = stream.keys() - {"records", "exchanges", "files", "sql", "empty", "rows"}
            assert not unknown, f"{file.name}: {name}: unknown {unknown}"
        return cls(source, said)

    @property
    def day(self) -> Partition:
        return Partition.parse(str(self.said["day"]))

    def connection(self, url: str) -> Connection:
        said = self.said.get("connection", {})
        return Connection(
            self.source,
            url=url + said.get("path", ""),
            login=said.get("login", ""),
            password=Secret(private_key() if said.get("password") == "{private_key}" else said.get("password", "")),
            extra=said.get("extra", {}),
            turns=AtOnce(),
        )

    def kind(self, stream: str) -> str:
        """How the stream was recorded: `exchanges` of HTTP, `files` of a folder, or `sql` of a database."""
        (kind,) = self.said["streams"][stream].keys() & {"exchanges", "files", "sql"}
        return str(kind)

    def exchanges(self, stream: str) -> list[dict[str, Any]]:
        return self.said["streams"][stream]["exchanges"]  # type: ignore[no-any-return]

    def rows(self, stream: str) -> dict[str, list[dict[str, Any]]]:
        return self.said["streams"][stream]["rows"]  # type: ignore[no-any-return]


@dataclass
class Fault:
    """What is answered instead, `times` times; None means for ever."""

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "status"  # status | truncate | silent
    times: int | None = None


@dataclass
class Replay:
    """The running system. `asked` is what it was asked, as `GET /path?query`; `unexpected` what it had no answer to."""

    url: str
    recording: Recording
    stream: str
    window: Window
    empty: bool = False
    fault: Fault | None = None
    asked: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)

    def connection(self) -> Connection:
        return self.recording.connection(self.url)

    def answer(self, asked: Asked) -> Answer:
        if (token := self.recording.said.get("tokens", {}).get(asked.place)) is not None:
            return Answer(token)
        self.asked.append(f"{asked.method} {asked.target}")
        kind = self.fault.kind if self.fault is not None and self.fault.times != 0 else None
        if self.fault is not None and self.fault.times:
            self.fault.times -= 1
        if kind == "silent":
            return SILENCE
        if self.fault is not None and kind == "status":
            return Answer({"error": "told to"}, self.fault.status, JSON | self.fault.headers)
        for exchange in self.recording.exchanges(self.stream):
            if self._is(exchange, asked):
                headers = {k: v.replace("{url}", self.url) for k, v in exchange.get("headers", {}).items()}
                if self.empty:
                    headers.pop("Link", None)
                reply = self._reply(exchange)
                # Half of it: a text without its last byte may be a whole one.
                cut = (len(reply) + 1) // 2 if kind == "truncate" else 0
                return Answer(reply, exchange.get("status", 200), JSON | headers, cut)
        self.unexpected.append(f"{asked.method} {asked.target} {asked.body.decode()}".strip())
        return Answer({"error": "not recorded"}, 404, JSON)

    def _is(self, exchange: dict[str, Any], asked: Asked) -> bool:
        verb, _, wanted = self._filled(exchange["ask"]).partition(" ")
        want, got, body = urlsplit(wanted), urlsplit(asked.target), asked.body
        if (verb, want.path) != (asked.method, got.path):
            return False
        if sorted(parse_qsl(want.query.replace("+", "%2B"))) != sorted(parse_qsl(got.query)):
            return False
        if "body" not in exchange:
            return True
        expected = exchange["body"]
        if isinstance(expected, str):
            return "".join(self._filled(expected).split()) == "".join(body.decode().split())
        try:
            return bool(self._deeply(expected) == json.loads(body))
        except ValueError:
            return False

    def _filled(self, text: str) -> str:
        """The text with its placeholders filled; other braces stay."""
        window = self.window
        moments = {"start": window.start, "before": window.start - timedelta(seconds=1),
                   "end": window.end, "last": window.end - timedelta(days=1)}  # fmt: skip
        for name, moment in moments.items():
            parts = text.split("{" + name)
            text = parts[0]
            for part in parts[1:]:
                form, closing, rest = part.partition("}")
                assert closing, f"no end of a placeholder in {part!r}"
                form = form.removeprefix(":")
                text += (str(int(moment.timestamp())) if form == "epoch" else format(moment, form)) + rest
        return text

    def _deeply(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._filled(value)
        if isinstance(value, list):
            return [self._deeply(v) for v in value]
        return {k: self._deeply(v) for k, v in value.items()} if isinstance(value, dict) else value

    def _reply(self, exchange: dict[str, Any]) -> bytes:
        stream = self.recording.said["streams"][self.stream]
        if self.empty and "empty" in stream:
            empty = stream["empty"]
            return empty.encode() if isinstance(empty, str) else json.dumps(empty).encode()
        if "text" in exchange:
            return str(exchange["text"]).replace("{url}", self.url).encode(exchange.get("encoding", "utf-8"))
        if "zip" in exchange:
            return _zipped(
                {name: text.splitlines()[0] if self.empty else text for name, text in exchange["zip"].items()}
            )
        if "lines" in exchange:
            return b"" if self.empty else b"".join(json.dumps(line).encode() + b"\n" for line in exchange["lines"])
        reply = exchange["reply"]
        if self.empty and "records" in stream:
            reply = _emptied(reply, stream["records"].split(".") if stream["records"] else [])
        return json.dumps(reply).replace("{url}", self.url).encode()


def _emptied(reply: Any, path: list[str]) -> Any:
    if not path:
        return []
    return {**reply, path[0]: _emptied(reply[path[0]], path[1:])}


def _zipped(files: dict[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        for name, text in files.items():
            written.writestr(name, text)
    return archive.getvalue()


@contextmanager
def replaying(recording: Recording, stream: str, window: Window | None = None, **how: Any) -> Iterator[Replay]:
    """The recorded system, ready to be asked."""
    if recording.kind(stream) != "exchanges":
        # Each kind gives what tests ask of a Replay: connection(), window, recording, and nothing asked that it cannot answer.
        kind = importlib.import_module(f"recorded_{recording.kind(stream)}")
        with kind.replaying(recording, stream, window or recording.day.window, **how) as other:
            yield other
        return
    system = Replay("", recording, stream, window or recording.day.window, **how)

    with answering(lambda asked: system.answer(asked)) as system.url:  # noqa: PLW0108 - tests replace `answer`
        yield system
