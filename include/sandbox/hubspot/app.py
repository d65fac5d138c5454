"""The account's routes put together, and what the control desk asks of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI

from sandbox.hubspot.account import BOUNCED, INELIGIBLE, OPT_OUT, OPT_OUT_OF_TYPE, Account, admit, now_ms
from sandbox.hubspot.contacts import contact_routes
from sandbox.hubspot.limits import HubspotLimits
from sandbox.hubspot.lists import list_routes
from sandbox.server.errors import new_app
from sandbox.server.faults import Faults
from sandbox.server.gate import Gate
from sandbox.server.journal import Journal

TOLD_AS = {
    "unsubscribed": (OPT_OUT_OF_TYPE, "true"),
    "unsubscribed_from_all": (OPT_OUT, "true"),
    "complaint": (INELIGIBLE, "true"),
    "hard_bounce": (BOUNCED, "UNKNOWN_USER"),
}
"""How an opt-out shows in a contact's properties."""


class Hubspot:
    """The simulated platform as the control desk knows it."""

    name = "hubspot"

    def __init__(self, file: Path, journal: Journal, faults: Faults) -> None:
        self.account = Account.at(file, journal)
        app = hubspot_app(self.account)
        self.gate = Gate(self.name, "/hubspot", app, journal, faults, admit, HubspotLimits())

    def lists(self) -> dict[str, list[str]]:
        content: dict[str, list[str]] = {r["name"]: [] for r in self.account.memory.rows("select name from list")}
        members = "select name, email from list l join membership on list_id = l.id join contact c on c.id = contact_id"
        for row in self.account.memory.rows(f"{members} order by email"):
            content[row["name"]].append(row["email"])
        return content

    def opted_out(self) -> dict[str, str]:
        """Address -> the first way in which it opted out."""
        ways = {name: why for why, (name, _) in TOLD_AS.items()}
        found = {}
        for row in self.account.memory.rows("select email, properties from contact order by email"):
            if told := [ways[name] for name in json.loads(row["properties"]) if name in ways]:
                found[row["email"]] = told[0]
        return found

    def opt_out(self, email: str, reason: str) -> None:
        """Raises TypeError for a reason that is none."""
        if reason not in TOLD_AS:
            raise TypeError(f"reason: expected one of {', '.join(TOLD_AS)}; found {reason!r}")
        (name, value), now, email = TOLD_AS[reason], now_ms(), email.strip().lower()
        self.account.memory.db.execute(
            "insert into contact (email, properties, created_at, changed_at) values (?, json_object(?, ?), ?, ?)"
            " on conflict (email) do update set properties = json_patch(properties, excluded.properties),"
            " changed_at = excluded.changed_at",
            (email, name, value, now, now),
        )

    def reset(self) -> None:
        self.account.reset()

    def set_limit(self, limit: Mapping[str, int]) -> None:
        self.gate.limiter = HubspotLimits(**limit)  # type: ignore[arg-type]

    def set_delay(self, seconds: float) -> None:
        """HubSpot does everything at once."""


def hubspot_app(account: Account) -> FastAPI:
    app = new_app("sandbox HubSpot")
    for router in (contact_routes, list_routes):
        app.include_router(router(account))
    return app
