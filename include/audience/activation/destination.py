"""What a platform has to be able to do. One file in `destinations/` does it for one platform."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from audience.core.masked import Personal
from audience.privacy.gate import Leaver, SendableAudience


@dataclass(frozen=True)
class Capabilities:
    """What a platform takes.

    Args:
        upsert_batch: contacts per upsert, and per addition to a list.
        removal_batch: contacts per removal from a list.
        base_list: name of the list that holds every contact we manage, as opposed to those of segments.
    """

    upsert_batch: int
    removal_batch: int
    base_list: str


@dataclass(frozen=True)
class Results:
    """What became of a batch.

    Args:
        refused: contact key -> reason, for records that the platform refused; the others were accepted.
        refused_whole: why the platform refused the batch as a whole; empty when it did not. Then nothing was done, and
            the batch is cut in two until the record that it refuses stands alone.

    Reasons carry the platform's code and never its message, which may quote an address.
    """

    refused: Mapping[str, str] = field(default_factory=dict)
    refused_whole: str = ""


@dataclass(frozen=True)
class OptOut:
    """Somebody who told the platform, not us, that they want nothing more."""

    email: Personal
    reason: str
    at: datetime


@dataclass(frozen=True)
class Listed:
    """One contact of a list as the platform shows it; `opted_out_at` is None while mail may reach it."""

    email: Personal
    opted_out_at: datetime | None = None


class Platform(Protocol):
    """An open connection to a platform's account. `list_name` is a segment, or empty for the base list.

    Every method raises DestinationUnavailable when the platform does not answer after all retries, and
    DestinationRefused when it refuses the credentials. All calls set a state, so that repeating one changes nothing;
    no call writes a subscription status.
    """

    def pull_opt_outs(self, since: datetime | None) -> Iterator[OptOut]:
        """Opt-outs that the platform learnt of at or after an instant; all of them without one."""
        ...

    def ensure_schema(self, lists: Collection[str]) -> None:
        """Makes the attributes and lists that are missing; changes none that exists."""
        ...

    def upsert(self, audience: SendableAudience) -> Results:
        """Makes or updates contacts, as members of the base list."""
        ...

    def add(self, list_name: str, audience: SendableAudience) -> Results:
        """Makes contacts members of a list."""
        ...

    def remove(self, list_name: str, leavers: Sequence[Leaver]) -> Results:
        """Takes contacts off a list; one that is not there, or not known, counts as taken off."""
        ...

    def read_back(self, list_name: str) -> Iterator[Listed]:
        """Every contact of a list; of a list that does not exist, none."""
        ...


@dataclass(frozen=True)
class Calls:
    """What a push does around every call to the platform.

    Args:
        before: raises LeaseLost when this run may not go on.
        after: told once the answer is there, before anything is made of it.
        pause: sleeps so many seconds, keeping the lease meanwhile.
    """

    before: Callable[[str], None]
    after: Callable[[str], None]
    pause: Callable[[float], None]


class Destination(Protocol):
    """A platform's account that can be opened."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    def open(self, calls: Calls) -> AbstractContextManager[Platform]: ...
