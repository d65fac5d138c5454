"""What the audits found, in the warehouse: expectations with their numbers, and histograms that later days need."""

from collections.abc import Iterable

import sqlalchemy as sa

from audience.core.partition import Partition
from audience.core.warehouse.models import Validation
from audience.quality.audit import Audit


def record_validations(connection: sa.Connection, audits: Iterable[Audit]) -> None:
    """Replaces what is known of each (table, partition)."""
    for audit in audits:
        place = {"table_name": audit.table, "partition": audit.partition.day}
        connection.execute(sa.delete(Validation).filter_by(**place))
        found = [
            place
            | {"expectation": one.expectation.words, "severity": one.expectation.severity, "position": position}
            | {"rows": one.rows, "failed": one.failed, "observed": one.observed, "passed": one.passed}
            for position, one in enumerate(audit.findings)
        ]
        if found:
            connection.execute(sa.insert(Validation), found)


def record_histograms(connection: sa.Connection, audits: Iterable[Audit]) -> None:
    """Replaces the histograms of each (table, partition) of which rows are published.

    Two statements for a table, whatever their number: a first load brings thousands of days.
    """
    for audit in audits:
        if not audit.histograms:
            continue
        found = [(Partition.parse(day).day, column, bucket, n) for (day, column, bucket), n in audit.histograms.items()]
        days, columns, buckets, rows = (list(values) for values in zip(*found, strict=True))
        connection.execute(_FORGET, {"table": audit.table, "days": days})
        connection.execute(
            _INSERT, {"table": audit.table, "days": days, "columns": columns, "buckets": buckets, "rows": rows}
        )


_FORGET = sa.text("DELETE FROM ops.histogram WHERE table_name = :table AND partition = ANY(CAST(:days AS date[]))")
_INSERT = sa.text(
    "INSERT INTO ops.histogram (table_name, partition, column_name, bucket, rows)"
    " SELECT :table, * FROM unnest(CAST(:days AS date[]), CAST(:columns AS text[]), CAST(:buckets AS text[]),"
    " CAST(:rows AS bigint[]))"
)
