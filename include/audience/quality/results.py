"""What the audits found, in the warehouse: expectations with their numbers, and histograms that later days need."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import sqlalchemy as sa

from audience.core.partition import Partition
from audience.core.warehouse.models import Validation
from audience.quality.audit import Audit
from audience.quality.expectation import Severity


class Expected(Protocol):
    """An expectation as it is recorded."""

    @property
    def words(self) -> str: ...
    @property
    def severity(self) -> Severity: ...


class Judged(Protocol):
    """A finding as it is recorded."""

    @property
    def expectation(self) -> Expected: ...
    @property
    def rows(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def observed(self) -> float | None: ...
    @property
    def passed(self) -> bool: ...


class Judgement(Protocol):
    """What was found of one partition of a table: of a source's rows, or of the people."""

    @property
    def table(self) -> str: ...
    @property
    def partition(self) -> Partition: ...
    @property
    def findings(self) -> Sequence[Judged]: ...


def record_validations(connection: sa.Connection, audits: Iterable[Judgement]) -> None:
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
