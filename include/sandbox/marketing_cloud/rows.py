"""Rows of data extensions, and the requests that write them: accepted at once, done a little later, told by id."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.brevo.requests import is_email
from sandbox.marketing_cloud.account import Account

BOOLEANS = {"true": "True", "false": "False", "1": "True", "0": "False"}


class BadRow(Exception):
    """A row that the data extension does not take: the code and message of its result."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


@dataclass
class Requests:
    """Asynchronous upserts. `delay_seconds` lie between the acceptance of one and its effect. Nothing runs in the
    background: `settle` does what is due."""

    account: Account
    delay_seconds: float = 0.5

    def accept(self, extension: str, items: list[dict[str, object]], *, ends_as: str, refuse: Collection[str]) -> str:
        """Keeps the rows for later and returns the request's id.

        Args:
            ends_as: Complete; stuck: it stays Pending; failed: it ends with nothing done; half: with its first half done.
            refuse: addresses whose rows are refused.
        """
        request_id, now = str(uuid.uuid4()), self.account.clock()
        due = None if ends_as == "stuck" else now + self.delay_seconds
        work = json.dumps({"items": items, "refuse": sorted(refuse)})
        self.account.db.execute(
            "insert into request values (?, ?, ?, ?, ?, 'Pending', ?)", (request_id, extension, now, due, ends_as, work)
        )
        return request_id

    def settle(self) -> None:
        """Does the requests and the deletions whose time has come, in the order they were accepted."""
        now = self.account.clock()
        for request in self.account.rows(
            "select * from request where work is not null and due_at <= ? order by accepted_at, rowid", now
        ):
            with self.account.transaction() as db:
                failed = self._perform(request)
                db.executemany(
                    "insert into result values (?, ?, ?, ?)",
                    [(request["id"], place, error.code, error.message) for place, error in enumerate(failed)],
                )
                status = "Error" if request["ends_as"] in ("failed", "half") else "Complete"
                db.execute("update request set status = ?, work = null where id = ?", (status, request["id"]))
        for deletion in self.account.rows(
            "select * from deletion where status = 'Processing' and due_at <= ? order by id", now
        ):
            with self.account.transaction() as db:
                for key in json.loads(deletion["keys"]):
                    forget_contact(self.account, key)
                db.execute("update deletion set status = 'Completed' where id = ?", (deletion["id"],))

    def _perform(self, request: sqlite3.Row) -> list[BadRow]:
        """Writes the rows, each for itself; what was wrong, without a word about which row it was wrong with."""
        work = json.loads(request["work"])
        items = work["items"]
        if request["ends_as"] in ("failed", "half"):
            items = items[: len(items) // 2 if request["ends_as"] == "half" else 0]
        failed = []
        for item in items:
            try:
                if str(item.get("EmailAddress") or "").lower() in work["refuse"]:
                    raise BadRow("UnexpectedError", "The row was refused")
                upsert_row(self.account, request["extension"], item)
            except BadRow as error:
                failed.append(error)
        return failed


def upsert_row(account: Account, extension: str, item: Mapping[str, object]) -> None:
    """One row: what is not named stays as it is. Raises BadRow."""
    fields = {row["name"].lower(): row for row in account.rows("select * from field where extension = ?", extension)}
    values: dict[str, str] = {}
    for name, value in item.items():
        if (field := fields.get(name.lower())) is None:
            raise BadRow("UnexpectedError", f"The column {name} does not exist")
        values[field["name"]] = checked(field, value)
    key = next((values.get(f["name"], "") for f in fields.values() if f["is_key"]), "")
    if not key:
        raise BadRow("PrimaryKeyRequired", "A value is required for the primary key")
    known = account.row("select content from entry where extension = ? and key = ?", extension, key)
    content = {**(json.loads(known["content"]) if known else {}), **values}
    account.db.execute(
        "insert or replace into entry values (?, ?, ?)", (extension, key, json.dumps(content, ensure_ascii=False))
    )


def checked(field: sqlite3.Row, value: object) -> str:
    """The value as the column keeps it. Raises BadRow for one of another type or too long."""
    text = "" if value is None else str(value).strip() if not isinstance(value, bool) else str(value).lower()
    if text and field["type"] == "EmailAddress" and not is_email(text):
        raise BadRow("InvalidEmailAddress", f"{text} is no address")
    if text and field["type"] == "Boolean":
        if text.lower() not in BOOLEANS:
            raise BadRow("UnexpectedError", f"{text} is no boolean")
        text = BOOLEANS[text.lower()]
    if field["max_length"] and len(text) > field["max_length"]:
        raise BadRow("UnexpectedError", f"The value of {field['name']} is too long")
    return text


def forget_contact(account: Account, key: str) -> None:
    """What a contact deletion leaves of a contact: nothing, in All Subscribers, on lists, in sendable extensions."""
    person = account.row("select id from subscriber where key = ?", key)
    if person is not None:
        account.db.execute("delete from status_event where subscriber_id = ?", (person["id"],))
        account.db.execute("delete from list_subscriber where subscriber_id = ?", (person["id"],))
        account.db.execute("delete from subscriber where id = ?", (person["id"],))
    sendable = "select key from extension where is_sendable"
    account.db.execute(f"delete from entry where key = ? and extension in ({sendable})", (key,))


def request_shown(request: sqlite3.Row, failures: int) -> dict[str, object]:
    """The status of a request as the REST API tells it."""
    done = request["status"] != "Pending"
    at = datetime.fromtimestamp(request["accepted_at"], UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return {
        "callDateTime": at,
        "pickupDateTime": at if done else "0001-01-01T00:00:00",
        "completionDateTime": at if done else "0001-01-01T00:00:00",
        "hasErrors": bool(failures) or request["status"] == "Error",
        "requestStatus": request["status"],
        "resultStatus": "Error" if failures or request["status"] == "Error" else "OK" if done else "",
        "requestId": request["id"],
    }
