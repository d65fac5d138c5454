"""What a platform is told about a contact, and the hash by which a change of it is noticed."""

import sqlalchemy as sa

from audience.core.warehouse.models import ContactPoint
from audience.privacy.sendable import sendable

TEXTS = ("FIRSTNAME", "LASTNAME")
"""Attributes that are texts; absent when they are not known."""

FLAGS = ("OPEN_TRACKING", "CLICK_TRACKING")
"""Attributes that are booleans: whether opens and clicks of this person may be recorded; unknown is false."""


def contacts(
    among: sa.Select[str] | None = None,
) -> sa.Select[str, str, bool, str, str | None, str | None, bool, bool, str]:
    """One row per address of the vault, or per one among these keys.

    Columns: `contact_key`, `person_id`, `is_primary`, `email`, `first_name`, `last_name`, `open_tracking`,
    `click_tracking`, and `payload_hash`: SHA-256 over the key and the attributes as JSON.
    """
    opens = sendable("open_tracking", among=among).subquery("opens")
    clicks = sendable("click_tracking", among=among).subquery("clicks")
    open_tracking = opens.c.contact_key.is_not(None)
    click_tracking = clicks.c.contact_key.is_not(None)
    values = (ContactPoint.first_name, ContactPoint.last_name, open_tracking, click_tracking)
    told = sa.func.jsonb_build_object(
        *(part for name, value in zip(TEXTS + FLAGS, values, strict=True) for part in (sa.literal(name), value))
    )
    text = sa.func.concat(ContactPoint.contact_key, sa.cast(told, sa.Text))
    payload_hash = sa.func.encode(sa.func.sha256(sa.func.convert_to(text, "UTF8")), "hex")
    told_of = (
        sa.select(
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
        .outerjoin(opens, opens.c.contact_key == ContactPoint.contact_key)
        .outerjoin(clicks, clicks.c.contact_key == ContactPoint.contact_key)
    )
    return told_of if among is None else told_of.where(ContactPoint.contact_key.in_(among))
