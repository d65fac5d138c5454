"""What one business unit remembers: data extensions and their rows, All Subscribers and its history, requests under way."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from sandbox.server.memory import Memory

SCHEMA = """
create table if not exists extension (key text primary key, name text not null unique, is_sendable integer not null);
create table if not exists field (
    extension text, name text, type text not null, max_length integer, is_key integer not null, primary key (extension, name));
create table if not exists entry (
    extension text, key text, content text not null, primary key (extension, key)) without rowid;
create table if not exists subscriber (
    id integer primary key autoincrement, key text not null unique, email text not null, status text not null,
    created_at text not null, unsubscribed_at text);
create index if not exists subscriber_email on subscriber (email);
create table if not exists status_event (
    id integer primary key autoincrement, subscriber_id integer not null, current text not null, previous text not null,
    reason text not null, created_at text not null);
create table if not exists list_subscriber (
    list_id integer, subscriber_id integer, status text not null, modified_at text not null,
    primary key (list_id, subscriber_id));
create table if not exists request (
    id text primary key, extension text not null, accepted_at real not null, due_at real, ends_as text not null,
    status text not null, work text);
create table if not exists result (request_id text, place integer, code text, message text, primary key (request_id, place));
create table if not exists deletion (
    id integer primary key autoincrement, keys text not null, due_at real, status text not null);
create table if not exists reading (id text primary key, content text not null);
"""

FIRST_LIST = 1
"""A publication list that people may leave without leaving everything."""

SERVER_TIME = timezone(timedelta(hours=-6))
"""Dates are shown in server time, UTC-6 all year, without saying so."""

LEFT = {
    "unsubscribed": ("Unsubscribed", "Unsub", "Unsubscribed by the subscriber"),
    "complaint": ("Unsubscribed", "Unsub", "Spam complaint from mailbox.example"),
    "hard_bounce": ("Held", "Held", "Hard bounce"),
}
"""Why mail stops: the status in All Subscribers, the status in its history, and the reason given there."""


class Account(Memory):
    """One business unit.

    Args:
        now: the time, for what is shown; `clock`: seconds, for what is due.
    """

    def __init__(
        self, path: Path, clock: Callable[[], float], now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        super().__init__(path, SCHEMA)
        self.clock, self.now = clock, now

    def subscriber(self, key: str, email: str) -> sqlite3.Row:
        """The subscriber of this key, made as an active one when there is none: as a send makes them."""
        self.db.execute(
            "insert or ignore into subscriber (key, email, status, created_at) values (?, ?, 'Active', ?)",
            (key, email, self.stamp()),
        )
        found = self.row("select * from subscriber where key = ?", key)
        assert found is not None
        return found

    def leave(self, email: str, reason: str) -> None:
        """The person of this address opts out there: of everything, or (`list`) of one publication list.

        An address that nobody has becomes a subscriber whose key is the address.
        """
        email = email.strip().lower()
        with self.transaction() as db:
            people = self.rows("select * from subscriber where email = ?", email) or [self.subscriber(email, email)]
            for person in people:
                if reason == "list":
                    db.execute(
                        "insert or replace into list_subscriber values (?, ?, 'Unsubscribed', ?)",
                        (FIRST_LIST, person["id"], self.stamp()),
                    )
                    continue
                status, current, told = LEFT.get(reason, LEFT["unsubscribed"])
                db.execute(
                    "update subscriber set status = ?, unsubscribed_at = ? where id = ?",
                    (status, self.stamp() if status == "Unsubscribed" else None, person["id"]),
                )
                db.execute(
                    "insert into status_event (subscriber_id, current, previous, reason, created_at)"
                    " values (?, ?, 'Normal', ?, ?)",
                    (person["id"], current, told, self.stamp()),
                )

    def stamp(self) -> str:
        """Now in UTC, in a form that sorts as time does."""
        return self.now().astimezone(UTC).isoformat(timespec="milliseconds")

    def lists(self) -> dict[str, list[str]]:
        """Name of each data extension -> addresses in it, sorted."""
        found: dict[str, list[str]] = {row["name"]: [] for row in self.rows("select name from extension order by name")}
        members = (
            "select name, json_extract(content, '$.EmailAddress') as email"
            " from entry join extension on extension = extension.key order by email"
        )
        for row in self.rows(members):
            found[row["name"]].append(row["email"] or "")
        return found

    def opted_out(self) -> dict[str, str]:
        """Address -> status, of everybody whom mail may not reach, be it by one list only."""
        query = (
            "select email, status from subscriber where status in ('Unsubscribed', 'Held') union all"
            " select email, 'Unsubscribed from a list' from subscriber join list_subscriber on subscriber_id = subscriber.id"
            " where list_subscriber.status = 'Unsubscribed' and subscriber.status = 'Active' order by email"
        )
        return {row["email"]: row["status"] for row in self.rows(query)}


def shown(stamp: str | None) -> str:
    """A kept instant as the platform shows it: server time, without a zone."""
    if stamp is None:
        return ""
    return datetime.fromisoformat(stamp).astimezone(SERVER_TIME).replace(tzinfo=None).isoformat(timespec="milliseconds")
