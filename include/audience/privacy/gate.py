"""The gate: the only code that opens the vault for sending, and the only code that makes a `SendableAudience`.

One statement checks the lease, takes planned items, and asks consent, suppression and the vault about each of them.
Nothing can be sent that was allowed earlier and is not allowed now: `is_outdated` asks again before a call that comes late.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, overload

import sqlalchemy as sa

from audience.core.errors import ConsentMissing, LeaseLost
from audience.core.masked import Personal
from audience.core.warehouse.models import Acknowledged, ContactPoint, Item, Lease
from audience.core.warehouse.models.push import IN_FLIGHT, PROFILE
from audience.core.warehouse.statement import Statement
from audience.privacy.attributes import contacts
from audience.privacy.claims import Claim, Claimed, open_claim, run_for
from audience.privacy.sendable import allowed, people_of

_PASSED = object()
"""Known to this file only: who shows it has passed the gate."""


@dataclass(frozen=True)
class Recipient:
    """One contact that may be written to, with what a platform is told about it."""

    contact_key: str
    email: Personal
    first_name: Personal | None
    last_name: Personal | None
    open_tracking: bool
    click_tracking: bool
    platform_id: str | None = None

    @property
    def told_as(self) -> str:
        """The name of the contact on a platform that names contacts by our key: the key that it was told first."""
        return self.platform_id or self.contact_key


@dataclass(frozen=True, repr=False)
class SendableAudience:
    """Contacts that passed the gate just now. Only `claim` makes one; a slice of one is one.

    Raises:
        ConsentMissing: something else tried to make one.
    """

    recipients: tuple[Recipient, ...]
    _passed: object = None

    def __post_init__(self) -> None:
        if self._passed is not _PASSED:
            raise ConsentMissing("SendableAudience: made outside the gate, expected the result of privacy.gate.claim")

    def __len__(self) -> int:
        return len(self.recipients)

    def __iter__(self) -> Iterator[Recipient]:
        return iter(self.recipients)

    @overload
    def __getitem__(self, place: slice) -> "SendableAudience": ...
    @overload
    def __getitem__(self, place: int) -> Recipient: ...
    def __getitem__(self, place: slice | int) -> "SendableAudience | Recipient":
        if isinstance(place, slice):
            return SendableAudience(self.recipients[place], _PASSED)
        return self.recipients[place]

    def __repr__(self) -> str:
        return f"SendableAudience({len(self.recipients)} contacts)"


@dataclass(frozen=True)
class Leaver:
    """One contact to take off a list, or to erase. That needs nobody's consent.

    Args:
        contact_key: empty for a contact that the platform shows and that has no address we know.
        email: None when the vault does not have it any more; then the platform is known to need less.
        platform_id: what the platform called the contact, if it ever said.
    """

    contact_key: str
    email: Personal | None
    platform_id: str | None = None

    @property
    def told_as(self) -> str:
        """As of a recipient."""
        return self.platform_id or self.contact_key


def claim(
    connection: sa.Connection, claim: Claim, *, action: str, wanted: sa.Select[*tuple[Any, ...]]
) -> Claimed[SendableAudience]:
    """Takes planned upserts or adds and hands out those that may be sent now.

    The others become `withheld`, with the reason. Items handed out are `in_flight` once the transaction ends, with the
    `payload_hash` of what the vault says now.

    Args:
        connection: in a transaction, which the caller ends before sending.
        action: `upsert` or `add`.
        wanted: who should be told at all: columns `contact_key`, `person_id`, `list_name`, `purpose`. An add needs its
            own list; an upsert needs any list.

    Raises:
        LeaseLost: the lease of the destination is no longer ours; nothing was taken.
    """
    statement = _claiming(action, wanted, of_job=claim.job is not None)
    taken, last, rows = _take(connection, claim, statement)
    recipients = (
        Recipient(r.contact_key, Personal(r.email), _personal(r.first_name), _personal(r.last_name),
                  r.open_tracking, r.click_tracking, r.platform_id)
        for r in rows
    )  # fmt: skip
    return Claimed(taken, last, SendableAudience(tuple(recipients), _PASSED))


def is_outdated(connection: sa.Connection, claim: Claim, *, action: str, wanted: sa.Select[*tuple[Any, ...]]) -> bool:
    """Whether the gate would answer otherwise now about a batch that is in flight: somebody said no or left since, or is told
    otherwise."""
    connection.execute(sa.text("SET LOCAL jit = off"))
    return run_for(claim, _doubting(action, wanted), connection).first() is not None


def claim_leavers(connection: sa.Connection, claim: Claim, *, by_key: bool = False) -> Claimed[list[Leaver]]:
    """Takes planned removals. Contacts that cannot be named to the platform are `withheld`: erasure tells it of them.

    Args:
        by_key: the contact key is enough to name a contact; otherwise its address, or the id that the platform gave.

    Raises as `claim` does.
    """
    taken, last, rows = _take(connection, claim, _taking_off(by_key, of_job=claim.job is not None))
    return Claimed(taken, last, [Leaver(r.contact_key, _personal(r.email), r.platform_id) for r in rows])


# -- the statements ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _claiming(action: str, wanted: sa.Select[*tuple[Any, ...]], *, of_job: bool) -> Statement:
    one = open_claim(of_job=of_job)
    alive = _alive(one)
    judged = _judged(one, action, _batch(one, action, alive), wanted)
    return Statement.of(
        _marking(one, alive, judged, judged.c.payload_hash if action == "upsert" else Item.payload_hash)
    )


@lru_cache(maxsize=64)
def _doubting(action: str, wanted: sa.Select[*tuple[Any, ...]]) -> Statement:
    one = open_claim(of_batch=True)
    flying = (
        sa.select(Item.contact_key, Item.payload_hash)
        .where(one.among, Item.action == action, IN_FLIGHT, Item.epoch == one.epoch, Item.job.is_(None))
        .cte("flying")
    )
    judged = _judged(one, action, flying, wanted)
    differs = judged.c.payload_hash != flying.c.payload_hash if action == "upsert" else sa.false()
    return Statement.of(
        sa.select(sa.literal(1).label("one"))
        .join_from(judged, flying, flying.c.contact_key == judged.c.contact_key)
        .where(sa.or_(judged.c.reason.is_not(None), differs))
        .limit(1)
    )


@lru_cache(maxsize=4)
def _taking_off(by_key: bool, *, of_job: bool) -> Statement:
    one = open_claim(of_job=of_job)
    alive = _alive(one)
    batch = _batch(one, "remove", alive)
    told_as = _told_as(one.destination, batch.c.contact_key)
    is_nameless = sa.and_(ContactPoint.contact_key.is_(None), told_as.is_(None), sa.literal(not by_key))
    reason = sa.case((is_nameless, "not in the vault"))
    judged = (
        sa.select(batch.c.contact_key, reason.label("reason"), ContactPoint.email, told_as.label("platform_id"))
        .outerjoin_from(batch, ContactPoint, ContactPoint.contact_key == batch.c.contact_key)
        .cte("judged")
    )
    return Statement.of(_marking(one, alive, judged, Item.payload_hash))


def _judged(claim: Claim, action: str, batch: sa.CTE, wanted: sa.Select[*tuple[Any, ...]]) -> sa.CTE:
    """One row per contact of a batch: `reason` (null: it may be told now) and what it is told."""
    people = people_of(sa.select(batch.c.contact_key))
    want = wanted.subquery("want")
    still = sa.select(want).join_from(people.points, want, want.c.contact_key == people.points.c.contact_key)
    if action == "add":
        still = still.where(want.c.list_name == claim.list_name)
    here = still.cte("still_wanted")
    may = allowed(sa.select(here.c.purpose).distinct(), people).subquery("may")
    listed = sa.select(here.c.contact_key).distinct().subquery("listed")
    can = (
        sa.select(here.c.contact_key)
        .join(may, sa.and_(may.c.contact_key == here.c.contact_key, may.c.purpose == here.c.purpose))
        .distinct()
        .subquery("can")
    )
    known = contacts(people).subquery("known")
    reason = sa.case(
        (known.c.contact_key.is_(None), "not in the vault"),
        (listed.c.contact_key.is_(None), "left the list after planning"),
        (can.c.contact_key.is_(None), "no consent, or suppressed"),
    )
    shown = ("email", "first_name", "last_name", "open_tracking", "click_tracking", "payload_hash")
    told_as = _told_as(claim.destination, batch.c.contact_key).label("platform_id")
    return (
        sa.select(batch.c.contact_key, reason.label("reason"), told_as, *(known.c[c] for c in shown))
        .outerjoin_from(batch, known, known.c.contact_key == batch.c.contact_key)
        .outerjoin(listed, listed.c.contact_key == batch.c.contact_key)
        .outerjoin(can, can.c.contact_key == batch.c.contact_key)
        .cte("judged")
    )


def _told_as(destination: str, contact_key: sa.ColumnElement[str]) -> sa.ScalarSelect[Any]:
    """The platform's own id of a contact that it was told of, looked up one by one: a first push fills the ledger, and
    while nobody counted its rows a join would read all of them for each contact."""
    return (
        sa.select(Acknowledged.platform_id)
        .where(
            Acknowledged.destination == destination,
            Acknowledged.list_name == PROFILE,
            Acknowledged.contact_key == contact_key,
        )
        .scalar_subquery()
    )


def _alive(claim: Claim) -> sa.CTE:
    """One row while the lease is ours, locked until the transaction ends, so that nobody takes it in between."""
    return (
        sa.select(Lease.epoch)
        .where(
            Lease.destination == claim.destination,
            Lease.epoch == claim.epoch,
            Lease.expires_at > sa.func.clock_timestamp(),
        )
        .with_for_update(read=True)
        .cte("alive")
    )


def _batch(claim: Claim, action: str, alive: sa.CTE) -> sa.CTE:
    """Planned items, or those of a job that failed, locked; none when the lease is not ours."""
    waiting = Item.state == "planned" if claim.job is None else sa.and_(IN_FLIGHT, Item.job == claim.job)
    return (
        sa.select(Item.contact_key)
        .join_from(Item, alive, sa.true())
        .where(claim.among, Item.action == action, waiting)
        .order_by(Item.contact_key)
        .limit(claim.at_most)
        .with_for_update(of=Item)
        .cte("batch")
    )


def _marking(claim: Claim, alive: sa.CTE, judged: sa.CTE, new_hash: Any) -> sa.Select[*tuple[Any, ...]]:
    """Marks what was judged; gives the number taken, the last of them, and the rows that may be told."""
    marked = (
        sa.update(Item)
        .where(
            Item.plan_id == claim.plan_id,
            Item.list_name == claim.list_name,
            Item.contact_key == judged.c.contact_key,
        )
        .values(
            state=sa.case((judged.c.reason.is_(None), "in_flight"), else_="withheld"),
            reason=judged.c.reason,
            epoch=claim.epoch,
            job=sa.null(),
            payload_hash=sa.func.coalesce(new_hash, Item.payload_hash),
        )
        .returning(*judged.c)
        .cte("marked")
    )
    numbers = sa.select(
        sa.exists(sa.select(alive.c.epoch)).label("is_ours"),
        sa.select(sa.func.count()).select_from(marked).scalar_subquery().label("taken"),
        sa.select(sa.func.max(marked.c.contact_key)).scalar_subquery().label("last"),
    ).subquery("numbers")
    flying = sa.select(marked).where(marked.c.reason.is_(None)).subquery("flying")
    return (
        sa.select(numbers.c.is_ours, numbers.c.taken, numbers.c.last, *flying.c)
        .outerjoin_from(numbers, flying, sa.true())
        .order_by(flying.c.contact_key)
    )


_PLANNED_ANEW = sa.text(
    "SELECT set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)"
)
"""A statement of so many parts looks expensive enough to be compiled, which takes longer than to run it. And a plan that is made
once for all values runs it as nested loops over everybody, from its eleventh run on."""


def _take(connection: sa.Connection, claim: Claim, statement: Statement) -> tuple[int, str, list[sa.Row[Any]]]:
    connection.execute(_PLANNED_ANEW)
    rows = run_for(claim, statement, connection).all()
    if not rows[0].is_ours:
        raise LeaseLost(f"{claim.destination}: epoch {claim.epoch} does not hold the lease any more; this run stops")
    return rows[0].taken, rows[0].last or claim.after, [r for r in rows if r.contact_key is not None]


def _personal(text: str | None) -> Personal | None:
    return None if text is None else Personal(text)
