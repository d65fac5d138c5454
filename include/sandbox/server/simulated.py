"""What the control desk asks of every simulated e-mail platform, whatever its API is like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sandbox.server.gate import Gate


class Simulated(Protocol):
    """One platform behind its gate. `name` is its place below `/` and on the control desk."""

    @property
    def name(self) -> str: ...

    @property
    def gate(self) -> Gate: ...

    def lists(self) -> dict[str, list[str]]:
        """List, by its name there -> addresses on it, sorted, opted out or not."""
        ...

    def opted_out(self) -> dict[str, str]:
        """Address -> why no mail may reach it."""
        ...

    def opt_out(self, email: str, reason: str) -> None:
        """The person opts out on the platform itself; one it does not know becomes known."""
        ...

    def reset(self) -> None:
        """Back to the first state."""
        ...

    def set_limit(self, limit: Mapping[str, int]) -> None:
        """Other numbers for the rate limit; what is not named is the default. Raises TypeError for an unknown one."""
        ...

    def set_delay(self, seconds: float) -> None:
        """How long what is accepted takes to be done."""
        ...
