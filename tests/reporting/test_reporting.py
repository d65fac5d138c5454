"""What people ask about the runs is answered in numbers."""

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from audience.core.errors import SettingsError
from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Base, Definition, Evaluation, Landing, Membership, NewField, Plan
from audience.quality.drift import record_new_fields
from audience.reporting import check_migrated, read_pushes, read_segments, read_sources

THURSDAY, FRIDAY, SATURDAY = date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 21)


def put(warehouse: Warehouse, model: type[Base], *rows: dict[str, object]) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.insert(model), rows)


def landing(entity: str, day: date, loaded: int, reasons: dict[str, int]) -> dict[str, object]:
    refused = sum(reasons.values())
    numbers = {"taken": loaded + refused + 1, "loaded": loaded, "quarantined": refused, "superseded": 1}
    place = {"source": "shop", "entity": entity, "partition": day}
    return place | numbers | {"reasons": reasons, "content_hash": "x"}


def definition(segment: str) -> dict[str, object]:
    return {"segment": segment, "title": segment.title(), "why": "They asked.", "purpose": "email_marketing",
            "objective": "click", "deliver_to": ["brevo"], "definition_hash": "x"}  # fmt: skip


def evaluation(segment: str, day: date, members: int) -> dict[str, object]:
    return {"segment": segment, "partition": day, "definition_hash": "x", "members": members, "people": 9}


def stay(person: str, entered: date, left: date | None = None) -> dict[str, object]:
    return {"segment": "vip", "person_id": person, "entered_on": entered, "left_on": left}


def test_a_source_sums_its_entities_and_days_and_names_its_newest(warehouse: Warehouse) -> None:
    put(
        warehouse,
        Landing,
        landing("order", THURSDAY, 10, {"total_eur: not a number": 2}),
        landing("order", FRIDAY, 20, {"total_eur: not a number": 1, "order_id: missing": 1}),
        landing("contact", FRIDAY, 5, {}),
    )
    (shop,) = read_sources(warehouse)
    assert (shop.source, shop.newest) == ("shop", FRIDAY)
    assert (shop.taken, shop.loaded, shop.quarantined, shop.superseded) == (42, 35, 4, 3)
    assert list(shop.reasons.items()) == [("total_eur: not a number", 3), ("order_id: missing", 1)]
    assert shop.published_at.tzinfo is UTC


def test_a_source_that_landed_later_than_others_is_days_behind(warehouse: Warehouse) -> None:
    put(warehouse, Landing, landing("order", THURSDAY, 10, {}), landing("order", SATURDAY, 1, {}) | {"source": "crm"})
    assert {s.source: s.behind_days for s in read_sources(warehouse)} == {"shop": 2, "crm": 0}


def test_a_field_that_a_source_file_does_not_know_is_named(warehouse: Warehouse) -> None:
    put(warehouse, Landing, landing("order", FRIDAY, 10, {}))
    for day in (FRIDAY, THURSDAY, FRIDAY):
        record_new_fields(warehouse, "shop", Partition(day), {"orders": ["tier", "gift"]})
    (shop,) = read_sources(warehouse)
    assert shop.new_fields == ("orders.gift", "orders.tier")
    with warehouse.begin() as connection:
        seen = connection.execute(sa.select(NewField.first_seen, NewField.last_seen)).all()
    assert set(seen) == {(THURSDAY, FRIDAY)}


def test_a_segment_shows_the_movement_of_its_newest_evaluated_day(warehouse: Warehouse) -> None:
    put(warehouse, Definition, definition("vip"))
    put(warehouse, Evaluation, evaluation("vip", THURSDAY, 3), evaluation("vip", FRIDAY, 2))
    put(
        warehouse,
        Membership,
        stay("stays", THURSDAY),
        stay("came", FRIDAY),
        stay("went", THURSDAY, FRIDAY),
        stay("went too", THURSDAY, FRIDAY),
    )
    (vip,) = read_segments(warehouse)
    assert (vip.evaluated, vip.members, vip.people, vip.entered, vip.left) == (FRIDAY, 2, 9, 1, 2)
    assert vip.deliver_to == ("brevo",)


def test_a_segment_that_was_never_evaluated_has_no_day(warehouse: Warehouse) -> None:
    put(warehouse, Definition, definition("vip"))
    (vip,) = read_segments(warehouse)
    assert (vip.evaluated, vip.members, vip.entered, vip.left) == (None, 0, 0, 0)


def test_a_segment_that_nobody_declares_any_more_is_not_shown(warehouse: Warehouse) -> None:
    put(warehouse, Evaluation, evaluation("vip", FRIDAY, 3))
    assert read_segments(warehouse) == []


def test_pushes_come_newest_first_and_no_more_than_asked_for(warehouse: Warehouse) -> None:
    done = {
        "destination": "brevo",
        "as_of": FRIDAY,
        "state": "done",
        "problem": None,
        "counts": {"adds": 3, "acknowledged": 2, "dead": 1},
        "finished_at": datetime(2026, 11, 21, 3, tzinfo=UTC),
    }
    held = done | {"as_of": SATURDAY, "state": "held", "counts": {}, "problem": "too large", "finished_at": None}
    put(warehouse, Plan, done, done, held)
    newest, before = read_pushes(warehouse, newest=2)
    assert (newest.state, newest.as_of, newest.adds, newest.problem) == ("held", SATURDAY, 0, "too large")
    assert (before.adds, before.acknowledged, before.dead, before.removals, before.problem) == (3, 2, 1, 0, "")


def test_a_warehouse_that_was_never_migrated_says_what_to_run(postgres_url: str) -> None:
    warehouse = Warehouse(postgres_url)
    with pytest.raises(SettingsError, match="audience migrate"):
        check_migrated(warehouse)
    warehouse.close()
