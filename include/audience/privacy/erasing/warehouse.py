"""What the warehouse holds of a subject. The vault and the push ledger come last: platforms are told by them."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from audience.core.warehouse.load import count_rows
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
    Remaining,
)
from audience.core.warehouse.models.push import IN_FLIGHT

PERSON = ("person", "former")
"""Kinds of keys that are pseudonyms."""


def erase_warehouse(connection: sa.Connection, request_id: str) -> int:
    """Takes answers about consent, stays in segments and reviewers' decisions away. Returns the number of rows.

    What stays is a keyed hash in `privacy.suppression`, which says never to contact the address again.
    """
    address, person, record = (_keys(request_id, *kinds) for kinds in (("address",), PERSON, ("record", "label")))
    labels, stayed = sa.select(record.c.key), _each(Membership.segment)
    count_rows(connection, "privacy.erasure_subject")
    return _deleted(
        connection,
        sa.delete(Consent).where(Consent.contact_key == address.c.key),
        sa.delete(Membership).where(Membership.segment == stayed.c.segment, Membership.person_id == person.c.key),
        sa.delete(IdentityDecision).where(
            sa.or_(IdentityDecision.left_label.in_(labels), IdentityDecision.right_label.in_(labels))
        ),
    )


def erase_vault(connection: sa.Connection, request_id: str) -> int:
    """Takes the addresses out of the vault, and what of the push ledger still names them."""
    address, person = _keys(request_id, "address"), _keys(request_id, *PERSON)
    told = _each(Item.plan_id, Item.list_name)
    is_told = sa.and_(Item.plan_id == told.c.plan_id, Item.list_name == told.c.list_name)
    return _deleted(
        connection,
        sa.delete(Item).where(is_told, Item.contact_key == address.c.key, ~IN_FLIGHT),
        sa.delete(FormerAddress).where(FormerAddress.contact_key == address.c.key),
        sa.delete(FormerAddress).where(FormerAddress.person_id == person.c.key),
        sa.delete(ContactPoint).where(ContactPoint.contact_key == address.c.key),
        sa.delete(ContactPoint).where(ContactPoint.person_id == person.c.key),
    )


def told_there(connection: sa.Connection, request_id: str, destination: str) -> int:
    """Contacts of the subject that a platform was told of and has not erased, as far as they can still be named to it.

    Args:
        connection: with the vault.
    """
    address = sa.select(_keys(request_id, "address").c.key)
    told = sa.select(Acknowledged.contact_key).where(
        Acknowledged.destination == destination, Acknowledged.contact_key.in_(address)
    )
    has_a_name = sa.or_(
        Remaining.platform_id.is_not(None), sa.exists().where(ContactPoint.contact_key == Remaining.contact_key)
    )
    remains = sa.select(Remaining.contact_key).where(
        Remaining.destination == destination, Remaining.contact_key.in_(address), has_a_name
    )
    asked = _asked(request_id, destination).where(Erasure.erased_at.is_(None))
    both = asked.union(told, remains).subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(both)).scalar_one()


def told_elsewhere(connection: sa.Connection, request_id: str, destinations: Collection[str]) -> dict[str, int]:
    """Platforms, and how many contacts of the subject they have that nobody can ask them to delete: they are none of these,
    or the contact is on no list any more and neither its address nor an id is known."""
    address = sa.select(_keys(request_id, "address").c.key)
    gone = Lease.destination.not_in(sorted(destinations))
    both = sa.union(*(
        sa.select(table.destination, table.contact_key)
        .join_from(Lease, table, table.destination == Lease.destination)  # each that was ever pushed to
        .where(table.contact_key.in_(address), which)
        for table, which in ((Acknowledged, gone), (Remaining, sa.true()))
    )).subquery()  # fmt: skip
    counted = sa.select(both.c.destination, sa.func.count().label("contacts")).group_by(both.c.destination)
    return {row.destination: row.contacts for row in connection.execute(counted)}


def erased_there(connection: sa.Connection, request_id: str, destination: str) -> int:
    """Contacts of the subject that a platform has erased, whoever asked it to."""
    erased = _asked(request_id, destination).where(Erasure.erased_at.is_not(None))
    return connection.execute(sa.select(sa.func.count()).select_from(erased.subquery())).scalar_one()


def _asked(request_id: str, destination: str) -> sa.Select[str]:
    address = sa.select(_keys(request_id, "address").c.key)
    return sa.select(Erasure.contact_key).where(Erasure.destination == destination, Erasure.contact_key.in_(address))


def _keys(request_id: str, *kinds: str) -> sa.Subquery:
    meant = ErasureSubject.request_id == request_id, ErasureSubject.kind.in_(kinds)
    return sa.select(ErasureSubject.key).where(*meant).distinct().subquery(f"{kinds[0]}_keys")


def _each(*columns: sa.orm.InstrumentedAttribute[Any]) -> sa.CTE:
    """The values that the first columns of a table's key have, each once, by one look into its index for each of them.

    With these a person's rows are found in an index that begins otherwise. One that began with the person would have to be kept
    by every load and every push.
    """
    names = [column.key for column in columns]
    found = sa.select(*columns).order_by(*columns).limit(1).cte("found", recursive=True)
    behind = sa.tuple_(*columns) > sa.tuple_(*(found.c[name] for name in names))
    following = sa.select(*columns).where(behind).order_by(*columns).limit(1).lateral("following")
    return found.union_all(sa.select(*(following.c[name] for name in names)).join_from(found, following, sa.true()))


def _deleted(connection: sa.Connection, *statements: Any) -> int:
    numbers: Sequence[int] = [connection.execute(statement).rowcount for statement in statements]
    return sum(numbers)
