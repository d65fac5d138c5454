"""`/3.0/batches`: operations done some time later, and the archive that tells what became of each."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox.mailchimp import segments
from sandbox.mailchimp.account import AUDIENCE, Account, body_of, json_object
from sandbox.mailchimp.errors import in_compliance_state, invalid, not_found, refused
from sandbox.mailchimp.people import change, find, put, tagged
from sandbox.server.errors import Refusal

MEMBER = re.compile(rf"/?lists/{AUDIENCE}/members/([^/]+)")
SEGMENT = re.compile(rf"/?lists/{AUDIENCE}/segments/(\d+)")

BROKEN = refused(500, "Internal Server Error", "An unexpected internal error occurred.")

PER_FILE = 250
"""Results in one file of an archive; a larger batch has several files."""


def batch_routes(account: Account) -> APIRouter:
    router, batches = APIRouter(), Batches(account)
    router.add_api_route("/batches", batches.accept, methods=["POST"])
    router.add_api_route("/batches/{batch_id}", batches.read, methods=["GET"])
    return router


@dataclass(frozen=True)
class Batches:
    """The handlers, each one call of the API."""

    account: Account

    async def accept(self, request: Request) -> Response:
        operations = (await body_of(request)).get("operations")
        if not isinstance(operations, list) or not operations or not all(isinstance(o, dict) for o in operations):
            raise invalid(
                "operations: expected an array", field="operations", message="This value should not be blank."
            )
        fault, refuses = request.scope["sandbox.fault"], request.scope.get("sandbox.fault_body")
        ends_as = {"stuck_process": "stuck", "fail_process": "failed", "half_process": "half"}.get(fault or "", "done")
        work = {"operations": operations, "refuses": refuses if fault == "refuse_records" else []}
        now, number = self.account.clock(), uuid.uuid4().hex[:10]
        due = None if ends_as == "stuck" else now + self.account.delay_seconds
        self.account.memory.db.execute(
            "insert into batch (id, ends_as, accepted_at, due_at, work, total) values (?, ?, ?, ?, ?, ?)",
            (number, ends_as, now, due, json.dumps(work), len(operations)),
        )
        self.account.accepted(request, [_email(one) for one in operations if _email(one)])
        return JSONResponse(self._shown(request, number))

    async def read(self, request: Request, batch_id: str) -> Response:
        return JSONResponse(self._shown(request, batch_id))

    def _shown(self, request: Request, number: str) -> dict[str, object]:
        row = self.account.memory.row("select * from batch where id = ?", number)
        if row is None:
            raise not_found()
        is_over, started = (
            row["results"] is not None,
            self.account.clock() - row["accepted_at"] > 0.2 * self.account.delay_seconds,
        )
        at = f"{request.url.scheme}://{request.url.netloc}/mailchimp/archives/{number}.tar.gz"
        return {
            "id": number,
            "status": "finished" if is_over else "started" if started else "pending",
            "total_operations": row["total"],
            "finished_operations": row["total"] if is_over else 0,
            "errored_operations": row["errored"],
            "response_body_url": at if is_over else "",
        }


def settle(account: Account) -> None:
    """Does the batches whose time has come, in the order they were accepted."""
    rows = account.memory.rows(
        "select * from batch where work is not null and due_at <= ? order by rowid", account.clock()
    )
    for row in rows:
        work = json.loads(row["work"])
        operations = work["operations"]
        healthy = {"done": len(operations), "half": len(operations) // 2, "failed": 0}[row["ends_as"]]
        with account.memory.transaction() as db:
            results = [
                _perform(account, one, refuses=work["refuses"]) if place < healthy else _told(one, BROKEN)
                for place, one in enumerate(operations)
            ]
            errored = sum(int(str(one["status_code"])) >= 400 for one in results)
            db.execute(
                "update batch set work = null, results = ?, errored = ? where id = ?",
                (json.dumps(results), errored, row["id"]),
            )


def archive(account: Account, number: str) -> bytes:
    """The gzipped tar of JSON files, each an array of results, in no promised order."""
    row = account.memory.row("select results from batch where id = ? and results is not null", number)
    if row is None:
        raise not_found()
    results = json.loads(row["results"])
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(_entry("./", tarfile.DIRTYPE))
        for start in range(0, len(results), PER_FILE):
            content = json.dumps(results[start : start + PER_FILE]).encode()
            entry = _entry(f"./{number}-{start}.json", tarfile.REGTYPE)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), compresslevel=1)


def _entry(name: str, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = kind
    return entry


def _perform(account: Account, operation: Mapping[str, object], *, refuses: object) -> dict[str, object]:
    """One operation, in the caller's transaction: a refused one changes nothing, since it is refused before it writes."""
    method, path = str(operation.get("method") or ""), str(operation.get("path") or "")
    params = operation.get("params")
    skips = isinstance(params, dict) and str(params.get("skip_merge_validation")).lower() == "true"
    try:
        body = json_object(str(operation.get("body") or "{}"))
        if isinstance(refuses, list) and body.get("email_address") in refuses:
            raise in_compliance_state(str(body["email_address"]))
        if found := MEMBER.fullmatch(path):
            if method == "PUT":
                return _told(operation, 200, tagged(account, put(account, found[1], body, skip_merge_validation=skips)))
            if method == "PATCH":
                return _told(operation, 200, tagged(account, change(account, find(account, found[1]), body)))
            if method == "GET":
                return _told(operation, 200, tagged(account, find(account, found[1])))
        if (found := SEGMENT.fullmatch(path)) and method == "POST":
            return _told(operation, 200, segments.change(account, int(found[1]), body))
        raise not_found()
    except Refusal as refusal:
        return _told(operation, refusal)


def _told(operation: Mapping[str, object], what: Refusal | int, body: object = None) -> dict[str, object]:
    status, content = (what.status, what.body) if isinstance(what, Refusal) else (what, body)
    told = {"status_code": status, "response": json.dumps(content)}
    return told | ({"operation_id": operation["operation_id"]} if operation.get("operation_id") else {})


def _email(operation: Mapping[str, object]) -> str:
    try:
        return str(json.loads(str(operation.get("body") or "{}")).get("email_address") or "")
    except (ValueError, AttributeError):
        return ""
