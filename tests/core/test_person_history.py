"""Whose an order or an event is, as of a day."""

from datetime import timedelta

from ibis.backends.duckdb import Backend

from audience.core import history
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import PERSON_KEY
from rows import FRIDAY, NOON, land, rows_of


def know(lake: Lake, duck: Backend, *keys: tuple[str, str, str], day: Partition = FRIDAY) -> None:
    rows = [dict(zip(("kind", "key", "person_id"), k, strict=True)) for k in keys]
    lake.write(duck, PERSON_KEY, day, rows_of(PERSON_KEY, rows))


def owners(lake: Lake, duck: Backend) -> dict[str, str]:
    rows = duck.to_pyarrow(history.orders(lake, duck, FRIDAY)).to_pylist()
    return {r["order_id"]: r["person_id"] for r in rows}


def test_an_order_belongs_to_the_person_of_its_account_and_a_guests_to_that_of_its_address(
    lake: Lake, duck: Backend
) -> None:
    know(lake, duck, ("record", "shop:S-1", "ana"), ("email", "bo@", "bo"), ("email", "ana@", "ana"))
    land(
        lake,
        duck,
        "order",
        {"order_id": "o1", "record_id": "S-1", "email_key": "bo@"},
        {"order_id": "o2", "record_id": None, "email_key": "bo@"},
        {"order_id": "o3", "record_id": "S-9", "email_key": "bo@"},
    )
    assert owners(lake, duck) == {"o1": "ana", "o2": "bo", "o3": "bo"}


def test_an_order_of_nobody_known_is_left_out(lake: Lake, duck: Backend) -> None:
    know(lake, duck, ("record", "shop:S-1", "ana"))
    land(
        lake,
        duck,
        "order",
        {"order_id": "o1", "record_id": None, "email_key": None},
        {"order_id": "o2", "record_id": "S-2", "email_key": "bo@"},
    )
    assert owners(lake, duck) == {}


def test_the_record_of_another_source_with_the_same_number_is_another(lake: Lake, duck: Backend) -> None:
    know(lake, duck, ("record", "crm:S-1", "ana"))
    land(lake, duck, "order", {"order_id": "o1", "record_id": "S-1", "email_key": None})
    assert owners(lake, duck) == {}


def test_an_order_placed_at_as_of_is_the_future(lake: Lake, duck: Backend) -> None:
    know(lake, duck, ("record", "shop:S-1", "ana"))
    hers = {"record_id": "S-1"}
    just_before = FRIDAY.as_of - timedelta(microseconds=1)
    land(lake, duck, "order", hers | {"order_id": "o1", "ordered_at": FRIDAY.as_of},
         hers | {"order_id": "o2", "ordered_at": just_before})  # fmt: skip
    assert owners(lake, duck) == {"o2": "ana"}


def test_an_order_counts_once_as_it_stood_at_the_end_of_the_day(lake: Lake, duck: Backend) -> None:
    know(lake, duck, ("record", "shop:S-1", "ana"))
    for day, status in ((FRIDAY.previous, "paid"), (FRIDAY, "refunded"), (FRIDAY.next, "cancelled")):
        order = {"record_id": "S-1", "ordered_at": NOON - timedelta(days=3), "status": status}
        land(lake, duck, "order", order, day=day)
    (row,) = duck.to_pyarrow(history.orders(lake, duck, FRIDAY)).to_pylist()
    assert row["status"] == "refunded"


def test_an_event_belongs_to_the_person_of_its_address_and_not_to_the_future(lake: Lake, duck: Backend) -> None:
    know(lake, duck, ("email", "ana@", "ana"), ("record", "bo@", "bo"))
    late = {"event_id": "e3", "email_key": "ana@", "occurred_at": FRIDAY.as_of}
    land(lake, duck, "event", {"event_id": "e1", "email_key": "ana@"}, {"event_id": "e2", "email_key": "bo@"}, late)
    rows = duck.to_pyarrow(history.email_events(lake, duck, FRIDAY)).to_pylist()
    assert [(r["person_id"], r["type"], r["occurred_at"]) for r in rows] == [("ana", "open", NOON)]
