"""What the platform remembers: contacts, lists, processes, campaigns, in one SQLite file of the state folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sandbox.server.memory import Memory

SCHEMA = """
create table if not exists contact (
    id integer primary key autoincrement, email text not null unique, ext_id text unique,
        attributes text not null default '{}',
    blocked integer not null default 0, blocked_why text, sms_blocked integer not null default 0,
    created_at text not null, modified_at text not null);
create table if not exists attribute (category text, name text, type text, primary key (category, name));
create table if not exists folder (id integer primary key autoincrement, name text not null unique);
create table if not exists list (id integer primary key autoincrement, name text not null, folder_id integer not null,
    created_at text not null);
create table if not exists membership (
    list_id integer not null, contact_id integer not null, primary key (list_id, contact_id)) without rowid;
create index if not exists membership_of on membership (contact_id);
create table if not exists process (
    id integer primary key autoincrement, status text not null, accepted_at real not null, due_at real,
        ends_as text not null,
    work text, info text not null default '{}');
create table if not exists report (process_id integer, kind text, csv text, primary key (process_id, kind));
create table if not exists webhook (id integer primary key autoincrement, content text not null);
create table if not exists campaign (id integer primary key, content text not null);
"""

FIRST_ATTRIBUTES = (
    ("normal", "LASTNAME", "text"),
    ("normal", "FIRSTNAME", "text"),
    ("normal", "SMS", "text"),
    ("normal", "EXT_ID", "text"),
    ("category", "DOUBLE_OPT-IN", "category"),
)


class Store(Memory):
    """The platform's memory, from its initial state on: the newsletter contacts in no list, the campaigns sent."""

    def __init__(self, path: Path, initial: Path) -> None:
        super().__init__(path, SCHEMA)
        self.initial = initial
        if not self.one("select count(*) from folder"):
            self.reset()

    def reset(self) -> None:
        """Back to the initial state: ids start again from 1."""
        content: Mapping[str, list[dict[str, object]]] = json.loads(self.initial.read_text(encoding="utf-8"))
        self.forget()
        with self.transaction() as db:
            db.executemany("insert into attribute values (?, ?, ?)", FIRST_ATTRIBUTES)
            db.execute("insert into folder (name) values ('Your first folder')")
            db.executemany(
                "insert into contact (email, attributes, blocked, blocked_why, created_at, modified_at)"
                " values (?, ?, ?, ?, ?, ?)",
                [
                    (
                        c["email"],
                        json.dumps({"FIRSTNAME": c["first_name"], "LASTNAME": c["last_name"]}, ensure_ascii=False),
                        int(bool(c["blocked"])),
                        "unsubscribed" if c["blocked"] else None,
                        c["created_at"],
                        c["modified_at"],
                    )
                    for c in content["contacts"]
                ],
            )
            db.executemany(
                "insert into campaign values (?, ?)", [(c["id"], json.dumps(c)) for c in content["campaigns"]]
            )

    def close(self) -> None:
        self.db.close()


def timestamp() -> str:
    """Now, as Brevo writes it: UTC with milliseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def comparable(moment: str) -> str:
    """An ISO time in the form `timestamp` stores, so that texts compare as times do. ValueError if it is none."""
    parsed = datetime.fromisoformat(moment)
    zoned = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
