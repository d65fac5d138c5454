"""The lake keeps partitions whole, reruns without a trace, and remembers what it was told."""

from collections.abc import Iterable
from pathlib import Path

import ibis
import pytest
from ibis.backends.duckdb import Backend

from audience.core.engine import engine
from audience.core.errors import NotOfTheTable, NotPublished
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.table import Column, Table
from audience.core.tables import ORDER_LINE, raw
from little_room import little_room
from rows import land

FRIDAY = Partition.parse("2026-11-20")
SATURDAY, SUNDAY, MONDAY = (FRIDAY.plus(n) for n in (1, 2, 3))
PRICE = Table(
    name="price",
    grain="one product",
    key=("product",),
    columns=(Column("product", "text", "the product", required=True), Column("price_eur", "decimal", "price, EUR")),
)
RAW_PRICE = PRICE.named("raw_shop__price", keeps_generations=True)


def prices(*rows: tuple[str, float | None]) -> ibis.Table:
    return ibis.memtable(
        [{"product": p, "price_eur": e} for p, e in rows], schema={"product": "string", "price_eur": "float64"}
    )


def daily(*rows: tuple[Partition, str, float]) -> ibis.Table:
    """Prices of several days, as `write_days` takes them."""
    return ibis.memtable(
        [{"_day": day.key, "product": p, "price_eur": e} for day, p, e in rows],
        schema={"_day": "string", "product": "string", "price_eur": "float64"},
    )


def found(table: ibis.Table, duck: Backend) -> list[tuple[object, ...]]:
    return sorted(tuple(r.values()) for r in duck.to_pyarrow(table).to_pylist())


def test_a_second_write_of_the_same_rows_changes_nothing(lake: Lake, duck: Backend) -> None:
    first = lake.write(duck, PRICE, FRIDAY, prices(("tea", 2), ("cup", 5)))
    second = lake.write(duck, PRICE, FRIDAY, prices(("cup", 5), ("tea", 2)))
    assert first.changed and not second.changed
    assert second.publication == first.publication


def test_a_replaced_table_shows_only_its_last_write(lake: Lake, duck: Backend) -> None:
    lake.write(duck, PRICE, FRIDAY, prices(("tea", 2), ("cup", 5)))
    lake.write(duck, PRICE, FRIDAY, prices(("tea", 3)))
    assert [p for p, _ in found(lake.read(duck, PRICE, FRIDAY), duck)] == ["tea"]


def test_a_generational_table_forgets_nothing_it_was_told(lake: Lake, duck: Backend) -> None:
    lake.write(duck, RAW_PRICE, FRIDAY, prices(("tea", 2), ("cup", 5)))
    lake.write(duck, RAW_PRICE, FRIDAY, prices(("tea", 3)))
    state = {
        r["product"]: float(r["price_eur"])
        for r in duck.to_pyarrow(lake.state(duck, RAW_PRICE, through=FRIDAY)).to_pylist()
    }
    assert state == {"tea": 3.0, "cup": 5.0}


def test_state_as_of_a_day_does_not_see_later_partitions(lake: Lake, duck: Backend) -> None:
    lake.write(duck, RAW_PRICE, FRIDAY.next, prices(("tea", 9)))
    lake.write(duck, RAW_PRICE, FRIDAY, prices(("tea", 2)))
    assert [float(e) for _, e in found(lake.state(duck, RAW_PRICE, through=FRIDAY), duck)] == [2.0]
    assert [float(e) for _, e in found(lake.state(duck, RAW_PRICE, through=FRIDAY.next), duck)] == [9.0]


def test_an_order_that_comes_again_without_a_line_takes_the_line_away(lake: Lake, duck: Backend) -> None:
    land(lake, duck, "order_line", {"line": 1}, {"line": 2})
    land(lake, duck, "order_line", {"line": 1}, day=FRIDAY.next)
    state = duck.to_pyarrow(lake.state(duck, raw("shop", "order_line"), through=FRIDAY.next)).to_pylist()
    assert [r["line"] for r in state] == [1]
    assert ORDER_LINE.version_of == ("order_id",)


def test_rows_that_repeat_a_key_are_not_published(lake: Lake, duck: Backend) -> None:
    with pytest.raises(NotOfTheTable, match=r"price: 1 of 2 rows repeat the key \(product\)"):
        lake.write(duck, PRICE, FRIDAY, prices(("tea", 2), ("tea", 3)))
    assert lake.partitions("price") == []


def test_an_undeclared_column_is_named_with_the_nearest_declared_one(lake: Lake, duck: Backend) -> None:
    rows = prices(("tea", 2)).rename(price_eu="price_eur")
    with pytest.raises(NotOfTheTable, match="price: no column 'price_eu'; did you mean 'price_eur'"):
        lake.write(duck, PRICE, FRIDAY, rows)


def test_a_missing_partition_is_an_error_and_not_an_empty_table(lake: Lake, duck: Backend) -> None:
    with pytest.raises(NotPublished, match="price: partition 2026-11-20 is not published"):
        lake.read(duck, PRICE, FRIDAY)


def test_an_empty_partition_is_published_and_read_as_no_rows(lake: Lake, duck: Backend) -> None:
    lake.write(duck, PRICE, FRIDAY, prices(("tea", 2)).filter(ibis.literal(False)))
    assert found(lake.read(duck, PRICE, FRIDAY), duck) == []


def test_the_fingerprint_changes_with_earlier_input_and_not_with_later(lake: Lake, duck: Backend) -> None:
    lake.write(duck, RAW_PRICE, FRIDAY, prices(("tea", 2)))
    before = lake.fingerprint([RAW_PRICE], through=FRIDAY)
    lake.write(duck, RAW_PRICE, FRIDAY.next, prices(("tea", 9)))
    assert lake.fingerprint([RAW_PRICE], through=FRIDAY) == before
    lake.write(duck, RAW_PRICE, FRIDAY.previous, prices(("tea", 1)))
    assert lake.fingerprint([RAW_PRICE], through=FRIDAY) != before


def test_days_written_in_any_order_have_the_same_names_and_hashes(tmp_path: Path, duck: Backend) -> None:
    days = [FRIDAY, FRIDAY.next, FRIDAY.next.next]

    def lake_in_order(name: str, order: Iterable[Partition]) -> list[str]:
        lake = Lake.at(tmp_path / name)
        for day in order:
            lake.write(duck, RAW_PRICE, day, prices(("tea", day.day.day)))
        return [p.path for p in lake.publications(RAW_PRICE, through=days[-1])]

    assert lake_in_order("forward", days) == lake_in_order("backward", reversed(days))


def test_days_published_together_are_one_file_named_after_the_first_and_the_last(lake: Lake, duck: Backend) -> None:
    written = lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 2), (SUNDAY, "tea", 3)))
    (file,) = lake.publications(RAW_PRICE, through=SUNDAY)
    assert file.path.startswith("raw_shop__price/partition=2026-11-20_2026-11-22/0001-")
    assert {day: (w.publication, w.rows) for day, w in written.items()} == {FRIDAY: (file, 1), SUNDAY: (file, 1)}


def test_of_days_published_together_those_with_rows_are_partitions(lake: Lake, duck: Backend) -> None:
    lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 2), (SATURDAY, "tea", 2), (MONDAY, "tea", 3)))
    assert lake.partitions("raw_shop__price") == [FRIDAY, SATURDAY, MONDAY]
    assert lake.partitions("raw_shop__price", since=SATURDAY) == [SATURDAY, MONDAY]
    assert found(lake.read(duck, RAW_PRICE, SUNDAY), duck) == []


def test_state_as_of_a_day_does_not_see_later_days_of_the_same_file(lake: Lake, duck: Backend) -> None:
    lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 2), (SATURDAY, "tea", 3), (SATURDAY, "cup", 5)))
    assert found(lake.state(duck, RAW_PRICE, through=FRIDAY), duck) == [("tea", 2)]
    assert found(lake.state(duck, RAW_PRICE, through=SATURDAY), duck) == [("cup", 5), ("tea", 3)]


def test_history_since_a_day_does_not_see_earlier_days_of_the_same_file(lake: Lake, duck: Backend) -> None:
    lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 2), (SATURDAY, "tea", 3), (SUNDAY, "tea", 4)))
    told = duck.to_pyarrow(lake.history(duck, RAW_PRICE, since=SATURDAY, through=SATURDAY)).to_pylist()
    assert [(r["partition"], r["generation"], float(r["price_eur"])) for r in told] == [("2026-11-21", "0001", 3.0)]


def test_a_day_has_the_same_content_hash_alone_and_beside_other_days(tmp_path: Path, duck: Backend) -> None:
    alone = Lake.at(tmp_path / "alone").write(duck, RAW_PRICE, FRIDAY, prices(("tea", 2)))
    beside = Lake.at(tmp_path / "beside").write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 2), (SATURDAY, "cup", 5)))
    assert beside[FRIDAY].content_hash == alone.content_hash == alone.publication.content_hash


def test_days_told_again_add_a_file_with_the_changed_ones_only(lake: Lake, duck: Backend) -> None:
    lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 2), (SATURDAY, "tea", 3), (SUNDAY, "tea", 4)))
    again = lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 2), (SATURDAY, "tea", 9), (SUNDAY, "tea", 4)))
    assert {day: w.changed for day, w in again.items()} == {FRIDAY: False, SATURDAY: True, SUNDAY: False}
    first, second = lake.publications(RAW_PRICE, through=SUNDAY)
    assert (again[FRIDAY].publication, again[SATURDAY].publication) == (first, second)
    assert (second.first, second.last, second.sequence) == (SATURDAY, SATURDAY, 2)
    assert found(lake.state(duck, RAW_PRICE, through=SATURDAY), duck) == [("tea", 9)]
    assert found(lake.state(duck, RAW_PRICE, through=SUNDAY), duck) == [("tea", 4)]


def test_a_day_of_which_only_a_part_is_told_again_is_known_already(lake: Lake, duck: Backend) -> None:
    """The other record has changed since: it is of a later day now."""
    lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 2), (FRIDAY, "cup", 5)))
    again = lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 2), (SATURDAY, "cup", 6)))
    assert {day: w.changed for day, w in again.items()} == {FRIDAY: False, SATURDAY: True}
    assert [(p.first, p.last) for p in lake.publications(RAW_PRICE, through=MONDAY)] == [
        (FRIDAY, FRIDAY),
        (SATURDAY, SATURDAY),
    ]


def test_a_value_that_a_day_had_before_its_newest_one_is_news(lake: Lake, duck: Backend) -> None:
    for price in (2, 3, 2):
        assert lake.write(duck, RAW_PRICE, FRIDAY, prices(("tea", price), ("cup", price))).changed
    assert found(lake.state(duck, RAW_PRICE, through=FRIDAY), duck) == [("cup", 2), ("tea", 2)]


def test_an_order_that_is_told_again_without_a_line_is_news_of_its_day(lake: Lake, duck: Backend) -> None:
    land(lake, duck, "order_line", {"line": 1}, {"line": 2}, {"order_id": "O-2"}, day=FRIDAY)
    lines = raw("shop", "order_line")
    before = len(lake.files(lines.name, FRIDAY))
    land(lake, duck, "order_line", {"line": 1}, {"line": 2}, day=FRIDAY)
    assert len(lake.files(lines.name, FRIDAY)) == before
    land(lake, duck, "order_line", {"line": 1}, day=FRIDAY)
    assert len(lake.files(lines.name, FRIDAY)) == before + 1


def test_days_told_again_without_a_change_write_nothing(lake: Lake, duck: Backend) -> None:
    days = daily((FRIDAY, "tea", 2), (SATURDAY, "tea", 3))
    lake.write_days(duck, RAW_PRICE, days, always=SUNDAY)
    before = lake.publications(RAW_PRICE, through=SUNDAY)
    again = lake.write_days(duck, RAW_PRICE, days, always=SUNDAY)
    assert [day for day, w in again.items() if w.changed] == []
    assert lake.publications(RAW_PRICE, through=SUNDAY) == before


def test_a_day_told_alone_again_is_compared_with_the_file_it_shares(lake: Lake, duck: Backend) -> None:
    lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 2), (SATURDAY, "tea", 3)))
    assert not lake.write(duck, RAW_PRICE, SATURDAY, prices(("tea", 3))).changed
    assert lake.write(duck, RAW_PRICE, SATURDAY, prices(("tea", 4))).publication.sequence == 2
    assert found(lake.state(duck, RAW_PRICE, through=SATURDAY), duck) == [("tea", 4)]


def test_a_file_of_many_days_tells_again_what_single_days_told_before(lake: Lake, duck: Backend) -> None:
    lake.write(duck, RAW_PRICE, SATURDAY, prices(("tea", 3)))
    lake.write(duck, RAW_PRICE, SATURDAY, prices(("tea", 4)))
    lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 1), (SATURDAY, "tea", 5)))
    assert found(lake.state(duck, RAW_PRICE, through=SATURDAY), duck) == [("tea", 5)]


def test_a_day_that_must_be_published_without_rows_is_a_file_of_its_own(lake: Lake, duck: Backend) -> None:
    written = lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 2), (SATURDAY, "tea", 3)), always=MONDAY)
    assert written[MONDAY].publication.is_of_one_day and written[MONDAY].rows == 0
    assert lake.newest("raw_shop__price") == MONDAY
    assert lake.newest("raw_shop__price", through=SUNDAY) == SATURDAY


def test_a_repeated_key_in_one_of_many_days_publishes_none_of_them(lake: Lake, duck: Backend) -> None:
    rows = daily((FRIDAY, "tea", 2), (SATURDAY, "tea", 3), (SATURDAY, "tea", 4))
    with pytest.raises(NotOfTheTable, match=r"raw_shop__price: 1 of 2 rows repeat the key \(product\)"):
        lake.write_days(duck, RAW_PRICE, rows)
    assert lake.tables() == []


def test_the_fingerprint_of_a_day_does_not_change_with_files_of_later_days(lake: Lake, duck: Backend) -> None:
    lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 2), (SATURDAY, "tea", 3)))
    before = lake.fingerprint([RAW_PRICE], through=FRIDAY)
    lake.write_days(duck, RAW_PRICE, daily((SATURDAY, "tea", 4), (SUNDAY, "tea", 5)))
    assert lake.fingerprint([RAW_PRICE], through=FRIDAY) == before
    lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "tea", 1), (SUNDAY, "tea", 6)))
    assert lake.fingerprint([RAW_PRICE], through=FRIDAY) != before


def test_an_interrupted_write_leaves_nothing_a_reader_sees(lake: Lake, duck: Backend) -> None:
    broken = prices(("tea", 2)).mutate(price_eur=ibis.literal("no number").cast("float64"))
    with pytest.raises(Exception, match="no number"):
        lake.write(duck, PRICE, FRIDAY, broken)
    assert lake.partitions("price") == []


def test_an_unfinished_staging_file_is_not_seen(lake: Lake) -> None:
    with pytest.raises(RuntimeError, match="cut"), lake.stage("crm/contact.ndjson") as file:
        file.write(b"half")
        raise RuntimeError("cut")
    assert lake.staged("crm") == []


def test_any_fsspec_url_is_a_lake() -> None:
    lake = Lake("memory://bucket/lake")
    with engine() as duck:
        lake.write(duck, RAW_PRICE, FRIDAY, prices(("tea", 2)))
        lake.write_days(duck, RAW_PRICE, daily((FRIDAY, "cup", 5), (SATURDAY, "pot", 9)))
        assert [p for p, _ in found(lake.state(duck, RAW_PRICE, through=FRIDAY), duck)] == ["cup", "tea"]
        assert lake.partitions("raw_shop__price") == [FRIDAY, SATURDAY]
        assert not lake.write(duck, RAW_PRICE, SATURDAY, prices(("pot", 9))).changed
        assert lake.tables() == ["raw_shop__price"]


def test_a_full_disk_tears_no_partition_and_leaves_nothing_beside_it(duck: Backend, tmp_path: Path) -> None:
    with little_room(tmp_path / "disk", kilobytes=100) as fill:
        lake = Lake(f"{tmp_path}/disk/lake")
        lake.write(duck, PRICE, FRIDAY, prices(("tea", 2), ("cup", 5)))
        there = sorted(path for path in (tmp_path / "disk/lake").rglob("*") if path.is_file())
        many = prices(*((f"product {n}", n) for n in range(2_000)))
        make_room = fill()
        try:
            with pytest.raises(Exception, match="No space left|File too large"):
                lake.write(duck, PRICE, FRIDAY, many)
        finally:
            make_room()
        assert sorted(path for path in (tmp_path / "disk/lake").rglob("*") if path.is_file()) == there
        assert [p for p, _ in found(lake.read(duck, PRICE, FRIDAY), duck)] == ["cup", "tea"]
        assert lake.write(duck, PRICE, FRIDAY, many).changed
