"""The whole sandbox as one ASGI application."""

from __future__ import annotations

import json
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import Headers

from sandbox.brevo.app import Brevo
from sandbox.hubspot.app import Hubspot
from sandbox.mailchimp.app import Mailchimp
from sandbox.marketing_cloud.app import MarketingCloud
from sandbox.server import crm, inbox, shop
from sandbox.server.control import Desk, control_app, default_bucket
from sandbox.server.errors import Refusal, error, new_app
from sandbox.server.faults import Faults
from sandbox.server.gate import Admit, Gate
from sandbox.server.journal import Journal
from sandbox.server.simulated import Simulated
from sandbox.webhook.app import Webhook
from sandbox.world.shelf import Shelf


def sandbox_app(*, world: Path, state: Path, cast: str) -> FastAPI:
    """CRM, shop, e-mail platforms, inbox and control desk over a built `world`.

    Each platform remembers in `<platform>-<cast>.sqlite` of the folder `state`.
    """
    journal, faults = Journal(), Faults()
    simulated: list[Simulated] = [
        Brevo(state / f"brevo-{cast}.sqlite", world / "platform.json", journal, faults),
        Mailchimp(state / f"mailchimp-{cast}.sqlite", journal, faults),
        MarketingCloud(state / f"marketing_cloud-{cast}.sqlite", journal, faults),
        Webhook(journal, faults),
        Hubspot(state / f"hubspot-{cast}.sqlite", journal, faults),
    ]
    platforms = {one.name: one for one in simulated}
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
        **{one.name: one.gate for one in simulated},
    }  # fmt: skip
    desk = Desk(world / "truth.json", platforms, journal, faults, shop=gates["shop"])

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
