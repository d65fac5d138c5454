"""The ledger ends the same whatever the order of partitions, and nothing in it is ever taken back."""

from datetime import UTC, date, datetime
from itertools import permutations

import ibis
import pyarrow as pa
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import raw
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Consent, Suppression
from audience.privacy.ledger import record_consents
from audience.privacy.suppression import record_suppressions
from key import KEY
from privacy.people import MARKETING

FRIDAY = Partition.parse("2026-11-20")


def land_answers(
    lake: Lake, duck: Backend, day: Partition, *answers: tuple[str, str, str, int], source: str = "crm"
) -> None:
    """Answers: identifier, key of the address, status, hour of the day before."""
    table = raw(source, "consent")
    rows = [
        {"consent_id": i, "record_id": None, "email_key": e, "channel": "email", "purpose": MARKETING, "status": s,
         "captured_at": datetime(2026, 11, 19, h, tzinfo=UTC), "proof": f"form {i}", "text_version": None}
        for i, e, s, h in answers
    ]  # fmt: skip
    lake.write(duck, table, day, ibis.memtable(pa.Table.from_pylist(rows, table.schema.to_pyarrow())))


def land_events(lake: Lake, duck: Backend, day: Partition, *events: tuple[str, str, str, int]) -> None:
    """Events: identifier, type, key of the address, hour of the day."""
    table = raw("inbox", "event")
    rows = [
        {"event_id": i, "type": t, "email_key": e, "campaign_id": None, "is_machine": False,
         "occurred_at": datetime(2026, 11, day.day.day, h, tzinfo=UTC), "received_at": day.as_of}
        for i, t, e, h in events
    ]  # fmt: skip
    lake.write(duck, table, day, ibis.memtable(pa.Table.from_pylist(rows, table.schema.to_pyarrow())))


def ledger(warehouse: Warehouse) -> list[tuple[str, str, str, date]]:
    with warehouse.begin() as connection:
        columns = (Consent.consent_id, Consent.contact_key, Consent.status, Consent.recorded_in)
        return [tuple(r) for r in connection.execute(sa.select(*columns).order_by(*columns))]


def test_each_answer_is_recorded_once_under_the_key_of_its_address(
    lake: Lake, duck: Backend, warehouse: Warehouse
) -> None:
    land_answers(lake, duck, FRIDAY, ("1", "ana", "granted", 8), ("2", "bob", "withdrawn", 9))
    assert record_consents(lake, duck, warehouse, FRIDAY, KEY) == 2
    assert record_consents(lake, duck, warehouse, FRIDAY, KEY) == 0
    assert ledger(warehouse) == [("1", "ana", "granted", FRIDAY.day), ("2", "bob", "withdrawn", FRIDAY.day)]


def test_a_later_answer_is_not_seen_by_an_earlier_partition(lake: Lake, duck: Backend, warehouse: Warehouse) -> None:
    land_answers(lake, duck, FRIDAY.next, ("1", "ana", "granted", 8))
    assert record_consents(lake, duck, warehouse, FRIDAY, KEY) == 0


def test_without_any_source_there_is_nothing_to_record(lake: Lake, duck: Backend, warehouse: Warehouse) -> None:
    assert record_consents(lake, duck, warehouse, FRIDAY, KEY) == 0
    assert record_suppressions(lake, duck, warehouse, FRIDAY, KEY) == 0


def test_partitions_in_any_order_and_number_give_the_same_ledger(
    lake: Lake, duck: Backend, warehouse: Warehouse
) -> None:
    """The source corrects its answer every day: its status, then its address. All of it stays."""
    days = [FRIDAY, FRIDAY.next, FRIDAY.next.next]
    land_answers(lake, duck, days[0], ("1", "ana", "granted", 8))
    land_answers(lake, duck, days[1], ("1", "ana", "withdrawn", 9))
    land_answers(lake, duck, days[2], ("1", "bob", "withdrawn", 9), ("2", "bob", "granted", 7))
    land_answers(lake, duck, days[1], ("7", "ana", "granted", 8), source="shop")
    found = []
    for order in [*permutations(days), (days[2],), (days[0], days[0], days[2])]:
        with warehouse.begin() as connection:
            connection.execute(sa.delete(Consent))
        for day in order:
            record_consents(lake, duck, warehouse, day, KEY)
        found.append(ledger(warehouse))
    assert all(f == found[0] for f in found)
    assert set(found[0]) == {
        ("1", "ana", "granted", days[0].day), ("1", "ana", "withdrawn", days[1].day),
        ("1", "bob", "withdrawn", days[2].day), ("2", "bob", "granted", days[2].day),
        ("7", "ana", "granted", days[1].day),
    }  # fmt: skip


def test_an_answer_that_a_late_earlier_partition_brings_too_was_recorded_in_that_one(
    lake: Lake, duck: Backend, warehouse: Warehouse
) -> None:
    land_answers(lake, duck, FRIDAY.next, ("1", "ana", "granted", 8))
    record_consents(lake, duck, warehouse, FRIDAY.next, KEY)
    land_answers(lake, duck, FRIDAY, ("1", "ana", "granted", 8))
    assert record_consents(lake, duck, warehouse, FRIDAY, KEY) == 0
    assert ledger(warehouse) == [("1", "ana", "granted", FRIDAY.day)]


def test_final_events_suppress_and_others_do_not(lake: Lake, duck: Backend, warehouse: Warehouse) -> None:
    land_events(lake, duck, FRIDAY, ("1", "unsubscribe", "ana", 8), ("2", "open", "bob", 8),
                ("3", "soft_bounce", "bob", 8), ("4", "complaint", "bob", 9),
                ("5", "hard_bounce", "cam", 9))  # fmt: skip
    assert record_suppressions(lake, duck, warehouse, FRIDAY, KEY) == 3
    assert record_suppressions(lake, duck, warehouse, FRIDAY, KEY) == 0
    with warehouse.begin() as connection:
        found = set(connection.execute(sa.select(Suppression.contact_key, Suppression.reason, Suppression.source)))
    assert found == {("ana", "unsubscribe", "inbox"), ("bob", "complaint", "inbox"), ("cam", "hard_bounce", "inbox")}


def test_the_earliest_event_counts_in_any_order_of_partitions(lake: Lake, duck: Backend, warehouse: Warehouse) -> None:
    land_events(
        lake,
        duck,
        FRIDAY,
        ("1", "unsubscribe", "ana", 8),
        ("2", "unsubscribe", "ana", 7),
    )
    land_events(lake, duck, FRIDAY.next, ("3", "unsubscribe", "ana", 6))
    for order in permutations([FRIDAY, FRIDAY.next]):
        with warehouse.begin() as connection:
            connection.execute(sa.delete(Suppression))
        for day in order:
            record_suppressions(lake, duck, warehouse, day, KEY)
        with warehouse.begin() as connection:
            found = connection.execute(sa.select(Suppression.suppressed_at)).scalars().all()
        assert found == [datetime(2026, 11, 20, 7, tzinfo=UTC)]
