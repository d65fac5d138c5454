"""The whole sandbox as one ASGI application."""

from __future__ import annotations

import json
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import Headers

from sandbox.brevo.app import brevo_app
from sandbox.brevo.imports import Imports
from sandbox.brevo.platform import OVER_LIMIT, Platform, admit
from sandbox.brevo.store import Store
from sandbox.server import crm, inbox, shop
from sandbox.server.control import Desk, control_app, default_bucket
from sandbox.server.errors import Refusal, error, new_app
from sandbox.server.faults import Faults
from sandbox.server.gate import Admit, Gate
from sandbox.server.journal import Journal
from sandbox.server.limits import BrevoLimits
from sandbox.world.shelf import Shelf


def sandbox_app(*, world: Path, platform_file: Path) -> FastAPI:
    """CRM, shop, platform, inbox and control desk over a built `world`; the platform remembers in `platform_file`."""
    journal, faults = Journal(), Faults()
    store = Store(platform_file, world / "platform.json")
    platform = Platform(store, Imports(store), journal)
    shelves = {path.stem: Shelf.open(world, path.stem) for path in world.glob("*.records")}

    gates = {
        "crm": Gate(
            "crm", "/crm", crm.crm_app(contacts=shelves["crm_contacts"], consents=shelves["crm_consents"]),
            journal, faults, _asks("authorization", f"Bearer {crm.TOKEN}"),
        ),
        "shop": Gate(
            "shop", "/shop",
            shop.shop_app(
                customers=shelves["shop_customers"], orders=shelves["shop_orders"], products=shelves["shop_products"]
            ),
            journal, faults, _asks("x-api-key", shop.KEY), default_bucket(), error(429, "too many requests"),
        ),
        "inbox": Gate(
            "inbox", "/brevo/inbox", inbox.inbox_app(events=shelves["inbox_events"], signups=shelves["inbox_signups"]),
            journal, faults, _asks("authorization", f"Bearer {inbox.TOKEN}"),
        ),
        "brevo": Gate("brevo", "/brevo", brevo_app(platform), journal, faults, admit, BrevoLimits(), OVER_LIMIT),
    }  # fmt: skip
    desk = Desk(world / "truth.json", platform, journal, faults, shop=gates["shop"], brevo=gates["brevo"])

    app = new_app("sandbox")
    about = json.loads((world / "world.json").read_text(encoding="utf-8"))

    @app.get("/health")
    async def health() -> Response:
        return JSONResponse({"status": "ok", **about})

    for gate in gates.values():
        app.mount(gate.prefix, gate)
    app.mount("/_control", control_app(desk))
    return app


def _asks(header: str, value: str) -> Admit:
    def admitted(_: str, headers: Headers) -> Refusal | None:
        return None if headers.get(header) == value else error(401, f"{header}: missing or wrong")

    return admitted
