"""Members of a partition -> stays in the warehouse: who is in which segment, since when, and who left.

A stay is an unbroken run over the *evaluated* partitions of a segment, kept as `entered_on <= day < left_on`. Loading
partition p compares its members with the stays that cover p and changes what differs, nothing else. `next` is the
evaluated partition after p:

    p has a member that no stay covers      a stay ends at p and one begins at next    they become one
                                            a stay ends at p                           it lasts until next
                                            a stay begins at next                      it begins at p
                                            neither                                    a stay of p alone
    a stay covers p and p has no such       the stay ends at p; what it holds from next on is a stay of its own
    member

That is also right when p lies between two evaluated partitions and is evaluated for the first time: until then, whoever
stayed from before p to after it was a member at both neighbours. So the stays depend on what each partition's members
are, never on the order in which partitions were loaded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from audience.core.errors import AudienceError
from audience.core.partition import Partition
from audience.core.warehouse import Base, Warehouse
from audience.core.warehouse.load import stage_rows
from audience.core.warehouse.models import Definition, Evaluation
from audience.segments.rule import definition_hash
from audience.segments.segment import Segment

NOT_DECLARED = "not declared"
"""The `definition_hash` of the evaluation that closes a segment whose file was removed."""


@dataclass(frozen=True)
class Movement:
    """One segment on one partition.

    Args:
        entered: members that were none at the evaluated partition before.
        left: members at the evaluated partition before that are none now.
    """

    members: int
    entered: int
    left: int


def load(
    warehouse: Warehouse, partition: Partition, members: pa.Table, segments: Sequence[Segment], people: int
) -> dict[str, Movement]:
    """Replaces the members of a partition, in one transaction and one load at a time.

    Args:
        members: one row per (`segment`, `person_id`) of the segments that are due on the partition.
        segments: all declared segments. A segment that the warehouse knows and nobody declares any more loses its
            definition; when nothing later than this partition was evaluated for it, it is evaluated to nobody here,
            so its members leave.
        people: everybody who was looked at.

    Returns:
        One movement per segment that was due or closed. The same members again change no row.

    Raises:
        AudienceError: members of a segment that is not due.
    """
    day = partition.day
    due = {s.name: definition_hash(s.members) for s in segments if s.is_due(partition)}
    found = set(pc.unique(members["segment"]).to_pylist())
    if stray := sorted(found - due.keys()):
        raise AudienceError(f"members of {partition}: found segment {stray[0]!r}, expected one that is due")
    with warehouse.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('audience.segments'))"))
        _declare(connection, segments)
        closed = _closing(connection, segments, day)
        hashes = due | dict.fromkeys(closed, NOT_DECLARED)
        stage_rows(connection, "incoming", members, like="segments.membership")
        _run(connection, [*_COMPARE, *_ENTER, *_LEAVE], day=day, segments=list(hashes))
        sizes: dict[str, int] = {r.segment: r.members for r in connection.execute(sa.text(_SIZES))}
        _record(connection, day, hashes, sizes, people)
        moved = connection.execute(sa.text(_MOVED), {"day": day}).all()
    return {m.segment: Movement(sizes.get(m.segment, 0), m.entered, m.left) for m in moved}


_COMPARE = (
    "SET LOCAL work_mem = '256MB'",  # one join of everybody with everybody: in memory rather than in files
    """
    CREATE TEMPORARY TABLE evaluated ON COMMIT DROP AS
    SELECT asked.segment, min(e.partition) AS next
    FROM unnest(CAST(:segments AS text[])) AS asked (segment)
    LEFT JOIN segments.evaluation e ON e.segment = asked.segment AND e.partition > :day
    GROUP BY asked.segment
    """,
    """
    CREATE TEMPORARY TABLE moving ON COMMIT DROP AS
    SELECT segment, person_id, c.entered_on, c.left_on
    FROM incoming i
    FULL JOIN (
        SELECT m.segment, m.person_id, m.entered_on, m.left_on
        FROM segments.membership m JOIN evaluated e USING (segment)
        WHERE m.entered_on <= :day AND (m.left_on > :day OR m.left_on IS NULL)
    ) c USING (segment, person_id)
    WHERE i.segment IS NULL OR c.segment IS NULL
    """,
    """
    CREATE TEMPORARY TABLE entering ON COMMIT DROP AS
    SELECT segment, person_id, e.next, CAST(NULL AS date) AS before_from, CAST(NULL AS date) AS after_from,
           CAST(NULL AS date) AS after_until
    FROM moving JOIN evaluated e USING (segment) WHERE entered_on IS NULL
    """,
    "ANALYZE entering",
    """
    UPDATE entering SET before_from = m.entered_on
    FROM segments.membership m
    WHERE m.segment = entering.segment AND m.person_id = entering.person_id AND m.left_on = :day
    """,
    """
    UPDATE entering SET after_from = m.entered_on, after_until = m.left_on
    FROM segments.membership m
    WHERE m.segment = entering.segment AND m.person_id = entering.person_id AND m.entered_on = entering.next
    """,
    """
    CREATE TEMPORARY TABLE leaving ON COMMIT DROP AS
    SELECT segment, person_id, entered_on, left_on, e.next,
           e.next IS NOT NULL AND (left_on > e.next OR left_on IS NULL) AS returns
    FROM moving JOIN evaluated e USING (segment) WHERE entered_on IS NOT NULL
    """,
    "ANALYZE leaving",
)

_ENTER = (
    # A stay ends at the day and one begins at next: the later goes first, so that no person is a member twice.
    """
    DELETE FROM segments.membership m USING entering x
    WHERE x.before_from IS NOT NULL AND x.after_from IS NOT NULL
      AND m.segment = x.segment AND m.person_id = x.person_id AND m.entered_on = x.after_from
    """,
    """
    UPDATE segments.membership m SET left_on = CASE WHEN x.after_from IS NULL THEN x.next ELSE x.after_until END
    FROM entering x
    WHERE x.before_from IS NOT NULL
      AND m.segment = x.segment AND m.person_id = x.person_id AND m.entered_on = x.before_from
    """,
    """
    UPDATE segments.membership m SET entered_on = :day
    FROM entering x
    WHERE x.before_from IS NULL AND x.after_from IS NOT NULL
      AND m.segment = x.segment AND m.person_id = x.person_id AND m.entered_on = x.after_from
    """,
    """
    INSERT INTO segments.membership (segment, person_id, entered_on, left_on)
    SELECT segment, person_id, :day, next FROM entering WHERE before_from IS NULL AND after_from IS NULL
    """,
)

_LEAVE = (
    """
    DELETE FROM segments.membership m USING leaving x
    WHERE x.entered_on = :day AND NOT x.returns
      AND m.segment = x.segment AND m.person_id = x.person_id AND m.entered_on = x.entered_on
    """,
    """
    UPDATE segments.membership m SET entered_on = x.next
    FROM leaving x
    WHERE x.entered_on = :day AND x.returns
      AND m.segment = x.segment AND m.person_id = x.person_id AND m.entered_on = x.entered_on
    """,
    """
    UPDATE segments.membership m SET left_on = :day
    FROM leaving x
    WHERE x.entered_on < :day
      AND m.segment = x.segment AND m.person_id = x.person_id AND m.entered_on = x.entered_on
    """,
    """
    INSERT INTO segments.membership (segment, person_id, entered_on, left_on)
    SELECT segment, person_id, next, left_on FROM leaving WHERE entered_on < :day AND returns
    """,
)

_SIZES = "SELECT segment, count(*) AS members FROM incoming GROUP BY segment"

_MOVED = """
    SELECT e.segment,
           (SELECT count(*) FROM segments.membership m WHERE m.segment = e.segment AND m.entered_on = :day) AS entered,
           (SELECT count(*) FROM segments.membership m WHERE m.segment = e.segment AND m.left_on = :day) AS left
    FROM evaluated e ORDER BY e.segment
"""

_CLOSING = """
    SELECT segment FROM segments.evaluation
    WHERE segment <> ALL (:declared)
    GROUP BY segment
    HAVING max(partition) <= :day
       AND EXISTS (SELECT FROM segments.membership m WHERE m.segment = evaluation.segment AND m.left_on IS NULL)
"""


def _run(connection: sa.Connection, statements: Iterable[str], **values: object) -> None:
    for statement in statements:
        connection.execute(sa.text(statement), values)


def _declare(connection: sa.Connection, segments: Sequence[Segment]) -> None:
    """`segments.definition` holds exactly the declared segments."""
    connection.execute(sa.delete(Definition).where(Definition.segment.not_in([s.name for s in segments])))
    rows: list[dict[str, object]] = [
        {
            "segment": s.name,
            "title": s.title,
            "why": s.why,
            "purpose": s.consent,
            "objective": s.objective,
            "deliver_to": list(s.deliver_to),
            "definition_hash": definition_hash(s.members),
        }
        for s in segments
    ]
    _put(connection, Definition, ["segment"], rows)


def _closing(connection: sa.Connection, segments: Sequence[Segment], day: date) -> list[str]:
    """Segments that nobody declares any more, that have members, and that were not evaluated after the day."""
    found = connection.execute(sa.text(_CLOSING), {"declared": [s.name for s in segments], "day": day})
    return sorted(found.scalars())


def _record(connection: sa.Connection, day: date, hashes: dict[str, str], sizes: dict[str, int], people: int) -> None:
    rows: list[dict[str, object]] = [
        {"segment": s, "partition": day, "definition_hash": h, "members": sizes.get(s, 0), "people": people}
        for s, h in hashes.items()
    ]
    _put(connection, Evaluation, ["segment", "partition"], rows)


def _put(connection: sa.Connection, model: type[Base], key: list[str], rows: list[dict[str, object]]) -> None:
    """Inserts rows or replaces those of the same key; a row that is right already stays untouched."""
    if not rows:
        return
    insert = postgresql.insert(model).values(rows)
    values = [c for c in rows[0] if c not in key]
    old, new = sa.inspect(model).columns, insert.excluded
    statement = insert.on_conflict_do_update(
        index_elements=key,
        set_={c: new[c] for c in values},
        where=sa.or_(*(old[c].is_distinct_from(new[c]) for c in values)),
    )
    connection.execute(statement)
