"""Who is in which segment, in numbers."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Definition, Evaluation, Membership


@dataclass(frozen=True)
class SegmentNumbers:
    """One declared segment on the newest partition it was evaluated for.

    Args:
        purpose: the consent that a member must have given to be written to.
        evaluated: that partition; None, and no numbers, before the first evaluation.
        people: everybody who was looked at.
        entered: members that were none at the evaluated partition before.
        left: members at the evaluated partition before that are none now.
    """

    segment: str
    title: str
    why: str
    purpose: str
    objective: str
    deliver_to: tuple[str, ...]
    evaluated: date | None
    members: int
    people: int
    entered: int
    left: int


def read_segments(warehouse: Warehouse) -> list[SegmentNumbers]:
    """Every declared segment, sorted by name."""
    newest = (
        sa.select(Evaluation)
        .ext(distinct_on(Evaluation.segment))
        .order_by(Evaluation.segment, Evaluation.partition.desc())
        .subquery("newest")
    )
    moved = (
        sa.select(
            newest.c.segment,
            sa.func.count().filter(Membership.entered_on == newest.c.partition).label("entered"),
            sa.func.count().filter(Membership.left_on == newest.c.partition).label("left"),
        )
        .join(Membership, Membership.segment == newest.c.segment)
        .group_by(newest.c.segment)
        .subquery("moved")
    )

    def number(column: sa.ColumnElement[int]) -> sa.Label[int]:
        return sa.func.coalesce(column, 0).label(column.key)

    query = (
        sa.select(
            Definition.segment,
            Definition.title,
            Definition.why,
            Definition.purpose,
            Definition.objective,
            Definition.deliver_to,
            newest.c.partition.label("evaluated"),
            *(number(c) for c in (newest.c.members, newest.c.people, moved.c.entered, moved.c.left)),
        )
        .outerjoin(newest, newest.c.segment == Definition.segment)
        .outerjoin(moved, moved.c.segment == Definition.segment)
        .order_by(Definition.segment)
    )
    with warehouse.begin() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return [SegmentNumbers(**row | {"deliver_to": tuple(row["deliver_to"])}) for row in rows]
