"""What the account knows of its members, below HTTP: who may be written how."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Mapping

from sandbox.mailchimp.account import AUDIENCE, Account, timestamp
from sandbox.mailchimp.errors import forgotten, in_compliance_state, invalid, not_found

EMAIL = re.compile(r"[^@\s,;<>()\[\]]+@[^@\s,;<>()\[\]]+\.[^@\s,;<>()\[\].]{2,}")
STATUSES = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional")
OPTED_OUT = ("unsubscribed", "cleaned")
LONGEST_TEXT = 255
MOST_TAGS = 50
CONTACT = "contact-"
BY_THE_API = "by the API"


def hash_of(email: str) -> str:
    return hashlib.md5(email.strip().lower().encode(), usedforsecurity=False).hexdigest()


def find(account: Account, who: str) -> sqlite3.Row:
    """One member by hash, address or contact id. 404 when there is none."""
    if who.startswith(CONTACT):
        row = account.memory.row("select * from member where id = ?", who.removeprefix(CONTACT))
    else:
        row = account.memory.row("select * from member where hash = ?", hash_of(who) if "@" in who else who.lower())
    if row is None:
        raise not_found()
    return row


def tagged(account: Account, row: sqlite3.Row) -> dict[str, object]:
    """A member as single calls show it, with up to 50 of its tags: the static segments that it is in."""
    query = "select id, name from segment join membership on segment_id = id where member_id = ? order by id"
    tags = [{"id": one["id"], "name": one["name"]} for one in account.memory.rows(query, row["id"])]
    return {**shown(row), "tags_count": len(tags), "tags": tags[:MOST_TAGS]}


def shown(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["hash"],
        "contact_id": f"{CONTACT}{row['id']}",
        "email_address": row["email"],
        "status": row["status"],
        "merge_fields": json.loads(row["merge_fields"]),
        "last_changed": row["changed_at"],
        "list_id": AUDIENCE,
        **({"unsubscribe_reason": row["reason"]} if row["status"] == "unsubscribed" else {}),
    }


def put(account: Account, who: str, body: Mapping[str, object], *, skip_merge_validation: bool = False) -> sqlite3.Row:
    """Makes or updates a member, in the caller's transaction: `PUT /lists/{id}/members/{hash}`.

    `status_if_new` counts only for somebody who is not there; `status` is written on whoever is. Raises Refusal.
    """
    email = str(body.get("email_address") or (who if "@" in who else "")).strip()
    key = hash_of(who) if "@" in who else who.lower()
    row = account.memory.row("select * from member where hash = ?", key)
    for name in ("status", "status_if_new"):
        if body.get(name) is not None and body[name] not in STATUSES:
            raise invalid("The resource submitted could not be validated.", field=name,
                          message="Value must be one of: subscribed, unsubscribed, cleaned, pending, transactional")  # fmt: skip
    if row is not None:
        return change(account, row, body)
    status = body.get("status_if_new") or body.get("status")
    if not EMAIL.fullmatch(email) or hash_of(email) != key:
        raise invalid("Please provide a valid email address.")
    if status is None:
        raise invalid(
            "Your request doesn't have a status.", field="status_if_new", message="This value should not be blank."
        )
    if account.memory.row("select 1 from forgotten where hash = ?", key) is not None:
        raise forgotten(email)
    fields = _fields(account, "{}", body, is_new=not skip_merge_validation)
    now = timestamp()
    account.memory.db.execute(
        "insert into member (hash, email, status, merge_fields, changed_at) values (?, ?, ?, ?, ?)",
        (key, email, status, fields, now),
    )
    return find(account, key)


def change(account: Account, row: sqlite3.Row, body: Mapping[str, object]) -> sqlite3.Row:
    """Updates a member: what is not named stays, its status too. Raises Refusal."""
    status = body.get("status")
    if status == "subscribed" and row["status"] in OPTED_OUT:
        if row["reason"] != BY_THE_API:
            raise in_compliance_state(row["email"])
        account.journal.resubscribed(row["email"], "status: subscribed")
    fields = _fields(account, row["merge_fields"], body, is_new=False)
    now = timestamp()
    account.memory.db.execute(
        "update member set merge_fields = ?, changed_at = ? where id = ?", (fields, now, row["id"])
    )
    if status is not None and status != row["status"]:
        left = status in OPTED_OUT
        account.memory.db.execute(
            "update member set status = ?, reason = ?, opted_out_at = ? where id = ?",
            (status, BY_THE_API if left else None, now if left else None, row["id"]),
        )
    return find(account, row["hash"])


def archive(account: Account, row: sqlite3.Row) -> None:
    """What `DELETE` does: the member is out of sight and of every segment, and keeps its data."""
    db = account.memory.db
    db.execute("update member set status = 'archived', changed_at = ? where id = ?", (timestamp(), row["id"]))
    db.execute("delete from membership where member_id = ?", (row["id"],))


def forget(account: Account, row: sqlite3.Row) -> None:
    """What `delete-permanent` does: nothing is left, and the address can never be imported again."""
    db = account.memory.db
    db.execute("delete from membership where member_id = ?", (row["id"],))
    db.execute("delete from member where id = ?", (row["id"],))
    db.execute("insert or ignore into forgotten values (?)", (row["hash"],))


def opt_out(account: Account, email: str, reason: str) -> None:
    """The person opts out, complains (both: unsubscribed) or bounces (`hard_bounce`: cleaned) at the platform itself."""
    now, email = timestamp(), email.strip().lower()
    status = "cleaned" if reason == "hard_bounce" else "unsubscribed"
    account.memory.db.execute(
        "insert into member (hash, email, status, reason, changed_at, opted_out_at) values (?, ?, ?, ?, ?, ?)"
        " on conflict (hash) do update set status = excluded.status, reason = excluded.reason,"
        " changed_at = excluded.changed_at, opted_out_at = excluded.opted_out_at",
        (hash_of(email), email, status, reason, now, now),
    )


def _fields(account: Account, old: str, body: Mapping[str, object], *, is_new: bool) -> str:
    """Merge fields after a write. One that the audience does not define is dropped without a word: that is the trap."""
    given = body.get("merge_fields") or {}
    if not isinstance(given, dict):
        raise invalid(
            "The resource submitted could not be validated.", field="merge_fields", message="Schema describes object"
        )
    defined = {row["tag"]: row for row in account.memory.rows("select * from merge_field")}
    kept: dict[str, object] = json.loads(old)
    for tag, value in given.items():
        if tag not in defined:
            continue
        if len(str(value)) > LONGEST_TEXT:
            raise invalid("Your merge fields were invalid.", field=tag, message="Data did not match expected type")
        kept[tag] = value
    for tag, row in defined.items():
        if is_new and row["required"] and kept.get(tag) in (None, ""):
            raise invalid("Your merge fields were invalid.", field=tag, message="This field should not be blank.")
    return json.dumps(kept, ensure_ascii=False)
