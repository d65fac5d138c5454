"""Imports: accepted at once, done a little later, reported as CSV files behind a process id."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.brevo.people import join, known_attributes, merged
from sandbox.brevo.requests import is_email
from sandbox.brevo.store import Store, timestamp

REPORTS = (
    "invalid_emails", "duplicate_contact_id", "duplicate_ext_id", "duplicate_email_id", "duplicate_phone_id",
    "duplicate_whatsapp_id", "duplicate_landline_number_id",
)  # fmt: skip


@dataclass
class Imports:
    """`delay_seconds` lie between the acceptance of an import and its effect. Nothing runs in the background: `settle`
    does what is due."""

    store: Store
    delay_seconds: float = 0.5
    clock: Callable[[], float] = time.time

    def accept(self, work: dict[str, object], *, ends_as: str = "completed") -> int:
        """Keeps the import for later and returns its process id. `ends_as` stuck: it never ends; half: it fails halfway."""
        now = self.clock()
        due = None if ends_as == "stuck" else now + self.delay_seconds
        cursor = self.store.db.execute(
            "insert into process (status, accepted_at, due_at, ends_as, work) values ('queued', ?, ?, ?, ?)",
            (now, due, ends_as, json.dumps(work)),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def settle(self) -> None:
        """Does the imports whose time has come, in the order they were accepted."""
        due = self.store.rows("select * from process where work is not null and due_at <= ? order by id", self.clock())
        for process in due:
            with self.store.transaction():
                work = json.loads(process["work"])
                if process["ends_as"] != "completed":
                    work["jsonBody"] = work["jsonBody"][
                        : len(work["jsonBody"]) // 2 if process["ends_as"] == "half" else 0
                    ]
                reports = self._perform(work)
                for kind, lines in reports.items():
                    csv = "\n".join(["email", *lines]) + "\n"
                    self.store.db.execute("insert into report values (?, ?, ?)", (process["id"], kind, csv))
                status = "completed" if process["ends_as"] == "completed" else "failed"
                self.store.db.execute(
                    "update process set status = ?, work = null where id = ?", (status, process["id"])
                )

    def shown(self, process_id: int, base_url: str) -> dict[str, object] | None:
        """A process as Brevo shows it; its reports are URLs, or null where there is nothing to report."""
        row = self.store.row("select * from process where id = ?", process_id)
        if row is None:
            return None
        status = row["status"]
        if status == "queued" and self.clock() - row["accepted_at"] > 0.2 * self.delay_seconds:
            status = "in_process"
        made = {r["kind"] for r in self.store.rows("select kind from report where process_id = ?", process_id)}
        urls = {kind: f"{base_url}/brevo/exports/{process_id}/{kind}.csv" if kind in made else None for kind in REPORTS}
        shown: dict[str, object] = {"id": process_id, "status": status, "name": "import_contacts"}
        return {**shown, "info": {"import": urls}} if status == "completed" else shown

    def _perform(self, work: dict[str, object]) -> dict[str, list[str]]:
        """Writes the contacts; returns what was left out, by report. Being block-listed is never undone here."""
        reports: dict[str, list[str]] = defaultdict(list)
        known = known_attributes(self.store)
        list_ids, update, empties = work["listIds"], work["updateExistingContacts"], work["emptyContactsAttributes"]
        assert isinstance(list_ids, list)
        records, refuses = work["jsonBody"], work["refuses"]
        assert isinstance(records, list) and isinstance(refuses, list)
        now = timestamp()
        seen: set[str] = set()
        for record in records:
            email, ext_id = str(record.get("email") or "").strip().lower(), record.get("ext_id")
            if not is_email(email) or email in refuses:
                reports["invalid_emails"].append(str(record.get("email") or ""))
                continue
            if email in seen:
                reports["duplicate_email_id"].append(email)
            seen.add(email)
            given = {str(k).upper(): v for k, v in (record.get("attributes") or {}).items()}
            attributes = {name: value for name, value in given.items() if name in known}
            row = self.store.row("select * from contact where email = ?", email)
            holder = self.store.row("select id from contact where ext_id = ?", ext_id) if ext_id else None
            if holder is not None and (row is None or holder["id"] != row["id"]):
                reports["duplicate_ext_id"].append(email)
                continue
            if row is None:
                cursor = self.store.db.execute(
                    "insert into contact (email, ext_id, attributes, created_at, modified_at) values (?, ?, ?, ?, ?)",
                    (email, ext_id, merged("{}", attributes, empties=True), now, now),
                )
                assert cursor.lastrowid is not None
                contact_id = cursor.lastrowid
            else:
                contact_id = row["id"]
                if update:
                    self.store.db.execute(
                        "update contact set attributes = ?, ext_id = coalesce(?, ext_id), modified_at = ? where id = ?",
                        (merged(row["attributes"], attributes, empties=bool(empties)), ext_id, now, contact_id),
                    )
            if work.get("emailBlacklist"):
                self.store.db.execute("update contact set blocked = 1, blocked_why = 'api' where id = ?", (contact_id,))
            join(self.store, contact_id, list_ids)
        return reports
