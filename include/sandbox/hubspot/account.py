"""What the routes of the simulated account share: its memory, the journal, and reading what a client sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fastapi import Request
from starlette.datastructures import Headers

from sandbox.hubspot.errors import invalid, refused
from sandbox.server.errors import Refusal
from sandbox.server.journal import Journal
from sandbox.server.memory import Memory

TOKEN = "sandbox-hubspot-token"  # noqa: S105 - the token of a sandbox is no secret
SUBSCRIPTION = "7461233"
"""The subscription type of marketing e-mail."""

SCHEMA = """
create table if not exists contact (
    id integer primary key autoincrement, email text not null unique, properties text not null default '{}',
    created_at integer not null, changed_at integer not null);
create table if not exists erased (email text primary key);
create table if not exists property (name text primary key, label text, type text, field_type text, read_only integer);
create table if not exists list (id integer primary key autoincrement, name text not null unique, kind text not null);
create table if not exists membership (
    list_id integer not null, contact_id integer not null, primary key (list_id, contact_id)) without rowid;
"""

OPT_OUT, OPT_OUT_OF_TYPE = "hs_email_optout", f"hs_email_optout_{SUBSCRIPTION}"
BOUNCED, INELIGIBLE = "hs_email_hard_bounce_reason_enum", "hs_email_is_ineligible"

FIRST_PROPERTIES = (
    ("email", "Email", "string", "text", 0),
    ("firstname", "First Name", "string", "text", 0),
    ("lastname", "Last Name", "string", "text", 0),
    ("hs_object_id", "Record ID", "number", "number", 1),
    ("lastmodifieddate", "Last Modified Date", "datetime", "date", 1),
    (OPT_OUT, "Unsubscribed from all email", "bool", "booleancheckbox", 1),
    (OPT_OUT_OF_TYPE, "Opted out of email: Marketing Information", "bool", "booleancheckbox", 1),
    (BOUNCED, "Email hard bounce reason", "enumeration", "select", 1),
    (INELIGIBLE, "Is globally ineligible", "bool", "booleancheckbox", 1),
)


@dataclass
class Account:
    """The account's memory and the journal of what it accepted."""

    memory: Memory
    journal: Journal

    @classmethod
    def at(cls, path: Path, journal: Journal) -> Account:
        account = cls(Memory(path, SCHEMA), journal)
        if not account.memory.one("select count(*) from property"):
            account.reset()
        return account

    def reset(self) -> None:
        self.memory.forget()
        self.memory.many("insert into property values (?, ?, ?, ?, ?)", FIRST_PROPERTIES)

    def accepted(self, request: Request, emails: list[str], *, list_id: int | None = None) -> None:
        """Writes an accepted write call down, with the addresses it touches."""
        row = self.memory.row("select name from list where id = ?", list_id) if list_id is not None else None
        name = None if row is None else str(row["name"])
        self.journal.accepted("hubspot", request.scope["sandbox.call"], emails, list_name=name)


def admit(_: str, headers: Headers) -> Refusal | None:
    if headers.get("authorization") == f"Bearer {TOKEN}":
        return None
    return refused(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")


async def body_of(request: Request) -> dict[str, object]:
    parsed = await json_of(request)
    if not isinstance(parsed, dict):
        raise invalid("Invalid input JSON: expected an object")
    return parsed


async def json_of(request: Request) -> object:
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError:
        raise invalid("Invalid input JSON") from None


def inputs_in(body: dict[str, object], *, most: int) -> list[dict[str, object]]:
    value = body.get("inputs")
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise invalid("Invalid input JSON: inputs should be an array of objects")
    if not 0 < len(value) <= most:
        raise invalid(f"The number of inputs should be between 1 and {most}, found {len(value)}")
    return value


def now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def iso(ms: int) -> str:
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"
