"""Thirty days of one source, backfilled as Airflow's dialog asks for it, while the schedule of that source goes on."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from audience.core.partition import Partition
from audience.core.tables import raw
from whole_way.way import Way

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(
        os.environ.get("REQUIRE_SERVICES") != "1",
        reason="31 runs take two minutes of two cores: they run with REQUIRE_SERVICES=1, as in CI",
    ),
]

SOURCE, DAG = "access_logs", "ingest_access_logs"
EVENTS = raw(SOURCE, "web_event")
PATHS = ("/cups", "/teapots")
LINE = '192.0.2.7 - - [{at:%d/%b/%Y}:08:00:00 +0000] "GET {path} HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11)" "8c1f"\n'


@dataclass(frozen=True)
class Logs:
    """A source that nobody has fetched yet: a log for each day, two pages seen in each."""

    way: Way
    backfilled: list[Partition]

    def runs(self) -> list[dict[str, Any]]:
        """Every run of the source, whatever its state."""
        asked = self.way.rest.get(f"/api/v2/dags/{DAG}/dagRuns", params={"limit": 100})
        found: list[dict[str, Any]] = asked.raise_for_status().json()["dag_runs"]
        assert [(run["run_type"], run["partition_key"]) for run in found if run["state"] == "failed"] == []
        return found

    def of_type(self, run_type: str) -> list[dict[str, Any]]:
        return [run for run in self.runs() if run["run_type"] == run_type]

    def have_ended(self) -> bool:
        return all(run["state"] == "success" for run in self.runs())

    def told(self) -> list[tuple[str, str, str]]:
        """Every row of every file of the lake: its partition, its day, its page."""
        lake = self.way.up.house.lake
        with self.way.up.house.engine() as session:
            rows = lake.history(session, EVENTS, through=self.backfilled[-1].plus(9))
            found = session.to_pyarrow(rows.select("partition", "occurred_at", "path")).to_pylist()
        return sorted((row["partition"], row["occurred_at"].date().isoformat(), row["path"]) for row in found)


@pytest.fixture
def logs(way: Way, tmp_path: Path) -> Iterator[Logs]:
    """Set up as a person does: a connection, a pool. Afterwards the lake is without it, as its days were computed."""
    last = Partition(way.place.until).plus(-2)  # a schedule that is switched on fetches a later day
    first = last.plus(-29)
    for day in Partition.between(first, last.plus(4)):
        at = day.window.start
        (tmp_path / f"access-{day}.log").write_text("".join(LINE.format(at=at, path=path) for path in PATHS))
    connection = {"connection_id": SOURCE, "conn_type": "audience_access_logs", "host": f"file://{tmp_path}"}
    way.rest.post("/api/v2/connections", json=connection).raise_for_status()
    way.up.story.airflow.make_pools((SOURCE,))
    try:
        yield Logs(way, list(Partition.between(first, last)))
    finally:
        way.up.story.airflow.pause(DAG)
        shutil.rmtree(Path(way.up.house.lake.root) / EVENTS.name, ignore_errors=True)


def test_a_month_of_days_is_backfilled_while_the_schedule_fetches_its_own(way: Way, logs: Logs) -> None:
    """Each day is read by its own run and again by the next one's (`reread_days`), several runs at once."""
    refreshed = way.runs("refresh_audience")
    dialog = {
        "dag_id": DAG,
        "dag_run_conf": {},
        "from_date": logs.backfilled[0].window.start.isoformat(),
        "to_date": f"{logs.backfilled[-1]}T23:59:59Z",
        "max_active_runs": 10,
        "reprocess_behavior": "none",
        "run_backwards": False,
    }
    way.rest.post("/api/v2/backfills", json=dialog).raise_for_status()
    way.up.story.airflow.unpause(DAG)
    way.wait_for("the schedule's own run", lambda: len(logs.of_type("scheduled")) == 1)
    way.up.processes.wait_for("the runs", logs.have_ended, seconds=900)

    backfilled, (scheduled,) = logs.of_type("backfill"), logs.of_type("scheduled")
    assert sorted(run["partition_key"] for run in backfilled) == [day.key for day in logs.backfilled]
    assert scheduled["start_date"] < max(run["end_date"] for run in backfilled)

    fetched = Partition.parse(scheduled["partition_key"])
    days = sorted({*logs.backfilled, fetched.previous, fetched})
    assert logs.told() == [(day.key, day.key, path) for day in days for path in PATHS]
    assert way.runs("refresh_audience") == refreshed
