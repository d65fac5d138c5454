"""Real Airflow, once from source systems to the e-mail platform: three days backfilled, pushed, and done again."""

import os
import re
from datetime import date
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from audience import steps
from audience.core.partition import Partition
from audience.house import House
from whole_way.way import Way, contents

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

SOURCES = ("crm", "newsletter", "shop")
ADDRESS = re.compile(rb"[A-Za-z0-9._%+-]+(@|%40)[A-Za-z0-9.-]+\.example")
"""Every address of the sandbox is below the reserved domain .example: any of them outside its place is a leak."""


def test_one_worker_runs_all_tests_of_the_whole_way(request: pytest.FixtureRequest) -> None:
    """Without its group each of two workers would start an Airflow of its own."""
    assert request.node.nodeid.endswith("@whole_way") is ("PYTEST_XDIST_WORKER" in os.environ)


def test_the_platform_has_exactly_the_members_who_may_be_written_to(way: Way) -> None:
    assert [s for s in way.first.segments if not s.agrees] == []
    assert sum(s.on_platform for s in way.first.segments) > 0


def test_every_backfilled_day_has_its_audience(way: Way) -> None:
    days = [Partition.parse(d) for d in way.place.backfilled]
    for table in ("person_key", "customers", "features", "imputed", "scores"):
        assert way.up.house.lake.partitions(table)[-3:] == days


def test_the_models_score_the_days_after_their_training(way: Way) -> None:
    with way.up.house.engine() as session:
        from audience.core.tables import SCORES

        scores = way.up.house.lake.read(session, SCORES, Partition.parse(way.place.backfilled[-1]))
        assert int(session.to_pyarrow(scores.p_buy_30d.notnull().sum()).as_py()) > 0


def test_rows_in_are_rows_loaded_quarantined_or_superseded(way: Way) -> None:
    assert [s.source for s in way.first.sources] == list(SOURCES)
    for source in way.first.sources:
        assert source.taken == source.loaded + source.quarantined + source.superseded, source.source


def test_the_same_backfill_again_changes_no_content(way: Way) -> None:
    assert way.hashes_again == way.hashes


def test_the_same_backfill_again_makes_no_call_that_writes(way: Way) -> None:
    assert way.again.writes == 0
    assert way.again.agrees


def test_days_in_shuffled_order_and_without_airflow_have_the_same_content(way: Way, tmp_path: Path) -> None:
    environment = way.up.environment | {"AUDIENCE_HOME": str(tmp_path / "home")}
    house = House.open(environment)
    house.warehouse.migrate()
    history = date.fromisoformat(way.place.first_load_until.isoformat())
    first, second, third = way.place.backfilled
    try:
        for day, since in [
            (third, None),
            (history.isoformat(), way.up.earliest.date().isoformat()),
            (first, None),
            (second, None),
        ]:
            for source in SOURCES:
                steps.publish(house, steps.extract(house, source, day, since))
            refresh(house, day)
            if since:
                steps.train(house, day)
        for day in steps.stale_days(house):
            refresh(house, day)
        assert steps.stale_days(house) == []
        assert contents(house.lake) == way.hashes
    finally:
        house.close()
        from audience.core.warehouse.embedded import stop_embedded_postgres

        stop_embedded_postgres(tmp_path / "home" / "postgres")


def refresh(house: House, partition: str) -> None:
    for day, fingerprint in steps.days_to_compute(house, partition)["days"].items():
        steps.identity(house, day)
        steps.features(house, day)
        steps.scores(house, day)
        steps.segments(house, day, fingerprint)


def test_no_address_is_in_any_log(way: Way) -> None:
    logs = [f for f in way.place.folder.rglob("*.log") if f.is_file()]
    assert len(logs) > 20, "expected task logs and the logs of Airflow's programs"
    leaks = {str(f.relative_to(way.place.folder)): ADDRESS.search(f.read_bytes()) for f in logs}
    assert {name: found.group() for name, found in leaks.items() if found} == {}


def test_no_address_is_in_airflows_database(way: Way) -> None:
    url = way.up.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "+psycopg")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        tables = connection.execute(
            sa.text("SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema = 'public'")
        ).all()
        assert "xcom" in {name for _, name in tables}
        leaks = []
        for schema, table in tables:
            rows = connection.execute(sa.text(f'SELECT t::text FROM "{schema}"."{table}" t'))
            leaks += [(table, found.group()) for (row,) in rows if (found := ADDRESS.search(row.encode()))]
    engine.dispose()
    assert leaks == []


def test_no_address_is_in_the_warehouse_outside_the_vault(way: Way) -> None:
    with way.up.house.warehouse.begin() as connection:
        tables = connection.execute(
            sa.text(
                "SELECT table_schema, table_name FROM information_schema.tables"
                " WHERE table_type = 'BASE TABLE' AND table_schema IN ('ops', 'privacy', 'segments', 'push', 'mlflow')"
            )
        ).all()
        leaks = []
        for schema, table in tables:
            rows = connection.execute(sa.text(f'SELECT t::text FROM "{schema}"."{table}" t'))
            leaks += [table for (row,) in rows if ADDRESS.search(row.encode())]
    assert leaks == []


def test_the_page_inside_airflow_asks_who_is_there(way: Way) -> None:
    page = httpx.get(f"{way.place.airflow_url}/audience/", follow_redirects=False)
    assert page.status_code == 401
    assert os.environ.get("AIRFLOW_HOME") != str(way.place.folder)
