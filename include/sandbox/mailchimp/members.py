"""`/3.0/lists/{list_id}/members`: read, put, patch, archive, delete for ever; and the batch of `POST /lists/{list_id}`."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox.mailchimp.account import Account, body_of, comparable, must_be_ours, page_of
from sandbox.mailchimp.errors import invalid
from sandbox.mailchimp.people import archive, change, find, forget, hash_of, put, shown, tagged
from sandbox.server.errors import Refusal

SINCE = {
    "since_last_changed": "changed_at > ?",
    "before_last_changed": "changed_at < ?",
    "unsubscribed_since": "status = 'unsubscribed' and opted_out_at > ?",
}

MOST_PER_CALL = 500


def member_routes(account: Account) -> APIRouter:
    router, members = APIRouter(), Members(account)
    one = "/lists/{list_id}/members/{who}"
    router.add_api_route("/lists/{list_id}", members.batch, methods=["POST"])
    router.add_api_route("/lists/{list_id}/members", members.list_members, methods=["GET"])
    router.add_api_route(one, members.read, methods=["GET"])
    router.add_api_route(one, members.put, methods=["PUT"])
    router.add_api_route(one, members.patch, methods=["PATCH"])
    router.add_api_route(one, members.archive, methods=["DELETE"])
    router.add_api_route(one + "/actions/delete-permanent", members.forget, methods=["POST"])
    return router


@dataclass(frozen=True)
class Members:
    """The handlers, each one call of the API."""

    account: Account

    async def list_members(self, request: Request, list_id: str) -> Response:
        """Archived members are shown only when they are asked for by their status."""
        must_be_ours(list_id)
        asked, conditions, values = request.query_params, list[str](), list[object]()
        if status := asked.get("status"):
            conditions.append("status = ?")
            values.append(status)
        else:
            conditions.append("status <> 'archived'")
        for name, condition in SINCE.items():
            if given := asked.get(name):
                conditions.append(condition)
                values.append(comparable(given))
        order = "changed_at" if asked.get("sort_field") == "last_changed" else "id"
        direction = "desc" if asked.get("sort_dir") == "DESC" else "asc"
        where, (count, offset) = " and ".join(conditions), page_of(request)
        rows = self.account.memory.rows(
            f"select * from member where {where} order by {order} {direction}, id limit ? offset ?",
            *values, count, offset,
        )  # fmt: skip
        total = self.account.memory.one(f"select count(*) from member where {where}", *values)
        return JSONResponse({"members": [shown(row) for row in rows], "list_id": list_id, "total_items": total})

    async def read(self, list_id: str, who: str) -> Response:
        must_be_ours(list_id)
        return JSONResponse(tagged(self.account, find(self.account, who)))

    async def put(self, request: Request, list_id: str, who: str) -> Response:
        must_be_ours(list_id)
        body, skips = await body_of(request), request.query_params.get("skip_merge_validation") == "true"
        with self.account.memory.transaction():
            row = put(self.account, who, body, skip_merge_validation=skips)
        self.account.accepted(request, [row["email"]])
        return JSONResponse(tagged(self.account, row))

    async def patch(self, request: Request, list_id: str, who: str) -> Response:
        must_be_ours(list_id)
        body = await body_of(request)
        with self.account.memory.transaction():
            row = change(self.account, find(self.account, who), body)
        self.account.accepted(request, [row["email"]])
        return JSONResponse(tagged(self.account, row))

    async def archive(self, request: Request, list_id: str, who: str) -> Response:
        must_be_ours(list_id)
        row = find(self.account, who)
        with self.account.memory.transaction():
            archive(self.account, row)
        self.account.accepted(request, [row["email"]])
        return Response(status_code=204)

    async def forget(self, request: Request, list_id: str, who: str) -> Response:
        must_be_ours(list_id)
        row = find(self.account, who)
        with self.account.memory.transaction():
            forget(self.account, row)
        self.account.accepted(request, [row["email"]])
        return Response(status_code=204)

    async def batch(self, request: Request, list_id: str) -> Response:
        """Up to 500 members at once. Answers 200 whatever becomes of them: who was refused is in `errors`.

        With `update_existing`, the status of existing members is written. That is how resyncs have re-subscribed people.
        """
        must_be_ours(list_id)
        body = await body_of(request)
        given = body.get("members")
        if not isinstance(given, list) or not 0 < len(given) <= MOST_PER_CALL:
            raise invalid("members: expected 1 to 500", field="members", message="Schema describes 1 to 500 members")
        answer: dict[str, list[dict[str, object]]] = {"new_members": [], "updated_members": [], "errors": []}
        skips = request.query_params.get("skip_merge_validation") == "true"
        for member in given:
            email = str(member.get("email_address") or "")
            is_new = self.account.memory.row("select 1 from member where hash = ?", hash_of(email)) is None
            if not is_new and body.get("update_existing") is not True:
                answer["errors"].append(_failed(email, "ERROR_CONTACT_EXISTS", f"{email} is already a list member"))
                continue
            try:
                with self.account.memory.transaction():
                    row = put(self.account, hash_of(email), member, skip_merge_validation=skips)
            except Refusal as refusal:
                answer["errors"].append(_failed(email, "ERROR_GENERIC", str(refusal.body["detail"])))
            else:
                answer["new_members" if is_new else "updated_members"].append(shown(row))
        self.account.accepted(
            request, [str(m["email_address"]) for k in ("new_members", "updated_members") for m in answer[k]]
        )
        totals = zip(("total_created", "total_updated", "error_count"), answer.values(), strict=True)
        return JSONResponse({**answer, **{name: len(rows) for name, rows in totals}})


def _failed(email: str, code: str, problem: str) -> dict[str, object]:
    return {"email_address": email, "error": problem, "error_code": code, "field": "", "field_message": ""}
