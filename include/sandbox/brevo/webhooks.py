"""`/v3/webhooks`: kept and shown, never called."""

from __future__ import annotations

import json
import sqlite3

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox.brevo.errors import missing, not_found
from sandbox.brevo.platform import Platform
from sandbox.brevo.requests import body_of, text_in, texts_in
from sandbox.brevo.store import Store, timestamp


def webhook_routes(platform: Platform) -> APIRouter:
    router = APIRouter()
    store = platform.store

    @router.post("/webhooks")
    async def create_webhook(request: Request) -> Response:
        body = await body_of(request)
        for name, value in (("url", text_in(body, "url")), ("events", texts_in(body, "events"))):
            if not value:
                raise missing(name)
        content = {"type": "transactional", **body, "createdAt": timestamp()}
        with store.transaction() as db:
            webhook_id = db.execute("insert into webhook (content) values (?)", (json.dumps(content),)).lastrowid
        platform.accepted(request, [])
        return JSONResponse({"id": webhook_id}, 201)

    @router.get("/webhooks")
    async def list_webhooks() -> Response:
        return JSONResponse({"webhooks": [_shown(row) for row in store.rows("select * from webhook order by id")]})

    @router.get("/webhooks/{webhook_id}")
    async def read_webhook(webhook_id: int) -> Response:
        return JSONResponse(_shown(_webhook(store, webhook_id)))

    @router.delete("/webhooks/{webhook_id}")
    async def delete_webhook(request: Request, webhook_id: int) -> Response:
        _webhook(store, webhook_id)
        with store.transaction() as db:
            db.execute("delete from webhook where id = ?", (webhook_id,))
        platform.accepted(request, [])
        return Response(status_code=204)

    return router


def _webhook(store: Store, webhook_id: int) -> sqlite3.Row:
    row = store.row("select * from webhook where id = ?", webhook_id)
    if row is None:
        raise not_found("Webhook")
    return row


def _shown(row: sqlite3.Row) -> dict[str, object]:
    return {"id": row["id"], **json.loads(row["content"])}
