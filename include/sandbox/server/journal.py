"""What was asked of the sandbox: the memory that lets a test say "nobody without consent was ever sent"."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Write:
    """One write that a platform accepted. It is here even when the answer never reached the caller."""

    sequence: int
    call: str
    emails: tuple[str, ...]
    list: str | None


@dataclass
class Journal:
    """Counts by app and call since the start or the last `clear`; every request counts, refused ones too."""

    calls: dict[str, Counter[str]] = field(default_factory=dict)
    writes: dict[str, list[Write]] = field(default_factory=dict)
    resubscribes: list[dict[str, str]] = field(default_factory=list)
    writes_over_limit: int = 0
    refused_over_limit: Counter[str] = field(default_factory=Counter)
    largest_per_second: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, tuple[float, int]] = field(default_factory=dict)

    def request(self, app: str, call: str) -> None:
        self.calls.setdefault(app, Counter())[call] += 1
        now = time.monotonic()
        began, count = self.seconds.get(app, (now, 0))
        if now - began >= 1:
            began, count = now, 0
        self.seconds[app] = (began, count + 1)
        self.largest_per_second[app] = max(self.largest_per_second[app], count + 1)

    def over_limit(self, app: str, call: str) -> None:
        self.refused_over_limit[app] += 1
        self.writes_over_limit += not call.startswith("GET ")

    def accepted(self, app: str, call: str, emails: list[str], *, list_name: str | None = None) -> None:
        writes = self.writes.setdefault(app, [])
        writes.append(Write(len(writes) + 1, call, tuple(emails), list_name))

    def resubscribed(self, email: str, how: str) -> None:
        self.resubscribes.append({"email": email, "how": how})

    def clear(self) -> None:
        """Forgets everything counted so far."""
        for kept in (
            self.calls,
            self.writes,
            self.resubscribes,
            self.refused_over_limit,
            self.largest_per_second,
            self.seconds,
        ):
            kept.clear()
        self.writes_over_limit = 0

    def report(self) -> dict[str, object]:
        writes = {app: [asdict(write) for write in made] for app, made in self.writes.items()}
        return {
            "apps": {
                app: {
                    "requests": sum(calls.values()),
                    "writes": sum(n for call, n in calls.items() if not call.startswith("GET ")),
                    "calls": dict(sorted(calls.items())),
                    "largest_per_second": self.largest_per_second[app],
                    "refused_over_limit": self.refused_over_limit[app],
                }
                for app, calls in sorted(self.calls.items())
            },
            "violations": {
                "resubscribes": len(self.resubscribes),
                "writes_over_limit": self.writes_over_limit,
                "details": list(self.resubscribes),
            },
            "brevo_writes": writes.get("brevo", []),
            "writes": writes,
        }
