"""Who is in which segment on one partition: every rule in one pass over the people."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.segments.compile import compile_rule
from audience.segments.expectations import Pair, Unexpected, unexpected
from audience.segments.people import people
from audience.segments.rule import windows_of
from audience.segments.segment import Segment

_COLUMNS = pa.schema({"segment": pa.string(), "person_id": pa.string()})


@dataclass(frozen=True)
class Evaluated:
    """The members of one partition.

    Args:
        segments: those that were due.
        people: everybody who was looked at.
        members: one row per (`segment`, `person_id`).
        unexpected: what marketing should look at.
    """

    partition: Partition
    segments: tuple[Segment, ...]
    people: int
    members: pa.Table
    unexpected: tuple[Unexpected, ...]


def evaluate(lake: Lake, session: Backend, segments: Sequence[Segment], partition: Partition) -> Evaluated:
    """Evaluates the segments that are due on a partition.

    Raises:
        NotPublished: the partition has no features. Scores may be missing; they are unknown then.
    """
    due = tuple(s for s in segments if s.is_due(partition))
    everybody = people(lake, session, partition, windows_of(s.members for s in due))
    # Numbered, because a segment may have the name of any column.
    answers = {f"answer_{i}": compile_rule(s.members, everybody) for i, s in enumerate(due)}
    answered = session.to_pyarrow(everybody.select("person_id", **answers))
    found = unexpected(due, _together(answered, due))
    return Evaluated(partition, due, answered.num_rows, _members(answered, due), found)


def _members(answered: pa.Table, segments: Sequence[Segment]) -> pa.Table:
    listed = [_COLUMNS.empty_table()]
    for index, segment in enumerate(segments):
        persons = answered["person_id"].filter(answered[f"answer_{index}"])
        names = pa.repeat(pa.scalar(segment.name), len(persons))
        listed.append(pa.table([names, persons], schema=_COLUMNS))
    return pa.concat_tables(listed)


def _together(answered: pa.Table, segments: Sequence[Segment]) -> dict[Pair, int]:
    """People per pair of segments: a product of the answers, seen as a matrix of 0 and 1, with itself."""
    total = np.zeros((len(segments), len(segments)), dtype=np.int64)
    for batch in answered.drop_columns("person_id").to_batches(max_chunksize=100_000) if segments else []:
        is_member = np.column_stack([c.to_numpy(zero_copy_only=False) for c in batch.columns]).astype(np.float32)
        total += (is_member.T @ is_member).astype(np.int64)  # exact: float32 counts up to 16 million
    return {(a.name, b.name): int(total[i, j]) for i, a in enumerate(segments) for j, b in enumerate(segments)}
