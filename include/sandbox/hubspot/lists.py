"""`/crm/lists/2026-09`: lists of record ids, never of addresses."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox.hubspot.account import Account, body_of, iso, json_of, now_ms
from sandbox.hubspot.errors import invalid, not_found

CONTACTS = "0-1"
MOST_PER_PAGE = 250


def list_routes(account: Account) -> APIRouter:
    router, lists = APIRouter(), Lists(account)
    at = "/crm/lists/2026-09"
    router.add_api_route(at, lists.new_list, methods=["POST"])
    router.add_api_route(f"{at}/search", lists.search, methods=["POST"])
    router.add_api_route(f"{at}/{{list_id}}/memberships", lists.members, methods=["GET"])
    router.add_api_route(f"{at}/{{list_id}}/memberships/add", lists.add, methods=["PUT"])
    router.add_api_route(f"{at}/{{list_id}}/memberships/add-and-remove", lists.add_and_remove, methods=["PUT"])
    return router


@dataclass(frozen=True)
class Lists:
    """The handlers, each one call of the API."""

    account: Account

    async def new_list(self, request: Request) -> Response:
        body = await body_of(request)
        name, kind = str(body.get("name") or ""), body.get("processingType")
        if not name or body.get("objectTypeId") != CONTACTS or kind not in ("MANUAL", "SNAPSHOT", "DYNAMIC"):
            raise invalid("name, objectTypeId 0-1 and processingType are expected")
        if self.account.memory.row("select 1 from list where name = ?", name) is not None:
            raise invalid(f"List with name {name} already exists.", subCategory="ILS.DUPLICATE_LIST_NAMES")
        number = self.account.memory.db.execute("insert into list (name, kind) values (?, ?)", (name, kind)).lastrowid
        assert number is not None
        self.account.accepted(request, [], list_id=number)
        return JSONResponse({"list": _shown(self._list(number))})

    async def search(self, request: Request) -> Response:
        """Lists whose name contains the query."""
        body = await body_of(request)
        count, offset = int(str(body.get("count", 20))), int(str(body.get("offset", 0)))
        if not 0 < count <= 500:
            raise invalid("count should be between 1 and 500")
        asked = f"%{body.get('query') or ''}%"
        rows = self.account.memory.rows(
            "select * from list where name like ? order by id limit ? offset ?", asked, count, offset
        )
        total = self.account.memory.one("select count(*) from list where name like ?", asked)
        more = {"hasMore": offset + count < total, "offset": offset + len(rows), "total": total}
        return JSONResponse({"lists": [_shown(row) for row in rows], **more})

    async def members(self, request: Request, list_id: int) -> Response:
        self._list(list_id)
        limit, after = int(request.query_params.get("limit", "100")), int(request.query_params.get("after") or 0)
        if not 0 < limit <= MOST_PER_PAGE:
            raise invalid(f"limit should be between 1 and {MOST_PER_PAGE}")
        rows = self.account.memory.rows(
            "select contact_id from membership where list_id = ? and contact_id > ? order by contact_id limit ?",
            list_id, after, limit,
        )  # fmt: skip
        told = [{"recordId": str(row["contact_id"]), "membershipTimestamp": iso(now_ms())} for row in rows]
        paging = {"paging": {"next": {"after": told[-1]["recordId"]}}} if len(rows) == limit else {}
        return JSONResponse({"results": told, **paging})

    async def add(self, request: Request, list_id: int) -> Response:
        return self._change(request, list_id, add=await json_of(request), remove=[])

    async def add_and_remove(self, request: Request, list_id: int) -> Response:
        body = await body_of(request)
        return self._change(
            request, list_id, add=body.get("recordIdsToAdd") or [], remove=body.get("recordIdsToRemove") or []
        )

    def _change(self, request: Request, list_id: int, *, add: object, remove: object) -> Response:
        """Ids that are no record's are named in `recordIdsMissing`; the others are added or removed. An empty list is
        left out of the answer."""
        if self._list(list_id)["kind"] == "DYNAMIC":
            raise invalid("The list is not MANUAL or SNAPSHOT")
        if not isinstance(add, list) or not isinstance(remove, list):
            raise invalid("record ids should be arrays")
        done: dict[str, list[str]] = {"recordsIdsAdded": [], "recordsIdsRemoved": [], "recordIdsMissing": []}
        emails = []
        with self.account.memory.transaction() as db:
            for ids, kind, write in (
                (add, "recordsIdsAdded", "insert or ignore into membership values (?, ?)"),
                (remove, "recordsIdsRemoved", "delete from membership where list_id = ? and contact_id = ?"),
            ):
                for one in ids:
                    row = self.account.memory.row("select id, email from contact where id = ?", str(one))
                    if row is None:
                        done["recordIdsMissing"].append(str(one))
                        continue
                    emails.append(row["email"])
                    if db.execute(write, (list_id, row["id"])).rowcount:
                        done[kind].append(str(one))
        self.account.accepted(request, emails, list_id=list_id)
        return JSONResponse({name: ids for name, ids in done.items() if ids})

    def _list(self, list_id: int) -> sqlite3.Row:
        row = self.account.memory.row("select * from list where id = ?", list_id)
        if row is None:
            raise not_found("list")
        return row


def _shown(row: sqlite3.Row) -> dict[str, object]:
    return {"listId": str(row["id"]), "name": row["name"], "processingType": row["kind"], "objectTypeId": CONTACTS}
