"""What a collector has stored of the e-mail platform's webhooks. `Authorization: Bearer sandbox-inbox-token`.

Brevo itself has no API that returns past marketing events: in production something listens, stores, and serves them
like this.
"""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import Response

from sandbox.server.errors import new_app
from sandbox.server.paging import by_cursor
from sandbox.world.shelf import Shelf

TOKEN = "sandbox-inbox-token"  # noqa: S105 - the token of a sandbox is no secret


def inbox_app(*, events: Shelf, signups: Shelf) -> FastAPI:
    app = new_app("sandbox inbox")

    @app.get("/events")
    async def list_events(request: Request) -> Response:
        return by_cursor(request, events, start="from", end="to")

    @app.get("/signups")
    async def list_signups(request: Request) -> Response:
        return by_cursor(request, signups, start="from", end="to")

    return app
