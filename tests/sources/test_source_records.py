"""A record that cannot be used is set aside as it came, with a reason that holds none of its values."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from staging import FRIDAY, KIOSK, Item, a_source, extracted, staged

from audience.core.errors import DeclarationError
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.sources.contract import Row, Source
from audience.sources.newsletter import tidy_event
from audience.sources.shop import SOURCE as SHOP
from audience.sources.shop import tidy_order

CUP = {"id": "p1", "title": "cup", "at": "2026-11-20T08:00:00Z"}


def reasons(lake: Lake, record: Any, **how: Any) -> list[str]:
    return [r["reason"] for r in staged(lake, extracted(lake, [record], **how), "_broken")]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"id": "p1", "at": CUP["at"]}, "items: no field 'title'"),
        ({"id": "p1", "title": "cup"}, "items: no field 'at'"),
        ({"id": 7, "at": CUP["at"]}, "items: id: expected text, found whole number"),
        (CUP | {"at": "2026-11-20T08:00:00"}, "items: at has no time zone"),
        (CUP | {"at": "ana@secret.example"}, "items: ValueError"),
        (CUP | {"at": None}, "items: at: expected text, found null"),
        (CUP | {"title": 10**30}, "items: TypeError"),
        (CUP | {"title": "half a pair \ud800"}, "items: TypeError"),
        (CUP | {"title": "x" * (5 << 20)}, "items: a row is too long"),
        (["ana@secret.example"], "items: the record: expected object, found list"),
        ("ana@secret.example", "items: the record: expected object, found text"),
        (None, "items: the record: expected object, found null"),
    ],
)
def test_a_record_that_cannot_be_used_goes_to_the_broken_file_with_its_reason(
    lake: Lake, record: Any, reason: str
) -> None:
    extraction = extracted(lake, [record, CUP])
    (broken,) = staged(lake, extraction, "_broken")
    assert broken["reason"] == reason
    assert [r["product_id"] for r in staged(lake, extraction, "product")] == ["p1"]
    assert extraction.rows == {"product": 1, "_broken": 1}


def test_a_broken_record_is_kept_as_it_came_in_the_day_of_its_change(lake: Lake) -> None:
    record = {"id": "p1", "at": "2026-11-19T08:00:00Z", "note": "café 😀"}
    extraction = extracted(lake, [record], first=FRIDAY.plus(-3))
    (broken,) = staged(lake, extraction, "_broken")
    assert json.loads(broken["row"]) == record
    assert broken["_day"] == "2026-11-19"


def test_a_record_that_is_nested_too_deeply_is_kept_as_far_as_it_can_be_and_not_replayed(lake: Lake) -> None:
    deep: Any = "bottom"
    for _ in range(5_000):
        deep = [deep]
    (broken,) = staged(lake, extracted(lake, [CUP | {"note": deep}]), "_broken")
    assert broken["reason"] == "items: TypeError"
    assert broken["kind"] == "unreadable"
    assert json.loads(broken["row"]) | {"note": None} == CUP | {"note": None}


def test_a_record_of_unknown_day_is_set_aside_in_the_last_day_of_the_window(lake: Lake) -> None:
    (broken,) = staged(lake, extracted(lake, [{"id": "p1"}], first=FRIDAY.plus(-3)), "_broken")
    assert broken["_day"] == "2026-11-20"


def test_positions_count_the_rows_of_a_stream_broken_ones_included(lake: Lake) -> None:
    extraction = extracted(lake, [CUP, {"id": "p2"}, CUP])
    places = {e: [r["_position"] for r in staged(lake, extraction, e)] for e in ("product", "_broken")}
    assert places == {"product": [0, 2], "_broken": [1]}


def test_nothing_of_a_record_is_staged_when_its_second_row_is_broken(lake: Lake) -> None:
    def tidy(record: Item) -> Iterator[Row]:
        yield "product", {"product_id": record["id"], "updated_at": record["at"]}
        yield "product", {"product_id": record["other"], "updated_at": record["at"]}

    extraction = extracted(lake, [CUP], tidy=tidy)
    assert extraction.rows == {"product": 0, "_broken": 1}


def test_a_tidy_that_yields_an_unknown_column_is_told_the_nearest_one(lake: Lake) -> None:
    def tidy(record: Item) -> Iterator[Row]:
        yield "product", {"product_id": record["id"], "titel": record["title"], "updated_at": record["at"]}

    with pytest.raises(DeclarationError, match="stream items: tidy yields product with 'titel'; did you mean 'title'"):
        extracted(lake, [CUP], tidy=tidy)
    assert lake.staged("kiosk/2026-11-20_2026-11-20") == []


def test_a_tidy_that_yields_an_undeclared_entity_is_told_the_declared_ones(lake: Lake) -> None:
    def tidy(record: Item) -> Iterator[Row]:
        yield "contact", {"record_id": record["id"]}

    with pytest.raises(DeclarationError, match="stream items: tidy yields 'contact'; known: product"):
        extracted(lake, [CUP], tidy=tidy)


def test_a_stream_of_an_entity_that_does_not_exist_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(DeclarationError, match="stream items: no entity 'prodcut'; did you mean 'product'"):
        a_source([], entities=("prodcut",))


@pytest.mark.parametrize("name", ["Shop", "web__shop", "1shop", "web-shop", ""])
def test_a_source_name_must_fit_tables_and_connections(name: str) -> None:
    with pytest.raises(DeclarationError, match="expected a name such as"):
        Source(name, "x", system=KIOSK, streams=SHOP.streams)


def test_a_source_without_streams_is_refused() -> None:
    with pytest.raises(DeclarationError, match="source shop: found no stream"):
        Source("shop", "x", system=KIOSK, streams=())


def test_a_cursor_with_another_zone_is_read_in_utc() -> None:
    stream = a_source([]).streams[0]
    assert stream.moment({"at": "2026-11-21T00:30:00+02:00"}) in Partition.parse("2026-11-20").window


def test_an_order_in_another_currency_says_which_and_its_lines_say_when() -> None:
    line = {"line": 1, "product_id": "P-1", "quantity": 1, "amount": "31.50", "discount": "0.00"}
    order: Any = {"id": "O-1", "customer_id": None, "email": None, "created_at": CUP["at"], "status": "paid", "total": "31.50",
                  "discount": "0.00", "coupon_used": False, "updated_at": CUP["at"], "lines": [line]}  # fmt: skip
    told = [[r.get("currency") for _, r in tidy_order(order | {"currency": code})] for code in ("EUR", "USD")]
    assert told == [[None, None], ["USD", "USD"]]
    assert [r["ordered_at"] for _, r in tidy_order(order | {"currency": "USD"})] == [CUP["at"]] * 2


def test_an_unknown_kind_of_event_is_left_for_admission_to_refuse() -> None:
    record = {"id": "E-1", "event": "deferred", "email": "ana@secret.example", "campaign_id": "c", "user_agent": None}
    ((entity, row),) = tidy_event(record | {"occurred_at": CUP["at"], "received_at": CUP["at"]})
    assert (entity, row["type"]) == ("event", "deferred")
