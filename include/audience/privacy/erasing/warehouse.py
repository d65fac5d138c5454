"""What the warehouse holds of a subject. The vault and the push ledger come last: platforms are told by them."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from audience.core.warehouse.models import (
    Acknowledged,
    Consent,
    ContactPoint,
    Erasure,
    ErasureSubject,
    FormerAddress,
    IdentityDecision,
    Item,
    Lease,
    Membership,
)

PERSON = ("person", "former")
"""Kinds of keys that are pseudonyms."""


def erase_warehouse(connection: sa.Connection, request_id: str) -> int:
    """Takes answers about consent, stays in segments and reviewers' decisions away. Returns the number of rows.

    What stays is a keyed hash in `privacy.suppression`, which says never to contact the address again.
    """
    address, person, record = (_keys(request_id, *kinds) for kinds in (("address",), PERSON, ("record", "label")))
    labels = sa.select(record.c.key)
    return _deleted(
        connection,
        sa.delete(Consent).where(Consent.contact_key.in_(sa.select(address.c.key))),
        sa.delete(Membership).where(Membership.person_id.in_(sa.select(person.c.key))),
        sa.delete(IdentityDecision).where(
            sa.or_(IdentityDecision.left_label.in_(labels), IdentityDecision.right_label.in_(labels))
        ),
    )


def erase_vault(connection: sa.Connection, request_id: str) -> int:
    """Takes the addresses out of the vault, and what of the push ledger still names them."""
    address, person = _keys(request_id, "address"), _keys(request_id, *PERSON)
    is_theirs = sa.or_(
        ContactPoint.contact_key.in_(sa.select(address.c.key)), ContactPoint.person_id.in_(sa.select(person.c.key))
    )
    return _deleted(
        connection,
        sa.delete(Item).where(Item.contact_key.in_(sa.select(address.c.key)), Item.state != "in_flight"),
        sa.delete(FormerAddress).where(
            sa.or_(
                FormerAddress.contact_key.in_(sa.select(address.c.key)),
                FormerAddress.person_id.in_(sa.select(person.c.key)),
            )
        ),
        sa.delete(ContactPoint).where(is_theirs),
    )


def told_there(connection: sa.Connection, request_id: str, destination: str) -> int:
    """Contacts of the subject that a platform was told of and has not erased."""
    address = sa.select(_keys(request_id, "address").c.key)
    told = sa.select(Acknowledged.contact_key).where(
        Acknowledged.destination == destination, Acknowledged.contact_key.in_(address)
    )
    asked = _asked(request_id, destination).where(Erasure.erased_at.is_(None))
    return connection.execute(sa.select(sa.func.count()).select_from(told.union(asked).subquery())).scalar_one()


def told_elsewhere(connection: sa.Connection, request_id: str, destinations: Collection[str]) -> dict[str, int]:
    """Platforms that are none of these, and how many contacts of the subject they were told of: nobody asks them to delete."""
    address = sa.select(_keys(request_id, "address").c.key)
    told = (
        sa.select(Acknowledged.destination, sa.func.count(Acknowledged.contact_key.distinct()).label("contacts"))
        .join_from(Lease, Acknowledged, Acknowledged.destination == Lease.destination)  # each that was ever pushed to
        .where(Acknowledged.contact_key.in_(address), Lease.destination.not_in(sorted(destinations)))
        .group_by(Acknowledged.destination)
    )
    return {row.destination: row.contacts for row in connection.execute(told)}


def erased_there(connection: sa.Connection, request_id: str, destination: str) -> int:
    """Contacts of the subject that a platform has erased, whoever asked it to."""
    erased = _asked(request_id, destination).where(Erasure.erased_at.is_not(None))
    return connection.execute(sa.select(sa.func.count()).select_from(erased.subquery())).scalar_one()


def _asked(request_id: str, destination: str) -> sa.Select[str]:
    address = sa.select(_keys(request_id, "address").c.key)
    return sa.select(Erasure.contact_key).where(Erasure.destination == destination, Erasure.contact_key.in_(address))


def _keys(request_id: str, *kinds: str) -> sa.Subquery:
    meant = ErasureSubject.request_id == request_id, ErasureSubject.kind.in_(kinds)
    return sa.select(ErasureSubject.key).where(*meant).subquery(f"{kinds[0]}_keys")


def _deleted(connection: sa.Connection, *statements: Any) -> int:
    numbers: Sequence[int] = [connection.execute(statement).rowcount for statement in statements]
    return sum(numbers)
