"""What a BI tool reads about the quality of what came in."""

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import QuarantineDecision
from audience.core.warehouse.views import VIEWS
from audience.reporting import record_declared
from reporting.conftest import FOUR, FRIDAY, THREE, Put
from reporting.test_freshness import a_source


def rows(warehouse: Warehouse, view: str, *columns: str) -> list[tuple[Any, ...]]:
    table = VIEWS.tables[f"ops.{view}"]
    with warehouse.begin() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*(table.c[name] for name in columns)))]


def verdict(warehouse: Warehouse) -> str:
    ((found,),) = rows(warehouse, "quality_day", "verdict")
    return str(found)


def test_a_day_that_was_published_and_holds_passed(warehouse: Warehouse, judged: Put, published: Put) -> None:
    judged("warn", True)
    judged("reject", False)
    published(FOUR)
    published(FOUR, "contact")
    columns = ("verdict", "rows_in", "loaded", "quarantined", "superseded", "checks", "blocks", "warnings")
    assert rows(warehouse, "quality_day", *columns) == [("passed", 20, 14, 4, 2, 2, 0, 0)]


def test_a_day_of_which_something_is_to_be_looked_at_is_warned(
    warehouse: Warehouse, judged: Put, published: Put
) -> None:
    judged("warn", False)
    published(FOUR)
    assert verdict(warehouse) == "warned"


def test_a_day_that_was_judged_badly_after_it_was_published_is_blocked_and_its_older_rows_stay(
    warehouse: Warehouse, judged: Put, published: Put
) -> None:
    published(THREE)
    judged("block", False, FOUR)
    assert rows(warehouse, "quality_day", "verdict", "loaded") == [("blocked", 7)]


def test_a_blocked_day_into_which_a_replay_landed_rows_stays_blocked(
    warehouse: Warehouse, judged: Put, published: Put
) -> None:
    judged("block", False)
    published(None)
    assert verdict(warehouse) == "blocked"


def test_a_blocked_day_that_a_longer_window_brought_later_is_not_blocked_any_more(
    warehouse: Warehouse, judged: Put, published: Put
) -> None:
    judged("block", False, THREE)
    published(FOUR)
    assert verdict(warehouse) == "loaded"


def test_a_day_that_was_judged_well_and_not_published_is_unfinished(warehouse: Warehouse, judged: Put) -> None:
    judged("warn", True)
    assert verdict(warehouse) == "unfinished"


def test_a_check_names_its_source_and_says_what_became_of_it(warehouse: Warehouse, judged: Put) -> None:
    judged("warn", False)
    judged("block", True)
    judged("reject", True, observed=None)
    judged("warn", True, table_name="customers")
    found = rows(warehouse, "quality_check", "source", "entity", "severity", "verdict", "failed")
    assert sorted(found, key=str) == [
        ("shop", "order", "block", "held", 0),
        ("shop", "order", "reject", "not judged", 0),
        ("shop", "order", "warn", "failed", 3),
        (None, "customers", "warn", "held", 0),
    ]


def test_refusals_are_one_row_per_reason(warehouse: Warehouse, published: Put) -> None:
    published(THREE, reasons={"total_eur: not of type decimal": 1, "order_id: missing": 1})
    assert sorted(rows(warehouse, "quality_refusal", "source", "entity", "reason", "rows")) == [
        ("shop", "order", "order_id: missing", 1),
        ("shop", "order", "total_eur: not of type decimal", 1),
    ]


def test_decisions_are_counted(warehouse: Warehouse, put: Put) -> None:
    place = {"source": "shop", "partition": FRIDAY, "generation": 0, "entity": "order", "stream": "orders"}
    for position, decision in enumerate(["replayed", "replayed", "discarded"]):
        put(QuarantineDecision, **place, position=position, decision=decision, why="a test shop", decided_by="ada")
    assert sorted(rows(warehouse, "quality_decision", "entity", "decision", "rows")) == [
        ("order", "discarded", 1),
        ("order", "replayed", 2),
    ]


def test_freshness_is_of_sources_in_use_and_of_what_was_published(warehouse: Warehouse, published: Put) -> None:
    long_ago, in_a_thousand_years = date(2020, 2, 28), date(3026, 11, 20)
    published(THREE, partition=long_ago)
    published(None, "contact", partition=FRIDAY)
    published(THREE, source="ecb", partition=in_a_thousand_years)
    record_declared(warehouse, [a_source("gone")])
    for _ in range(2):
        in_use = [a_source(name, required=name == "crm") for name in ("ads", "crm", "ecb", "shop")]
        record_declared(warehouse, in_use)
    assert sorted(rows(warehouse, "quality_freshness", "source", "newest", "due_at", "is_late")) == [
        ("ads", None, None, False),
        ("crm", None, None, True),
        ("ecb", in_a_thousand_years, datetime(3026, 11, 22, 12, tzinfo=UTC), False),
        ("shop", long_ago, datetime(2020, 3, 1, 12, tzinfo=UTC), True),
    ]
