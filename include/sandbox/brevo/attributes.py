"""`/v3/contacts/attributes`: what may be known of a contact. What is not defined here is dropped from imports without
a word."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox.brevo.errors import duplicate, invalid, missing
from sandbox.brevo.platform import Platform
from sandbox.brevo.requests import body_of, text_in

CATEGORIES = ("normal", "transactional", "category", "calculated", "global")
TYPES = ("text", "date", "float", "boolean", "id", "category", "multiple-choice", "user")


def attribute_routes(platform: Platform) -> APIRouter:
    router = APIRouter()
    store = platform.store

    @router.get("/contacts/attributes")
    async def list_attributes() -> Response:
        rows = store.rows("select name, category, type from attribute order by rowid")
        return JSONResponse({"attributes": [dict(row) for row in rows]})

    @router.post("/contacts/attributes/{category}/{name}")
    async def create_attribute(request: Request, category: str, name: str) -> Response:
        type_ = text_in(await body_of(request), "type")
        if category not in CATEGORIES:
            raise invalid("Invalid attribute category")
        if category == "normal" and type_ is None:
            raise missing("type")
        if type_ is not None and type_ not in TYPES:
            raise invalid("Invalid attribute type")
        if store.row("select 1 from attribute where name = ?", name.upper()) is not None:
            raise duplicate("Attribute name already exists")
        with store.transaction() as db:
            db.execute("insert into attribute values (?, ?, ?)", (category, name.upper(), type_ or category))
        platform.accepted(request, [])
        return Response(status_code=201)

    return router
