"""The command line: quick to start, plain about what a person can mend, silent about people."""

import json
import os
import subprocess
import sys
from pathlib import Path

import ibis
import pytest
from ibis.backends.duckdb import Backend

from audience.activation import destinations
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import FEATURES
from audience.sources.contract import all_sources
from cli.conftest import Command

INCLUDE = Path(__file__).parents[2] / "include"
FRIDAY = Partition.parse("2026-11-20")
HEAVY = {
    "airflow",
    "dlt",
    "duckdb",
    "great_expectations",
    "ibis",
    "mlflow",
    "pandas",
    "pyarrow",
    "sklearn",
    "sqlalchemy",
}


def a_segment(name: str, members: str) -> str:
    return f"""
name: {name}
title: A segment
why: Somebody asked.
consent: email_marketing
members: {members}
expect: {{size: {{between: [0, 10]}}, overlap_below: 0.5}}
objective: click
refresh: daily
deliver_to: [brevo]
"""


def test_help_imports_nothing_heavy() -> None:
    script = "import sys; from audience.cli import application; application(); print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(INCLUDE)}
    )
    assert HEAVY & set(found.stdout.split()) == set()


def test_it_is_a_module_too() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "audience", "--help"], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(INCLUDE)},
    )  # fmt: skip
    commands = ("ingest", "refresh", "train", "activate", "check", "status", "why", "migrate", "pools", "docs")
    assert [c for c in commands if f"\n  {c}" not in found.stdout] == []


def test_what_can_be_mended_is_one_line_and_no_traceback(audience: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIENCE_PSEUDONYM_KEY", "short")
    ended = audience("refresh", "--partition", "2026-11-20")
    assert ended.code == 1
    assert ended.err.startswith("AUDIENCE_PSEUDONYM_KEY: found 5 characters")
    assert ended.err.count("\n") == 1
    assert ended.out == ""


def test_a_bug_keeps_its_traceback(audience: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("audience.house.House.open", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        audience("status")


def test_a_day_that_is_none_is_refused_by_place_found_and_expected(audience: Command, stores: Path) -> None:
    ended = audience("ingest", "shop", "--partition", "tomorrow")
    assert (ended.code, ended.err) == (1, "partition: found 'tomorrow', expected a UTC day such as '2026-11-20'\n")


def test_an_unknown_source_is_told_the_nearest(audience: Command, stores: Path) -> None:
    ended = audience("ingest", "shopp", "--partition", "2026-11-20")
    assert (ended.code, ended.err) == (1, "sources: no source 'shopp'; did you mean 'shop'?\n")


def test_an_unknown_destination_is_told_the_nearest(audience: Command, stores: Path) -> None:
    ended = audience("activate", "brevoo", "--partition", "2026-11-20")
    assert (ended.code, ended.err) == (1, "destination: no platform 'brevoo'; did you mean 'brevo'?\n")


def test_pools_are_one_per_source_and_destination(audience: Command) -> None:
    pools = json.loads(audience("pools").out)
    assert set(pools) == {source.name for source in all_sources()} | set(destinations.names())
    assert {pool["slots"] for pool in pools.values()} == {4}


# -- check -----------------------------------------------------------------------------------------------------------


def test_what_is_shipped_has_no_problem(audience: Command, stores: Path) -> None:
    ended = audience("check")
    assert (ended.code, ended.err) == (0, "")


def test_check_shows_which_settings_are_set_and_never_a_value(audience: Command, stores: Path) -> None:
    out = audience("check").out
    assert "AUDIENCE_PSEUDONYM_KEY   set" in out
    assert os.environ["AUDIENCE_PSEUDONYM_KEY"] not in out


def test_check_names_every_problem_of_every_file_on_its_own_line(
    audience: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.yaml").write_text(a_segment("one", "{all: [{recencydays: {at_least: 3}}, {nps: {at_least: 11}}]}"))
    (tmp_path / "two.yaml").write_text(a_segment("three", "{is_customer: true}"))
    monkeypatch.setenv("AUDIENCE_SEGMENTS", str(tmp_path))
    monkeypatch.delenv("AUDIENCE_PSEUDONYM_KEY", raising=False)
    ended = audience("check", "--without-settings")
    assert ended.code == 1
    lines = ended.err.splitlines()
    assert lines[0] == "one.yaml: members.all[0]: no column 'recencydays'; did you mean 'recency_days'?"
    assert "two.yaml: name: found 'three', expected the name of the file, 'two'" in lines
    assert "segments: 2 to mend" in ended.out or "segments: 3 to mend" in ended.out


def test_check_reports_an_incomplete_environment(audience: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUDIENCE_PSEUDONYM_KEY", raising=False)
    ended = audience("check")
    assert ended.code == 1
    assert ended.err.startswith("AUDIENCE_PSEUDONYM_KEY: found 0 characters")


# -- why and status --------------------------------------------------------------------------------------------------


@pytest.fixture
def features(stores: Path, duck: Backend) -> None:
    """One person known on Friday: a customer whose last order is nine days old."""
    values = {"person_id": "p1", "is_customer": True, "recency_days": 9, "monetary_score": 5}
    schema = FEATURES.schema
    zeros = {c.name: 0 for c in FEATURES.columns if c.required and c.name not in values}
    row = dict.fromkeys(FEATURES.names) | zeros | values
    Lake.at(stores).write(duck, FEATURES, FRIDAY, ibis.memtable([row], schema=schema))


def test_why_shows_each_condition_with_what_was_found(audience: Command, features: None) -> None:
    ended = audience("why", "vip_going_quiet", "p1")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("2026-11-20 vip_going_quiet: is a member yes\n")
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["members.all[1]", "recency_days", "between", "[7,", "60]", "9", "yes"] in lines
    assert ["members.all[2].not", "nps", "at_most", "6", "unknown", "no"] in lines


def test_why_of_somebody_the_day_does_not_know_says_so(audience: Command, features: None) -> None:
    ended = audience("why", "vip_going_quiet", "p2")
    assert (ended.code, ended.err) == (1, "features: partition 2026-11-20 has no person 'p2'\n")


def test_why_of_an_unknown_segment_is_told_the_nearest(audience: Command, features: None) -> None:
    ended = audience("why", "vip_going_quite", "p1")
    assert (ended.code, ended.err) == (1, "segments: no segment 'vip_going_quite'; did you mean 'vip_going_quiet'?\n")


def test_status_names_newest_partitions_and_stale_days(audience: Command, features: None) -> None:
    ended = audience("status")
    assert ended.code == 0, ended.err
    assert ["features", "2026-11-20"] in [line.split() for line in ended.out.splitlines()]
    assert ended.err.startswith("Stale days: 2026-11-20")


def test_status_of_a_fresh_installation_says_that_there_is_nothing(audience: Command, stores: Path) -> None:
    ended = audience("status")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("  none\n") == 4
    assert "Stale days: none\n" in ended.out
