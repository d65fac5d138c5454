"""The people that rules are asked about: features of a partition with guesses and scores of the same partition."""

import ibis
from ibis.backends.duckdb import Backend

from audience.core.errors import NotPublished
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.table import Table
from audience.core.tables import FEATURES, IMPUTED, SCORES
from audience.segments.columns import COLUMNS


def people(lake: Lake, session: Backend, partition: Partition) -> ibis.Table:
    """One row per person of `features`: `person_id` and every column a rule may ask about.

    Guesses and scores are null for whoever has none, and for everybody while the partition has no such table.

    Raises:
        NotPublished: the partition has no features.
    """
    everybody = lake.read(session, FEATURES, partition)
    for table in (IMPUTED, SCORES):
        everybody = _with(everybody, lake, session, table, partition)
    return everybody.select("person_id", *COLUMNS)


def _with(people: ibis.Table, lake: Lake, session: Backend, table: Table, partition: Partition) -> ibis.Table:
    """People with the columns of a table that may not be there; one row of it is one person."""
    try:
        beside = lake.read(session, table, partition)
    except NotPublished:
        return people.mutate(**{c.name: ibis.null(c.ibis_type) for c in table.columns if c.name != "person_id"})
    return people.left_join(beside, "person_id").drop("person_id_right")
