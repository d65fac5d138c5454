"""Sources as they are declared, in the warehouse: views about freshness compare with what their files promise."""

from collections.abc import Iterable

import sqlalchemy as sa

from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import DeclaredSource
from audience.sources.contract import Source


def record_declared(warehouse: Warehouse, sources: Iterable[Source]) -> None:
    """Replaces what is known of the sources in use: all of them are given, any other is not in use any more."""
    rows = [
        {"name": s.name, "title": s.title, "is_required": s.required, "fresh_hours": s.fresh_hours} for s in sources
    ]
    with warehouse.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('ops.source'))"))
        connection.execute(sa.delete(DeclaredSource))
        if rows:
            connection.execute(sa.insert(DeclaredSource), rows)
