"""The REST calls: asynchronous rows of data extensions, and the deletion of contacts."""

from __future__ import annotations

import json
import uuid

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox.marketing_cloud.errors import refused
from sandbox.marketing_cloud.platform import Platform
from sandbox.marketing_cloud.rows import request_shown
from sandbox.server.errors import Refusal

LARGEST_BODY = 5 * 1000 * 1000
"""What the synchronous row call takes; nothing else is documented for the asynchronous one."""

MOST_DELETED = 1_000_000

ENDS = {"stuck_process": "stuck", "fail_process": "failed", "half_process": "half"}


def rest_routes(platform: Platform) -> APIRouter:
    router = APIRouter()
    account = platform.account

    @router.put("/data/v1/async/dataextensions/{place}/rows")
    async def upsert_rows(request: Request, place: str) -> Response:
        items = (await _body(request)).get("items")
        if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
            raise _not_queued("InvalidItems", "items should be an array of objects")
        extension = account.row("select * from extension where key = ?", place.removeprefix("key:"))
        if extension is None or not place.startswith("key:"):
            raise _not_queued("CustomObjectNotFound", f"Unable to find a Custom Object with key {place}")
        fault, told = request.scope["sandbox.fault"], request.scope["sandbox.fault_body"]
        with account.transaction():
            request_id = platform.requests.accept(
                extension["key"], items, ends_as=ENDS.get(fault or "", "Complete"),
                refuse=told if fault == "refuse_records" and isinstance(told, list) else (),
            )  # fmt: skip
        emails = [str(one.get("EmailAddress") or "").lower() for one in items]
        platform.accepted(request, emails, list_name=extension["name"])
        return JSONResponse({"requestId": request_id, "resultMessages": []}, 202)

    @router.get("/data/v1/async/{request_id}/status")
    async def status(request_id: str) -> Response:
        found = account.row("select * from request where id = ?", request_id)
        if found is None:
            return JSONResponse(_unknown_request(request_id))
        failures = account.one("select count(*) from result where request_id = ?", request_id)
        return JSONResponse({"status": request_shown(found, failures), "requestId": str(uuid.uuid4())})

    @router.get("/data/v1/async/{request_id}/results")
    async def results(request: Request, request_id: str) -> Response:
        if account.row("select 1 from request where id = ?", request_id) is None:
            return JSONResponse(_unknown_request(request_id))
        page, size = (int(request.query_params.get(n, d)) for n, d in (("$page", "1"), ("$pageSize", "50")))
        rows = account.rows("select code, message from result where request_id = ? order by place", request_id)
        shown = [{"errorCode": row["code"], "message": row["message"], "status": "Error"} for row in rows]
        part = shown[(page - 1) * size : page * size]
        return JSONResponse(
            {"page": page, "pageSize": size, "count": len(shown), "items": part, "requestId": str(uuid.uuid4())}
        )

    @router.post("/contacts/v1/contacts/actions/delete")
    async def delete_contacts(request: Request) -> Response:
        body = {name.lower(): value for name, value in (await _body(request)).items()}
        keys = body.get("values")
        if request.query_params.get("type") != "keys" or body.get("deleteoperationtype") != "ContactAndAttributes":
            raise refused(400, 10000, "type should be keys and DeleteOperationType ContactAndAttributes")
        if not isinstance(keys, list) or not 0 < len(keys) <= MOST_DELETED or not all(isinstance(k, str) for k in keys):
            raise refused(400, 10000, "values should be an array of contact keys")
        places = ",".join("?" * len(keys))
        emails = [r["email"] for r in account.rows(f"select email from subscriber where key in ({places})", *keys)]
        with account.transaction() as db:
            due = account.clock() + platform.requests.delay_seconds
            number = db.execute(
                "insert into deletion (keys, due_at, status) values (?, ?, 'Processing')", (json.dumps(keys), due)
            ).lastrowid
        platform.accepted(request, emails)
        told: dict[str, object] = {
            "operationInitiated": True,
            "operationID": number,
            "hasErrors": False,
            "resultMessages": [],
        }
        return JSONResponse({**told, "requestServiceMessageID": str(uuid.uuid4())})

    @router.get("/contacts/v1/contacts/actions/delete/status")
    async def deletion_status(request: Request) -> Response:
        number = request.query_params.get("operationID", "")
        found = account.row("select * from deletion where id = ?", number) if number.isdecimal() else None
        if found is None:
            raise refused(404, 10000, "no such operation")
        operation = {"operationID": found["id"], "status": found["status"], "deleteType": "ContactAndAttributes",
                     "expectedListCount": len(json.loads(found["keys"]))}  # fmt: skip
        summary = {"backgroundOperationStatusID": found["status"], "operationID": found["id"]}
        return JSONResponse({"operation": operation, "backgroundOperationsSummary": [summary], "resultMessages": []})

    return router


async def _body(request: Request) -> dict[str, object]:
    content = await request.body()
    if len(content) > LARGEST_BODY:
        raise refused(413, 10003, "Request body is larger than 5 MB")
    try:
        parsed = json.loads(content)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise refused(400, 10001, "Unable to parse the JSON body")
    return parsed


def _not_queued(code: str, message: str) -> Refusal:
    told = {"resultType": "Error", "resultClass": "Error", "resultCode": code, "message": message}
    return Refusal(400, {"requestId": str(uuid.uuid4()), "resultMessages": [told]})


def _unknown_request(request_id: str) -> dict[str, object]:
    """Of a request that is not known the API says so in an answer of 200."""
    message = f"Unable to locate an Async Request Status Record for the provided RequestId: {request_id}."
    told = {
        "resultType": "Operational",
        "resultClass": "Error",
        "resultCode": "AsyncRequestStatusNotFound",
        "message": message,
    }
    return {"requestId": str(uuid.uuid4()), "resultMessages": [told]}
