"""People who were erased here and whom a platform still has: found by their tombstone, gone with a receipt."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from audience.core.masked import Personal
from audience.core.warehouse.models import Acknowledged, ContactPoint, Erasure, Suppression
from audience.core.warehouse.models.push import PROFILE
from audience.privacy.gate import Leaver

ERASED = "erased"
"""`reason` of the suppression that stays when a person is erased."""

EXPIRED = "expired"
"""`reason` of the suppression of a person whose time is over, until every store has forgotten them."""

GONE = (ERASED, EXPIRED)


def to_erase(connection: sa.Connection, destination: str, *, by_key: bool = False) -> Sequence[Leaver]:
    """Contacts that the platform was told of and that were erased since, as far as they can be named to it.

    Who cannot (the vault has no address any more, the platform gave no id) is found when its lists are read back.

    Args:
        by_key: the contact key is enough to name a contact.
    """
    told = Acknowledged.__table__.alias("told")
    rows = connection.execute(
        sa.select(Acknowledged.contact_key, ContactPoint.email, sa.func.max(told.c.platform_id).label("platform_id"))
        .join(Suppression, Suppression.contact_key == Acknowledged.contact_key)
        .outerjoin(ContactPoint, ContactPoint.contact_key == Acknowledged.contact_key)
        .outerjoin(
            told,
            sa.and_(
                told.c.destination == destination,
                told.c.list_name == PROFILE,
                told.c.contact_key == Acknowledged.contact_key,
            ),
        )
        .where(Acknowledged.destination == destination, Suppression.reason.in_(GONE))
        .group_by(Acknowledged.contact_key, ContactPoint.email)
        .order_by(Acknowledged.contact_key)
    )
    people = (Leaver(r.contact_key, None if r.email is None else Personal(r.email), r.platform_id) for r in rows)
    return [one for one in people if by_key or one.email is not None or one.platform_id is not None]


def those_erased(connection: sa.Connection, contact_keys: Collection[str]) -> set[str]:
    """Which of these were erased."""
    among = sa.any_(sa.literal(list(contact_keys), sa.ARRAY(sa.String)))
    erased = sa.select(Suppression.contact_key).where(Suppression.reason.in_(GONE), Suppression.contact_key == among)
    return set(connection.execute(erased).scalars())


def note_erased(connection: sa.Connection, destination: str, contact_keys: Collection[str]) -> None:
    """The receipt, and the end of everything that was acknowledged for them."""
    if not contact_keys:
        return
    receipts = insert(Erasure).values([{"destination": destination, "contact_key": k} for k in sorted(contact_keys)])
    connection.execute(receipts.on_conflict_do_nothing())
    among = sa.any_(sa.literal(list(contact_keys), sa.ARRAY(sa.String)))
    connection.execute(
        sa.delete(Acknowledged).where(Acknowledged.destination == destination, Acknowledged.contact_key == among)
    )
