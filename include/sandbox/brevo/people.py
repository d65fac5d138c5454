"""What the platform knows of contacts, below HTTP: find, write, block, join lists."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from sandbox.brevo.errors import not_found
from sandbox.brevo.store import Store, timestamp
from sandbox.server.journal import Journal


def known_attributes(store: Store) -> set[str]:
    return {row["name"] for row in store.rows("select name from attribute")}


def only_known(store: Store, attributes: Mapping[str, object]) -> dict[str, object]:
    """Attributes the account does not define are dropped without a word: that is the trap."""
    known = known_attributes(store)
    return {name: value for name, value in attributes.items() if name in known}


def find(store: Store, identifier: str, kind: str | None = None) -> sqlite3.Row:
    """One contact by e-mail, id or ext_id; `kind` as Brevo's `identifierType`. 404 when there is none."""
    if kind is None:
        kind = "email_id" if "@" in identifier else "contact_id" if identifier.isdecimal() else "ext_id"
    column = {"email_id": "email", "contact_id": "id", "ext_id": "ext_id"}.get(kind, "email")
    wanted = identifier.strip().lower() if column == "email" else identifier
    row = store.row(f"select * from contact where {column} = ?", wanted)
    if row is None:
        raise not_found("Contact")
    return row


def shown(store: Store, row: sqlite3.Row) -> dict[str, object]:
    """A contact as Brevo shows it. `extId` is there only when it has one."""
    lists = [
        m["list_id"]
        for m in store.rows("select list_id from membership where contact_id = ? order by list_id", row["id"])
    ]
    named = {"extId": row["ext_id"]} if row["ext_id"] is not None else {}
    return {
        "email": row["email"],
        "id": row["id"],
        **named,
        "emailBlacklisted": bool(row["blocked"]),
        "smsBlacklisted": bool(row["sms_blocked"]),
        "createdAt": row["created_at"],
        "modifiedAt": row["modified_at"],
        "listIds": lists,
        "attributes": json.loads(row["attributes"]),
    }


def merged(old: str, new: Mapping[str, object], *, empties: bool) -> str:
    """Attributes after an update. Empty values wipe only when `empties`; otherwise they leave what was there."""
    kept: dict[str, object] = json.loads(old)
    for name, value in new.items():
        if value in (None, ""):
            if empties:
                kept.pop(name, None)
        else:
            kept[name] = value
    return json.dumps(kept, ensure_ascii=False)


def join(store: Store, contact_id: int, list_ids: list[int]) -> None:
    store.db.executemany("insert or ignore into membership values (?, ?)", [(one, contact_id) for one in list_ids])


def leave(store: Store, contact_id: int, list_ids: list[int]) -> None:
    store.db.executemany(
        "delete from membership where list_id = ? and contact_id = ?", [(one, contact_id) for one in list_ids]
    )


def touch(store: Store, contact_ids: list[int]) -> None:
    now = timestamp()
    store.db.executemany("update contact set modified_at = ? where id = ?", [(now, one) for one in contact_ids])


def write_blocked(store: Store, row: sqlite3.Row, blocked: bool, *, journal: Journal, how: str) -> None:
    """Writes a subscription status on an existing contact. Taking the block away is done, and counted as a
    violation."""
    if not blocked:
        journal.resubscribed(row["email"], how)
    store.db.execute(
        "update contact set blocked = ?, blocked_why = ? where id = ?",
        (int(blocked), "api" if blocked else None, row["id"]),
    )


def block(store: Store, email: str, reason: str) -> None:
    """The person opts out on the platform itself. An address the platform does not know becomes a blocked contact."""
    now = timestamp()
    store.db.execute(
        "insert into contact (email, blocked, blocked_why, created_at, modified_at) values (?, 1, ?, ?, ?)"
        " on conflict (email) do update"
        " set blocked = 1, blocked_why = excluded.blocked_why, modified_at = excluded.modified_at",
        (email.strip().lower(), reason, now, now),
    )
