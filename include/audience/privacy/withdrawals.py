"""People who told us no and whom a platform still has on a list: the only removals that wait for nothing and nobody."""

from collections.abc import Sequence

import sqlalchemy as sa

from audience.core.masked import Personal
from audience.core.warehouse.models import Acknowledged, ContactPoint
from audience.core.warehouse.models.push import PROFILE
from audience.privacy.gate import Leaver
from audience.privacy.sendable import said_no

MOST = 50_000
"""Memberships read at once."""


def still_listed(
    connection: sa.Connection, destination: str, lists: sa.Select[str, str]
) -> Sequence[tuple[str, Leaver]]:
    """Memberships that the platform acknowledged and that their person has said no to since: list name and contact.

    A list is left by who withdrew its purpose. The list of everybody, and lists that no segment has any more, are left by
    who withdrew every purpose. Who is suppressed leaves all. Addresses that the vault does not have any more are left
    to erasure.

    Args:
        lists: lists in use: columns `list_name`, `purpose`.

    Returns:
        At most MOST, the list of everybody last, since a platform's id of the contact is known by it.
    """
    used = lists.cte("used")
    no = said_no(sa.select(used.c.purpose).distinct()).cte("no")
    purposes = sa.select(sa.func.count(used.c.purpose.distinct())).scalar_subquery()
    withdrew, never = no.c.purpose.is_not(None), sa.select(no.c.person_id).where(no.c.purpose.is_(None))
    all_of_them = sa.select(no.c.person_id).where(withdrew).group_by(no.c.person_id).having(sa.func.count() == purposes)

    ack, told = Acknowledged.__table__.alias("ack"), Acknowledged.__table__.alias("told")
    listed = (
        sa.select(ack.c.contact_key, ack.c.list_name)
        .join_from(ack, ContactPoint, ContactPoint.contact_key == ack.c.contact_key)
        .where(ack.c.destination == destination)
    )
    left = sa.tuple_(ContactPoint.person_id, ack.c.list_name).in_(
        sa.select(no.c.person_id, used.c.list_name).join_from(no, used, used.c.purpose == no.c.purpose)
    )
    is_used = ack.c.list_name.in_(sa.select(used.c.list_name))
    rows = sa.union(
        listed.where(ContactPoint.person_id.in_(never)),
        listed.where(left),
        listed.where(~is_used, ContactPoint.person_id.in_(all_of_them)),
    ).cte("rows")
    found = connection.execute(
        sa.select(rows.c.list_name, rows.c.contact_key, ContactPoint.email, told.c.platform_id)
        .join_from(rows, ContactPoint, ContactPoint.contact_key == rows.c.contact_key)
        .outerjoin(
            told,
            sa.and_(
                told.c.destination == destination,
                told.c.list_name == PROFILE,
                told.c.contact_key == rows.c.contact_key,
            ),
        )
        .order_by(rows.c.list_name == PROFILE, rows.c.list_name, rows.c.contact_key)
        .limit(MOST)
    )
    return [(r.list_name, Leaver(r.contact_key, Personal(r.email), r.platform_id)) for r in found]
