"""What a platform has to be able to do. One file in `destinations/` does it for one platform.

The contract, for who writes such a file:

**A file declares a class named `DESTINATION`** (`destinations/__init__.py` finds it by the file's name). It is made from a
`Connection`, whose URL can point anywhere (a test server, a proxy) and whose extra can raise the platform's rate. `open`
yields a `Platform`; every HTTP call it makes goes through `Wire`, which checks the lease before it, keeps the pace, retries
within bounds and writes the request log. No SDK, no call beside it.

**Every call sets a state**, so that making it twice changes nothing: an upsert, a membership, a deletion. The engine calls
again whatever it does not know the outcome of. No call writes a subscription status on a contact that exists; where the
platform asks for a status to make a contact, it is given to new contacts only. No call changes a contact's address.

**Who is meant.** `Recipient` and `Leaver` carry what we know of a contact: `contact_key` (our pseudonym, stable, fit as an
external id), `email`, and `platform_id`, which is what the platform answered in `Results.ids` when it was told of the
contact. An id may be missing (the answer was lost): then it has to be looked up by address. The platform names contacts in
its own way, `Shown`: any one of the three is enough, and the engine finds the contact key.

**Lists.** A segment is a list of its name; the empty name is the list of everybody we manage (`Capabilities.base_list`).
What a list is (static segment, tag, data extension, folder of files) is the platform's affair. `ensure_schema` makes what is
missing and is the only place that makes anything but contacts. Lists and contacts of somebody else are left alone.

**Answers.** `upsert`, `add`, `remove` and `erase` take at most a batch of `Capabilities` and answer with `Results`, or with a
`Job` when the platform does the work later.
- Accepted: a `Results()` without refusals.
- Some records refused: `refused`, one `Refusal` each; all others count as accepted.
- The batch refused as a whole, nothing done: `refused_whole`. The engine cuts the batch in two until the bad record stands
  alone. A body that is too large for the platform is refused that way by the client itself.
- Later: a `Job`. Its id goes into the ledger before anything else happens, so another process can go on from there; `poll`
  must need nothing but the id. It answers with the same Job (and when to look again) or with Results. A job that ended
  badly, or half done with no word about which half, is `refused_whole`: sets can be told again.
A reason is the platform's code and never its message, which may quote an address.
`remove` and `erase` of a contact that is not there, or not known, is done.

**Reading.** `pull_opt_outs` tells who opted out there: unsubscribed, complained, bounced for good, was blocked by hand, each
with the platform's instant. `read_back` shows a list as it is, opted-out members included; of a list that does not exist,
nothing. Both are generators over pages.

**Errors.** DestinationUnavailable when the platform gives no answer after all retries, DestinationRefused when it refuses the
credentials or a request that no record is to blame for. `Wire` raises both.

**Its connection** is that of the source of its name, whose form its `settings` are added to. A platform that no source reads
declares the `form` itself: a tuple of `core.system.Field`.

**What it cannot do is declared** in `Capabilities`, and a push that needs it is refused when it is planned.

The conformance kit (`tests/activation/test_conformance.py`) holds a new file to all of this: it asks for a `Stand`, the
simulator with its levers, and nothing else. Opens and clicks do not come this way: they are a source (`sources/`), landed in
partitions like every event; `Capabilities.engagement` names it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from audience.core.masked import Personal
from audience.privacy.gate import Leaver, SendableAudience


@dataclass(frozen=True)
class Capabilities:
    """What a platform takes.

    Args:
        upsert_batch: contacts per upsert, at most.
        add_batch, remove_batch: contacts per addition to, and removal from, a list.
        base_list: name of the list that holds every contact we manage, as opposed to those of segments.
        jobs_at_once: jobs that may be under way together.
        reads_back: `read_back` shows what is there; without it nothing is compared and ghosts stay unseen.
        tells_opt_outs: `pull_opt_outs` and `read_back` tell who opted out there.
        erases: `erase` deletes a contact and what the platform keeps about it.
        knows_by_key: contacts are named by our contact key there, so that removing or erasing needs no address and no id.
        engagement: name of the source that brings opens and clicks of this platform; empty when there is none. A segment
            whose objective is `open` or `click` needs one.
        most_lists: lists it takes, the base list included; None without a limit.
        list_name_length: characters that a list's name may have.
    """

    upsert_batch: int
    add_batch: int
    remove_batch: int
    base_list: str
    jobs_at_once: int = 1
    reads_back: bool = True
    tells_opt_outs: bool = True
    erases: bool = True
    knows_by_key: bool = False
    engagement: str = ""
    most_lists: int | None = None
    list_name_length: int = 100


@dataclass(frozen=True)
class Shown:
    """A contact as the platform names it: at least one of the three."""

    contact_key: str = ""
    email: Personal | None = None
    platform_id: str = ""


@dataclass(frozen=True)
class Refusal:
    """A record that the platform did not take, and its code for why."""

    who: Shown
    reason: str


@dataclass(frozen=True)
class Results:
    """What became of a batch.

    Args:
        refused: records that the platform did not take; the others were accepted.
        refused_whole: why the platform refused the batch as a whole; empty when it did not. Then nothing counts as done.
        ids: contact key -> the platform's id of the contact, for platforms whose lists are of ids; what is told is kept.
    """

    refused: Sequence[Refusal] = ()
    refused_whole: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """Work that the platform does later. `look_after`: seconds until a look is worth a call."""

    job_id: str
    look_after: float = 1.0


Answer = Results | Job


@dataclass(frozen=True)
class OptOut:
    """Somebody who told the platform, not us, that they want nothing more.

    `reason` is one of unsubscribe, complaint, hard_bounce, blocklist.
    """

    who: Shown
    reason: str
    at: datetime


@dataclass(frozen=True)
class Listed:
    """One contact of a list as the platform shows it.

    Args:
        opted_out_at: None while mail may reach it.
        attributes: values by name of `privacy.attributes` as the platform has them, absent ones left out; None where
            the platform does not show them with the list.
    """

    who: Shown
    opted_out_at: datetime | None = None
    attributes: Mapping[str, Personal | bool] | None = None


class Platform(Protocol):
    """An open connection to a platform's account. `list_name` is a segment, or empty for the base list."""

    def pull_opt_outs(self, since: datetime | None) -> Iterator[OptOut]:
        """Opt-outs that the platform learnt of at or after an instant; all of them without one."""
        ...

    def ensure_schema(self, lists: Collection[str]) -> None:
        """Makes the attributes and lists that are missing; changes none that exists."""
        ...

    def upsert(self, audience: SendableAudience) -> Answer:
        """Makes or updates contacts, as members of the base list. An attribute that is not known is emptied."""
        ...

    def add(self, list_name: str, audience: SendableAudience) -> Answer:
        """Makes contacts members of a list; they were upserted before."""
        ...

    def remove(self, list_name: str, leavers: Sequence[Leaver]) -> Answer:
        """Takes contacts off a list, and off that list only."""
        ...

    def poll(self, job: Job) -> Answer:
        """What became of a job, or the job again while it runs."""
        ...

    def read_back(self, list_name: str) -> Iterator[Listed]:
        """Every contact of a list."""
        ...

    def erase(self, people: Sequence[Leaver]) -> Answer:
        """Deletes contacts from the account; at most `remove_batch` of them."""
        ...


@dataclass(frozen=True)
class Request:
    """One call to the platform, for the log: no address, no query, no body.

    Args:
        call: method and path, with numbers and identifiers of contacts replaced by `*`.
        status: of the answer; None when none came.
        seconds: until the answer, or until it was given up.
    """

    call: str
    status: int | None
    seconds: float


@dataclass(frozen=True)
class Calls:
    """What a push does around every call to the platform.

    Args:
        before: raises LeaseLost when this run may not go on, AnswerOutdated when what is in hand may not be told any more.
        after: told once the answer is there, before anything is made of it.
        pause: sleeps so many seconds, keeping the lease meanwhile.
        log: takes each call for the request log, answered or not.
        as_of: partition of the segments that are pushed, for platforms that show it; None outside a push.
        epoch: of the lease, for platforms that can tell by it what a run that was overtaken still sends.
    """

    before: Callable[[str], None]
    after: Callable[[str], None]
    pause: Callable[[float], None]
    log: Callable[[Request], None] = lambda _: None
    as_of: date | None = None
    epoch: int = 0


class Destination(Protocol):
    """A platform's account that can be opened.

    Args:
        name: as its file is named.
        capabilities: what it takes.
        settings: what may stand in the extra of its connection, with a sentence for the form; `secret` values come as
            the connection's password.
        per_second: calls per second that are not exceeded: the platform's documented rate, or the connection's
            `requests_per_second`.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def settings(self) -> Mapping[str, str]: ...

    @property
    def per_second(self) -> float: ...

    def open(self, calls: Calls) -> AbstractContextManager[Platform]: ...
