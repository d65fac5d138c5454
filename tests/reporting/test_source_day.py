"""The report of one source and day: what is wrong first, in numbers, on a page that needs nothing else."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import NewField, QuarantineDecision
from audience.reporting import (
    SourceDay,
    blocked_required,
    newest_day,
    read_blocked,
    read_days,
    read_source_day,
    source_day_page,
)
from audience.reporting.chart import bars
from reporting.conftest import FOUR, FRIDAY, THREE, Put
from reporting.test_freshness import a_source

THURSDAY = FRIDAY - timedelta(days=1)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MUCH_LATER = NOON + timedelta(days=9)


def read(warehouse: Warehouse, day: date = FRIDAY, now: datetime = NOON, *, required: bool = False) -> SourceDay:
    return read_source_day(warehouse, a_source("shop", required=required), Partition(day), now)


def words(page: str) -> str:
    """What is on the page, without its tags and its style."""
    page = re.sub(r"<style>.*</style>|<title>.*?</title>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


# -- what is read ----------------------------------------------------------------------------------------------------


def test_what_failed_comes_first_and_what_stops_the_source_before_what_does_not(
    warehouse: Warehouse, judged: Put, published: Put
) -> None:
    for position, (severity, passed) in enumerate([("block", True), ("reject", False), ("warn", False)]):
        judged(severity, passed, position=position)
    judged("block", False, table_name="raw_shop__product")
    judged("warn", True, observed=None, position=4)
    found = [(c.entity, c.severity, c.verdict) for c in read(warehouse).checks]
    assert found == [
        ("product", "block", "failed"),
        ("order", "warn", "failed"),
        ("order", "reject", "failed"),
        ("order", "block", "held"),
        ("order", "warn", "not judged"),
    ]
    assert [c.found for c in read(warehouse).checks] == ["3 of 10 rows"] * 3 + ["0.5", "too little to judge"]


def test_rows_are_of_the_day_and_the_trend_of_the_30_days_that_end_with_it(
    warehouse: Warehouse, published: Put
) -> None:
    published(FOUR, loaded=7)
    published(FOUR, partition=FRIDAY - timedelta(days=29), loaded=5)
    published(FOUR, partition=FRIDAY - timedelta(days=30), loaded=4)
    published(FOUR, partition=FRIDAY + timedelta(days=1), loaded=9)
    published(FOUR, entity="product", partition=THURSDAY, loaded=2)
    day = read(warehouse)
    order, product = day.entities
    assert (order.taken, order.loaded, order.quarantined, order.superseded) == (10, 7, 2, 1)
    assert order.trend == (5, *[None] * 28, 7)
    assert (product.taken, product.trend[-2:]) == (0, (2, None))
    assert [d.loaded for d in day.trend.values() if d] == [5, 2, 7]
    assert list(day.trend)[-1] == FRIDAY and len(day.trend) == 30


def test_refused_rows_are_counted_by_reason_most_first_and_decisions_too(
    warehouse: Warehouse, published: Put, put: Put
) -> None:
    published(FOUR, reasons={"order_id: missing": 1, "total_eur: not of type decimal": 4})
    place = {"source": "shop", "partition": FRIDAY, "generation": 0, "entity": "order", "stream": "orders"}
    put(QuarantineDecision, **place, position=3, decision="discarded", why="a test shop", decided_by="ada")
    day = read(warehouse)
    refused = [(r.entity, r.reason, r.rows) for r in day.refused]
    assert refused == [("order", "total_eur: not of type decimal", 4), ("order", "order_id: missing", 1)]
    assert day.decided == {"discarded": 1}


def test_a_new_field_is_of_the_days_on_which_it_was_seen(warehouse: Warehouse, put: Put) -> None:
    put(NewField, source="shop", stream="orders", field="tier", first_seen=THURSDAY, last_seen=FRIDAY)
    assert read(warehouse, THURSDAY).new_fields == ("orders.tier",)
    assert read(warehouse, FRIDAY + timedelta(days=1)).new_fields == ()


def test_a_day_of_a_longer_window_names_the_day_with_its_checks(
    warehouse: Warehouse, judged: Put, published: Put
) -> None:
    published(FOUR, partition=THURSDAY)
    published(FOUR)
    judged("reject", True, rows=500)
    thursday, friday = read(warehouse, THURSDAY), read(warehouse)
    assert (thursday.verdict, thursday.judged_with, thursday.is_judged_as_window) == ("loaded", FRIDAY, False)
    assert (friday.verdict, friday.judged_with, friday.is_judged_as_window) == ("passed", None, True)


def test_sources_side_by_side_are_of_one_day_or_each_of_its_newest(warehouse: Warehouse, published: Put) -> None:
    published(FOUR)
    published(FOUR, partition=THURSDAY)
    published(FOUR, source="crm", partition=THURSDAY)
    assert [(d.source, d.partition) for d in read_days(warehouse, Partition(THURSDAY))] == [
        ("crm", THURSDAY),
        ("shop", THURSDAY),
    ]
    assert [(d.source, d.partition) for d in read_days(warehouse, None)] == [("crm", THURSDAY), ("shop", FRIDAY)]
    assert newest_day(warehouse, "shop") == Partition(FRIDAY)
    assert newest_day(warehouse, "ads") is None


# -- what is blocked -------------------------------------------------------------------------------------------------


def test_a_blocked_day_says_what_stops_it_and_only_a_required_source_is_worth_an_alert(
    warehouse: Warehouse, judged: Put
) -> None:
    judged("block", False, expectation="refused rows are at most 5%")
    judged("warn", False)
    judged("block", False, table_name="raw_ads__event", expectation="has its 8 declared columns", failed=0, observed=7)
    judged("block", False, table_name="raw_gone__event")
    found = read_blocked(warehouse, [a_source("shop", required=True), a_source("ads")])
    assert [(b.source, b.partition, b.words) for b in found] == [
        ("ads", FRIDAY, "event: has its 8 declared columns: found 7"),
        ("shop", FRIDAY, "order: refused rows are at most 5%: found 3 of 10 rows"),
    ]
    assert blocked_required(found) == {
        "audit of shop on 2026-11-20": "nothing was published; order: refused rows are at most 5%: found 3 of 10 rows"
    }


def test_a_blocked_day_that_was_published_since_is_not_blocked(
    warehouse: Warehouse, judged: Put, published: Put
) -> None:
    judged("block", False, THREE)
    published(FOUR)
    assert read_blocked(warehouse, [a_source("shop", required=True)]) == []


# -- the page --------------------------------------------------------------------------------------------------------


def test_the_page_of_a_blocked_day_begins_with_what_to_do(warehouse: Warehouse, judged: Put, published: Put) -> None:
    published(THREE, partition=THURSDAY)
    judged("block", False, expectation="refused rows are at most 5%")
    page = words(source_day_page(read(warehouse)))
    said = [
        "shop on Friday, 2026-11-20",
        "Blocked. Nothing of this day was published; 2026-11-19 is the newest day before it and stays in use.",
        "then clear the run of ingest_shop",
        "1 checks: 0 held, 1 did not.",
        "What is wrong",
        "blocks order refused rows are at most 5% 3 of 10 rows",
        "Rows Entity",
        "30 days",
        "Checks order : 1 checks, 1 did not hold",
    ]
    assert [page.find(text) for text in said] == sorted(page.find(text) for text in said)
    assert [text for text in said if text not in page] == []


def test_the_page_of_a_day_without_a_problem_says_so(warehouse: Warehouse, judged: Put, published: Put) -> None:
    judged("block", True)
    published(FOUR, quarantined=0, taken=8)
    page = words(source_day_page(read(warehouse)))
    assert "Published. 1 checks: 1 held, 0 did not." in page
    assert "What is wrong Nothing. Rows Entity" in page


@pytest.mark.parametrize(("required", "word"), [(True, "Late"), (False, "Stale")])
def test_the_page_says_that_the_source_is_late(warehouse: Warehouse, published: Put, required: bool, word: str) -> None:
    published(FOUR)
    page = words(source_day_page(read(warehouse, now=MUCH_LATER, required=required)))
    assert f"{word}: Newest day of the source: 2026-11-20; a later one was due by 2026-11-22 12:00 UTC." in page


def test_the_page_of_a_day_that_nobody_knows_names_the_one_before(warehouse: Warehouse, published: Put) -> None:
    published(FOUR, partition=THURSDAY)
    assert "neither judged nor published; the newest day before it is 2026-11-19." in words(
        source_day_page(read(warehouse))
    )


def test_reasons_are_shown_as_text_and_a_file_leads_nowhere(warehouse: Warehouse, published: Put) -> None:
    published(FOUR, reasons={"orders: no field '<script>'": 1})
    page = source_day_page(read(warehouse))
    assert "<script" not in page and "&lt;script&gt;" in page
    assert re.findall(r"href=|src=|url\(|@import|https?:", page) == []


# -- the chart -------------------------------------------------------------------------------------------------------


def test_bars_stand_on_the_ground_and_the_highest_fills_the_chart() -> None:
    low, gap, high = bars([(50,), None, (60, 40)], step=10, height=100)
    assert (low.x, low.parts) == (0, ((50, 50),))
    assert gap.parts == ()
    assert (high.x, high.parts) == (20, ((40, 60), (0, 40)))


def test_few_rows_among_many_can_be_seen() -> None:
    (bar,) = bars([(100_000, 1)], step=10, height=100)
    assert [tall for _, tall in bar.parts] == [100, 1.5]
