"""Files that other tools drop: which streams are read, and of which day their rows are."""

from pathlib import Path
from typing import Any

import pytest
from staging import FRIDAY, staged

from audience.core.connection import Connection
from audience.core.errors import SettingsError, SourceUnavailable
from audience.core.lake import Lake
from audience.sources.contract import Extraction, Unusable, extract
from audience.sources.file_drop import SOURCE, tidy_contact

PRODUCTS = "product_id,title,updated_at\nP-7,cup,2026-11-01T08:00:00Z\n"


def dropped(lake: Lake, folder: Path, *, day: Any = FRIDAY, **names: str) -> Extraction:
    return extract(SOURCE, Connection("file_drop", f"file://{folder}", extra=names), lake, first=day, last=day)


def test_a_stream_without_a_name_is_not_read(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "products-2026-11-20.csv").write_text(PRODUCTS)
    extraction = dropped(lake, tmp_path, products="products-{day}.csv")
    assert {entity: rows for entity, rows in extraction.rows.items() if rows} == {"product": 1}


def test_a_folder_of_which_no_stream_is_named_is_a_mistake(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="connection 'file_drop': no '.*' in its extra"):
        dropped(lake, tmp_path)


def test_a_stream_that_is_named_by_day_must_have_a_file_each_day(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"^file_drop: no file products-2026-11-20\.csv yet$"):
        dropped(lake, tmp_path, products="products-{day}.csv")


def test_a_stream_that_is_one_file_is_read_when_it_has_changed(lake: Lake, tmp_path: Path) -> None:
    assert dropped(lake, tmp_path, products="products.csv").rows["product"] == 0


def test_a_row_is_of_the_day_of_its_file_whenever_it_changed(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "products-2026-11-19.csv").write_text(PRODUCTS)
    extraction = dropped(lake, tmp_path, day=FRIDAY.previous, products="products-{day}.csv")
    assert [row["_day"] for row in staged(lake, extraction, "product")] == ["2026-11-19"]


def test_a_file_that_is_dropped_again_a_day_later_is_read_again(lake: Lake, tmp_path: Path) -> None:
    for day in ("2026-11-19", "2026-11-20"):
        (tmp_path / f"products-{day}.csv").write_text(PRODUCTS)
    extraction = dropped(lake, tmp_path, products="products-{day}.csv")
    assert [row["_day"] for row in staged(lake, extraction, "product")] == ["2026-11-19", "2026-11-20"]


def test_a_column_of_another_entity_is_kept_as_an_unknown_one(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "products-2026-11-20.csv").write_text("product_id,email,updated_at\nP-7,x,2026-11-20T08:00:00Z\n")
    extraction = dropped(lake, tmp_path, products="products-{day}.csv")
    (row,) = staged(lake, extraction, "product")
    assert (row["extra"], extraction.added) == ('{"email":"x"}', {"products": ["email"]})


@pytest.mark.parametrize("name", ["created_at", "updated_at"])
def test_an_instant_without_an_offset_could_be_of_another_day(name: str) -> None:
    record: Any = {"record_id": "1", "updated_at": "2026-11-20T08:00:00Z", name: "2026-11-20T08:00:00"}
    with pytest.raises(Unusable, match=f"{name} has no time zone"):
        next(tidy_contact(record))
