"""A lake to try things on: what is written stays above it, in another place, and is read from there."""

import ibis
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake, Written
from audience.core.partition import Partition
from audience.core.table import Table


class LakeOver(Lake):
    """The tables of one lake with derived partitions of another in front of them. The lake itself is never written to."""

    def __init__(self, below: Lake, above: Lake) -> None:
        self.fs, self.root, self.is_local = below.fs, below.root, below.is_local
        self._above = above

    def read(self, session: Backend, table: Table, partition: Partition) -> ibis.Table:
        if self._above.publications(table, through=partition, since=partition):
            return self._above.read(session, table, partition)
        return super().read(session, table, partition)

    def write(self, session: Backend, table: Table, partition: Partition, rows: ibis.Table) -> Written:
        return self._above.write(session, table, partition, rows)

    def note(self, name: str, partition: Partition, facts: dict[str, object] | None = None) -> dict[str, object]:
        if facts is not None:
            return self._above.note(name, partition, facts)
        return self._above.note(name, partition) or super().note(name, partition)

    def remember(self, name: str, facts: dict[str, object] | None = None) -> dict[str, object]:
        if facts is not None:
            return self._above.remember(name, facts)
        return self._above.remember(name) or super().remember(name)
