"""HubSpot's rate limits: per ten seconds and per day with headers, searches per second without."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.hubspot.errors import over_limit
from sandbox.server.limits import Verdict

TEN_SECONDS, DAY = 10.0, 86_400.0


@dataclass
class HubspotLimits:
    """Of a Professional account. Nothing says how long to wait but the length of the window."""

    per_ten_seconds: int = 190
    per_day: int = 625_000
    searches_per_second: int = 5
    clock: Callable[[], float] = time.monotonic
    _counts: dict[str, tuple[float, int]] = field(default_factory=dict)

    def check(self, path: str) -> Verdict:
        if path.endswith("/search"):
            is_free, _ = self._take("SECONDLY", self.searches_per_second, 1.0)
            return Verdict(is_free, {}, None if is_free else over_limit("SECONDLY"))
        is_free, left = self._take("TEN_SECONDLY_ROLLING", self.per_ten_seconds, TEN_SECONDS)
        of_day, left_of_day = (
            self._take("DAILY", self.per_day, DAY) if is_free else (True, self._left("DAILY", self.per_day))
        )
        headers = {
            "X-HubSpot-RateLimit-Max": str(self.per_ten_seconds),
            "X-HubSpot-RateLimit-Remaining": str(left),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(TEN_SECONDS * 1000)),
            "X-HubSpot-RateLimit-Daily": str(self.per_day),
            "X-HubSpot-RateLimit-Daily-Remaining": str(left_of_day),
        }
        if not of_day:
            return Verdict(False, headers, over_limit("DAILY"))
        return Verdict(is_free, headers, None if is_free else over_limit("TEN_SECONDLY_ROLLING"))

    def _take(self, policy: str, limit: int, seconds: float) -> tuple[bool, int]:
        """Counts one request in the policy's window; whether it passes, and how many are left."""
        now = self.clock()
        began, used = self._counts.get(policy, (now, 0))
        if now - began >= seconds:
            began, used = now, 0
        passes = used < limit
        self._counts[policy] = (began, used + passes)
        return passes, limit - used - passes

    def _left(self, policy: str, limit: int) -> int:
        return limit - self._counts.get(policy, (0.0, 0))[1]
