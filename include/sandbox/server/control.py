"""`/_control`: the oracle and the levers of tests and demo. No key; loopback only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from sandbox.server.errors import error, new_app
from sandbox.server.faults import Faults
from sandbox.server.gate import Gate
from sandbox.server.journal import Journal
from sandbox.server.limits import TokenBucket
from sandbox.server.simulated import Simulated

LOOPBACK = ("127.0.0.1", "::1", "testclient")


@dataclass
class Desk:
    """What the control routes act upon; `platforms` by name."""

    truth: Path
    platforms: Mapping[str, Simulated]
    journal: Journal
    faults: Faults
    shop: Gate

    def platform(self, name: str) -> Simulated:
        if name not in self.platforms:
            raise error(404, f"platform: expected one of {', '.join(self.platforms)}; found {name!r}")
        return self.platforms[name]

    def set_limits(self, given: dict[str, object]) -> None:
        """`{"shop": {"rate", "burst"} | null, "<platform>": {...} | null, "process_delay_seconds"}`.

        null lifts a limit, `{}` puts the default back; what is not named stays. Counting starts again.
        """
        if "shop" in given:
            wanted = given["shop"]
            self.shop.limiter = None if wanted is None else default_bucket(**wanted)  # type: ignore[arg-type]
        for name, platform in self.platforms.items():
            if name in given:
                self._set_limit(platform, given[name])
            if "process_delay_seconds" in given:
                platform.set_delay(float(str(given["process_delay_seconds"])))

    @staticmethod
    def _set_limit(platform: Simulated, limit: object) -> None:
        if limit is None:
            platform.gate.lift()
        elif isinstance(limit, dict):
            platform.set_limit(limit)
        else:
            raise TypeError(f"{platform.name}: expected an object or null")


def default_bucket(rate: float = 100, burst: int = 200) -> TokenBucket:
    """The shop's limit."""
    return TokenBucket(rate=rate, burst=burst)


def control_app(desk: Desk) -> FastAPI:
    app = new_app("sandbox control desk")

    @app.get("/truth")
    async def truth(request: Request) -> Response:
        _local(request)
        return Response(desk.truth.read_bytes(), media_type="application/json")

    @app.get("/{platform}/lists")
    async def lists(request: Request, platform: str) -> Response:
        _local(request)
        return JSONResponse(desk.platform(platform).lists())

    @app.get("/{platform}/blocklist")
    async def blocklist(request: Request, platform: str) -> Response:
        _local(request)
        reasons = desk.platform(platform).opted_out()
        return JSONResponse({"emails": list(reasons), "reasons": reasons})

    @app.post("/{platform}/blocklist")
    async def add_to_blocklist(request: Request, platform: str) -> Response:
        body = await _body(request)
        if not isinstance(body.get("email"), str):
            raise error(400, "email: missing")
        try:
            desk.platform(platform).opt_out(str(body["email"]), str(body.get("reason") or "unsubscribed"))
        except TypeError as problem:
            raise error(400, str(problem)) from problem
        return Response(status_code=204)

    @app.get("/requests")
    async def requests(request: Request) -> Response:
        _local(request)
        return JSONResponse(desk.journal.report())

    @app.post("/reset")
    async def reset(request: Request) -> Response:
        body = await _body(request)
        desk.journal.clear()
        for name, platform in desk.platforms.items():
            if body.get(name) is True:
                platform.reset()
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
