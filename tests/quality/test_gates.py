"""The suite at work: what a publication finds is in the warehouse, and what must not be published is not."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience.core.errors import AuditFailed
from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.quality.audit import Audit
from audience.quality.publication import publish
from rows import FRIDAY

KEY = Secret("a-pseudonym-key-for-tests-only-0123456789")

Row = Mapping[str, Any]


def order(number: int, **more: Any) -> Row:
    at = "2026-11-20T08:00:00Z"
    return {"order_id": f"O-{number}", "ordered_at": at, "status": "paid", "total_eur": 10, "discount_eur": 0,
            "has_coupon": False, "updated_at": at, **more}  # fmt: skip


def line(number: int, amount: float = 10, **more: Any) -> Row:
    return {"order_id": f"O-{number}", "line": 1, "product_id": "P-1", "quantity": 1, "amount_eur": amount,
            "discount_eur": 0, **more}  # fmt: skip


@pytest.fixture
def published(lake: Lake, duck: Backend, warehouse: Warehouse) -> Any:
    """Stages rows by entity and publishes them as a day of a source; gives the results that were kept."""

    def go(day: Partition = FRIDAY, **rows: Iterable[Row]) -> dict[str, Audit]:
        staged = {entity: list(some) for entity, some in rows.items()}
        for entity, some in {"_broken": [], **staged}.items():
            with lake.stage(f"kiosk/{day}/{entity}.items.ndjson") as file:
                for position, row in enumerate(some):
                    file.write(json.dumps({"_day": day.key, "_position": position, **row}).encode() + b"\n")
        kept: list[Audit] = []
        numbers = {entity: len(some) for entity, some in staged.items()}
        publish(lake, duck, warehouse, key=KEY, source="kiosk", folder=f"kiosk/{day}", staged=numbers, last=day,
                keep_result=kept.append)  # fmt: skip
        return {one.table.removeprefix("raw_kiosk__"): one for one in kept}

    return go


def failed(audit: Audit) -> dict[str, int]:
    return {f.expectation.words: f.failed for f in audit.findings if not f.passed}


def test_a_line_knows_an_order_of_the_same_extraction_and_of_the_lake(published: Any) -> None:
    published(FRIDAY.previous, order=[order(1, _day="2026-11-19")], order_line=[])
    assert failed(published(order=[order(2)], order_line=[line(1), line(2)])["order_line"]) == {}


def test_a_line_without_its_order_is_published_and_shown(lake: Lake, published: Any) -> None:
    found = published(order=[order(1)], order_line=[line(1), line(2)])
    assert failed(found["order_line"]) == {"order_id is a known order": 1}
    assert lake.partitions("raw_kiosk__order_line") == [FRIDAY]


def test_an_order_that_was_refused_is_not_known(published: Any) -> None:
    found = published(order=[order(1), order(2, status="lost")], order_line=[line(1), line(2)])
    assert failed(found["order_line"]) == {"order_id is a known order": 1}
    assert failed(found["order"]) == {"status is one of paid, cancelled, refunded": 1}


def test_lines_that_mostly_have_no_order_stop_the_source(lake: Lake, published: Any) -> None:
    with pytest.raises(AuditFailed, match="order_id is a known order in 0.5 of the rows: found 20 of 30 rows"):
        published(order=[order(n) for n in range(10)], order_line=[line(n) for n in range(30)])
    assert lake.tables() == []


def test_a_parent_that_the_source_does_not_have_is_not_asked_for(published: Any) -> None:
    found = published(order_line=[line(n) for n in range(30)])
    assert [
        f for f in found["order_line"].findings if "known" in f.expectation.words and f.expectation.severity != "reject"
    ] == []


def test_an_order_is_what_its_lines_sum_to(published: Any) -> None:
    orders = [order(n) for n in range(40)]
    lines = [line(n, amount=10 if n < 30 else 99) for n in range(39)]
    words = "total_eur is the sum of order_line.amount_eur within 0.05 or 25% in 0.95 of the rows"
    assert failed(published(order=orders, order_line=lines)["order"]) == {words: 9}


def contact(number: int, **more: Any) -> Row:
    return {"record_id": f"C-{number}", "email": "ana@mailbox.example", "updated_at": "2026-11-20T08:00:00Z",
            "is_deleted": False, **more}  # fmt: skip


def test_values_that_nobody_can_read_are_shown_and_values_that_were_never_told_are_not(published: Any) -> None:
    good = [contact(n, country="France" if n % 2 else None) for n in range(36)]
    found = published(contact=[*good, *(contact(n, country="Atlantis", email="ana") for n in range(36, 40))])
    assert failed(found["contact"]) == {
        "email_key is usable in 0.95 of the rows": 4,
        "country is usable in 0.95 of the rows": 4,
    }


def test_contacts_that_mostly_have_no_address_are_shown(published: Any) -> None:
    found = published(contact=[contact(n, email=None) for n in range(20)])
    assert failed(found["contact"]) == {"email_key is known in 0.5 of the rows": 20}


def test_letters_that_a_conversion_gave_up_are_shown(published: Any) -> None:
    found = published(contact=[contact(n, first_name="Zo\ufffd" if n else "Zoé") for n in range(20)])
    assert failed(found["contact"]) == {"first_name matches ^[^\ufffd]*$ in 0.99 of the rows": 19}


GIVEN_TWICE = "order_id keeps its ordered_at in 0.99 of the rows"


@pytest.mark.parametrize("before", ["in the same extraction", "in the lake"])
def test_a_number_that_is_given_to_another_order_is_shown(published: Any, before: str) -> None:
    old = [order(n, ordered_at="2026-11-19T08:00:00Z") for n in range(5)]
    if before == "in the lake":
        published(FRIDAY.previous, order=[o | {"_day": "2026-11-19"} for o in old])
        old = []
    found = published(order=[*old, *(order(n) for n in range(30))])
    assert failed(found["order"]) == {GIVEN_TWICE: 5}


def test_an_order_that_only_changed_keeps_its_number(published: Any) -> None:
    published(FRIDAY.previous, order=[order(n, _day="2026-11-19") for n in range(30)])
    assert failed(published(order=[order(n, status="refunded") for n in range(30)])["order"]) == {}


def test_orders_of_less_than_nothing_are_shown(published: Any) -> None:
    found = published(order=[order(n, total_eur=-5 if n < 4 else 5) for n in range(30)])
    assert failed(found["order"]) == {"total_eur is at least 0 in 0.9 of the rows": 4}


def test_what_was_found_is_in_the_warehouse_and_replaced_by_the_next_publication(
    warehouse: Warehouse, published: Any
) -> None:
    published(order=[order(1), order(2, total_eur="ana@secret.example")])
    query = sa.text(
        "SELECT severity, rows, failed, observed, passed FROM ops.validation"
        " WHERE expectation = 'total_eur is of type decimal' AND partition = '2026-11-20'"
    )
    with warehouse.begin() as connection:
        assert [tuple(r) for r in connection.execute(query)] == [("reject", 2, 1, 0.5, False)]
        whole = connection.execute(sa.text("SELECT passed, rows, rejected FROM ops.audit")).all()
        assert [tuple(r) for r in whole] == [(True, 2, 1)]
        assert "secret" not in str(connection.execute(sa.text("SELECT * FROM ops.validation")).all())
    published(order=[order(1)])
    with warehouse.begin() as connection:
        assert [tuple(r) for r in connection.execute(query)] == [("reject", 1, 0, 0.0, True)]


def test_a_day_is_compared_with_its_weekday_and_with_the_distributions_of_28_days(published: Any) -> None:
    for weeks in (4, 3, 2, 1):
        day = FRIDAY.plus(-7 * weeks)
        at = f"{day}T08:00:00Z"
        published(day, order=[order(1000 * weeks + n, _day=day.key, ordered_at=at, updated_at=at) for n in range(200)])
    found = published(order=[order(n, has_coupon=True) for n in range(600)])["order"]
    assert failed(found) == {
        "rows are at least 0.5 and at most 2 times the weekday's median": 0,
        "has_coupon is distributed as over 28 days: index below 0.25": 0,
    }
    assert [f.observed for f in found.warnings if "times" in f.expectation.words] == [3.0]


def test_a_source_that_gave_nothing_where_it_gave_much_is_stopped(lake: Lake, published: Any) -> None:
    for weeks in (3, 2, 1):
        day = FRIDAY.plus(-7 * weeks)
        at = f"{day}T08:00:00Z"
        published(day, order=[order(n, _day=day.key, ordered_at=at, updated_at=at) for n in range(100)])
    with pytest.raises(
        AuditFailed, match="raw_kiosk__order: rows are at least 0.01 times the weekday's median: found 0"
    ):
        published(order=[])
    assert lake.partitions("raw_kiosk__order")[-1] == FRIDAY.plus(-7)


def test_one_order_with_many_lines_that_are_refused_stops_nobody_and_many_orders_do(published: Any) -> None:
    def lines(*orders: int, **more: Any) -> list[Row]:
        return [line(n, **more) | {"line": place} for n in orders for place in range(1, 21)]

    orders = [order(n, total_eur=200) for n in range(40)]
    good = [line(n, 200) for n in range(38)]
    found = published(order=orders, order_line=[*good, *lines(38, 39, currency="XQX")])["order_line"]
    assert failed(found) == {"currency is of type text, in the form of currency": 40}
    with pytest.raises(AuditFailed, match="or of 5% by order_id: found 60 of 97 rows"):
        published(order=orders, order_line=[*good[:37], *lines(37, 38, 39, currency="XQX")])


def test_a_column_of_nothing_but_nulls_is_refused_and_blocks(published: Any) -> None:
    with pytest.raises(AuditFailed, match="refused rows are at most 5%: found 20 of 20 rows"):
        published(order=[dict.fromkeys(order(n)) for n in range(20)])


def test_names_of_any_script_are_published(lake: Lake, published: Any) -> None:
    names = ["🦉🦉", "ليلى", "Ægir\u202e", "👩‍👩‍👧"]
    at = "2026-11-20T08:00:00Z"
    found = published(product=[{"product_id": n, "title": n, "updated_at": at} for n in names])
    assert failed(found["product"]) == {}
