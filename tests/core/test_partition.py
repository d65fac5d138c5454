"""A partition is a UTC day; its window is half-open."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from audience.core.errors import PartitionError
from audience.core.partition import Partition, Window

FRIDAY = Partition.parse("2026-11-20")


@pytest.mark.parametrize(
    "key",
    [None, "", "20261120", "2026-11-2", "2026-11-31", "2026-02-29", "2026-W47-5", "2026-11-20T00:00", "yesterday",
     " 2026-11-20", "2026/11/20", "26-11-2020"],
)  # fmt: skip
def test_a_key_that_is_no_day_is_refused_with_an_example(key: str | None) -> None:
    with pytest.raises(PartitionError) as refused:
        Partition.parse(key)
    assert str(refused.value) == f"partition: found {key!r}, expected a UTC day such as '2026-11-20'"


def test_the_window_of_a_day_has_its_first_moment_and_not_that_of_the_next_day() -> None:
    assert datetime(2026, 11, 20, tzinfo=UTC) in FRIDAY.window
    assert datetime(2026, 11, 20, 23, 59, 59, 999_999, tzinfo=UTC) in FRIDAY.window
    assert datetime(2026, 11, 21, tzinfo=UTC) not in FRIDAY.window


def test_as_of_is_the_end_of_the_window_and_the_start_of_the_next() -> None:
    assert FRIDAY.as_of == FRIDAY.window.end == FRIDAY.next.window.start == datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2024-02-29", "2026-12-31"])
def test_every_day_has_24_hours_daylight_saving_or_not(day: str) -> None:
    window = Partition.parse(day).window
    assert window.end - window.start == timedelta(hours=24)


def test_days_between_are_both_ends_and_everything_in_the_middle() -> None:
    days = Partition.between(Partition.parse("2026-12-30"), Partition.parse("2027-01-02"))
    assert [str(d) for d in days] == ["2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02"]
    assert list(Partition.between(FRIDAY, FRIDAY.previous)) == []


def test_partitions_sort_by_day() -> None:
    assert sorted([FRIDAY.next, FRIDAY, FRIDAY.previous]) == [FRIDAY.previous, FRIDAY, FRIDAY.next]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)),
        (datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)),
        (datetime(2026, 11, 20), datetime(2026, 11, 21)),  # noqa: DTZ001 - times without a zone are the point
        (datetime(2026, 11, 20, tzinfo=timezone(timedelta(hours=1))), datetime(2026, 11, 21, tzinfo=UTC)),
    ],
)
def test_a_window_is_two_utc_times_in_order(start: datetime, end: datetime) -> None:
    with pytest.raises(PartitionError, match="expected two UTC times in order"):
        Window(start, end)
