"""Scripted faults: what goes wrong, on which call, how often."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase

from sandbox.server.corruptions import BY_NAME

KINDS: dict[str, str] = {
    "status": "answers with `status`, `headers` and `body`; the request is not processed",
    "drop_before": "closes the connection; the request is not processed",
    "drop_after_accept": "processes the request, then closes the connection without an answer",
    "slow": "waits `seconds` before processing",
    "truncate": "processes the request, promises the whole answer, sends half of it and closes the connection",
    "corrupt": "answers with the records spoilt in the way that `corruption` names, chosen by `seed`",
    "empty": "answers as if nothing was there: empty lists, no next page",
    "stuck_process": "accepts the import; its process never completes",
    "fail_process": "accepts the import; its process ends as failed and nothing is imported",
    "half_process": "accepts the import; its process ends as failed with its first half imported",
    "slow_body": "processes the request, sends half of the answer, waits `seconds`, sends the rest",
    "refuse_records": "processes the request, and refuses of it the records whose addresses are in `body`",
}


@dataclass
class Fault:
    """One script. `match` is "METHOD /path", the path being a template, a real path, or a pattern with `*`.

    The first `after` matching requests pass; then `times` requests meet the fault (None: all of them). `struck` tells which
    records a corruption spoilt.
    """

    match: str
    kind: str
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: object = None
    times: int | None = 1
    after: int = 0
    seconds: float = 2.0
    corruption: str = ""
    seed: int = 7
    struck: list[str] = field(default_factory=list)
    seen: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: expected one of {', '.join(KINDS)}; found {self.kind!r}")
        if self.kind == "corrupt" and self.corruption not in BY_NAME:
            raise ValueError(f"corruption: expected one of {', '.join(BY_NAME)}; found {self.corruption!r}")

    def meets(self, method: str, template: str, path: str) -> bool:
        """Counts a request this script is about, and tells whether it is one to spoil."""
        if not any(
            fnmatchcase(f"{method} {place}", self.match) or f"{method} {place}" == self.match
            for place in (template, path)
        ):
            return False
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True

    def corrupted(self, reply: bytes) -> bytes:
        """The reply with the damage; the ids of the records that were struck are added to `struck`."""
        content, struck = BY_NAME[self.corruption].applied(json.loads(reply), self.seed)
        self.struck += struck
        return json.dumps(content).encode()

    def content(self) -> bytes:
        if isinstance(self.body, str):
            return self.body.encode()
        return b"" if self.body is None else json.dumps(self.body).encode()


class Faults:
    """The scripts in force, oldest first: the first that meets a request spoils it."""

    def __init__(self) -> None:
        self.scripts: list[Fault] = []

    def add(self, script: Mapping[str, object]) -> None:
        """Raises ValueError or TypeError, naming the key, for a script that could not be meant."""
        self.scripts.append(Fault(**script))  # type: ignore[arg-type]

    def take(self, method: str, template: str, path: str) -> Fault | None:
        return next((fault for fault in self.scripts if fault.meets(method, template, path)), None)

    def clear(self) -> None:
        self.scripts.clear()

    def report(self) -> list[dict[str, object]]:
        return [asdict(fault) for fault in self.scripts]
