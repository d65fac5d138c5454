"""What a platform is told about a contact, and the hash by which a change of it is noticed."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from audience.core.warehouse.models import ContactPoint
from audience.privacy.sendable import EVERYBODY, People, allowed

TEXTS = ("FIRSTNAME", "LASTNAME")
"""Attributes that are texts; absent when they are not known."""

FLAGS = ("OPEN_TRACKING", "CLICK_TRACKING")
"""Attributes that are booleans: whether opens and clicks of this person may be recorded; unknown is false."""

TRACKING = ("open_tracking", "click_tracking")
"""The purposes that the flags stand for, in their order."""


def contacts(
    people: People = EVERYBODY,
) -> sa.Select[str, str, bool, str, str | None, str | None, bool, bool, str]:
    """One row per address of the vault, or per one of these people.

    Columns: `contact_key`, `person_id`, `is_primary`, `email`, `first_name`, `last_name`, `open_tracking`,
    `click_tracking`, and `payload_hash`: SHA-256 over the key and the attributes as JSON.
    """
    may = allowed(TRACKING, people).subquery("may_track")
    tracked = (
        sa.select(may.c.contact_key, *(sa.func.bool_or(may.c.purpose == p).label(p) for p in TRACKING))
        .group_by(may.c.contact_key)
        .subquery("tracked")
    )
    open_tracking, click_tracking = (sa.func.coalesce(tracked.c[p], sa.false()) for p in TRACKING)
    payload_hash = hash_of(
        ContactPoint.contact_key, [ContactPoint.first_name, ContactPoint.last_name, open_tracking, click_tracking]
    )
    told_of = sa.select(
        ContactPoint.contact_key,
        ContactPoint.person_id,
        ContactPoint.is_primary,
        ContactPoint.email,
        ContactPoint.first_name,
        ContactPoint.last_name,
        open_tracking.label("open_tracking"),
        click_tracking.label("click_tracking"),
        payload_hash.label("payload_hash"),
    )
    if people is EVERYBODY:
        return told_of.outerjoin_from(ContactPoint, tracked, tracked.c.contact_key == ContactPoint.contact_key)
    return (
        told_of.select_from(people.points)
        .join(ContactPoint, ContactPoint.contact_key == people.points.c.contact_key)
        .outerjoin(tracked, tracked.c.contact_key == ContactPoint.contact_key)
    )


def hash_of(contact_key: sa.ColumnElement[str] | Any, values: Sequence[Any]) -> sa.ColumnElement[str]:
    """The hash of a contact with these values of TEXTS and FLAGS, in this order: SHA-256 over the key and their JSON."""
    named = zip(TEXTS + FLAGS, values, strict=True)
    told = sa.func.jsonb_build_object(*(part for name, value in named for part in (sa.literal(name), value)))
    text = sa.func.concat(contact_key, sa.cast(told, sa.Text))
    return sa.func.encode(sa.func.sha256(sa.func.convert_to(text, "UTF8")), "hex")
