"""A mapper that does not fit makes a DAG silently never run, so each one is tested (measured on Airflow 3.3.2)."""

import pytest
from airflow.partition_mappers.base import RollupMapper
from airflow.partition_mappers.temporal import StartOfWeekMapper
from airflow.partition_mappers.window import WeekWindow

from audience.core.errors import PartitionError
from audience.steps import days_between, end_of_week

WEEK = RollupMapper(
    upstream_mapper=StartOfWeekMapper(input_format="%Y-%m-%d", output_format="%Y-%m-%d"), window=WeekWindow()
)


def test_each_day_of_a_week_counts_for_its_monday() -> None:
    days = [f"2026-11-{day}" for day in range(16, 23)]
    assert {WEEK.to_downstream(day) for day in days} == {"2026-11-16"}
    assert set(WEEK.to_upstream("2026-11-16")) == set(days)


def test_a_week_trains_as_of_its_sunday() -> None:
    assert end_of_week("2026-11-16") == "2026-11-22"


def test_a_week_is_named_by_its_monday_only() -> None:
    with pytest.raises(PartitionError, match=r"found 2026-11-17 \(Tuesday\), expected the Monday of a week"):
        end_of_week("2026-11-17")


def test_restating_a_range_names_both_ends() -> None:
    assert days_between("2026-11-19", "2026-11-21") == ["2026-11-19", "2026-11-20", "2026-11-21"]


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(PartitionError, match="expected the first day not after the last"):
        days_between("2026-11-21", "2026-11-20")
