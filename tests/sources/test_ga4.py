"""Google Analytics 4's export: tables of the property's days that come late and are written again."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from staging import FRIDAY, staged

from audience.core.connection import Connection
from audience.core.errors import SourceUnavailable
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.sources.contract import Extraction, extract
from audience.sources.ga4 import SOURCE, tidy_event


def event(at: str = "2026-11-20T08:00:00+00:00", name: str = "page_view", **more: Any) -> Any:
    micros = int(datetime.fromisoformat(at).timestamp()) * 1_000_000
    return {"event_timestamp": str(micros), "event_name": name, "user_pseudo_id": "1.2", **more}


def params(**values: Any) -> list[Any]:
    kinds = {str: "string_value", int: "int_value", float: "double_value"}
    return [{"key": key, "value": {kinds[type(value)]: value}} for key, value in values.items()]


def rows(record: Any) -> list[dict[str, Any]]:
    return [row for _, row in tidy_event(record)]


def export(folder: Path, table: str, *events: Any) -> None:
    (folder / f"{table}.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))


def read(lake: Lake, folder: Path, day: Partition = FRIDAY) -> Extraction:
    return extract(SOURCE, Connection("ga4", f"file://{folder}"), lake, first=day, last=day)


def test_intraday_tables_are_not_read(lake: Lake, tmp_path: Path) -> None:
    export(tmp_path, "events_20261120", event())
    export(tmp_path, "events_intraday_20261120", event("2026-11-20T09:00:00+00:00"))
    assert read(lake, tmp_path).rows["web_event"] == 1


def test_a_table_that_is_not_exported_yet_is_late(lake: Lake, tmp_path: Path) -> None:
    export(tmp_path, "events_20261119", event("2026-11-19T09:00:00+00:00"))
    with pytest.raises(SourceUnavailable, match=r"^ga4: no file events_20261120\* yet$"):
        read(lake, tmp_path)


def test_an_event_that_comes_up_to_three_days_late_lands_in_its_day(lake: Lake, tmp_path: Path) -> None:
    for day in ("17", "18", "19", "20"):
        export(tmp_path, f"events_202611{day}", event(f"2026-11-{day}T23:00:00+00:00"))
    found = staged(lake, read(lake, tmp_path), "web_event")
    assert [row["_day"] for row in found] == ["2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"]


def test_a_day_in_utc_ends_in_another_table_than_the_propertys_day(lake: Lake, tmp_path: Path) -> None:
    """Europe/Paris: the table of Saturday begins at 23:00 UTC on Friday, and comes a day after that of Friday."""
    export(tmp_path, "events_20261120", event("2026-11-19T23:00:00+00:00"), event("2026-11-20T22:59:59+00:00"))
    friday = [row["_day"] for row in staged(lake, read(lake, tmp_path), "web_event")]
    export(tmp_path, "events_20261121", event("2026-11-20T23:00:00+00:00"), event("2026-11-21T22:59:59+00:00"))
    saturday = [row["_day"] for row in staged(lake, read(lake, tmp_path, FRIDAY.next), "web_event")]
    assert friday == ["2026-11-19", "2026-11-20"]
    assert saturday == ["2026-11-19", "2026-11-20", "2026-11-20", "2026-11-21"]


def test_the_same_event_has_the_same_identifier_in_json_and_in_parquet() -> None:
    text, number = event(batch_event_index="3"), event(batch_event_index=3, batch_page_id=None)
    number["event_timestamp"] = int(number["event_timestamp"])
    assert [r["event_id"] for r in rows(text)] == [r["event_id"] for r in rows(number)]


def test_two_events_of_one_request_have_two_identifiers() -> None:
    first, second = event(batch_event_index=1), event(batch_event_index=2)
    assert rows(first)[0]["event_id"] != rows(second)[0]["event_id"]


def test_an_identifier_does_not_hold_the_cookie() -> None:
    (row,) = rows(event(event_params=params(ga_session_id=7)))
    assert "1.2" not in row["event_id"] + row["session_id"]


@pytest.mark.parametrize(("storage", "visitor"), [("Yes", "1.2"), ("Unset", "1.2"), (None, "1.2"), ("No", None)])
def test_where_analytics_storage_is_refused_nobody_is_told_apart(storage: str | None, visitor: str | None) -> None:
    record = event(user_id="U-1", event_params=params(ga_session_id=7), privacy_info={"analytics_storage": storage})
    (row,) = rows(record)
    assert row["visitor_id"] == visitor
    assert [row[n] is None for n in ("record_id", "session_id")] == [visitor is None] * 2


@pytest.mark.parametrize(
    ("name", "type_"),
    [("view_item", "product_view"), ("user_engagement", "time_on_page"), ("file_download", "download"),
     ("begin_checkout", "checkout"), ("form_submit", "form"), ("our_own_event", "other")],
)  # fmt: skip
def test_events_are_named_as_web_events(name: str, type_: str) -> None:
    assert [row["type"] for row in rows(event(name=name))] == [type_]


@pytest.mark.parametrize("name", ["session_start", "first_visit", "first_open"])
def test_events_that_repeat_another_give_none(name: str) -> None:
    assert rows(event(name=name)) == []


def test_a_download_is_of_the_file_not_of_the_page() -> None:
    where = params(page_location="https://shop.example/guides", link_url="https://shop.example/tea.pdf?for=x")
    assert rows(event(name="file_download", event_params=where))[0]["path"] == "/tea.pdf"


def test_a_purchase_is_one_event_whatever_was_bought() -> None:
    items = [{"item_id": "P-7", "price": 1.0}, {"item_id": "P-8", "price": 2.0}]
    (row,) = rows(event(name="purchase", items=items, event_params=params(value=3.0, currency="EUR")))
    assert (row["value_eur"], row.get("product_id")) == (3.0, None)


def test_the_value_of_a_product_is_exact() -> None:
    items = [{"item_id": "P-7", "price": 0.1, "quantity": "3"}, {"item_id": "P-8", "price": 9.0, "quantity": 0}]
    found = rows(event(name="add_to_cart", items=items, event_params=params(currency="EUR")))
    assert [row["value_eur"] for row in found] == ["0.3", "0.0"]


def test_a_value_in_another_currency_says_which_and_one_in_none_is_not_known() -> None:
    (row,) = rows(event(name="purchase", event_params=params(value=3.0, currency="USD")))
    assert (row["value_eur"], row["currency"]) == (3.0, "USD")
    assert "value_eur" not in rows(event(name="purchase", event_params=params(value=3.0)))[0]
