"""Whom never to contact: one row per (address, reason), whatever was granted before or is granted later."""

import pyarrow as pa
import sqlalchemy as sa
from ibis import _
from ibis.backends.duckdb import Backend
from sqlalchemy.dialects.postgresql import distinct_on, insert

from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.core.warehouse.load import stage_rows
from audience.core.warehouse.models import Suppression
from audience.privacy.keys import hold
from audience.privacy.pseudonym import contact_key_of

FINAL_EVENTS = ("unsubscribe", "complaint", "hard_bounce")
"""Events after which an address is never written to again."""

SUPPRESSION = pa.schema(
    {
        "contact_key": pa.string(),
        "reason": pa.string(),
        "source": pa.string(),
        "suppressed_at": pa.timestamp("us", tz="UTC"),
    }
)
"""Columns that `suppress` takes: keyed hash of the address, why, who told us, when it happened (UTC)."""


def record_suppressions(lake: Lake, session: Backend, warehouse: Warehouse, partition: Partition, key: Secret) -> int:
    """Adds the addresses of every final event known in partitions up to this one to `privacy.suppression`.

    Partitions may come in any order and any number of times. Returns how many (address, reason) were new.

    Raises KeysChanged when the pseudonym key was rotated meanwhile.
    """
    events = lake.entity(session, "event", through=partition)
    final = events.filter(events.type.isin(FINAL_EVENTS)).select(
        contact_key=contact_key_of(_.email_key, key),
        reason=_.type,
        source=_.source,
        suppressed_at=_.occurred_at,
    )
    rows = session.to_pyarrow(final).cast(SUPPRESSION)
    with warehouse.begin() as connection:
        hold(connection, key)
        return suppress(connection, rows)


def suppress(connection: sa.Connection, rows: pa.Table) -> int:
    """Adds rows with the columns of `SUPPRESSION`; an address and reason known already keeps its earliest instant.

    Args:
        connection: in a transaction, which the caller ends.
        rows: may repeat an (address, reason).

    Returns:
        How many (address, reason) were new.
    """
    connection.execute(sa.text("DROP TABLE IF EXISTS never_again"))
    stage_rows(connection, "never_again", rows.select(SUPPRESSION.names), like="privacy.suppression")
    told = sa.table("never_again", *(sa.column(c) for c in SUPPRESSION.names))
    earliest = (
        sa.select(*told.c)
        .ext(distinct_on(told.c.contact_key, told.c.reason))
        .order_by(told.c.contact_key, told.c.reason, told.c.suppressed_at, told.c.source)
    )
    adding = insert(Suppression).from_select(SUPPRESSION.names, earliest)
    before = sa.tuple_(adding.excluded.suppressed_at, adding.excluded.source) < sa.tuple_(
        Suppression.suppressed_at, Suppression.source
    )
    added = connection.execute(
        adding.on_conflict_do_update(
            index_elements=["contact_key", "reason"],
            set_={"suppressed_at": adding.excluded.suppressed_at, "source": adding.excluded.source},
            where=before,
        ).returning(sa.literal_column("xmax = 0", sa.Boolean))
    )
    return sum(1 for is_new in added.scalars() if is_new)
