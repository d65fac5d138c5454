"""What was decided about quarantined rows: read and stored in bulk, because there may be millions of them."""

import tempfile
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import sqlalchemy as sa
from ibis.backends.duckdb import Backend
from sqlalchemy.dialects.postgresql import insert

from audience.core.engine import batches, keep
from audience.core.warehouse.load import stage_rows
from audience.core.warehouse.models import QuarantineDecision

KEY = ("partition", "generation", "entity", "stream", "position")
"""What names a quarantined row within its source."""

_TYPES = {"partition": "VARCHAR", "generation": "BIGINT", "entity": "VARCHAR", "stream": "VARCHAR",
          "position": "BIGINT", "decision": "VARCHAR", "why": "VARCHAR"}  # fmt: skip

_COPY = """
    COPY (SELECT partition, generation, entity, stream, position, decision, why
          FROM ops.quarantine_decision WHERE source = %s) TO STDOUT (FORMAT csv, FORCE_QUOTE *)
"""


def lock(connection: sa.Connection, source: str) -> None:
    """Waits until nobody else lands rows of this source or decides about them; others wait until the transaction ends."""
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"quarantine.{source}"})


def decisions(session: Backend, connection: sa.Connection, source: str) -> ir.Table:
    """Every decision about rows of a source: `KEY`, `decision`, `why`."""
    cursor: Any = connection.connection.cursor()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "decisions.csv"
        with file.open("wb") as written, cursor.copy(_COPY, (source,)) as copy:
            for part in copy:
                written.write(part)
        form = {"header": False, "quote": '"', "escape": '"', "delim": ","}
        return keep(session, session.read_csv(str(file), columns=_TYPES, **form))


def record(session: Backend, connection: sa.Connection, source: str, decided: ir.Table, by: str) -> int:
    """Stores decisions (`KEY`, `decision`, `why`), replacing earlier ones about the same rows. Gives their number."""
    names = (*KEY, "decision", "why")
    rows = batches(session, decided.select(*names), size=50_000)
    number = stage_rows(connection, "deciding", rows, like=str(QuarantineDecision.__table__))
    deciding = sa.table("deciding", *(sa.column(name) for name in names))
    new = insert(QuarantineDecision).from_select(
        ["source", "decided_by", *names],
        sa.select(sa.literal(source), sa.literal(by), *deciding.c),
    )
    replaced = {"decision": new.excluded.decision, "why": new.excluded.why, "decided_by": new.excluded.decided_by}
    connection.execute(
        new.on_conflict_do_update(index_elements=["source", *KEY], set_=replaced | {"decided_at": sa.func.now()})
    )
    connection.execute(sa.text("DROP TABLE deciding"))
    return number
