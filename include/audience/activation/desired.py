"""The state a destination should be in, as SQL. Nothing is stored: it follows from segments, consent and the vault."""

from functools import cache

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from audience.core.warehouse.models import ContactPoint, Definition
from audience.core.warehouse.models.push import PROFILE
from audience.privacy.attributes import contacts
from audience.privacy.sendable import allowed

CURRENT_MEMBER = sa.table(
    "current_member", sa.column("segment", sa.String), sa.column("person_id", sa.String), schema="segments"
)


@cache
def purposes(destination: str) -> sa.Select[str, str]:
    """One row per segment delivered to the destination: `list_name`, and the `purpose` its members must have granted."""
    return sa.select(Definition.segment.label("list_name"), Definition.purpose).where(
        Definition.deliver_to.has_key(destination)
    )


@cache
def wanted(destination: str) -> sa.Select[str, str, str, str]:
    """Who should be on which list if everybody had consented: the gate decides about that.

    One row per (segment delivered to the destination, member): `contact_key` (the person's primary address),
    `person_id`, `list_name` (the segment), `purpose`.
    """
    point = aliased(ContactPoint, name="primary_point")
    return (
        sa.select(point.contact_key, point.person_id, Definition.segment.label("list_name"), Definition.purpose)
        .join_from(Definition, CURRENT_MEMBER, CURRENT_MEMBER.c.segment == Definition.segment)
        .join(point, point.person_id == CURRENT_MEMBER.c.person_id)
        .where(point.is_primary, Definition.deliver_to.has_key(destination))
    )


@cache
def desired(destination: str) -> sa.CompoundSelect[str, str, str]:
    """One row per (contact, list), and one per contact with the list name PROFILE for its attributes.

    Columns: `contact_key`, `list_name`, `payload_hash` (empty for a membership: being on a list has no content).
    """
    used = purposes(destination).cte("used")
    point = aliased(ContactPoint, name="primary_point")
    answered = allowed(sa.select(used.c.purpose).distinct()).subquery("answered")
    may = (
        sa.select(answered)
        .join(point, sa.and_(point.contact_key == answered.c.contact_key, point.is_primary))
        .cte("may")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    # An offset keeps PostgreSQL from pairing every address with every list of its purpose first: 5 million rows for 52,000.
    stay = (
        sa.select(CURRENT_MEMBER.c.person_id, used.c.list_name, used.c.purpose)
        .join_from(used, CURRENT_MEMBER, CURRENT_MEMBER.c.segment == used.c.list_name)
        .offset(0)
        .subquery("stay")
    )
    listed = (
        sa.select(may.c.contact_key, stay.c.list_name)
        .join_from(stay, may, sa.and_(may.c.person_id == stay.c.person_id, may.c.purpose == stay.c.purpose))
        .cte("listed")
    )
    known = contacts().subquery("known")
    return sa.union_all(
        sa.select(listed.c.contact_key, listed.c.list_name, sa.literal("").label("payload_hash")),
        sa.select(known.c.contact_key, sa.literal(PROFILE).label("list_name"), known.c.payload_hash).where(
            known.c.contact_key.in_(sa.select(listed.c.contact_key))
        ),
    )
