"""`/crm/objects/2026-09/contacts`: batches, search, deletion for GDPR; and `/crm/properties/2026-09/contacts`."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox.hubspot.account import Account, body_of, inputs_in, iso, now_ms
from sandbox.hubspot.errors import invalid, not_found, refused
from sandbox.hubspot.search import where
from sandbox.server.errors import Refusal

EMAIL = re.compile(r"[^@\s,;<>()\[\]]+@[^@\s,;<>()\[\]]+\.[^@\s,;<>()\[\].]{2,}")
MOST_PER_CALL = 100
MOST_FOUND = 10_000


def contact_routes(account: Account) -> APIRouter:
    router, contacts = APIRouter(), Contacts(account)
    at = "/crm/objects/2026-09/contacts"
    router.add_api_route(at, contacts.list_contacts, methods=["GET"])
    router.add_api_route(f"{at}/batch/upsert", contacts.upsert, methods=["POST"])
    router.add_api_route(f"{at}/batch/read", contacts.read, methods=["POST"])
    router.add_api_route(f"{at}/search", contacts.search, methods=["POST"])
    router.add_api_route(f"{at}/gdpr-delete", contacts.erase, methods=["POST"])
    router.add_api_route(f"{at}/{{contact_id}}", contacts.delete, methods=["DELETE"])
    router.add_api_route("/crm/properties/2026-09/contacts", contacts.list_properties, methods=["GET"])
    router.add_api_route("/crm/properties/2026-09/contacts", contacts.new_property, methods=["POST"])
    return router


def find(account: Account, identifier: str, id_property: str | None) -> sqlite3.Row | None:
    """By record id, or by e-mail when `idProperty` says so."""
    column = "email" if id_property == "email" else "id"
    return account.memory.row(f"select * from contact where {column} = ?", identifier.strip().lower())


@dataclass(frozen=True)
class Contacts:
    """The handlers, each one call of the API."""

    account: Account

    async def list_contacts(self, request: Request) -> Response:
        limit, after = int(request.query_params.get("limit", "10")), int(request.query_params.get("after", "0"))
        rows = self.account.memory.rows("select * from contact where id > ? order by id limit ?", after, limit)
        paging = {"paging": {"next": {"after": str(rows[-1]["id"])}}} if len(rows) == limit else {}
        return JSONResponse({"results": [self._shown(row, ["email"]) for row in rows], **paging})

    async def upsert(self, request: Request) -> Response:
        """With an `objectWriteTraceId` on every input, the bad records are told in a 207 and the others are written;
        without, one bad record refuses the whole batch."""
        inputs = inputs_in(await body_of(request), most=MOST_PER_CALL)
        if {one.get("idProperty") for one in inputs} != {"email"}:
            raise invalid("this sandbox upserts by idProperty email only")
        if twice := [e for e, n in Counter(str(one.get("id")).lower() for one in inputs).items() if n > 1]:
            raise invalid(f"Duplicate IDs found in batch input: {twice}")
        refuses = request.scope.get("sandbox.fault_body") if request.scope["sandbox.fault"] == "refuse_records" else []
        traced = all(one.get("objectWriteTraceId") for one in inputs)
        results, errors, touched = list[dict[str, object]](), list[dict[str, object]](), list[str]()
        with self.account.memory.transaction():
            for one in inputs:
                trace = {"objectWriteTraceId": one["objectWriteTraceId"]} if traced else {}
                try:
                    row, is_new = self._write(one, refuses)
                except Refusal as refusal:
                    if not traced:
                        raise
                    context = {"objectWriteTraceId": [one["objectWriteTraceId"]]}
                    errors.append({**refusal.body, "context": context})
                else:
                    results.append({**self._shown(row, ["email"]), "new": is_new, **trace})
                    touched.append(row["email"])
        if touched:
            self.account.accepted(request, touched)
        told: dict[str, object] = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": iso(now_ms()),
            "completedAt": iso(now_ms()),
        }
        if not errors:
            return JSONResponse(told)
        return JSONResponse({**told, "numErrors": len(errors), "errors": errors}, 207)

    def _write(self, one: dict[str, object], refuses: object) -> tuple[sqlite3.Row, bool]:
        email, properties = str(one.get("id") or "").strip().lower(), one.get("properties")
        if not isinstance(properties, dict) or not all(isinstance(v, str) for v in properties.values()):
            raise invalid("Invalid input JSON: property values should be strings")
        if isinstance(refuses, list) and email in refuses:
            raise invalid(f"Validation rule broken for {email}", subCategory="VALIDATION_RULE_ERROR")
        if not EMAIL.fullmatch(email):
            raise invalid(f"Email address {email} is invalid", subCategory="INVALID_EMAIL")
        if self.account.memory.row("select 1 from erased where email = ?", email) is not None:
            raise invalid(f"{email} was deleted for GDPR and cannot be created", subCategory="GDPR_DELETED")
        known = {row["name"]: row for row in self.account.memory.rows("select * from property")}
        for name in properties:
            if name not in known:
                raise invalid(f'Property "{name}" does not exist', subCategory="PROPERTY_DOESNT_EXIST")
            if known[name]["read_only"]:
                raise invalid(f'"{name}" is a read only property', subCategory="READ_ONLY_VALUE")
        row, now, db = find(self.account, email, "email"), now_ms(), self.account.memory.db
        kept = {**(json.loads(row["properties"]) if row is not None else {}), **properties}
        written = json.dumps({name: value for name, value in kept.items() if value != ""}, ensure_ascii=False)
        if row is None:
            db.execute(
                "insert into contact (email, properties, created_at, changed_at) values (?, ?, ?, ?)",
                (email, written, now, now),
            )
        else:
            db.execute("update contact set properties = ?, changed_at = ? where id = ?", (written, now, row["id"]))
        found = find(self.account, email, "email")
        assert found is not None
        return found, row is None

    async def read(self, request: Request) -> Response:
        """Records that are not there are told in a 207."""
        body = await body_of(request)
        inputs, named = inputs_in(body, most=MOST_PER_CALL), body.get("properties")
        wanted = [str(name) for name in named] if isinstance(named, list) else []
        asked = [str(one.get("id")) for one in inputs]
        by = body.get("idProperty")
        found = {one: find(self.account, one, str(by) if by else None) for one in asked}
        told: dict[str, object] = {
            "status": "COMPLETE",
            "results": [self._shown(row, wanted) for row in found.values() if row is not None],
        }
        if missing := [one for one, row in found.items() if row is None]:
            error = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some CONTACT objects",
                     "context": {"ids": missing}}  # fmt: skip
            return JSONResponse({**told, "numErrors": 1, "errors": [error]}, 207)
        return JSONResponse(told)

    async def search(self, request: Request) -> Response:
        body = await body_of(request)
        limit, after = int(str(body.get("limit", 10))), int(str(body.get("after") or 0))
        if not 0 < limit <= 200:
            raise invalid("limit should be between 1 and 200")
        if after + limit > MOST_FOUND:
            raise invalid("The search goes beyond 10,000 results")
        condition, values = where(body.get("filterGroups"))
        named = body.get("properties")
        wanted = [str(name) for name in named] if isinstance(named, list) else ["email"]
        rows = self.account.memory.rows(
            f"select * from contact where {condition} order by id limit ? offset ?", *values, limit, after
        )
        total = self.account.memory.one(f"select count(*) from contact where {condition}", *values)
        paging = {"paging": {"next": {"after": str(after + limit)}}} if after + limit < total else {}
        return JSONResponse({"total": total, "results": [self._shown(row, wanted) for row in rows], **paging})

    async def erase(self, request: Request) -> Response:
        """Nothing of the contact is left, and its address can never be used again: also when it was not known."""
        body = await body_of(request)
        identifier, by = str(body.get("objectId") or ""), body.get("idProperty")
        row = find(self.account, identifier, str(by) if by else None)
        if row is None and by != "email":
            raise not_found("contact")
        email = row["email"] if row is not None else identifier.strip().lower()
        with self.account.memory.transaction() as db:
            db.execute("insert or ignore into erased values (?)", (email,))
            if row is not None:
                db.execute("delete from membership where contact_id = ?", (row["id"],))
                db.execute("delete from contact where id = ?", (row["id"],))
        self.account.accepted(request, [email])
        return Response(status_code=204)

    async def delete(self, request: Request, contact_id: str) -> Response:
        """The contact is gone from every list; its address may be written again. One that is not there is no error."""
        row = find(self.account, contact_id, None)
        if row is not None:
            with self.account.memory.transaction() as db:
                db.execute("delete from membership where contact_id = ?", (row["id"],))
                db.execute("delete from contact where id = ?", (row["id"],))
        self.account.accepted(request, [row["email"]] if row is not None else [])
        return Response(status_code=204)

    async def list_properties(self) -> Response:
        rows = self.account.memory.rows("select * from property order by name")
        return JSONResponse({"results": [_property(row) for row in rows]})

    async def new_property(self, request: Request) -> Response:
        body = await body_of(request)
        if missing := [n for n in ("name", "label", "type", "fieldType", "groupName") if not body.get(n)]:
            raise invalid(f"Some required fields were not set: {missing}")
        name = str(body["name"])
        if not re.fullmatch("[a-z][a-z0-9_]*", name):
            raise invalid("Property names should be in lower case")
        if self.account.memory.row("select 1 from property where name = ?", name) is not None:
            raise refused(409, "OBJECT_ALREADY_EXISTS", f"A property named '{name}' already exists.")
        row = (name, str(body["label"]), str(body["type"]), str(body["fieldType"]), 0)
        self.account.memory.db.execute("insert into property values (?, ?, ?, ?, ?)", row)
        self.account.accepted(request, [])
        found = self.account.memory.row("select * from property where name = ?", name)
        assert found is not None
        return JSONResponse(_property(found), 201)

    def _shown(self, row: sqlite3.Row, wanted: list[str]) -> dict[str, object]:
        """A record with the properties asked for; one that has no value is null."""
        has = {**json.loads(row["properties"]), "email": row["email"]}
        always = {"hs_object_id": str(row["id"]), "lastmodifieddate": iso(row["changed_at"])}
        return {
            "id": str(row["id"]),
            "properties": {**{name: has.get(name) for name in wanted}, **always},
            "createdAt": iso(row["created_at"]),
            "updatedAt": iso(row["changed_at"]),
            "archived": False,
        }


def _property(row: sqlite3.Row) -> dict[str, object]:
    return {
        "name": row["name"],
        "label": row["label"],
        "type": row["type"],
        "fieldType": row["field_type"],
        "modificationMetadata": {"readOnlyValue": bool(row["read_only"])},
    }
