"""The platform's routes put together, in the order that lets fixed names win over `{identifier}`."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from sandbox.brevo.attributes import attribute_routes
from sandbox.brevo.campaigns import campaign_routes
from sandbox.brevo.contacts import contact_routes
from sandbox.brevo.errors import not_found
from sandbox.brevo.lists import list_routes
from sandbox.brevo.platform import Platform
from sandbox.brevo.webhooks import webhook_routes
from sandbox.server.errors import new_app


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
