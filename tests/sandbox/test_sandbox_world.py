"""What must hold inside the world before anybody serves it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from sandbox.world import engine, mails, people, real, records


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The real world up to its campaigns."""
    con = engine.connect(7, tmp_path_factory.mktemp("spill"))
    real.read_real(con, until=date(2026, 11, 20))
    people.make_people(con, buyers=None)
    records.make_signups(con)
    mails.make_sends(con)
    yield con
    con.close()


def numbers(con: duckdb.DuckDBPyConnection, query: str) -> tuple[object, ...]:
    row: tuple[object, ...] = con.execute(query).fetchall()[0]
    return row


REDEEMED = """
from person join receipt r using (household_id) left join send using (person, campaign_id)
where is_buyer and r.redeemed_at is not null
"""


def test_who_redeemed_a_coupon_opened_and_clicked_before(con: duckdb.DuckDBPyConnection) -> None:
    assert numbers(con, f"select count(*) {REDEEMED}") == (792,)
    assert numbers(con, f"select count(*) {REDEEMED} and clicked_at > opened_at and opened_at > delivered_at") == (792,)


def test_nearly_every_real_receipt_became_a_message(con: duckdb.DuckDBPyConnection) -> None:
    (share,) = numbers(
        con, "select (select count(*) from send join person using (person) where is_buyer) / count(*) from receipt"
    )
    assert isinstance(share, float)
    assert 0.95 < share < 1


def test_about_three_percent_of_the_early_signups_are_blocked(con: duckdb.DuckDBPyConnection) -> None:
    (share,) = numbers(con, "select avg(is_blocked::int) from signup, calendar where confirmed_at < first_day")
    assert isinstance(share, float)
    assert 0.015 < share < 0.04


def test_birth_dates_lie_in_the_real_age_band_and_are_mostly_unknown_elsewhere(con: duckdb.DuckDBPyConnection) -> None:
    age = "date_diff('month', birth_date, date '2026-11-20') / 12.0"
    banded = "from person join household using (household_id) where is_buyer and age = '35-44'"
    assert numbers(con, f"select min({age}) >= 34.9, max({age}) <= 45.1, count(*) = count(birth_date) {banded}") == (
        True,
        True,
        True,
    )
    (known,) = numbers(con, "select count(birth_date) / count(*) from person where household_size is null")
    assert isinstance(known, float)
    assert 0.05 < known < 0.2


def test_another_seed_draws_other_chances(tmp_path: Path) -> None:
    draws = [
        numbers(engine.connect(seed, tmp_path), "select u(1, 'name'), u(2, 'name'), u(1, 'place')")
        for seed in (7, 7, 8)
    ]
    assert draws[0] == draws[1]
    assert not set(draws[0]) & set(draws[2])
