"""What a person does about refused rows from the command line; a value is seen only by somebody who asked for it."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.tables import quarantine, raw
from audience.core.warehouse import Warehouse
from cli.conftest import Command
from rows import FRIDAY, rows_of

ROW = {"product_id": "p1", "title": "Ana's mug", "updated_at": "2026-11-20T08:00:00Z"}
REASON = "updated_at: not of type instant"


@pytest.fixture
def lake(stores: Path, duck: Backend) -> Lake:
    """A lake in which the shop has one row that passes by now, and one that does not."""
    lake = Lake.at(stores)
    place = {"entity": "product", "stream": "products", "kind": "row", "reason": REASON}
    rows = [ROW, ROW | {"product_id": "p2", "updated_at": "never"}]
    kept = [place | {"position": n, "row": json.dumps(row)} for n, row in enumerate(rows)]
    lake.write(duck, quarantine("shop"), FRIDAY, rows_of(quarantine("shop"), kept))
    return lake


def test_open_rows_are_counted(audience: Command, lake: Lake) -> None:
    lines = audience("quarantine", "list").out.splitlines()
    assert [line.split("  ") for line in lines[1:] if line] and lines[0] == "Quarantine"
    assert lines[2].split() == ["shop", FRIDAY.key, "product", *REASON.split(), "2"]
    assert audience("quarantine", "list", "crm").out == "Quarantine\n  none\n"
    assert audience("quarantine", "list", "--partition", "2026-11-19").out == "Quarantine\n  none\n"


def test_values_are_shapes_until_somebody_asks_for_them(audience: Command, lake: Lake, warehouse: Warehouse) -> None:
    first, _ = (json.loads(line) for line in audience("quarantine", "show", "shop").out.splitlines())
    assert first["row"] == {"product_id": "x9", "title": "xxx'x xxx", "updated_at": "9999-99-99x99:99:99x"}
    (revealed,) = audience("quarantine", "show", "shop", "--most", "1", "--reveal").out.splitlines()
    assert json.loads(revealed)["row"] == ROW
    with warehouse.begin() as connection:
        assert connection.execute(sa.text("SELECT rows FROM ops.quarantine_reveal")).scalars().all() == [1]


def test_what_passes_lands_and_what_does_not_stays(audience: Command, lake: Lake, duck: Backend) -> None:
    said = audience("quarantine", "replay", "shop").out.splitlines()
    assert said == [
        "shop: landed 1, superseded 0, refused again 1, unreadable 0",
        "  loaded product: 1",
        f"  still refused: 1 x {REASON}",
        "  days changed: 2026-11-20",
    ]
    rows = lake.state(duck, raw("shop", "product"), through=FRIDAY)
    assert [r["product_id"] for r in duck.to_pyarrow(rows).to_pylist()] == ["p1"]


def test_rows_are_given_up_with_a_reason(audience: Command, lake: Lake) -> None:
    assert audience("quarantine", "discard", "shop").code == 2
    assert audience("quarantine", "discard", "shop", "--why", "a test shop").out == "shop: discarded 2\n"
    assert audience("quarantine", "list").out == "Quarantine\n  none\n"


def test_a_source_file_that_is_not_there_cannot_be_replayed(audience: Command, lake: Lake) -> None:
    ended = audience("quarantine", "replay", "shob")
    assert ended.code == 1
    assert "did you mean 'shop'?" in ended.err
