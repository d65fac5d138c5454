"""What the audits found, in the warehouse: expectations with their numbers, and histograms that later days need."""

from collections.abc import Iterable

import sqlalchemy as sa

from audience.core.partition import Partition
from audience.core.warehouse.models import Histogram, Validation
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
    """Replaces the histograms of each (table, partition, column) of which rows are published."""
    for audit in audits:
        found = [
            {"table_name": audit.table, "partition": Partition.parse(day).day, "column_name": column, "bucket": bucket,
             "rows": rows}
            for (day, column, bucket), rows in sorted(audit.histograms.items())
        ]  # fmt: skip
        for day, column in sorted({(one["partition"], one["column_name"]) for one in found}):
            place = {"table_name": audit.table, "partition": day, "column_name": column}
            connection.execute(sa.delete(Histogram).filter_by(**place))
        if found:
            connection.execute(sa.insert(Histogram), found)
