"""The platform's routes put together, in the order that lets fixed names win over `{identifier}`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from sandbox.brevo.attributes import attribute_routes
from sandbox.brevo.campaigns import campaign_routes
from sandbox.brevo.contacts import contact_routes
from sandbox.brevo.errors import not_found
from sandbox.brevo.imports import Imports
from sandbox.brevo.lists import list_routes
from sandbox.brevo.people import block
from sandbox.brevo.platform import OVER_LIMIT, Platform, admit
from sandbox.brevo.store import Store
from sandbox.brevo.webhooks import webhook_routes
from sandbox.server.errors import new_app
from sandbox.server.faults import Faults
from sandbox.server.gate import Gate
from sandbox.server.journal import Journal
from sandbox.server.limits import BrevoLimits


class Brevo:
    """The simulated platform as the control desk knows it."""

    name = "brevo"

    def __init__(self, file: Path, initial: Path, journal: Journal, faults: Faults) -> None:
        self.store = Store(file, initial)
        self.imports = Imports(self.store)
        app = brevo_app(Platform(self.store, self.imports, journal))
        self.gate = Gate(self.name, "/brevo", app, journal, faults, admit, BrevoLimits(), OVER_LIMIT)

    def lists(self) -> dict[str, list[str]]:
        self.imports.settle()
        content: dict[str, list[str]] = {row["name"]: [] for row in self.store.rows("select name from list")}
        members = (
            "select name, email from list join membership on list_id = list.id join contact on contact.id = contact_id"
        )
        for row in self.store.rows(f"{members} order by email"):
            content[row["name"]].append(row["email"])
        return content

    def opted_out(self) -> dict[str, str]:
        self.imports.settle()
        rows = self.store.rows("select email, blocked_why from contact where blocked order by email")
        return {row["email"]: row["blocked_why"] for row in rows}

    def opt_out(self, email: str, reason: str) -> None:
        self.imports.settle()
        with self.store.transaction():
            block(self.store, email, reason)

    def reset(self) -> None:
        self.store.reset()

    def set_limit(self, limit: Mapping[str, int]) -> None:
        self.gate.limiter = BrevoLimits(**limit)  # type: ignore[arg-type]

    def set_delay(self, seconds: float) -> None:
        self.imports.delay_seconds = seconds


def brevo_app(platform: Platform) -> FastAPI:
    async def settle_first() -> None:
        platform.imports.settle()

    app = new_app("sandbox e-mail platform", before=settle_first)

    @app.get("/v3/processes/{process_id}")
    async def read_process(request: Request, process_id: int) -> Response:
        base_url = f"{request.url.scheme}://{request.url.netloc}"
        shown = platform.imports.shown(process_id, base_url)
        if shown is None:
            raise not_found("Process")
        return JSONResponse(shown)

    @app.get("/exports/{process_id}/{kind}.csv")
    async def read_report(process_id: int, kind: str) -> Response:
        row = platform.store.row("select csv from report where process_id = ? and kind = ?", process_id, kind)
        if row is None:
            raise not_found("Report")
        return PlainTextResponse(row["csv"], media_type="text/csv")

    for router in (attribute_routes, list_routes, contact_routes, campaign_routes, webhook_routes):
        app.include_router(router(platform), prefix="/v3")
    return app
