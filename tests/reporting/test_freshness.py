"""How old a source's newest day may be is declared; what is older is late, or stale."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from audience.core.errors import DeclarationError
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Landing
from audience.reporting import late_required, read_freshness
from audience.sources.contract import Source, Stream, bearer, rest

FRIDAY = date(2026, 11, 20)
DUE = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""36 hours after Friday's end: Saturday has to be there at noon of Sunday."""

A_SECOND = timedelta(seconds=1)


def a_source(name: str, **more: object) -> Source:
    stream = Stream("items", lambda _api, _window: [], lambda record: iter(()), entities=("product",), cursor="at")
    return Source(name, name, system=rest(name, name, auth=bearer), streams=(stream,), **more)  # type: ignore[arg-type]


@pytest.fixture
def landed(warehouse: Warehouse) -> Callable[..., None]:
    def put(source: str, *days: date) -> None:
        numbers = {"taken": 0, "loaded": 0, "quarantined": 0, "superseded": 0, "reasons": {}, "content_hash": "x"}
        rows = [{"source": source, "entity": "product", "partition": day} | numbers for day in days]
        with warehouse.begin() as connection:
            connection.execute(sa.insert(Landing), rows)

    return put


def test_a_source_is_late_once_its_newest_day_is_older_than_declared(
    warehouse: Warehouse, landed: Callable[..., None]
) -> None:
    landed("shop", FRIDAY - timedelta(days=9), FRIDAY)
    (in_time,) = read_freshness(warehouse, [a_source("shop")], DUE)
    (late,) = read_freshness(warehouse, [a_source("shop")], DUE + A_SECOND)
    assert (in_time.newest, in_time.due, in_time.is_late) == (FRIDAY, DUE, False)
    assert late.is_late
    assert late.words == "newest day 2026-11-20, the next one was due at 2026-11-22 12:00 UTC"


def test_a_source_says_itself_how_old_it_may_be(warehouse: Warehouse, landed: Callable[..., None]) -> None:
    landed("census", FRIDAY)
    (found,) = read_freshness(warehouse, [a_source("census", fresh_hours=24 * 400)], DUE + timedelta(days=300))
    assert not found.is_late


def test_only_required_sources_are_worth_an_alert(warehouse: Warehouse, landed: Callable[..., None]) -> None:
    landed("shop", FRIDAY)
    landed("ads", FRIDAY)
    found = read_freshness(warehouse, [a_source("shop", required=True), a_source("ads")], DUE + A_SECOND)
    assert [(f.source, f.is_late) for f in found] == [("ads", True), ("shop", True)]
    assert late_required(found) == {
        "source shop": "newest day 2026-11-20, the next one was due at 2026-11-22 12:00 UTC"
    }


def test_a_fresh_installation_is_not_late(warehouse: Warehouse) -> None:
    assert read_freshness(warehouse, [a_source("shop", required=True)], DUE) == []


def test_a_source_that_never_published_is_late_when_it_is_required_and_unused_when_not(
    warehouse: Warehouse, landed: Callable[..., None]
) -> None:
    landed("crm", FRIDAY)
    found = read_freshness(warehouse, [a_source("shop", required=True), a_source("ads")], DUE)
    assert late_required(found) == {"source shop": "nothing was ever published"}
    assert [f.source for f in found] == ["shop"]


@pytest.mark.parametrize(("cron", "hours"), [("0 2 * * *", 26), ("30 20 * * *", 44)])
def test_a_source_that_would_always_be_late_is_refused(cron: str, hours: int) -> None:
    with pytest.raises(DeclarationError, match=f"found fresh_hours={hours}, expected more than"):
        a_source("shop", cron=cron, fresh_hours=hours)
