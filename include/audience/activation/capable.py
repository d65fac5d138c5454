"""What segments need and a platform lacks: said when a push is planned, before anything is sent."""

import sqlalchemy as sa

from audience.activation.destination import Destination
from audience.core.warehouse.models import Definition

MEASURED_THERE = ("open", "click")
"""Objectives that only the platform's own events can measure."""


def what_it_lacks(connection: sa.Connection, destination: Destination) -> list[str]:
    """Why segments delivered to a destination cannot be pushed there, each with the place; empty when they can."""
    name, can = destination.name, destination.capabilities
    delivered = connection.execute(
        sa.select(Definition.segment, Definition.objective)
        .where(Definition.deliver_to.contains([name]))
        .order_by(Definition.segment)
    ).all()
    lacking = [
        f"segment {one.segment}: objective {one.objective!r} needs opens and clicks, and {name} tells of none;"
        " choose another objective, or deliver it elsewhere"
        for one in delivered
        if one.objective in MEASURED_THERE and not can.engagement
    ]
    lacking += [
        f"segment {one.segment}: a name of {len(one.segment)} characters, expected at most {can.list_name_length}"
        for one in delivered
        if len(one.segment) > can.list_name_length
    ]
    if can.most_lists is not None and len(delivered) + 1 > can.most_lists:
        lacking.append(f"{len(delivered)} segments and the list of everybody, expected at most {can.most_lists} lists")
    return lacking
