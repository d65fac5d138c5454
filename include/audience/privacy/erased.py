"""People who were erased here and whom a platform still has: found by their tombstone, gone with a receipt."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from audience.core.masked import Personal
from audience.core.warehouse.models import Acknowledged, ContactPoint, Erasure, Item, Job, Remaining, Suppression
from audience.core.warehouse.models.push import IN_FLIGHT, PROFILE
from audience.privacy.gate import Leaver

ERASED = "erased"
"""`reason` of the suppression that stays when a person is erased."""

EXPIRED = "expired"
"""`reason` of the suppression of a person whose time is over, until every store has forgotten them."""

GONE = (ERASED, EXPIRED)


def to_erase(connection: sa.Connection, destination: str, *, by_key: bool = False) -> Sequence[Leaver]:
    """Contacts that the platform was told of and that were erased since, as far as they can be named to it. Whom it is
    deleting now is left to it.

    Who cannot (the vault has no address any more, the platform gave no id) is found when its lists are read back.

    Args:
        by_key: the contact key is enough to name a contact.
    """
    gone, profile, asked = Suppression.__table__, Acknowledged.__table__.alias("profile"), Erasure.__table__
    remains = sa.and_(Remaining.destination == destination, Remaining.contact_key == gone.c.contact_key)
    told = sa.exists().where(Acknowledged.destination == destination, Acknowledged.contact_key == gone.c.contact_key)
    platform_id = sa.func.coalesce(profile.c.platform_id, Remaining.platform_id).label("platform_id")
    is_begun = sa.and_(asked.c.erased_at.is_(None), asked.c.job.is_not(None))
    rows = connection.execute(
        sa.select(gone.c.contact_key, ContactPoint.email, platform_id)
        .outerjoin_from(gone, ContactPoint, ContactPoint.contact_key == gone.c.contact_key)
        .outerjoin(Remaining, remains)
        .outerjoin(
            profile,
            sa.and_(
                profile.c.destination == destination,
                profile.c.list_name == PROFILE,
                profile.c.contact_key == gone.c.contact_key,
            ),
        )
        .outerjoin(asked, sa.and_(asked.c.destination == destination, asked.c.contact_key == gone.c.contact_key))
        .where(gone.c.reason.in_(GONE))
        .where(
            sa.or_(
                told,
                Remaining.contact_key.is_not(None),
                sa.and_(asked.c.contact_key.is_not(None), asked.c.erased_at.is_(None)),
            ),
            sa.not_(is_begun),
        )
        .distinct()
        .order_by(gone.c.contact_key)
    )
    people = (Leaver(r.contact_key, None if r.email is None else Personal(r.email), r.platform_id) for r in rows)
    return [one for one in people if by_key or one.email is not None or one.platform_id is not None]


def is_erasing(connection: sa.Connection, destination: str) -> bool:
    """Whether the platform has to delete somebody, or is deleting somebody."""
    unfinished = sa.select(sa.literal(1)).where(Erasure.destination == destination, Erasure.erased_at.is_(None))
    return connection.execute(unfinished.limit(1)).scalar() is not None or bool(
        to_erase(connection, destination, by_key=True)
    )


def is_telling_the_erased(connection: sa.Connection, destination: str) -> bool:
    """Whether the platform is at work on a job that brings somebody who was erased: it ends after us, and makes them anew."""
    told = (
        sa.select(sa.literal(1))
        .join_from(Job, Item, sa.and_(Item.plan_id == Job.plan_id, Item.job == Job.number, IN_FLIGHT))
        .join(Suppression, Suppression.contact_key == Item.contact_key)
        .where(Job.destination == destination, Job.finished_at.is_(None), Suppression.reason.in_(GONE))
    )
    return connection.execute(told.limit(1)).scalar() is not None


def ask_to_erase(connection: sa.Connection, destination: str, contact_keys: Collection[str]) -> None:
    """Notes who is to be deleted before the platform is asked, so that nobody is lost to a refusal or a crash."""
    asked = sa.select(sa.literal(destination), sa.func.unnest(sa.literal(sorted(contact_keys), sa.ARRAY(sa.String))))
    owed = insert(Erasure).from_select(["destination", "contact_key"], asked)
    again = {"erased_at": None, "job": None}
    connection.execute(owed.on_conflict_do_update(index_elements=["destination", "contact_key"], set_=again))


def those_erased(connection: sa.Connection, contact_keys: Collection[str]) -> set[str]:
    """Which of these were erased."""
    among = sa.any_(sa.literal(list(contact_keys), sa.ARRAY(sa.String)))
    erased = sa.select(Suppression.contact_key).where(Suppression.reason.in_(GONE), Suppression.contact_key == among)
    return set(connection.execute(erased).scalars())


def note_erased(connection: sa.Connection, destination: str, contact_keys: Collection[str]) -> None:
    """The receipt, and the end of everything that was acknowledged for them."""
    if not contact_keys:
        return
    now = sa.func.now()
    rows = [{"destination": destination, "contact_key": k, "erased_at": now} for k in sorted(contact_keys)]
    receipts = insert(Erasure).values(rows)
    connection.execute(
        receipts.on_conflict_do_update(
            index_elements=["destination", "contact_key"], set_={"erased_at": now, "job": None}
        )
    )
    among = sa.any_(sa.literal(list(contact_keys), sa.ARRAY(sa.String)))
    for table in (Acknowledged, Remaining):
        connection.execute(sa.delete(table).where(table.destination == destination, table.contact_key == among))
