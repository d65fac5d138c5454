"""The quality report of a source and day as a file."""

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Landing, Validation
from cli.conftest import Command

FRIDAY = date(2026, 11, 20)


@pytest.fixture
def judged(stores: Path, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Friday of the shop that was published, and a Saturday that was stopped; gives the folder to write to."""
    numbers = {"taken": 10, "loaded": 9, "quarantined": 1, "superseded": 0, "content_hash": "x"}
    reasons = {"total_eur: not of type decimal": 1}
    found = {"expectation": "refused rows are at most 5%", "severity": "block", "passed": False, "position": 0,
             "rows": 20, "failed": 9, "observed": 0.45}  # fmt: skip
    with warehouse.begin() as connection:
        landed = {"source": "shop", "entity": "order", "partition": FRIDAY, "reasons": reasons}
        connection.execute(sa.insert(Landing), [landed | numbers])
        place = {"table_name": "raw_shop__order", "partition": date(2026, 11, 21)}
        connection.execute(sa.insert(Validation), [place | found])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_report_is_written_for_the_newest_day_unless_one_is_named(audience: Command, judged: Path) -> None:
    said = audience("report", "shop").out
    assert said == "shop 2026-11-21: verdict blocked, did not hold 1, written to shop_2026-11-21.html\n"
    audience("report", "shop", "--partition", "2026-11-20", "--out", "friday.html")
    assert "Friday, 2026-11-20" in (judged / "friday.html").read_text()
    assert "total_eur: not of type decimal" in (judged / "friday.html").read_text()


def test_a_day_that_nobody_knows_has_no_report(audience: Command, judged: Path) -> None:
    ended = audience("report", "shop", "--partition", "2026-11-22")
    assert ended.code == 1
    assert "partition 2026-11-22 was neither judged nor published; the newest day is 2026-11-21" in ended.err
    assert "partition (newest) was neither judged" in audience("report", "crm").err
    assert list(judged.glob("*.html")) == []


def test_a_source_that_is_not_there_is_told_the_nearest(audience: Command, judged: Path) -> None:
    assert "did you mean 'shop'?" in audience("report", "shob").err


def test_status_names_what_is_blocked_and_why(audience: Command, judged: Path) -> None:
    words = "shop: blocked on 2026-11-21: order: refused rows are at most 5%: found 9 of 20 rows"
    assert words in audience("status").err
