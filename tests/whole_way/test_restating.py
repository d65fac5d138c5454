"""Days computed again through the form of the DAG `restate`."""

import pytest

from audience import steps
from audience.core.partition import Partition
from whole_way.way import Way, contents

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_each_day_of_the_form_is_refreshed_and_a_stale_one_gets_the_content_it_had(way: Way) -> None:
    house = way.up.house
    first, second, _ = way.place.backfilled
    house.lake.note("refresh", Partition.parse(first), {"input": "computed by the code of last week"})
    assert steps.stale_days(house) == [first]
    before, content = way.runs("refresh_audience"), contents(house.lake)

    restated = way.trigger("restate", {"first": first, "last": second})
    way.wait_for("the restated days", lambda: len(way.runs("refresh_audience")) == len(before) + 2)

    assert way.succeeded(restated)
    woken = [day for run, day in way.runs("refresh_audience").items() if run not in before]
    assert sorted(woken) == [first, second]
    assert steps.stale_days(house) == []
    assert contents(house.lake) == content


@pytest.mark.parametrize("form", [{"first": "2026-11-20"}, {"first": "2026-11-20", "last": "next Friday"}])
def test_a_form_without_two_days_is_refused_at_once(way: Way, form: dict[str, str]) -> None:
    asked = way.rest.post("/api/v2/dags/restate/dagRuns", json={"logical_date": None, "conf": form})
    assert asked.status_code == 400
    assert "last" in asked.text
