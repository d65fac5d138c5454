"""The gate: the only code that opens the vault for sending, and the only code that makes a `SendableAudience`.

One statement checks the lease, takes planned items, and asks consent, suppression and the vault about each of them.
Nothing can be sent that was allowed earlier and is not allowed now.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, overload

import sqlalchemy as sa

from audience.core.errors import ConsentMissing, LeaseLost
from audience.core.masked import Personal
from audience.core.warehouse.models import ContactPoint, Item, Lease
from audience.privacy.attributes import contacts
from audience.privacy.sendable import may_receive

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
    """One contact to take off a list. Taking somebody off needs nobody's consent."""

    contact_key: str
    email: Personal


@dataclass(frozen=True)
class Claim:
    """What a run takes: up to `at_most` planned items of one plan, action and list, under its lease."""

    destination: str
    epoch: int
    plan_id: int
    list_name: str
    at_most: int


def claim(
    connection: sa.Connection, claim: Claim, *, action: str, wanted: sa.Select[*tuple[Any, ...]]
) -> tuple[int, SendableAudience]:
    """Takes planned upserts or adds and hands out those that may be sent now.

    The others become `withheld`, with the reason. Items handed out are `in_flight` once the transaction ends, with the
    `payload_hash` of what the vault says now.

    Args:
        connection: in a transaction, which the caller ends before sending.
        action: `upsert` or `add`.
        wanted: who should be told at all: columns `contact_key`, `person_id`, `list_name`, `purpose`. An add needs its
            own list; an upsert needs any list.

    Returns:
        How many items were taken (0 = none is left), and the audience.

    Raises:
        LeaseLost: the lease of the destination is no longer ours; nothing was taken.
    """
    alive = _alive(claim)
    batch = _batch(claim, action, alive)
    keys = sa.select(batch.c.contact_key)
    want = wanted.subquery("want")
    here = sa.select(want).where(want.c.contact_key.in_(keys))
    if action == "add":
        here = here.where(want.c.list_name == claim.list_name)
    still = here.cte("still_wanted")
    may = may_receive(still.c.contact_key, still.c.person_id, still.c.purpose)
    listed = sa.select(still.c.contact_key).distinct().subquery("listed")
    allowed = sa.select(still.c.contact_key).where(may).distinct().subquery("allowed")
    known = contacts(keys).subquery("known")
    reason = sa.case(
        (known.c.contact_key.is_(None), "not in the vault"),
        (listed.c.contact_key.is_(None), "left the list after planning"),
        (allowed.c.contact_key.is_(None), "no consent, or suppressed"),
    )
    told = ("email", "first_name", "last_name", "open_tracking", "click_tracking", "payload_hash")
    judged = (
        sa.select(batch.c.contact_key, reason.label("reason"), *(known.c[c] for c in told))
        .outerjoin_from(batch, known, known.c.contact_key == batch.c.contact_key)
        .outerjoin(listed, listed.c.contact_key == batch.c.contact_key)
        .outerjoin(allowed, allowed.c.contact_key == batch.c.contact_key)
        .cte("judged")
    )
    new_hash = judged.c.payload_hash if action == "upsert" else Item.payload_hash
    taken, rows = _take(connection, claim, alive, judged, new_hash)
    recipients = (
        Recipient(r.contact_key, Personal(r.email), _personal(r.first_name), _personal(r.last_name),
                  r.open_tracking, r.click_tracking)
        for r in rows
    )  # fmt: skip
    return taken, SendableAudience(tuple(recipients), _PASSED)


def claim_leavers(connection: sa.Connection, claim: Claim) -> tuple[int, list[Leaver]]:
    """Takes planned removals. Those whose address the vault no longer has are `withheld`: erasure tells the platform.

    Returns and raises as `claim` does.
    """
    alive = _alive(claim)
    batch = _batch(claim, "remove", alive)
    reason = sa.case((ContactPoint.contact_key.is_(None), "not in the vault"))
    judged = (
        sa.select(batch.c.contact_key, reason.label("reason"), ContactPoint.email)
        .outerjoin_from(batch, ContactPoint, ContactPoint.contact_key == batch.c.contact_key)
        .cte("judged")
    )
    taken, rows = _take(connection, claim, alive, judged, Item.payload_hash)
    return taken, [Leaver(r.contact_key, Personal(r.email)) for r in rows]


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
    """Planned items, locked; none when the lease is not ours."""
    return (
        sa.select(Item.contact_key)
        .join_from(Item, alive, sa.true())
        .where(
            Item.plan_id == claim.plan_id,
            Item.action == action,
            Item.list_name == claim.list_name,
            Item.state == "planned",
        )
        .order_by(Item.contact_key)
        .limit(claim.at_most)
        .with_for_update(of=Item)
        .cte("batch")
    )


def _take(
    connection: sa.Connection, claim: Claim, alive: sa.CTE, judged: sa.CTE, new_hash: Any
) -> tuple[int, list[sa.Row[Any]]]:
    """Runs the statement: marks what was judged; the number taken, and the rows of `judged` that are in flight now."""
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
            payload_hash=sa.func.coalesce(new_hash, Item.payload_hash),
        )
        .returning(*judged.c)
        .cte("marked")
    )
    numbers = sa.select(
        sa.exists(sa.select(alive.c.epoch)).label("is_ours"),
        sa.select(sa.func.count()).select_from(marked).scalar_subquery().label("taken"),
    ).subquery("numbers")
    flying = sa.select(marked).where(marked.c.reason.is_(None)).subquery("flying")
    rows = connection.execute(
        sa.select(numbers.c.is_ours, numbers.c.taken, *flying.c)
        .outerjoin_from(numbers, flying, sa.true())
        .order_by(flying.c.contact_key)
    ).all()
    if not rows[0].is_ours:
        raise LeaseLost(f"{claim.destination}: epoch {claim.epoch} does not hold the lease any more; this run stops")
    return rows[0].taken, [r for r in rows if r.contact_key is not None]


def _personal(text: str | None) -> Personal | None:
    return None if text is None else Personal(text)
