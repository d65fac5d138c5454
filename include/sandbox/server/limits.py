"""Rate limits, as the shop (token bucket) and the e-mail platform (fixed windows) apply them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sandbox.server.errors import Refusal

Clock = Callable[[], float]


@dataclass(frozen=True)
class Verdict:
    """Whether a request passes, and the headers that say so; `refusal` where the limit has its own words."""

    passes: bool
    headers: dict[str, str]
    refusal: Refusal | None = None


class Limiter(Protocol):
    def check(self, path: str) -> Verdict:
        """Counts one request to `path` (below the mount point)."""


@dataclass
class TokenBucket:
    """`burst` requests at once, `rate` per second after that. Says when to come back: `Retry-After`."""

    rate: float
    burst: int
    clock: Clock = time.monotonic
    tokens: float = field(init=False)
    filled_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens, self.filled_at = float(self.burst), self.clock()

    def check(self, path: str) -> Verdict:  # noqa: ARG002 - one bucket for every path
        now = self.clock()
        self.tokens = min(float(self.burst), self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        passes = self.tokens >= 1
        self.tokens -= passes
        headers = {"X-RateLimit-Limit": str(self.burst), "X-RateLimit-Remaining": str(int(self.tokens))}
        if not passes:
            headers["Retry-After"] = str(max(1, math.ceil((1 - self.tokens) / self.rate)))
        return Verdict(passes, headers)


@dataclass
class FixedWindow:
    """`limit` requests per `seconds`, counted from the first one. Brevo's headers: seconds until reset, and no
    `Retry-After`."""

    limit: int
    seconds: float
    clock: Clock = time.monotonic
    used: int = 0
    ends_at: float = float("-inf")

    def check(self) -> Verdict:
        now = self.clock()
        if now >= self.ends_at:
            self.used, self.ends_at = 0, now + self.seconds
        passes = self.used < self.limit
        self.used += passes
        headers = {
            "x-sib-ratelimit-limit": str(self.limit),
            "x-sib-ratelimit-remaining": str(self.limit - self.used),
            "x-sib-ratelimit-reset": str(math.ceil(self.ends_at - now)),
        }
        return Verdict(passes, headers)


@dataclass
class BrevoLimits:
    """`/v3/contacts*` per second; everything Brevo's table does not list, such as processes and webhooks, per hour."""

    contacts_per_second: int = 10
    others_per_hour: int = 100
    clock: Clock = time.monotonic
    contacts: FixedWindow = field(init=False)
    others: FixedWindow = field(init=False)

    def __post_init__(self) -> None:
        self.contacts = FixedWindow(self.contacts_per_second, 1, self.clock)
        self.others = FixedWindow(self.others_per_hour, 3600, self.clock)

    def check(self, path: str) -> Verdict:
        if path.startswith("/exports/"):
            return Verdict(True, {})
        return (self.contacts if path.startswith("/v3/contacts") else self.others).check()
