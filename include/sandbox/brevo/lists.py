"""`/v3/contacts/folders`, `/v3/contacts/lists` and who is in them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox.brevo.errors import duplicate, invalid, missing, not_found
from sandbox.brevo.people import join, leave, shown, touch
from sandbox.brevo.platform import Platform
from sandbox.brevo.requests import body_of, ids_in, is_email, order_of, page_of, since_of, text_in, texts_in
from sandbox.brevo.store import Store, timestamp

MOST_PER_CALL = 150
"""How many contacts one call may add to a list or take out of it."""


def create_list(store: Store, name: object, folder_id: object) -> int:
    """A new list, inside the caller's transaction. Two lists may bear one name, as on the platform: look before you
    create."""
    if not isinstance(name, str) or not name:
        raise missing("name")
    if not isinstance(folder_id, int) or store.row("select 1 from folder where id = ?", folder_id) is None:
        raise not_found("Folder ID")
    cursor = store.db.execute(
        "insert into list (name, folder_id, created_at) values (?, ?, ?)", (name, folder_id, timestamp())
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def list_routes(platform: Platform) -> APIRouter:
    router, lists = APIRouter(), Lists(platform)
    router.add_api_route("/contacts/folders", lists.list_folders, methods=["GET"])
    router.add_api_route("/contacts/folders", lists.create_folder, methods=["POST"])
    router.add_api_route("/contacts/lists", lists.list_lists, methods=["GET"])
    router.add_api_route("/contacts/lists", lists.new_list, methods=["POST"])
    router.add_api_route("/contacts/lists/{list_id}", lists.read_list, methods=["GET"])
    router.add_api_route("/contacts/lists/{list_id}/contacts", lists.list_members, methods=["GET"])
    router.add_api_route("/contacts/lists/{list_id}/contacts/add", lists.add_members, methods=["POST"])
    router.add_api_route("/contacts/lists/{list_id}/contacts/remove", lists.remove_members, methods=["POST"])
    return router


@dataclass(frozen=True)
class Lists:
    """The handlers, each one call of the API."""

    platform: Platform

    async def list_folders(self, request: Request) -> Response:
        store = self.platform.store
        limit, offset = page_of(request, default=10, most=50)
        rows = store.rows("select * from folder order by id limit ? offset ?", limit, offset)
        folders = [{"id": row["id"], "name": row["name"]} for row in rows]
        return JSONResponse({"folders": folders, "count": store.one("select count(*) from folder")})

    async def create_folder(self, request: Request) -> Response:
        store = self.platform.store
        name = text_in(await body_of(request), "name")
        if not name:
            raise missing("name")
        if store.row("select 1 from folder where name = ?", name) is not None:
            raise duplicate("Folder name already exists")
        with store.transaction() as db:
            folder_id = db.execute("insert into folder (name) values (?)", (name,)).lastrowid
        self.platform.accepted(request, [])
        return JSONResponse({"id": folder_id}, 201)

    async def list_lists(self, request: Request) -> Response:
        store = self.platform.store
        limit, offset = page_of(request, default=10, most=50)
        rows = store.rows(f"select * from list order by id {order_of(request)} limit ? offset ?", limit, offset)
        return JSONResponse(
            {"lists": [_shown_list(store, row) for row in rows], "count": store.one("select count(*) from list")}
        )

    async def new_list(self, request: Request) -> Response:
        store = self.platform.store
        body = await body_of(request)
        with store.transaction():
            list_id = create_list(store, body.get("name"), body.get("folderId"))
        self.platform.accepted(request, [], list_id=list_id)
        return JSONResponse({"id": list_id}, 201)

    async def read_list(self, list_id: int) -> Response:
        store = self.platform.store
        row = _list(store, list_id)
        return JSONResponse({**_shown_list(store, row), "createdAt": row["created_at"]})

    async def list_members(self, request: Request, list_id: int) -> Response:
        store = self.platform.store
        limit, offset = page_of(request, default=50, most=500)
        since = since_of(request) or ""
        _list(store, list_id)
        members = "from contact join membership on contact_id = id where list_id = ? and modified_at >= ?"
        rows = store.rows(
            f"select contact.* {members} order by id {order_of(request)} limit ? offset ?",
            list_id,
            since,
            limit,
            offset,
        )
        count = store.one(f"select count(*) {members}", list_id, since)
        return JSONResponse({"contacts": [shown(store, row) for row in rows], "count": count})

    async def add_members(self, request: Request, list_id: int) -> Response:
        return await self._change(request, list_id, adding=True)

    async def remove_members(self, request: Request, list_id: int) -> Response:
        return await self._change(request, list_id, adding=False)

    async def _change(self, request: Request, list_id: int, *, adding: bool) -> Response:
        """One unknown contact and nobody is added or removed. Adding who is there, or removing who is not, succeeds."""
        store = self.platform.store
        body = await body_of(request)
        _list(store, list_id)
        given = [one for one in (texts_in(body, "emails"), texts_in(body, "extIds"), ids_in(body, "ids")) if one]
        if len(given) != 1:
            raise invalid("exactly one of emails, extIds and ids is expected")
        named: list[str] | list[int] = given[0]
        if len(named) > MOST_PER_CALL:
            raise invalid(f"at most {MOST_PER_CALL} contacts per call")
        column = "email" if body.get("emails") else "ext_id" if body.get("extIds") else "id"
        if column == "email":
            named = [str(one).strip().lower() for one in named]
            if not all(is_email(one) for one in named):
                raise invalid("Invalid email address")
        rows = []
        for one in named:
            row = store.row(f"select id, email from contact where {column} = ?", one)
            if row is None:
                raise not_found("Contact")
            rows.append(row)
        with store.transaction():
            for row in rows:
                (join if adding else leave)(store, row["id"], [list_id])
            touch(store, [row["id"] for row in rows])
        self.platform.accepted(request, [row["email"] for row in rows], list_id=list_id)
        return JSONResponse({"contacts": {"success": named, "failure": [], "total": len(named)}}, 201)


def _list(store: Store, list_id: int) -> sqlite3.Row:
    row = store.row("select * from list where id = ?", list_id)
    if row is None:
        raise not_found("List ID")
    return row


def _shown_list(store: Store, row: sqlite3.Row) -> dict[str, object]:
    counted = store.row(
        "select coalesce(sum(1 - blocked), 0) as free, coalesce(sum(blocked), 0) as blocked"
        " from membership join contact on contact.id = contact_id where list_id = ?",
        row["id"],
    )
    assert counted is not None
    return {
        "id": row["id"],
        "name": row["name"],
        "folderId": row["folder_id"],
        "totalSubscribers": counted["free"],
        "totalBlacklisted": counted["blocked"],
        "uniqueSubscribers": counted["free"] + counted["blocked"],
    }
