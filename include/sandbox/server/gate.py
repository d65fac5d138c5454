"""The gate in front of each app: it writes the request down, plays a scripted fault, asks for the key, applies the
limit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Message, Receive, Scope, Send

from sandbox.server.errors import Refusal
from sandbox.server.faults import Fault, Faults
from sandbox.server.journal import Journal
from sandbox.server.limits import Limiter

Admit = Callable[[str, Headers], Refusal | None]
"""Given the path below the mount point and the headers: None to let the request in, or the refusal to answer with."""


@dataclass
class Gate:
    """An ASGI app around `app`, mounted at `prefix` and called `name` in the journal.

    limited   the refusal of a request over the limit, unless the limit words its own; its headers are added to it
    at_once   requests that may be open at the same moment; None: any number
    """

    name: str
    prefix: str
    app: FastAPI
    journal: Journal
    faults: Faults
    admit: Admit
    limiter: Limiter | None = None
    limited: Refusal | None = None
    at_once: int | None = None
    open: int = 0

    def lift(self) -> None:
        """No limit from now on."""
        self.limiter = self.at_once = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.open += 1
        try:
            await self._answer(scope, receive, send)
        finally:
            self.open -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        template = self.prefix + self._template(scope)
        call = f"{method} {template}"
        self.journal.request(self.name, call)
        fault = self.faults.take(method, template, path)
        if fault is not None and fault.kind == "drop_before":
            await _hang_up(receive)
            return
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind == "status":
            headers = {"content-type": "application/json", **fault.headers}
            await Response(fault.content(), fault.status, headers)(scope, receive, send)
            return
        below = path.removeprefix(self.prefix)
        refusal = self.admit(below, Headers(scope=scope))
        headers = {}
        if refusal is None and self.limiter is not None:
            verdict = self.limiter.check(below)
            headers = verdict.headers
            if not verdict.passes:
                self.journal.over_limit(self.name, call)
                refusal = verdict.refusal or self.limited
        if refusal is None and self.at_once is not None and self.open > self.at_once:
            self.journal.over_limit(self.name, call)
            refusal = self.limited
        if refusal is not None:
            await Response(
                json.dumps(refusal.body), refusal.status, {**refusal.headers, **headers}, media_type="application/json"
            )(scope, receive, send)
            return
        scope["sandbox.call"] = call
        scope["sandbox.fault"] = fault.kind if fault is not None else None
        scope["sandbox.fault_body"] = fault.body if fault is not None else None
        await self.app(scope, receive, _edited(send, receive, headers, fault))

    def _template(self, scope: Scope) -> str:
        for route in self.app.router.routes:
            if isinstance(route, Route) and route.matches(scope)[0] is Match.FULL:
                return route.path
        return "/?"


def _edited(send: Send, receive: Receive, headers: dict[str, str], fault: Fault | None) -> Send:
    """`send`, with the limit's headers added and, for the faults that strike after the work is done, the answer
    spoilt."""
    kind = fault.kind if fault is not None else ""
    start: Message = {}

    async def edited(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *((k.lower().encode(), v.encode()) for k, v in headers.items())]
            if kind in ("drop_after_accept", "empty", "corrupt"):
                start.update(message)
                return
        elif kind == "drop_after_accept":
            await _hang_up(receive)
            return
        elif fault is not None and kind in ("empty", "corrupt"):
            reply = message.get("body", b"")
            body = _emptied(reply) if kind == "empty" else fault.corrupted(reply)
            kept = [(k, v) for k, v in start["headers"] if k != b"content-length"]
            await send({**start, "headers": [*kept, (b"content-length", str(len(body)).encode())]})
            message = {**message, "body": body}
        elif kind == "truncate":
            body = message.get("body", b"")
            await send({**message, "body": body[: len(body) // 2], "more_body": True})
            await asyncio.sleep(0.05)
            await _hang_up(receive)
            return
        elif kind == "slow_body" and fault is not None:
            body = message.get("body", b"")
            await send({**message, "body": body[: len(body) // 2], "more_body": True})
            await asyncio.sleep(fault.seconds)
            message = {**message, "body": body[len(body) // 2 :]}
        await send(message)

    return edited


def _emptied(body: bytes) -> bytes:
    """The same JSON object with nothing in it: lists empty, totals 0, no next page."""
    try:
        content = json.loads(body)
    except ValueError:
        return b""
    nothing = {"next_cursor": None, "pages": 0, "total": 0, "count": 0}
    return json.dumps(
        {key: [] if isinstance(value, list) else nothing.get(key, value) for key, value in content.items()}
    ).encode()


async def _hang_up(receive: Receive) -> None:
    """Closes the TCP connection without a word. ASGI has no way to say so: the server's own connection object is
    behind `receive`."""
    cycle = getattr(receive, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is None:
        raise RuntimeError("faults that drop the connection need uvicorn")
    transport.abort()
    while not getattr(cycle, "disconnected", True):
        await asyncio.sleep(0.001)
