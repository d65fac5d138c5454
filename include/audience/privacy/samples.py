"""What a platform would be told of a few contacts, as shapes: every letter an x, every digit a 9."""

from typing import Any

import sqlalchemy as sa

from audience.core.warehouse.models import Item
from audience.privacy.attributes import FLAGS, TEXTS, contacts
from audience.privacy.sendable import people_of

EACH = 2
"""Samples of each action."""


def sample_payloads(connection: sa.Connection, plan_id: int) -> list[dict[str, Any]]:
    """Up to EACH items of each action of a plan: `action`, `list`, and for upserts the attributes, all texts as shapes."""
    place = sa.func.row_number().over(partition_by=Item.action, order_by=(Item.list_name, Item.contact_key))
    ranked = (
        sa.select(Item.action, Item.list_name, Item.contact_key, place.label("place"))
        .where(Item.plan_id == plan_id)
        .cte("ranked")
    )
    some = sa.select(ranked).where(ranked.c.place <= EACH).cte("some")
    known = contacts(people_of(sa.select(some.c.contact_key))).subquery("known")
    rows = connection.execute(
        sa.select(some.c.action, some.c.list_name, *(_shape(known.c[c]).label(c) for c in ("email", *_COLUMNS)),
                  known.c.open_tracking, known.c.click_tracking)
        .outerjoin_from(some, known, known.c.contact_key == some.c.contact_key)
        .order_by(some.c.action, some.c.place)
    )  # fmt: skip
    return [_payload(row) for row in rows]


_COLUMNS = ("first_name", "last_name")


def _payload(row: sa.Row[Any]) -> dict[str, Any]:
    told = {"action": row.action, "list": row.list_name, "email": row.email}
    if row.action == "upsert":
        values = (row.first_name, row.last_name, row.open_tracking, row.click_tracking)
        told |= dict(zip(TEXTS + FLAGS, values, strict=True))
    return told


def _shape(text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    letters = sa.func.regexp_replace(text, "[[:alpha:]]", "x", "g")
    return sa.func.regexp_replace(letters, "[[:digit:]]", "9", "g")
