"""`/_control`: the oracle and the levers of tests and demo. No key; loopback only."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from sandbox.brevo.people import block
from sandbox.brevo.platform import Platform
from sandbox.server.errors import error, new_app
from sandbox.server.faults import Faults
from sandbox.server.gate import Gate
from sandbox.server.journal import Journal
from sandbox.server.limits import BrevoLimits, TokenBucket

LOOPBACK = ("127.0.0.1", "::1", "testclient")


@dataclass
class Desk:
    """What the control routes act upon."""

    truth: Path
    platform: Platform
    journal: Journal
    faults: Faults
    shop: Gate
    brevo: Gate

    def set_limits(self, given: dict[str, object]) -> None:
        """`{"shop": {"rate", "burst"} | null, "brevo": {"contacts_per_second", "others_per_hour"} | null,
        "process_delay_seconds"}`.

        null lifts a limit, `{}` puts the default back; what is not named stays. Counting starts again.
        """
        makers: tuple[tuple[str, Gate, Callable[..., TokenBucket | BrevoLimits]], ...] = (
            ("shop", self.shop, default_bucket),
            ("brevo", self.brevo, BrevoLimits),
        )
        for name, gate, maker in makers:
            if name in given:
                wanted = given[name]
                gate.limiter = None if wanted is None else maker(**wanted)  # type: ignore[arg-type]
        if "process_delay_seconds" in given:
            self.platform.imports.delay_seconds = float(str(given["process_delay_seconds"]))


def default_bucket(rate: float = 100, burst: int = 200) -> TokenBucket:
    """The shop's limit."""
    return TokenBucket(rate=rate, burst=burst)


def control_app(desk: Desk) -> FastAPI:
    app = new_app("sandbox control desk")
    store = desk.platform.store

    @app.get("/truth")
    async def truth(request: Request) -> Response:
        _local(request)
        return Response(desk.truth.read_bytes(), media_type="application/json")

    @app.get("/brevo/lists")
    async def lists(request: Request) -> Response:
        _local(request)
        desk.platform.imports.settle()
        content: dict[str, list[str]] = {row["name"]: [] for row in store.rows("select name from list")}
        members = (
            "select name, email from list join membership on list_id = list.id join contact on contact.id = contact_id"
        )
        for row in store.rows(f"{members} order by email"):
            content[row["name"]].append(row["email"])
        return JSONResponse(content)

    @app.get("/brevo/blocklist")
    async def blocklist(request: Request) -> Response:
        _local(request)
        desk.platform.imports.settle()
        rows = store.rows("select email, blocked_why from contact where blocked order by email")
        return JSONResponse(
            {"emails": [row["email"] for row in rows], "reasons": {row["email"]: row["blocked_why"] for row in rows}}
        )

    @app.post("/brevo/blocklist")
    async def add_to_blocklist(request: Request) -> Response:
        body = await _body(request)
        if not isinstance(body.get("email"), str):
            raise error(400, "email: missing")
        desk.platform.imports.settle()
        with store.transaction():
            block(store, str(body["email"]), str(body.get("reason") or "unsubscribed"))
        return Response(status_code=204)

    @app.get("/requests")
    async def requests(request: Request) -> Response:
        _local(request)
        return JSONResponse(desk.journal.report())

    @app.post("/reset")
    async def reset(request: Request) -> Response:
        body = await _body(request)
        desk.journal.clear()
        if body.get("brevo") is True:
            store.reset()
        return Response(status_code=204)

    @app.post("/limits")
    async def limits(request: Request) -> Response:
        try:
            desk.set_limits(await _body(request))
        except (TypeError, ValueError) as problem:
            raise error(400, str(problem)) from problem
        return Response(status_code=204)

    @app.get("/faults")
    async def list_faults(request: Request) -> Response:
        _local(request)
        return JSONResponse({"faults": desk.faults.report()})

    @app.post("/faults")
    async def add_fault(request: Request) -> Response:
        try:
            desk.faults.add(await _body(request))
        except (TypeError, ValueError) as problem:
            raise error(400, str(problem)) from problem
        return Response(status_code=201)

    @app.delete("/faults")
    async def clear_faults(request: Request) -> Response:
        _local(request)
        desk.faults.clear()
        return Response(status_code=204)

    return app


async def _body(request: Request) -> dict[str, object]:
    _local(request)
    content = await request.body()
    try:
        parsed = json.loads(content or b"{}")
    except ValueError:
        raise error(400, "expected a JSON object") from None
    if not isinstance(parsed, dict):
        raise error(400, "expected a JSON object")
    return parsed


def _local(request: Request) -> None:
    if request.client is None or request.client.host not in LOOPBACK:
        raise error(403, "the control desk answers on the loopback interface only")
