"""The people that rules are asked about: features of a partition with guesses, scores and counts of events beside them."""

from collections.abc import Sequence

import ibis
from ibis.backends.duckdb import Backend

from audience.core.errors import NotPublished
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.table import Table
from audience.core.tables import FEATURES, IMPUTED, SCORES
from audience.segments.columns import COLUMNS
from audience.segments.counting import counted, happened
from audience.segments.window import Window


def people(lake: Lake, session: Backend, partition: Partition, windows: Sequence[Window] = ()) -> ibis.Table:
    """One row per person of `features`: `person_id`, every column a rule may ask about, and the column of each window.

    Guesses and scores are null for whoever has none, and for everybody while the partition has no such table. A count is
    null where it is 0.

    Raises:
        NotPublished: the partition has no features.
    """
    everybody = lake.read(session, FEATURES, partition)
    for table in (IMPUTED, SCORES):
        everybody = _with(everybody, lake, session, table, partition)
    if not windows:
        return everybody.select("person_id", *COLUMNS)
    counts = counted(happened(lake, session, partition, windows), windows, as_of=partition.as_of)
    return everybody.left_join(counts, "person_id").select("person_id", *COLUMNS, *(w.column for w in windows))


def _with(people: ibis.Table, lake: Lake, session: Backend, table: Table, partition: Partition) -> ibis.Table:
    """People with the columns of a table that may not be there; one row of it is one person."""
    try:
        beside = lake.read(session, table, partition)
    except NotPublished:
        return people.mutate(**{c.name: ibis.null(c.ibis_type) for c in table.columns if c.name != "person_id"})
    return people.left_join(beside, "person_id").drop("person_id_right")
