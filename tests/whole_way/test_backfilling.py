"""A backfill asked for from the command line, with the command that CONTRIBUTING.md gives."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from whole_way.way import Way, contents

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

CONTRIBUTING = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"


def documented(first: str, last: str) -> list[str]:
    """The documented command, for other days than its example."""
    (command,) = re.findall(r"airflow backfill create(?:.*\\\n)*.*", CONTRIBUTING.read_text())
    asked, days = re.subn(r"(--from-date |--to-date )\d{4}-\d\d-\d\d", r"\1{}", command.replace("\\\n", " "))
    assert days == 2
    return shlex.split(asked.format(first, last))


def test_the_documented_command_runs_each_day_of_its_range_again_and_changes_no_content(way: Way) -> None:
    first, second, _ = way.place.backfilled
    before, content = way.runs("ingest_shop"), contents(way.up.house.lake)

    way.wait_for("the end of earlier backfills", lambda: not way.up.story.airflow.is_backfilling("ingest_shop"))
    command = [sys.executable, "-m", *documented(first, second)]
    asked = subprocess.run(command, env=way.up.environment, capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr[-2000:]
    way.wait_for("the backfill", lambda: len(way.runs("ingest_shop")) == len(before) + 2)

    fetched = [day for run, day in way.runs("ingest_shop").items() if run not in before]
    assert sorted(fetched) == [first, second]
    assert contents(way.up.house.lake) == content
