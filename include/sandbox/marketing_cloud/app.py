"""The platform's routes put together, and the platform as the control desk knows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from fastapi import FastAPI

from sandbox.marketing_cloud.account import Account
from sandbox.marketing_cloud.errors import OVER_LIMIT
from sandbox.marketing_cloud.platform import NAME, Platform
from sandbox.marketing_cloud.rest import rest_routes
from sandbox.marketing_cloud.rows import Requests
from sandbox.marketing_cloud.soap import soap_routes
from sandbox.marketing_cloud.tokens import Tokens, token_routes
from sandbox.server.errors import new_app
from sandbox.server.faults import Faults
from sandbox.server.gate import Gate
from sandbox.server.journal import Journal
from sandbox.server.limits import TokenBucket


class MarketingCloud:
    """The simulated platform."""

    name = NAME

    def __init__(self, file: Path, journal: Journal, faults: Faults, clock: Callable[[], float] = time.time) -> None:
        self.account, tokens = Account(file, clock), Tokens(clock)
        self.requests = Requests(self.account)
        app = marketing_cloud_app(Platform(self.account, self.requests, tokens, journal))
        self.gate = Gate(NAME, f"/{NAME}", app, journal, faults, tokens.admit, default_bucket(), OVER_LIMIT)

    def lists(self) -> dict[str, list[str]]:
        self.requests.settle()
        return self.account.lists()

    def opted_out(self) -> dict[str, str]:
        self.requests.settle()
        return self.account.opted_out()

    def opt_out(self, email: str, reason: str) -> None:
        """`reason`: unsubscribed, complaint, hard_bounce; `list`: of one publication list only."""
        self.requests.settle()
        self.account.leave(email, reason)

    def reset(self) -> None:
        self.account.forget()

    def set_limit(self, limit: Mapping[str, int]) -> None:
        self.gate.limiter = default_bucket(**limit)

    def set_delay(self, seconds: float) -> None:
        self.requests.delay_seconds = seconds


def default_bucket(rate: float = 100, burst: int = 200) -> TokenBucket:
    """Marketing Cloud names no limit: it throttles who is too fast for it. This one is the sandbox's."""
    return TokenBucket(rate=rate, burst=burst)


def marketing_cloud_app(platform: Platform) -> FastAPI:
    async def settle_first() -> None:
        platform.requests.settle()

    app = new_app("sandbox Marketing Cloud", before=settle_first)
    app.include_router(token_routes(platform.tokens))
    app.include_router(rest_routes(platform))
    app.include_router(soap_routes(platform))
    return app
