"""What a data engineer does about refused rows from Airflow's UI alone: look, land, give up."""

import json

import pytest
import sqlalchemy as sa

from audience import steps
from audience.core.partition import Partition
from audience.core.tables import quarantine, raw
from rows import rows_of
from whole_way.way import Way

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

REASON = "updated_at: not of the form of last week"


def test_a_replay_lands_what_passes_and_wakes_the_refresh_of_the_day_that_became_stale(way: Way) -> None:
    house, day = way.up.house, way.place.backfilled[-1]
    place = {"entity": "product", "stream": "products", "kind": "row", "reason": REASON}
    rows = [{"product_id": "mended", "updated_at": f"{day}T08:00:00Z"}, {"product_id": "lost", "updated_at": "never"}]
    kept = [place | {"position": n, "row": json.dumps(row)} for n, row in enumerate(rows)]
    with house.engine() as duck:
        house.lake.write(duck, quarantine("shop"), Partition.parse(day), rows_of(quarantine("shop"), kept))
    before = way.runs("refresh_audience")
    for dag in ("show_quarantine", "replay_quarantine", "discard_quarantine"):
        way.up.story.airflow.unpause(dag)

    form = {"source": "shop", "first": day, "last": day, "reason": REASON}
    shown = way.trigger("show_quarantine", form | {"most": 1})
    way.wait_for("the rows in the log", lambda: way.succeeded(shown))
    replayed = way.trigger("replay_quarantine", form)
    way.wait_for("the refresh", lambda: len(way.runs("refresh_audience")) > len(before))
    assert way.succeeded(replayed)
    given_up = way.trigger("discard_quarantine", {"source": "shop", "reason": "updated_at", "why": "a test row"})
    way.wait_for("the end of the last row", lambda: way.succeeded(given_up))

    assert way.returned(shown, "show") == {"open": 2, "shown": 1}
    assert [d for run, d in way.runs("refresh_audience").items() if run not in before] == [day]
    assert steps.stale_days(house) == []
    with house.engine() as duck:
        products = house.lake.state(duck, raw("shop", "product"), through=Partition.parse(day))
        landed = products.filter(products.product_id.isin(["mended", "lost"])).product_id
        assert duck.to_pyarrow(landed).to_pylist() == ["mended"]
    with house.warehouse.begin() as connection:
        query = sa.text(
            "SELECT decision, decided_by FROM ops.quarantine_decision WHERE stream = 'products' ORDER BY position"
        )
        assert [tuple(row) for row in connection.execute(query)] == [("replayed", "admin"), ("discarded", "admin")]
