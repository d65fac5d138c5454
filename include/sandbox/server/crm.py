"""The CRM: contacts and their consents. `Authorization: Bearer sandbox-crm-token`."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import Response

from sandbox.server.errors import new_app
from sandbox.server.paging import by_cursor
from sandbox.world.shelf import Shelf

TOKEN = "sandbox-crm-token"  # noqa: S105 - the token of a sandbox is no secret


def crm_app(*, contacts: Shelf, consents: Shelf) -> FastAPI:
    app = new_app("sandbox CRM")

    @app.get("/contacts")
    async def list_contacts(request: Request) -> Response:
        return by_cursor(request, contacts, start="updated_from", end="updated_to")

    @app.get("/consents")
    async def list_consents(request: Request) -> Response:
        return by_cursor(request, consents, start="updated_from", end="updated_to")

    return app
