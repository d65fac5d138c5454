"""`/v3/contacts`: read, create, update, delete, import."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox.brevo.errors import duplicate, invalid, missing
from sandbox.brevo.lists import create_list
from sandbox.brevo.people import find, join, leave, merged, only_known, shown, touch, write_blocked
from sandbox.brevo.platform import Platform
from sandbox.brevo.requests import attributes_in, body_of, ids_in, is_email, order_of, page_of, since_of, text_in
from sandbox.brevo.store import timestamp


def contact_routes(platform: Platform) -> APIRouter:
    router, contacts = APIRouter(), Contacts(platform)
    router.add_api_route("/contacts", contacts.list_contacts, methods=["GET"])
    router.add_api_route("/contacts/import", contacts.import_contacts, methods=["POST"])
    router.add_api_route("/contacts", contacts.create_contact, methods=["POST"])
    router.add_api_route("/contacts/{identifier}", contacts.read_contact, methods=["GET"])
    router.add_api_route("/contacts/{identifier}", contacts.update_contact, methods=["PUT"])
    router.add_api_route("/contacts/{identifier}", contacts.delete_contact, methods=["DELETE"])
    return router


@dataclass(frozen=True)
class Contacts:
    """The handlers, each one call of the API."""

    platform: Platform

    async def list_contacts(self, request: Request) -> Response:
        store = self.platform.store
        limit, offset = page_of(request, default=50, most=1000)
        conditions, values = ["1"], list[object]()
        since = since_of(request)
        if since is not None:
            conditions.append("modified_at >= ?")
            values.append(since)
        lists = [one for part in request.query_params.getlist("listIds") for one in part.split(",")]
        if lists:
            if not all(one.isdecimal() for one in lists):
                raise invalid("listIds should be an array of ids")
            places = ",".join("?" * len(lists))
            conditions.append(f"id in (select contact_id from membership where list_id in ({places}))")
            values.extend(int(one) for one in lists)
        where = " and ".join(conditions)
        count = store.one(f"select count(*) from contact where {where}", *values)
        rows = store.rows(
            f"select * from contact where {where} order by id {order_of(request)} limit ? offset ?",
            *values,
            limit,
            offset,
        )
        return JSONResponse({"contacts": [shown(store, row) for row in rows], "count": count})

    async def import_contacts(self, request: Request) -> Response:
        store = self.platform.store
        body = await body_of(request)
        records = body.get("jsonBody")
        if body.get("fileBody") or body.get("fileUrl"):
            raise invalid("this sandbox imports jsonBody only")
        if not isinstance(records, list) or not records:
            raise missing("jsonBody")
        if not all(isinstance(one, dict) and isinstance(one.get("attributes") or {}, dict) for one in records):
            raise invalid("jsonBody should be an array of contacts")
        list_ids, new_list = ids_in(body, "listIds"), body.get("newList")
        if not list_ids and not isinstance(new_list, dict):
            raise missing("listIds or newList")
        self.platform.must_have_lists(list_ids)
        fault = request.scope["sandbox.fault"]
        with store.transaction():
            if isinstance(new_list, dict):
                list_ids = [*list_ids, create_list(store, new_list.get("listName"), new_list.get("folderId"))]
            work = {
                "jsonBody": records,
                "listIds": list_ids,
                "updateExistingContacts": body.get("updateExistingContacts", True) is not False,
                "emptyContactsAttributes": body.get("emptyContactsAttributes", False) is True,
                "emailBlacklist": body.get("emailBlacklist", False) is True,
                "refuses": (request.scope.get("sandbox.fault_body") or []) if fault == "refuse_records" else [],
            }
            ends_as = {"stuck_process": "stuck", "fail_process": "failed", "half_process": "half"}.get(
                fault, "completed"
            )
            process_id = self.platform.imports.accept(work, ends_as=ends_as)
        emails = [str(one.get("email") or "").strip().lower() for one in records]
        self.platform.accepted(request, emails, list_id=list_ids[0])
        return JSONResponse({"processId": process_id}, 202)

    async def create_contact(self, request: Request) -> Response:
        store = self.platform.store
        body = await body_of(request)
        email, ext_id = (text_in(body, "email") or "").strip().lower(), text_in(body, "ext_id")
        if not is_email(email):
            raise invalid("Invalid email address") if email else missing("email")
        list_ids = ids_in(body, "listIds")
        self.platform.must_have_lists(list_ids)
        attributes = only_known(store, attributes_in(body))
        blocked = body.get("emailBlacklisted")
        now = timestamp()
        row = store.row("select * from contact where email = ? or (ext_id is not null and ext_id = ?)", email, ext_id)
        if row is not None and body.get("updateEnabled") is not True:
            raise duplicate("Contact already exist")
        with store.transaction() as db:
            if row is None:
                cursor = db.execute(
                    "insert into contact (email, ext_id, attributes, blocked, created_at, modified_at)"
                    " values (?, ?, ?, ?, ?, ?)",
                    (email, ext_id, merged("{}", attributes, empties=True), int(blocked is True), now, now),
                )
                contact_id = cursor.lastrowid
                assert contact_id is not None
            else:
                contact_id = row["id"]
                db.execute(
                    "update contact set attributes = ? where id = ?",
                    (merged(row["attributes"], attributes, empties=True), contact_id),
                )
                if isinstance(blocked, bool):
                    write_blocked(
                        store, row, blocked, journal=self.platform.journal, how="POST emailBlacklisted: false"
                    )
                touch(store, [contact_id])
            join(store, contact_id, list_ids)
        self.platform.accepted(request, [email], list_id=list_ids[0] if list_ids else None)
        return JSONResponse({"id": contact_id}, 201) if row is None else Response(status_code=204)

    async def read_contact(self, request: Request, identifier: str) -> Response:
        store = self.platform.store
        return JSONResponse(shown(store, find(store, identifier, request.query_params.get("identifierType"))))

    async def update_contact(self, request: Request, identifier: str) -> Response:
        """Changing the e-mail of a block-listed contact re-subscribes it: the block does not follow the address."""
        store = self.platform.store
        body = await body_of(request)
        row = find(store, identifier, request.query_params.get("identifierType"))
        attributes = attributes_in(body)
        new_email = str(attributes.pop("EMAIL", None) or text_in(body, "email") or row["email"]).strip().lower()
        if not is_email(new_email):
            raise invalid("Invalid email address")
        if new_email != row["email"] and store.row("select 1 from contact where email = ?", new_email) is not None:
            raise duplicate("Unable to update contact, email is already associated with another Contact")
        ext_id = text_in(body, "ext_id")
        if ext_id and store.row("select 1 from contact where ext_id = ? and id <> ?", ext_id, row["id"]) is not None:
            raise duplicate("Unable to update contact, ext_id is already associated with another Contact")
        list_ids, unlinked = ids_in(body, "listIds"), ids_in(body, "unlinkListIds")
        self.platform.must_have_lists([*list_ids, *unlinked])
        blocked = body.get("emailBlacklisted")
        with store.transaction() as db:
            db.execute(
                "update contact set email = ?, ext_id = coalesce(?, ext_id), attributes = ? where id = ?",
                (new_email, ext_id, merged(row["attributes"], only_known(store, attributes), empties=True), row["id"]),
            )
            if new_email != row["email"] and row["blocked"]:
                write_blocked(
                    store,
                    row,
                    False,
                    journal=self.platform.journal,
                    how=f"PUT changed the e-mail of a block-listed contact to {new_email}",
                )
            if isinstance(blocked, bool):
                write_blocked(store, row, blocked, journal=self.platform.journal, how="PUT emailBlacklisted: false")
            join(store, row["id"], list_ids)
            leave(store, row["id"], unlinked)
            touch(store, [row["id"]])
        self.platform.accepted(request, sorted({row["email"], new_email}), list_id=list_ids[0] if list_ids else None)
        return Response(status_code=204)

    async def delete_contact(self, request: Request, identifier: str) -> Response:
        """Nothing stays, the block neither: importing the address again would make a contact that can be mailed."""
        store = self.platform.store
        row = find(store, identifier, request.query_params.get("identifierType"))
        with store.transaction() as db:
            db.execute("delete from membership where contact_id = ?", (row["id"],))
            db.execute("delete from contact where id = ?", (row["id"],))
        self.platform.accepted(request, [row["email"]])
        return Response(status_code=204)
