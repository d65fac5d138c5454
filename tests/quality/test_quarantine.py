"""What was refused is kept, shown without its values, and lands when its source was mended; nothing is ever erased."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend
from typing_extensions import TypedDict

from audience import steps
from audience.core.connection import Connection
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.settings import Settings
from audience.core.tables import FEATURES, quarantine, raw
from audience.core.warehouse import Warehouse
from audience.house import House
from audience.quality import quarantine as kept
from audience.quality.publication import publish
from audience.quality.quarantine import Chosen
from audience.quality.replay import Replayed
from audience.sources.contract import Row, Source, Stream, Unusable, bearer, extract, rest
from key import KEY
from rows import FRIDAY, NOON, land, rows_of

ANA = "ana@mailbox.example"
KIOSK = Chosen("kiosk")
THURSDAY = FRIDAY.previous


class Item(TypedDict):
    id: str
    title: str
    at: str


def tidy_item(record: Item) -> Iterator[Row]:
    yield "product", {"product_id": record["id"], "title": record["title"], "updated_at": record["at"]}


class Basket(TypedDict):
    id: str
    at: str
    lines: list[Any]


def tidy_basket(record: Basket) -> Iterator[Row]:
    for n, product in enumerate(record["lines"], 1):
        yield "order_line", a_line(record["id"], n, product)
    yield "order", {"order_id": record["id"], "email": ANA, "ordered_at": record["at"], "status": "paid", "total_eur": 9,
                    "discount_eur": 0, "has_coupon": False, "updated_at": record["at"]}  # fmt: skip


def a_line(order: str, number: int, product: str, amount: Any = 9) -> dict[str, Any]:
    return {"order_id": order, "line": number, "product_id": product, "quantity": 1, "amount_eur": amount,
            "discount_eur": 0}  # fmt: skip


def a_stream(name: str, tidy: Callable[[Any], Iterator[Row]], *entities: str) -> Stream:
    return Stream(name, lambda _api, _window: [], tidy, entities=entities, cursor="at")


MENDED = Source(
    "kiosk", "Kiosk", system=rest("kiosk", "Kiosk", auth=bearer),
    streams=(a_stream("items", tidy_item, "product"), a_stream("baskets", tidy_basket, "order", "order_line")),
)  # fmt: skip


@pytest.fixture
def house(tmp_path: Path, lake: Lake, warehouse: Warehouse) -> House:
    settings = Settings.read({"AUDIENCE_HOME": str(tmp_path), "AUDIENCE_PSEUDONYM_KEY": KEY.reveal()})
    return House(settings, lake, warehouse, lambda name: Connection(name, "http://127.0.0.1:9"))


@pytest.fixture
def replay(house: House) -> Callable[..., Replayed]:
    def again(*, source: Source = MENDED, **chosen: Any) -> Replayed:
        return steps.replay_of(house, source, Chosen("kiosk", **chosen), by="ana")

    return again


@pytest.fixture
def listed(house: House) -> Callable[[], dict[tuple[str, str, str], int]]:
    """Open rows by day, entity and reason."""

    def rows() -> dict[tuple[str, str, str], int]:
        with house.engine() as session, house.warehouse.begin() as connection:
            found = kept.listed(house.lake, session, connection, KIOSK)
        return {(r["partition"], r["entity"], r["reason"]): r["rows"] for r in found}

    return rows


def set_aside(lake: Lake, duck: Backend, *rows: dict[str, Any], day: Partition = FRIDAY) -> None:
    """Quarantines rows as an extraction of the day would."""
    table = quarantine("kiosk")
    whole = [
        {"entity": "product", "stream": "items", "position": n, "kind": "record", "reason": "items: no field 'id'"}
        | row
        | {"row": json.dumps(row["row"])}
        for n, row in enumerate(rows)
    ]
    lake.write(duck, table, day, rows_of(table, whole))


def item(id_: Any = "p1", at: Any = "2026-11-20T08:00:00Z", **more: Any) -> dict[str, Any]:
    return {"id": id_, "title": f"title of {id_}", "at": at} | more


def a_row(product: str, **more: Any) -> dict[str, Any]:
    """A refused row, as admission keeps it: every field, as a text."""
    row = {"product_id": product, "title": "t", "updated_at": "2026-11-20T08:00:00Z"} | more
    return {"kind": "row", "reason": "updated_at: not of type instant", "row": row}


def products(lake: Lake, duck: Backend, *, through: Partition = FRIDAY) -> dict[str, str]:
    rows = lake.state(duck, raw("kiosk", "product"), through=through)
    return {r["product_id"]: r["title"] for r in duck.to_pyarrow(rows).to_pylist()}


def decided(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    query = "SELECT position, decision, why, decided_by FROM ops.quarantine_decision ORDER BY partition, generation, position"
    with warehouse.begin() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def landing(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    query = (
        "SELECT entity, partition::text, taken, loaded, quarantined, superseded, reasons FROM ops.landing ORDER BY 1, 2"
    )
    with warehouse.begin() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def files(lake: Lake) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in Path(lake.root).rglob("*.parquet")}


# -- replaying ---------------------------------------------------------------------------------------------------------


def test_a_record_that_can_be_tidied_now_lands_in_the_day_on_which_it_changed(
    lake: Lake, duck: Backend, warehouse: Warehouse, replay: Any, listed: Any
) -> None:
    set_aside(lake, duck, {"row": item("p1")}, {"row": item("p2", at="2026-11-18T08:00:00Z")})
    became = replay()
    assert (became.replayed, became.refused, became.loaded) == (2, {}, {"product": 2})
    assert became.changed == (FRIDAY.plus(-2), FRIDAY)
    assert products(lake, duck, through=THURSDAY) == {"p2": "title of p2"}
    assert products(lake, duck) == {"p1": "title of p1", "p2": "title of p2"}
    assert listed() == {}
    assert decided(warehouse) == [(0, "replayed", "", "ana"), (1, "replayed", "", "ana")]


def test_a_row_that_is_admitted_now_lands_in_its_partition(lake: Lake, duck: Backend, replay: Any, listed: Any) -> None:
    set_aside(lake, duck, a_row("p1", title='say "hi", née 😀'), day=THURSDAY)
    assert replay().changed == (THURSDAY,)
    assert products(lake, duck) == {"p1": 'say "hi", née 😀'}
    assert listed() == {}


def test_what_fails_stays_with_its_new_reason(
    lake: Lake, duck: Backend, warehouse: Warehouse, replay: Any, listed: Any
) -> None:
    set_aside(lake, duck, {"row": item(7)}, {"row": item("p2", at="never")}, a_row("p3", updated_at="never"))
    became = replay()
    new = {
        "items: id: expected text, found whole number": 1,
        "items: ValueError": 1,
        "updated_at: not of type instant": 1,
    }
    assert became.refused == new and became.replayed == 0
    assert listed() == {(FRIDAY.key, "product", reason): rows for reason, rows in new.items()}
    assert [(d[1], d[2]) for d in decided(warehouse)] == [
        ("refused", "items: id: expected text, found whole number"), ("refused", "items: ValueError"),
    ]  # fmt: skip


def test_doing_it_twice_changes_nothing(
    lake: Lake, duck: Backend, warehouse: Warehouse, replay: Any, listed: Any
) -> None:
    set_aside(lake, duck, {"row": item("p1")}, {"row": item(7)}, a_row("p2"))
    replay()
    before = (files(lake), decided(warehouse), landing(warehouse), listed())
    again = replay()
    assert (again.replayed, again.changed, again.loaded) == (0, (), {})
    assert (files(lake), decided(warehouse), landing(warehouse), listed()) == before


def test_only_the_chosen_days_and_reasons_are_replayed(lake: Lake, duck: Backend, replay: Any) -> None:
    set_aside(lake, duck, {"row": item("p1", at="2026-11-19T08:00:00Z")}, day=THURSDAY)
    set_aside(lake, duck, {"row": item("p2")}, a_row("p3"))
    replay(first=FRIDAY, last=FRIDAY, reason="no field")
    assert products(lake, duck) == {"p2": "title of p2"}


def test_a_record_lands_with_all_of_its_rows_or_stays(lake: Lake, duck: Backend, replay: Any, listed: Any) -> None:
    basket = {"id": "o1", "at": "2026-11-20T08:00:00Z", "lines": ["p1", None]}
    set_aside(lake, duck, {"entity": "order", "stream": "baskets", "row": basket})
    assert replay().refused == {"product_id: missing": 1}
    assert [t for t in lake.tables() if t.startswith("raw_") and lake.partitions(t)] == []
    assert listed() == {(FRIDAY.key, "order", "product_id: missing"): 1}


def test_a_row_that_the_partition_already_has_in_a_later_version_is_superseded(
    lake: Lake, duck: Backend, warehouse: Warehouse, replay: Any, listed: Any
) -> None:
    for product, at in (("p1", NOON), ("p2", NOON.replace(hour=6))):
        land(lake, duck, "product", {"product_id": product, "title": "there", "updated_at": at}, source="kiosk")
    set_aside(lake, duck, {"row": item("p1")}, {"row": item("p2")})
    became = replay()
    assert (became.replayed, became.superseded) == (1, 1)
    assert products(lake, duck) == {"p1": "there", "p2": "title of p2"}
    assert [d[1] for d in decided(warehouse)] == ["superseded", "replayed"]
    assert listed() == {}


def test_a_version_of_a_later_day_stays_the_state(lake: Lake, duck: Backend, replay: Any) -> None:
    land(lake, duck, "product", {"product_id": "p1", "title": "there"}, source="kiosk")
    set_aside(lake, duck, {"row": item("p1", at="2026-11-19T08:00:00Z")}, day=THURSDAY)
    replay()
    assert products(lake, duck, through=THURSDAY) == {"p1": "title of p1"}
    assert products(lake, duck) == {"p1": "there"}


def test_a_refused_line_lands_beside_the_other_lines_of_its_order(lake: Lake, duck: Backend, replay: Any) -> None:
    land(lake, duck, "order_line", a_line("o1", 1, "p1"), a_line("o2", 1, "p1"), source="kiosk")
    line = {n: str(v) for n, v in a_line("o1", 2, "p2").items()}
    set_aside(lake, duck, {"kind": "row", "entity": "order_line", "stream": "baskets", "row": line})
    assert replay().loaded == {"order_line": 1}
    rows = duck.to_pyarrow(lake.state(duck, raw("kiosk", "order_line"), through=FRIDAY)).to_pylist()
    assert sorted((r["order_id"], r["line"]) for r in rows) == [("o1", 1), ("o1", 2), ("o2", 1)]


def test_a_later_version_of_an_order_lands_with_its_own_lines_only(lake: Lake, duck: Backend, replay: Any) -> None:
    order = {"order_id": "o1", "updated_at": NOON.replace(hour=6)}
    land(lake, duck, "order", order, source="kiosk")
    land(lake, duck, "order_line", a_line("o1", 1, "p1"), a_line("o1", 2, "p2"), source="kiosk")
    basket = {"id": "o1", "at": "2026-11-20T08:00:00Z", "lines": ["p9"]}
    set_aside(lake, duck, {"entity": "order", "stream": "baskets", "row": basket})
    assert replay().replayed == 1
    rows = duck.to_pyarrow(lake.state(duck, raw("kiosk", "order_line"), through=FRIDAY)).to_pylist()
    assert [(r["line"], r["product_id"]) for r in rows] == [(1, "p9")]


def test_a_record_that_changed_after_its_partition_stays_so_that_the_past_does_not_know_the_future(
    lake: Lake, duck: Backend, replay: Any
) -> None:
    set_aside(lake, duck, {"row": item("p1")}, day=THURSDAY)
    assert replay().refused == {"items: changed after the partition that it waits in": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"stream": "gone", "row": item()}, "kiosk has no stream 'gone' any more"),
        ({"row": "a text"}, "items: the record: expected object, found text"),
        ({"row": None}, "items: the record: expected object, found null"),
    ],
)
def test_what_is_no_record_of_the_source_stays(
    lake: Lake, duck: Backend, replay: Any, row: dict[str, Any], reason: str
) -> None:
    set_aside(lake, duck, row)
    assert replay().refused == {reason: 1}


def test_what_could_not_be_read_waits_for_another_extraction(
    lake: Lake, duck: Backend, warehouse: Warehouse, replay: Any, listed: Any
) -> None:
    set_aside(lake, duck, {"kind": "unreadable", "reason": "items: has 3 fields", "row": {"line": 7, "text": "a;b;c"}})
    assert replay().unreadable == 1
    assert listed() == {(FRIDAY.key, "product", "items: has 3 fields"): 1}
    assert decided(warehouse) == []


def test_rows_that_landed_before_a_crash_are_found_and_counted_once(
    lake: Lake, duck: Backend, house: House, replay: Any, listed: Any
) -> None:
    set_aside(lake, duck, {"row": item("p1")}, a_row("p2"))
    replay()
    before = files(lake), landing(house.warehouse)
    with house.warehouse.begin() as connection:  # as if the transaction had been rolled back after the rows landed
        connection.execute(sa.text("TRUNCATE ops.quarantine_decision, ops.landing"))
    again = replay()
    assert (again.replayed, again.superseded, again.changed) == (2, 0, ())
    assert (files(lake), landing(house.warehouse)) == before
    assert listed() == {}


def test_the_same_row_refused_by_two_extractions_is_one_open_row(
    lake: Lake, duck: Backend, replay: Any, listed: Any
) -> None:
    set_aside(lake, duck, {"row": item("p1")})
    set_aside(lake, duck, {"row": item(8)}, {"row": item("p1")})
    assert sum(listed().values()) == 2
    replay()
    set_aside(lake, duck, {"row": item("p1")}, {"row": item(9)})
    assert sum(listed().values()) == 2, "7 of the second and 9 of the third; p1 has landed"


def test_the_numbers_of_the_landing_move_with_the_rows(
    lake: Lake, duck: Backend, warehouse: Warehouse, replay: Any
) -> None:
    basket = {"id": "o1", "at": "2026-11-20T08:00:00Z", "lines": ["p1", "p2"]}
    set_aside(
        lake, duck, {"row": item("p1")}, {"row": item(7)},
        {"entity": "order", "stream": "baskets", "reason": "baskets: no field 'id'", "row": basket},
    )  # fmt: skip
    with warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO ops.landing (source, entity, partition, taken, loaded, quarantined, superseded, reasons, content_hash)"
                """ VALUES ('kiosk', 'product', '2026-11-20', 12, 9, 2, 1, '{"items: no field ''id''": 2}', ''),"""
                """ ('kiosk', 'order', '2026-11-20', 1, 0, 1, 0, '{"baskets: no field ''id''": 1}', '')"""
            )
        )
    replay()
    assert landing(warehouse) == [
        ("order", "2026-11-20", 1, 1, 0, 0, {}),
        ("order_line", "2026-11-20", 2, 2, 0, 0, {}),
        ("product", "2026-11-20", 12, 10, 1, 1, {"items: id: expected text, found whole number": 1}),
    ]


# -- looking and discarding --------------------------------------------------------------------------------------------


def shown(house: House, **how: Any) -> list[dict[str, Any]]:
    with house.engine() as session, house.warehouse.begin() as connection:
        return kept.shown(house.lake, session, connection, KIOSK, **{"most": 10} | how)


def test_rows_are_shown_by_the_shape_of_their_values(lake: Lake, duck: Backend, house: House) -> None:
    set_aside(lake, duck, {"row": {"who": ANA, "phone": 33612345678, "tags": ["vip", None, True], ANA: "Zoé"}})
    (one,) = shown(house)
    assert one["row"] == {"who": "xxx@xxxxxxx.xxxxxxx", "phone": "99999999999", "tags": ["xxx", None, True],
                          "xxx@xxxxxxx.xxxxxxx": "xxx"}  # fmt: skip
    assert (one["partition"], one["stream"], one["position"], one["reason"]) == (
        FRIDAY.key, "items", 0, "items: no field 'id'",
    )  # fmt: skip


def test_who_was_shown_the_values_is_recorded(lake: Lake, duck: Backend, house: House) -> None:
    set_aside(lake, duck, {"row": item("p1")}, {"row": item(ANA)})
    assert [one["row"]["id"] for one in shown(house, reveal_to="zoe", most=1)] == ["p1"]
    with house.warehouse.begin() as connection:
        seen = connection.execute(
            sa.text("SELECT source, first::text, last::text, rows, shown_to FROM ops.quarantine_reveal")
        )
        assert [tuple(row) for row in seen] == [("kiosk", FRIDAY.key, FRIDAY.key, 1, "zoe")]


def test_discarded_rows_are_kept_and_not_open(
    lake: Lake, duck: Backend, house: House, replay: Any, listed: Any
) -> None:
    set_aside(lake, duck, {"row": item("p1")}, {"row": item("p2"), "reason": "items: a test"})
    before = files(lake)
    assert steps.discard(house, "kiosk", by="zoe", why="rows of a test", reason="a test") == 1
    assert listed() == {(FRIDAY.key, "product", "items: no field 'id'"): 1}
    assert decided(house.warehouse) == [(1, "discarded", "rows of a test", "zoe")]
    assert files(lake) == before
    replay()
    assert products(lake, duck) == {"p1": "title of p1"}


def test_a_source_without_quarantine_has_nothing_to_do(house: House, replay: Any, listed: Any) -> None:
    assert listed() == {}
    assert replay().replayed == 0
    assert kept.sources(house.lake) == []


def test_sources_with_a_quarantine_are_found(lake: Lake, duck: Backend) -> None:
    set_aside(lake, duck, {"row": item("p1")})
    assert kept.sources(lake) == ["kiosk"]


A_ROW = st.one_of(
    st.builds(
        lambda id_, hour: {"row": item(id_, at=f"2026-11-20T{hour:02}:00:00Z")},
        st.sampled_from(["p1", "p2", "p3", "", None, 7]), st.integers(0, 25),
    ),
    st.builds(lambda id_, title: a_row(id_, title=title), st.sampled_from(["p1", "p4", ""]), st.text(max_size=3)),
    st.just({"kind": "unreadable", "row": {"line": 1}}),
)  # fmt: skip


@examples(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(A_ROW, max_size=9))
def test_every_open_row_ends_in_one_place_and_only_what_landed_is_closed(
    tmp_path_factory: pytest.TempPathFactory, house: House, rows: list[dict[str, Any]]
) -> None:
    house = replace(house, lake=Lake.at(tmp_path_factory.mktemp("lake")))
    with house.warehouse.begin() as connection:
        connection.execute(sa.text("TRUNCATE ops.quarantine_decision, ops.landing"))
    with house.engine() as duck:
        set_aside(house.lake, duck, *rows)
        became = steps.replay_of(house, MENDED, KIOSK, by="ana")
        with house.warehouse.begin() as connection:
            left = sum(r["rows"] for r in kept.listed(house.lake, duck, connection, KIOSK))
        landed = len(products(house.lake, duck)) if became.loaded else 0
    stay = sum(became.refused.values()) + became.unreadable
    assert became.replayed + became.superseded + stay == len(rows)
    assert left == stay
    assert landed == became.loaded.get("product", 0)
    for _, _, taken, loaded, quarantined, superseded, _ in landing(house.warehouse):
        assert taken == loaded + quarantined + superseded


# -- the whole way: extracted, refused, mended, replayed ---------------------------------------------------------------


def tidy_item_with_a_bug(record: Item) -> Iterator[Row]:
    if record["id"] == "p2":
        raise Unusable("id: of a kind that is not known")
    yield from tidy_item(record)


def ingest(house: House, tidy: Callable[[Any], Iterator[Row]], records: list[dict[str, Any]]) -> None:
    """Extracts and publishes Friday from a shop that answers with these records."""
    stream = replace(a_stream("items", tidy, "product"), fetch=lambda _api, _window: iter(records))
    found = extract(
        replace(MENDED, streams=(stream,)), house.connection("kiosk"), house.lake, first=FRIDAY, last=FRIDAY
    )
    with house.engine() as duck:
        publish(
            house.lake, duck, house.warehouse, key=KEY, source="kiosk", folder=found.folder, staged=found.rows,
            last=FRIDAY, keep_result=lambda _: None,
        )  # fmt: skip


def test_a_mended_day_is_as_if_it_had_been_read_right_at_once_and_what_was_computed_from_it_is_stale(
    house: House, duck: Backend, replay: Any, tmp_path: Path
) -> None:
    records = [item("p1"), item("p2"), item("p3"), item("p2", at="2026-11-20T09:00:00Z", title="newer")]
    ingest(house, tidy_item_with_a_bug, records)
    assert landing(house.warehouse)[0][2:6] == (4, 2, 2, 0)
    house.lake.write(duck, FEATURES, FRIDAY, rows_of(FEATURES, []))
    house.lake.note("refresh", FRIDAY, {"input": steps.input_fingerprint(house, FRIDAY)})
    assert steps.stale_days(house) == []

    replay()
    mended = products(house.lake, duck), landing(house.warehouse)
    assert steps.stale_days(house) == [FRIDAY.key]
    clean = replace(house, lake=Lake.at(tmp_path / "clean"))
    ingest(clean, tidy_item, records)
    assert mended == (products(clean.lake, duck), landing(house.warehouse))
    assert mended[0]["p2"] == "newer"
