"""The gate of what was computed: are the people like the population, and do orders and profiles agree?

It only warns, and people who are unlike the population open an alert. Its findings are in `ops.validation` beside those of
the sources, as the table `customers`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import ibis
import ibis.expr.types as ir
import sqlalchemy as sa
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import CUSTOMERS, ENTITIES, FEATURES, PERSON_KEY, raw
from audience.core.warehouse.models import Validation
from audience.quality.audit import SMALL
from audience.quality.expectation import Severity
from audience.quality.reference import REFERENCE, Reference, years
from audience.quality.results import record_validations

REPRESENTATIVE = 500
"""People whose value is known, from which on a share is compared: chance moves it by at most 0.5 / sqrt(people), 0.022
here, less than a quarter of the 0.1 that a reference allows."""

CLOCKS = ibis.interval(days=1)
"""An order may be this much older than its person's first record: systems write their records at different times."""


@dataclass(frozen=True)
class Represented:
    """A group has the share of the people that it has of the population, give or take.

    The plain difference of shares and no test of significance: with a million people every difference is significant, and
    what a marketer wants to know is whether it is large.
    """

    column: str
    group: str
    share: float
    within: float
    reference: str
    severity: Severity = "warn"

    @property
    def words(self) -> str:
        return (
            f"{self.column} {self.group}: {self.share:.3g} of the people as in {self.reference}, within {self.within:g}"
        )


@dataclass(frozen=True)
class Consistent:
    """Orders and profiles say the same."""

    words: str
    mostly: float
    severity: Severity = "warn"


@dataclass(frozen=True)
class Found:
    """One expectation of the people, judged; its numbers are those of `audit.Finding`."""

    expectation: Represented | Consistent
    rows: int
    failed: int
    observed: float | None
    passed: bool


@dataclass(frozen=True)
class Review:
    """What was found of the people of a partition."""

    partition: Partition
    people: int
    findings: tuple[Found, ...]

    table: ClassVar[str] = CUSTOMERS.name

    @property
    def warnings(self) -> tuple[Found, ...]:
        return tuple(one for one in self.findings if not one.passed)


OF_SOMEBODY = Consistent("an order is of a known person in 0.99 of the orders", 0.99)
NOT_BEFORE = Consistent(
    "an order is no more than a day older than its person's first record in 0.95 of the orders", 0.95
)
NOT_GONE = Consistent("an order is not placed on a contact that was deleted before in 0.99 of the orders", 0.99)


def review(
    lake: Lake, session: Backend, connection: sa.Connection, partition: Partition, reference: Reference = REFERENCE
) -> Review:
    """Judges the people of a partition and the orders that landed in it, and records what was found.

    Raises NotPublished when the people or their features were not computed.
    """
    features = keep(session, lake.read(session, FEATURES, partition))
    people = int(session.to_pyarrow(features.count()).as_py())
    findings = [*represented(session, features, reference), *consistent(lake, session, partition)]
    found = Review(partition, people, tuple(findings))
    record_validations(connection, [found])
    return found


def represented(session: Backend, features: ir.Table, reference: Reference) -> Iterator[Found]:
    """A finding for each group of a reference; people whose value is unknown are not counted.

    Takes  one row per person, the columns that the reference names.
    """
    numbers = {}
    for column, shares in reference.shares.items():
        numbers[f"{column} "] = features[column].count()
        numbers |= {f"{column} {group}": _in_group(features[column], column, group).sum() for group in shares}
    counted = session.to_pyarrow(features.aggregate(**numbers)).to_pylist()[0] if numbers else {}
    for column, shares in reference.shares.items():
        known = int(counted[f"{column} "])
        for group, share in shares.items():
            found = int(counted[f"{column} {group}"] or 0) / known if known >= REPRESENTATIVE else None
            holds = found is None or abs(found - share) <= reference.within
            expectation = Represented(column, group, share, reference.within, reference.name)
            yield Found(expectation, known, 0, found, holds)


def _in_group(value: ir.Value, column: str, group: str) -> ir.BooleanValue:
    if column != "age_years":
        return value == group
    first, last = years(group)
    return value >= first if last is None else value.between(first, last)


def consistent(lake: Lake, session: Backend, partition: Partition) -> Iterator[Found]:
    """Compares the paid orders that landed in a partition with the people of the same day."""
    orders = keep(session, _orders_beside_people(lake, session, partition))
    asked, broken = orders.count(), {
        OF_SOMEBODY: orders.person_id.isnull().sum(),
        NOT_BEFORE: (orders.ordered_at < orders.first_seen_at - CLOCKS).sum(),
        NOT_GONE: (orders.ordered_at > orders.deleted_at + CLOCKS).sum(),
    }  # fmt: skip
    named = {f"n{place}": number for place, number in enumerate(broken.values())}
    counted = session.to_pyarrow(orders.aggregate(asked=asked, **named)).to_pylist()[0]
    for expectation, name in zip(broken, named, strict=True):
        rows, failed = int(counted["asked"]), int(counted[name] or 0)
        holds = rows < SMALL or failed <= (1 - expectation.mostly) * rows
        yield Found(expectation, rows, failed, failed / rows if rows else None, holds)


def _orders_beside_people(lake: Lake, session: Backend, partition: Partition) -> ir.Table:
    """One row per paid order of the partition: `ordered_at`, `person_id` (null: of nobody), `first_seen_at` of the person,
    `deleted_at` of the contact it was placed on (null: it is not deleted)."""
    landed = [
        _newest_version(lake.read(session, raw(source, "order"), partition)).mutate(source=ibis.literal(source))
        for source in lake.sources_of("order")
        if lake.files(raw(source, "order").name, partition)
    ]
    if not landed:
        landed = [ibis.memtable([], schema=ENTITIES["order"].schema).mutate(source=ibis.literal(""))]
    rows = landed[0] if len(landed) == 1 else ibis.union(*landed)
    paid = rows.filter(_.status == "paid").select("source", "record_id", "email_key", "ordered_at")
    orders = paid.mutate(record_key=paid.source + ":" + paid.record_id)
    keys = lake.read(session, PERSON_KEY, partition)
    records = keys.filter(_.kind == "record").select(record_key="key", record_person="person_id")
    emails = keys.filter(_.kind == "email").select(email_key="key", email_person="person_id")
    people = lake.read(session, CUSTOMERS, partition).select("person_id", "first_seen_at")
    contacts = lake.entity(session, "contact", through=partition).filter(_.is_deleted)
    gone = contacts.select(record_key=contacts.source + ":" + contacts.record_id, deleted_at="updated_at")
    joined = orders.left_join(records, "record_key").drop("record_key_right").left_join(emails, "email_key")
    owned = joined.drop("email_key_right").mutate(person_id=ibis.coalesce(_.record_person, _.email_person))
    beside = owned.left_join(people, "person_id").drop("person_id_right").left_join(gone, "record_key")
    return beside.select("ordered_at", "person_id", "first_seen_at", "deleted_at")


def _newest_version(orders: ir.Table) -> ir.Table:
    """Each order of a partition once: it may have been read more than once."""
    last = ibis.window(group_by="order_id", order_by=[ibis.desc("updated_at"), "status", "record_id", "email_key"])
    return orders.mutate(version=ibis.row_number().over(last)).filter(_.version == 0).drop("version")


def newest_warnings(connection: sa.Connection) -> tuple[Partition | None, list[str]]:
    """The newest day whose people were judged, and what did not hold, with what was found."""
    newest, rows = _newest(connection)
    return newest, [_told(row) for row in rows]


def bias(connection: sa.Connection) -> dict[str, str]:
    """While the people of the newest judged day are unlike the population: the alert, its subject and words."""
    newest, rows = _newest(connection)
    unlike = [_told(row) for row in rows if not row.failed]  # a share is of all people, and no row breaks it
    return {"people": f"{newest}: {'; '.join(unlike)}"} if unlike else {}


def _newest(connection: sa.Connection) -> tuple[Partition | None, Sequence[Any]]:
    of_people = Validation.table_name == CUSTOMERS.name
    newest = connection.scalar(sa.select(sa.func.max(Validation.partition)).where(of_people))
    if newest is None:
        return None, []
    rows = connection.execute(
        sa.select(Validation.expectation, Validation.rows, Validation.failed, Validation.observed)
        .where(of_people, Validation.partition == newest, sa.not_(Validation.passed))
        .order_by(Validation.position)
    )
    return Partition(newest), rows.all()


def _told(row: Any) -> str:
    return f"{row.expectation}: found {f'{row.failed} of {row.rows}' if row.failed else f'{row.observed:.3g}'}"
