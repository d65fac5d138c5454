"""The account's routes put together, and what the control desk asks of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response

from sandbox.mailchimp.account import AUDIENCE, Account, admit
from sandbox.mailchimp.batches import archive, batch_routes, settle
from sandbox.mailchimp.errors import TOO_MANY_AT_ONCE
from sandbox.mailchimp.members import member_routes
from sandbox.mailchimp.people import opt_out
from sandbox.mailchimp.segments import segment_routes
from sandbox.server.errors import new_app
from sandbox.server.faults import Faults
from sandbox.server.gate import Gate
from sandbox.server.journal import Journal

AT_ONCE = 10
"""Requests that an account may have open at the same moment: the only limit, and no header tells of it."""


class Mailchimp:
    """The simulated platform as the control desk knows it."""

    name = "mailchimp"

    def __init__(self, file: Path, journal: Journal, faults: Faults) -> None:
        self.account = Account.at(file, journal, time.time)
        self.gate = Gate(self.name, "/mailchimp", mailchimp_app(self.account), journal, faults, admit,
                         limited=TOO_MANY_AT_ONCE, at_once=AT_ONCE)  # fmt: skip

    def lists(self) -> dict[str, list[str]]:
        """Segment -> addresses on it, opted out or not."""
        settle(self.account)
        content: dict[str, list[str]] = {r["name"]: [] for r in self.account.memory.rows("select name from segment")}
        members = (
            "select name, email from segment s join membership on segment_id = s.id join member m on m.id = member_id"
        )
        for row in self.account.memory.rows(f"{members} order by email"):
            content[row["name"]].append(row["email"])
        return content

    def opted_out(self) -> dict[str, str]:
        """Address -> why no mail may reach it."""
        settle(self.account)
        rows = self.account.memory.rows(
            "select * from member where status in ('unsubscribed', 'cleaned') order by email"
        )
        return {row["email"]: row["reason"] for row in rows}

    def opt_out(self, email: str, reason: str) -> None:
        settle(self.account)
        with self.account.memory.transaction():
            opt_out(self.account, email, reason)

    def reset(self) -> None:
        self.account.reset()

    def set_limit(self, limit: Mapping[str, int]) -> None:
        if unknown := set(limit) - {"at_once"}:
            raise TypeError(f"mailchimp: expected at_once, found {', '.join(sorted(unknown))}")
        self.gate.at_once = limit.get("at_once", AT_ONCE)

    def set_delay(self, seconds: float) -> None:
        self.account.delay_seconds = seconds


def mailchimp_app(account: Account) -> FastAPI:
    async def settle_first() -> None:
        settle(account)

    app = new_app("sandbox Mailchimp", before=settle_first)

    @app.get("/3.0/ping")
    async def ping() -> Response:
        return JSONResponse({"health_status": "Everything's Chimpy!"})

    @app.get("/3.0/lists")
    async def lists() -> Response:
        return JSONResponse({"lists": [{"id": AUDIENCE, "name": "Sandbox"}], "total_items": 1})

    @app.get("/archives/{number}.tar.gz")
    async def read_archive(number: str) -> Response:
        return Response(archive(account, number), media_type="application/gzip")

    for router in (member_routes, segment_routes, batch_routes):
        app.include_router(router(account), prefix="/3.0")
    return app
