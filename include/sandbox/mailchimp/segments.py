"""`/3.0/lists/{list_id}/segments` (static ones, which are the audience's tags) and `/merge-fields`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox.mailchimp.account import AUDIENCE, Account, body_of, must_be_ours, page_of, texts_in, timestamp
from sandbox.mailchimp.errors import invalid, not_found
from sandbox.mailchimp.people import hash_of, shown

MOST_PER_CALL = 500

LONGEST_TAG = 10


def segment_routes(account: Account) -> APIRouter:
    router, segments = APIRouter(), Segments(account)
    router.add_api_route("/lists/{list_id}/merge-fields", segments.list_fields, methods=["GET"])
    router.add_api_route("/lists/{list_id}/merge-fields", segments.new_field, methods=["POST"])
    router.add_api_route("/lists/{list_id}/segments", segments.list_segments, methods=["GET"])
    router.add_api_route("/lists/{list_id}/segments", segments.new_segment, methods=["POST"])
    router.add_api_route("/lists/{list_id}/segments/{segment_id}", segments.change_members, methods=["POST"])
    router.add_api_route("/lists/{list_id}/segments/{segment_id}/members", segments.list_members, methods=["GET"])
    return router


def change(account: Account, segment_id: int, body: Mapping[str, object]) -> dict[str, object]:
    """Adds and removes members, in the caller's transaction. Addresses that the audience does not have are ignored
    without a word, and so are archived members; who is there already is not named again."""
    if account.memory.row("select 1 from segment where id = ?", segment_id) is None:
        raise not_found()
    changed: dict[str, list[sqlite3.Row]] = {}
    for name, write in (
        ("members_to_add", "insert or ignore into membership values (?, ?)"),
        ("members_to_remove", "delete from membership where segment_id = ? and member_id = ?"),
    ):
        changed[name] = []
        for email in texts_in(dict(body), name, most=MOST_PER_CALL):
            row = account.memory.row("select * from member where hash = ? and status <> 'archived'", hash_of(email))
            if row is not None and account.memory.db.execute(write, (segment_id, row["id"])).rowcount:
                changed[name].append(row)
    added, removed = changed["members_to_add"], changed["members_to_remove"]
    return {
        "members_added": [shown(row) for row in added],
        "members_removed": [shown(row) for row in removed],
        "errors": [],
        "total_added": len(added),
        "total_removed": len(removed),
        "error_count": 0,
    }


@dataclass(frozen=True)
class Segments:
    """The handlers, each one call of the API."""

    account: Account

    async def list_fields(self, request: Request, list_id: str) -> Response:
        must_be_ours(list_id)
        count, offset = page_of(request)
        rows = self.account.memory.rows("select * from merge_field order by id limit ? offset ?", count, offset)
        total = self.account.memory.one("select count(*) from merge_field")
        return JSONResponse({"merge_fields": [_field(row) for row in rows], "list_id": list_id, "total_items": total})

    async def new_field(self, request: Request, list_id: str) -> Response:
        must_be_ours(list_id)
        body, memory = await body_of(request), self.account.memory
        tag, name, kind = (str(body.get(key) or "") for key in ("tag", "name", "type"))
        if not name or not kind or not 0 < len(tag) <= LONGEST_TAG:
            raise invalid("The resource submitted could not be validated.", field="tag", message="Up to 10 characters")
        if memory.row("select 1 from merge_field where tag = ?", tag) is not None:
            raise invalid(f'A Merge Field with the tag "{tag}" already exists for this list.')
        with memory.transaction() as db:
            field = (tag, name, kind, body.get("required") is True)
            db.execute("insert into merge_field (tag, name, type, required) values (?, ?, ?, ?)", field)
        self.account.accepted(request, [])
        row = memory.row("select * from merge_field where tag = ?", tag)
        assert row is not None
        return JSONResponse(_field(row))

    async def list_segments(self, request: Request, list_id: str) -> Response:
        must_be_ours(list_id)
        count, offset = page_of(request)
        rows = self.account.memory.rows("select * from segment order by id limit ? offset ?", count, offset)
        total = self.account.memory.one("select count(*) from segment")
        return JSONResponse(
            {"segments": [self._segment(row) for row in rows], "list_id": list_id, "total_items": total}
        )

    async def new_segment(self, request: Request, list_id: str) -> Response:
        must_be_ours(list_id)
        body, memory = await body_of(request), self.account.memory
        name, given = str(body.get("name") or ""), body.get("static_segment")
        if not name or not isinstance(given, list):
            raise invalid(
                "name and static_segment are expected", field="name", message="This value should not be blank."
            )
        if memory.row("select 1 from segment where name = ?", name) is not None:
            raise invalid("Sorry, that tag already exists.")
        with memory.transaction() as db:
            number = db.execute("insert into segment (name, created_at) values (?, ?)", (name, timestamp())).lastrowid
            assert number is not None
            change(self.account, number, {"members_to_add": given})
        self.account.accepted(request, [], segment=number)
        row = memory.row("select * from segment where id = ?", number)
        assert row is not None
        return JSONResponse(self._segment(row))

    async def change_members(self, request: Request, list_id: str, segment_id: int) -> Response:
        must_be_ours(list_id)
        body = await body_of(request)
        with self.account.memory.transaction():
            answer = change(self.account, segment_id, body)
        named = [e for key in ("members_to_add", "members_to_remove") for e in texts_in(body, key, most=MOST_PER_CALL)]
        self.account.accepted(request, named, segment=segment_id)
        return JSONResponse(answer)

    async def list_members(self, request: Request, list_id: str, segment_id: int) -> Response:
        """Only who is subscribed, unless the others are asked for."""
        must_be_ours(list_id)
        if self.account.memory.row("select 1 from segment where id = ?", segment_id) is None:
            raise not_found()
        others = ("unsubscribed", "cleaned", "transactional")
        asked = [kind for kind in others if request.query_params.get(f"include_{kind}") == "true"]
        statuses = ", ".join(f"'{one}'" for one in ("subscribed", "pending", *asked))
        members = f"from member join membership on member_id = id where segment_id = ? and status in ({statuses})"
        count, offset = page_of(request)
        rows = self.account.memory.rows(
            f"select member.* {members} order by id limit ? offset ?", segment_id, count, offset
        )
        total = self.account.memory.one(f"select count(*) {members}", segment_id)
        return JSONResponse({"members": [shown(row) for row in rows], "total_items": total})

    def _segment(self, row: sqlite3.Row) -> dict[str, object]:
        members = "select count(*) from membership join member on id = member_id where segment_id = ?"
        count = self.account.memory.one(f"{members} and status = 'subscribed'", row["id"])
        return {"id": row["id"], "name": row["name"], "member_count": count, "type": "static", "list_id": AUDIENCE,
                "created_at": row["created_at"]}  # fmt: skip


def _field(row: sqlite3.Row) -> dict[str, object]:
    return {"merge_id": row["id"], "tag": row["tag"], "name": row["name"], "type": row["type"],
            "required": bool(row["required"]), "list_id": AUDIENCE}  # fmt: skip
