"""What the routes of the simulated account share: its memory, the journal, and reading what a client sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fastapi import Request
from starlette.datastructures import Headers

from sandbox.mailchimp.errors import invalid, not_found, refused
from sandbox.server.errors import Refusal
from sandbox.server.journal import Journal
from sandbox.server.memory import Memory

KEY = "sandbox-mailchimp-key-us0"
AUDIENCE = "b4baa94655"

SCHEMA = """
create table if not exists member (
    id integer primary key, hash text not null unique, email text not null, status text not null,
    merge_fields text not null default '{}', reason text, changed_at text not null, opted_out_at text);
create table if not exists forgotten (hash text primary key);
create table if not exists merge_field (id integer primary key, tag text not null unique, name text, type text,
    required integer not null default 0);
create table if not exists segment (id integer primary key, name text not null unique, created_at text not null);
create table if not exists membership (
    segment_id integer not null, member_id integer not null, primary key (segment_id, member_id)) without rowid;
create index if not exists membership_of on membership (member_id);
create table if not exists batch (
    id text primary key, ends_as text not null, accepted_at real not null, due_at real, work text, results text,
    total integer not null, errored integer not null default 0);
"""

FIRST_FIELDS = (("FNAME", "First Name", "text"), ("LNAME", "Last Name", "text"))


@dataclass
class Account:
    """The account's memory and the journal of what it accepted.

    delay_seconds   how long a batch takes
    """

    memory: Memory
    journal: Journal
    clock: Callable[[], float]
    delay_seconds: float = 0.5

    @classmethod
    def at(cls, path: Path, journal: Journal, clock: Callable[[], float]) -> Account:
        account = cls(Memory(path, SCHEMA), journal, clock)
        if not account.memory.one("select count(*) from merge_field"):
            account.reset()
        return account

    def reset(self) -> None:
        self.memory.forget()
        self.memory.many("insert into merge_field (tag, name, type) values (?, ?, ?)", FIRST_FIELDS)

    def accepted(self, request: Request, emails: list[str], *, segment: int | None = None) -> None:
        """Writes an accepted write call down, with the addresses it touches."""
        row = self.memory.row("select name from segment where id = ?", segment) if segment is not None else None
        name = None if row is None else str(row["name"])
        self.journal.accepted("mailchimp", request.scope["sandbox.call"], emails, list_name=name)


def admit(path: str, headers: Headers) -> Refusal | None:
    """HTTP Basic with any user, or Bearer. The archive of a batch lies elsewhere: its address is the secret."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if path.startswith("/archives/") or (scheme == "Bearer" and given == KEY):
        return None
    if scheme == "Basic":
        try:
            if base64.b64decode(given).decode().partition(":")[2] == KEY:
                return None
        except ValueError:
            pass
    return refused(
        401, "API Key Invalid", "Your API key may be invalid, or you've attempted to access the wrong datacenter."
    )


def must_be_ours(list_id: str) -> None:
    if list_id != AUDIENCE:
        raise not_found()


async def body_of(request: Request) -> dict[str, object]:
    return json_object(await request.body())


def json_object(content: bytes | str) -> dict[str, object]:
    try:
        parsed = json.loads(content or b"{}")
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise refused(400, "JSON Parse Error", "We encountered an unspecified JSON parsing error.")
    return parsed


def texts_in(body: dict[str, object], name: str, *, most: int) -> list[str]:
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise invalid("Schema describes array", field=name, message="Schema describes array of strings")
    if len(value) > most:
        problem = f"Maximum allowed member items exceeded, please provide at most {most} items"
        raise invalid(f"{problem} in members_to_add field or members_to_remove field")
    return value


def page_of(request: Request) -> tuple[int, int]:
    """`count` (10 unless told, at most 1,000) and `offset`."""
    count, offset = request.query_params.get("count", "10"), request.query_params.get("offset", "0")
    if not count.isdecimal() or int(count) > 1000:
        raise invalid(
            "count: should be between 0 and 1000", field="count", message="Schema describes a maximum of 1000"
        )
    if not offset.isdecimal():
        raise invalid("offset: should not be negative", field="offset", message="Schema describes a minimum of 0")
    return int(count), int(offset)


def timestamp() -> str:
    """Now, as Mailchimp writes it: whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def comparable(moment: str) -> str:
    """An ISO time in the form `timestamp` gives. Refuses what is none."""
    try:
        return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    except ValueError:
        raise invalid("time: should be ISO 8601", field="since", message="Schema describes a date-time") from None
