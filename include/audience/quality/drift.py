"""Fields that a system has and its source file does not know: kept, and remembered until somebody looks."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import NewField


def record_new_fields(warehouse: Warehouse, source: str, day: Partition, added: Mapping[str, Sequence[str]]) -> None:
    """Remembers the names of new fields, by stream, and the partitions between which they were seen."""
    rows = [
        {"source": source, "stream": stream, "field": field, "first_seen": day.day, "last_seen": day.day}
        for stream, fields in added.items()
        for field in fields
    ]
    if not rows:
        return
    new = insert(NewField)
    seen = {
        "first_seen": sa.func.least(NewField.first_seen, new.excluded.first_seen),
        "last_seen": sa.func.greatest(NewField.last_seen, new.excluded.last_seen),
    }
    with warehouse.begin() as connection:
        connection.execute(new.on_conflict_do_update(index_elements=["source", "stream", "field"], set_=seen), rows)
