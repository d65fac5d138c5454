"""The same shape at any size."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from sandbox.grow import Size, grow

UNTIL = date(2026, 11, 20)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grown")
    grow(Size(people=5_000, events=100_000), out=folder, until=UNTIL)
    return folder


def one(grown: Path, query: str) -> tuple[object, ...]:
    con = duckdb.connect()
    for path in grown.glob("*.parquet"):
        con.execute(f"create view {path.stem} as select * from '{path}'")
    row: tuple[object, ...] = con.execute(query).fetchall()[0]
    con.close()
    return row


def test_there_are_as_many_people_and_about_as_many_events_as_asked_for(grown: Path) -> None:
    (events, people) = one(grown, "select (select count(*) from events), count(distinct person) from contacts")
    assert people == 5_750
    assert isinstance(events, int)
    assert 97_000 < events < 103_000


def test_order_totals_are_the_sums_of_their_lines(grown: Path) -> None:
    sums = "select order_id, sum(amount_eur) as amount_eur from order_lines group by order_id"
    assert one(grown, f"select count(*) from orders join ({sums}) using (order_id) where amount_eur <> total_eur") == (
        0,
    )
    assert one(grown, "select (select count(distinct order_id) from order_lines) = count(*) from orders") == (True,)
    assert one(grown, "select max(line) from order_lines") == (3,)


def test_days_stay_inside_the_year(grown: Path) -> None:
    assert one(grown, "select min(created_at) >= '2025-11-20', max(updated_at) < '2026-11-21' from orders") == (
        True,
        True,
    )


def test_identities_are_fresh_and_reserved(grown: Path) -> None:
    assert one(
        grown, "select count(*) from contacts where email like '%@%' and not lower(trim(email)) like '%.example'"
    ) == (0,)
    assert one(grown, "select count(distinct order_id) = count(*) from orders") == (True,)
    owners = "select count(distinct person) as n from contacts where email is not null group by lower(trim(email))"
    assert one(grown, f"select max(n) from ({owners})") == (1,)


def test_every_order_and_every_mail_event_is_an_event(grown: Path) -> None:
    orders = one(grown, "select count(*) from orders")
    assert one(grown, "select count(*) from events where event = 'order'") == orders
    assert one(grown, "select count(distinct event) from events") == (9,)


def test_the_same_seed_grows_the_same_rows(tmp_path: Path) -> None:
    for name in ("one", "two"):
        grow(Size(people=300), out=tmp_path / name, until=UNTIL)
    for name in ("contacts", "consents", "orders", "order_lines", "events"):
        query = f"select bit_xor(hash(t)), count(*) from {name} t"
        assert one(tmp_path / "one", query) == one(tmp_path / "two", query)


def test_fewer_events_than_the_campaigns_give_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the campaigns of this many people alone give"):
        grow(Size(people=200, events=10), out=tmp_path, until=UNTIL)
