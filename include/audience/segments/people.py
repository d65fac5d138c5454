"""The people that rules are asked about: features of a partition with the scores of the same partition."""

import ibis
from ibis.backends.duckdb import Backend

from audience.core.errors import NotPublished
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import FEATURES, SCORES
from audience.segments.columns import COLUMNS


def people(lake: Lake, session: Backend, partition: Partition) -> ibis.Table:
    """One row per person of `features`: `person_id` and every column a rule may ask about.

    Scores are null for whoever has none, and for everybody while the partition has no scores.

    Raises:
        NotPublished: the partition has no features.
    """
    features = lake.read(session, FEATURES, partition)
    scored = [c for c in SCORES.columns if c.name != "person_id"]
    try:
        scores = lake.read(session, SCORES, partition)
    except NotPublished:
        return features.mutate(**{c.name: ibis.null(c.ibis_type) for c in scored})
    return features.left_join(scores, "person_id").select("person_id", *COLUMNS)
