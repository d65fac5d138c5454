"""Which days one refresh computes: its own, stale later ones, those that have landed since, earlier ones of late rows."""

from collections.abc import Iterator
from pathlib import Path

import ibis
import pytest
from ibis.backends.duckdb import Backend

from audience.core.partition import Partition
from audience.core.table import Table
from audience.core.tables import FEATURES, raw
from audience.core.warehouse import Warehouse
from audience.house import House
from audience.identity.decisions import Decision, remember
from audience.sources.contract import all_sources
from audience.steps import days_to_compute, input_fingerprint, stale_days
from audience.steps.days import MOST_AT_ONCE
from key import KEY
from rows import land

MONDAY = Partition.parse("2026-11-16")
TUESDAY, WEDNESDAY = MONDAY.next, MONDAY.plus(2)
REQUIRED = tuple(raw(source.name, entity) for source in all_sources() if source.required for entity in source.entities)


class Days:
    """A house whose tables are empty: only which partitions are there counts."""

    def __init__(self, house: House, duck: Backend) -> None:
        self.house, self._duck = house, duck

    def land(self, *days: Partition, tables: tuple[Table, ...] = REQUIRED) -> None:
        for day in days:
            for table in tables:
                self._write(table, day)

    def land_again(self, day: Partition) -> None:
        """The day has other content than before: a product."""
        land(self.house.lake, self._duck, "product", {}, day=day)

    def land_late(self, day: Partition) -> None:
        """An event of the day is told by a source that reads the day before again."""
        land(self.house.lake, self._duck, "event", {}, day=day, source="brevo")

    def compute(self, *days: Partition) -> None:
        for day in days:
            self._write(FEATURES, day)
            self.house.lake.note("refresh", day, {"input": input_fingerprint(self.house, day)})

    def of_a_refresh(self, day: Partition) -> list[str]:
        return list(days_to_compute(self.house, day.key)["days"])

    def _write(self, table: Table, day: Partition) -> None:
        self.house.lake.write(self._duck, table, day, ibis.memtable([], schema=table.schema))


@pytest.fixture
def days(tmp_path: Path, duck: Backend, warehouse: Warehouse) -> Iterator[Days]:
    (tmp_path / "segments").mkdir()
    settings = {
        "AUDIENCE_HOME": str(tmp_path),
        "AUDIENCE_SEGMENTS": str(tmp_path / "segments"),
        "AUDIENCE_WAREHOUSE_URL": warehouse.engine.url.render_as_string(hide_password=False),
        "AUDIENCE_PSEUDONYM_KEY": KEY.reveal(),
    }
    house = House.open(settings)
    yield Days(house, duck)
    house.close()


def test_a_day_that_was_never_computed_is(days: Days) -> None:
    days.land(MONDAY)
    assert days.of_a_refresh(MONDAY) == ["2026-11-16"]


def test_a_day_whose_input_has_not_changed_is_left_out(days: Days) -> None:
    days.land(MONDAY)
    days.compute(MONDAY)
    assert days.of_a_refresh(MONDAY) == []


def test_a_reviewers_decision_makes_the_days_stale_that_it_counts_for(days: Days) -> None:
    days.land(MONDAY, TUESDAY)
    days.compute(MONDAY, TUESDAY)
    with days.house.warehouse.begin() as connection:
        remember(connection, [Decision("crm:C-1", "crm:C-2", "different", TUESDAY.day)], by="rita")
    assert stale_days(days.house) == ["2026-11-17"]


def test_a_late_day_brings_the_later_ones_that_saw_less(days: Days) -> None:
    days.land(TUESDAY, WEDNESDAY)
    days.compute(TUESDAY, WEDNESDAY)
    days.land(MONDAY)
    assert days.of_a_refresh(MONDAY) == ["2026-11-16", "2026-11-17", "2026-11-18"]


def test_an_earlier_day_that_no_source_reads_again_is_never_computed_unasked(days: Days) -> None:
    days.land(MONDAY, TUESDAY, WEDNESDAY)
    days.compute(MONDAY, TUESDAY)
    days.land_again(MONDAY)
    assert days.of_a_refresh(WEDNESDAY) == ["2026-11-18"]
    assert stale_days(days.house) == ["2026-11-16", "2026-11-17"]


def test_a_late_row_of_a_day_that_was_read_again_computes_it_again(days: Days) -> None:
    days.land(MONDAY, TUESDAY)
    days.compute(MONDAY)
    days.land_late(MONDAY)
    assert days.of_a_refresh(TUESDAY) == ["2026-11-16", "2026-11-17"]
    days.compute(MONDAY, TUESDAY)
    assert days.of_a_refresh(TUESDAY) == []


def test_a_late_row_of_a_day_before_those_that_are_read_again_leaves_it_stale(days: Days) -> None:
    days.land(MONDAY, TUESDAY, WEDNESDAY)
    days.compute(MONDAY, TUESDAY)
    days.land_late(MONDAY)
    assert days.of_a_refresh(WEDNESDAY) == ["2026-11-17", "2026-11-18"]
    assert stale_days(days.house) == ["2026-11-16", "2026-11-17"]


def test_a_changed_segment_computes_no_earlier_day_again(days: Days) -> None:
    days.land(MONDAY, TUESDAY)
    days.land_late(MONDAY)
    days.compute(MONDAY)
    (days.house.settings.segments / "new.yaml").write_text("name: new")
    assert stale_days(days.house) == ["2026-11-16"]
    assert days.of_a_refresh(TUESDAY) == ["2026-11-17"]


def test_days_that_have_landed_meanwhile_are_computed_in_the_same_run(days: Days) -> None:
    days.land(WEDNESDAY, MONDAY, TUESDAY)
    assert days.of_a_refresh(MONDAY) == ["2026-11-16", "2026-11-17", "2026-11-18"]


def test_a_day_that_a_required_source_has_not_published_whole_waits(days: Days) -> None:
    days.land(MONDAY, WEDNESDAY)
    days.land(TUESDAY, tables=REQUIRED[:-1])
    assert days.of_a_refresh(MONDAY) == ["2026-11-16"]


def test_a_day_that_was_asked_for_is_computed_with_whatever_has_landed(days: Days) -> None:
    days.land(MONDAY)
    assert days.of_a_refresh(TUESDAY) == ["2026-11-17"]


def test_a_hole_before_the_newest_computed_day_waits_for_a_run_of_its_own(days: Days) -> None:
    days.land(MONDAY, TUESDAY, WEDNESDAY)
    days.compute(WEDNESDAY)
    assert days.of_a_refresh(MONDAY) == ["2026-11-16"]


def test_more_days_than_one_run_computes_leave_the_newest_computed_and_are_named(days: Days) -> None:
    later = [MONDAY.plus(n) for n in range(1, MOST_AT_ONCE + 2)]
    days.compute(MONDAY, *later)
    days.land_again(MONDAY)
    chosen = days_to_compute(days.house, MONDAY.key)
    assert list(chosen["days"]) == [MONDAY.key, later[-1].key]
    assert chosen["left_stale"] == [day.key for day in later[:-1]]
