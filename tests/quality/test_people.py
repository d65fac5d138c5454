"""The gate of what was computed: a population that the people are compared with, orders that are compared with profiles."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience.core.errors import NotPublished
from audience.core.lake import Lake
from audience.core.tables import CUSTOMERS, FEATURES, PERSON_KEY
from audience.core.warehouse import Warehouse
from audience.quality.people import (
    NOT_BEFORE,
    NOT_GONE,
    OF_SOMEBODY,
    REPRESENTATIVE,
    consistent,
    newest_warnings,
    represented,
    review,
)
from audience.quality.reference import REFERENCE, Reference, problems
from rows import FRIDAY, NOON, land, rows_of

Row = Mapping[str, Any]

# -- representativeness ------------------------------------------------------------------------------------------------

HALVES = Reference("halves", {"country": {"FR": 0.5, "DE": 0.5}}, within=0.1)


def found(duck: Backend, reference: Reference, *groups: tuple[int, Row]) -> dict[str, tuple[int, float | None, bool]]:
    """What is found of so many people each: by group, those whose value is known, the share, whether it holds."""
    people = rows_of(FEATURES, [row for number, row in groups for _ in range(number)])
    return {f.expectation.group: (f.rows, f.observed, f.passed) for f in represented(duck, people, reference)}  # type: ignore[union-attr]


@pytest.mark.parametrize(("french", "holds"), [(250, True), (300, True), (301, False), (199, False)])
def test_a_group_may_be_off_by_as_much_as_the_reference_allows(duck: Backend, french: int, holds: bool) -> None:
    shares = found(duck, HALVES, (french, {"country": "FR"}), (500 - french, {"country": "DE"}))
    assert shares == {"FR": (500, french / 500, holds), "DE": (500, 1 - french / 500, holds)}


def test_people_whose_value_is_unknown_are_not_counted(duck: Backend) -> None:
    assert found(duck, HALVES, (250, {"country": "FR"}), (250, {"country": "DE"}), (999, {}))["FR"] == (500, 0.5, True)


def test_a_country_that_the_reference_leaves_out_takes_its_share(duck: Backend) -> None:
    shares = found(duck, HALVES, (100, {"country": "FR"}), (100, {"country": "DE"}), (300, {"country": "IT"}))
    assert shares == {"FR": (500, 0.2, False), "DE": (500, 0.2, False)}


def test_too_few_people_say_nothing(duck: Backend) -> None:
    assert found(duck, HALVES, (REPRESENTATIVE - 1, {"country": "FR"}))["FR"] == (REPRESENTATIVE - 1, None, True)
    assert found(duck, HALVES)["FR"] == (0, None, True)


def test_ages_are_whole_years_with_both_ends_and_the_last_group_has_none(duck: Backend) -> None:
    bands = Reference("bands", {"age_years": {"18-24": 0.2, "25-64": 0.6, "65+": 0.2}})
    ages = [(n, {"age_years": a}) for n, a in ((50, 18), (50, 24), (150, 25), (150, 64), (50, 65), (50, 101))]
    assert found(duck, bands, *ages) == {"18-24": (500, 0.2, True), "25-64": (500, 0.6, True), "65+": (500, 0.2, True)}


def test_the_shipped_reference_can_be_used() -> None:
    assert problems(REFERENCE) == []


@pytest.mark.parametrize(
    ("shares", "problem"),
    [
        ({"contry": {"FR": 1}}, "no column 'contry' to compare; did you mean 'country'?"),
        ({"country": {"FR": 1.2}}, "country: FR: found 1.2, expected a share from 0 to 1"),
        ({"country": {"FR": 0.7, "DE": 0.4}}, "country: found shares that sum to 1.100, expected at most 1"),
        ({"age_years": {"old": 0.5}}, "age_years: found 'old', expected ages such as 25-34 or 65+"),
        ({"age_years": {"34-25": 0.5}}, "age_years: found '34-25', expected its first age before its last"),
        ({"age_years": {"25-34": 0.5, "34-44": 0.5}},
         "age_years: found '25-34' and '34-44', expected each age in one group"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_share_of_people_is_a_problem(shares: dict[str, dict[str, float]], problem: str) -> None:
    assert problem in [p.removeprefix("reference: odd: ") for p in problems(Reference("odd", shares))]


# -- orders and profiles -----------------------------------------------------------------------------------------------


@pytest.fixture
def people(lake: Lake, duck: Backend) -> None:
    """Ana has a shop account since Friday noon; Bo is known by his address only, since a year."""
    lake.write(duck, PERSON_KEY, FRIDAY, rows_of(PERSON_KEY, [
        {"kind": "record", "key": "shop:S-1", "person_id": "ana"}, {"kind": "email", "key": "bo@", "person_id": "bo"},
    ]))  # fmt: skip
    since = {"ana": NOON, "bo": NOON - timedelta(days=365)}
    customers: Iterable[Row] = [{"person_id": p, "first_seen_at": at, "records": 1} for p, at in since.items()]
    lake.write(duck, CUSTOMERS, FRIDAY, rows_of(CUSTOMERS, customers))
    lake.write(duck, FEATURES, FRIDAY, rows_of(FEATURES, [{"person_id": p} for p in since]))


def failing(lake: Lake, duck: Backend) -> dict[str, tuple[int, int, bool]]:
    return {f.expectation.words: (f.failed, f.rows, f.passed) for f in consistent(lake, duck, FRIDAY) if f.failed}


def orders(number: int, **more: Any) -> list[Row]:
    return [{"order_id": f"O-{more}-{n}", **more} for n in range(number)]


@pytest.mark.usefixtures("people")
def test_an_order_is_of_the_person_of_its_account_or_of_its_address(lake: Lake, duck: Backend) -> None:
    land(lake, duck, "order", *orders(20, record_id="S-1"), *orders(20, email_key="bo@"))
    assert failing(lake, duck) == {}


@pytest.mark.usefixtures("people")
def test_orders_of_nobody_are_shown(lake: Lake, duck: Backend) -> None:
    land(lake, duck, "order", *orders(20, record_id="S-1"), *orders(5, record_id="S-404", email_key="cy@"))
    assert failing(lake, duck) == {OF_SOMEBODY.words: (5, 25, False)}


@pytest.mark.usefixtures("people")
def test_orders_from_before_their_person_was_known_are_shown_and_an_hour_is_a_matter_of_clocks(
    lake: Lake, duck: Backend
) -> None:
    hour, week = orders(20, record_id="S-1"), orders(5, record_id="S-1", ordered_at=NOON - timedelta(days=7))
    land(lake, duck, "order", *({**o, "ordered_at": NOON - timedelta(hours=1)} for o in hour), *week)
    assert failing(lake, duck) == {NOT_BEFORE.words: (5, 25, False)}


@pytest.mark.usefixtures("people")
def test_orders_on_a_contact_that_is_gone_are_shown(lake: Lake, duck: Backend) -> None:
    gone = {"record_id": "S-1", "is_deleted": True, "updated_at": NOON - timedelta(days=9)}
    land(lake, duck, "contact", gone)
    land(lake, duck, "order", *orders(25, record_id="S-1"))
    assert failing(lake, duck) == {NOT_GONE.words: (25, 25, False)}


@pytest.mark.usefixtures("people")
def test_an_order_counts_once_in_its_newest_version_and_an_unpaid_one_does_not(lake: Lake, duck: Backend) -> None:
    land(lake, duck, "order", {"order_id": "O-1", "record_id": "S-404"})
    land(lake, duck, "order", {"order_id": "O-1", "record_id": "S-1", "updated_at": NOON + timedelta(hours=1)})
    land(lake, duck, "order", {"order_id": "O-2", "record_id": "S-404", "status": "cancelled"})
    assert [(f.rows, f.failed) for f in consistent(lake, duck, FRIDAY)] == [(1, 0)] * 3


@pytest.mark.usefixtures("people")
def test_a_day_without_orders_agrees_with_everybody(lake: Lake, duck: Backend) -> None:
    assert [(f.rows, f.observed, f.passed) for f in consistent(lake, duck, FRIDAY)] == [(0, None, True)] * 3


@pytest.mark.usefixtures("people")
def test_what_was_found_is_in_the_warehouse_and_told_until_it_holds(
    lake: Lake, duck: Backend, warehouse: Warehouse
) -> None:
    land(lake, duck, "order", *orders(25, record_id="S-404"))
    with warehouse.begin() as connection:
        review(lake, duck, connection, FRIDAY)
        assert newest_warnings(connection) == (FRIDAY, [f"{OF_SOMEBODY.words}: found 25 of 25"])
        rows = connection.execute(
            sa.text("SELECT DISTINCT severity FROM ops.validation WHERE table_name = 'customers'")
        )
        assert rows.scalars().all() == ["warn"]
    land(lake, duck, "order", *orders(25, record_id="S-1"), *orders(25, record_id="S-404", status="cancelled"))
    with warehouse.begin() as connection:
        assert len(review(lake, duck, connection, FRIDAY).findings) == 3 + sum(map(len, REFERENCE.shares.values()))


def test_people_who_were_not_computed_cannot_be_judged(lake: Lake, duck: Backend, warehouse: Warehouse) -> None:
    with warehouse.begin() as connection, pytest.raises(NotPublished, match="features"):
        review(lake, duck, connection, FRIDAY)


def test_nobody_was_judged_yet(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        assert newest_warnings(connection) == (None, [])
