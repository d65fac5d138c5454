"""What was extracted becomes raw tables whole, or nothing does; no row is lost without a number that says so."""

import json
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from audience.core.engine import engine
from audience.core.errors import AudienceError, AuditFailed, LakeError
from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.tables import ENTITIES, QUARANTINE, quarantine, raw
from audience.core.warehouse import Warehouse
from audience.quality.decisions import lock
from audience.quality.publication import Published, publish
from audience.quality.validation import keep_result
from rows import FRIDAY

KEY = Secret("a-pseudonym-key-for-tests-only-0123456789")
PRODUCT = raw("kiosk", "product")
PLACE = "kiosk/2026-11-20_2026-11-20"

Row = dict[str, Any]


def stage(lake: Lake, **files: Iterable[Row]) -> None:
    """Stages rows as an extraction of one stream does: one file per entity, and the one of broken records."""
    for entity, rows in {"_broken": [], **files}.items():
        with lake.stage(f"{PLACE}/{entity}.items.ndjson") as file:
            for position, row in enumerate(rows):
                whole = {"_day": FRIDAY.key, "_position": position} | row
                file.write(json.dumps(whole).encode() + b"\n")


def staged(lake: Lake) -> dict[str, int]:
    """What an extraction would say of its files: rows by entity."""
    files = {name.split(".")[0]: Path(lake.staging_url(f"{PLACE}/{name}")) for name in lake.staged(PLACE)}
    return {entity: len(file.read_text().splitlines()) for entity, file in files.items()}


def products(*ids: str, **more: Any) -> list[Row]:
    return [{"product_id": i, "title": f"title of {i}", "updated_at": "2026-11-20T08:00:00Z"} | more for i in ids]


@pytest.fixture
def published(lake: Lake, duck: Backend, warehouse: Warehouse) -> Any:
    """Publishes what is staged."""

    def go(**more: int) -> dict[str, Published]:
        rows = staged(lake) | more
        found = publish(
            lake,
            duck,
            warehouse,
            key=KEY,
            source="kiosk",
            folder=PLACE,
            staged=rows,
            last=FRIDAY,
            keep_result=partial(keep_result, lake),
        )
        return {p.entity: p for p in found}

    return go


def state(lake: Lake, duck: Backend, entity: str = "product") -> list[Row]:
    rows = lake.state(duck, raw("kiosk", entity), through=FRIDAY)
    return sorted(duck.to_pyarrow(rows).to_pylist(), key=lambda r: tuple(r[k] for k in ENTITIES[entity].key))


def test_each_row_is_published_in_the_partition_of_its_day(lake: Lake, duck: Backend, published: Any) -> None:
    stage(lake, product=[*products("p1"), *products("p2", _day="2026-11-18", updated_at="2026-11-18T08:00:00Z")])
    assert published()["product"].changed == (FRIDAY.plus(-2), FRIDAY)
    assert lake.partitions(PRODUCT.name) == [FRIDAY.plus(-2), FRIDAY]
    assert [r["product_id"] for r in state(lake, duck)] == ["p1", "p2"]


def test_no_rows_at_all_are_a_published_day(lake: Lake, duck: Backend, published: Any) -> None:
    stage(lake, product=[])
    assert published()["product"].counts.taken == 0
    assert lake.partitions(PRODUCT.name) == [FRIDAY]
    assert lake.staged(PLACE) == []


def test_refused_rows_are_kept_with_their_reason_and_counted_by_it(lake: Lake, duck: Backend, published: Any) -> None:
    stage(
        lake,
        product=[*products("p1", "p1"), *products("p2", updated_at="never")],
        _broken=[
            {"entity": "product", "reason": "items: no field 'id'", "kind": "record", "row": "{}", "_position": 3}
        ],
    )
    assert published()["product"].counts.as_dict() == {
        "taken": 4, "loaded": 1, "quarantined": 2, "superseded": 1,
        "reasons": {"items: no field 'id'": 1, "updated_at: not of type instant": 1},
    }  # fmt: skip
    kept = lake.read(duck, quarantine("kiosk"), FRIDAY)
    rows = sorted(duck.to_pyarrow(kept).to_pylist(), key=lambda r: r["position"])
    assert [(r["entity"], r["stream"], r["position"], r["kind"]) for r in rows] == [
        ("product", "items", 2, "row"),
        ("product", "items", 3, "record"),
    ]
    assert json.loads(rows[0]["row"])["updated_at"] == "never"


def test_a_day_says_when_it_was_published_last(lake: Lake, warehouse: Warehouse, published: Any) -> None:
    at = []
    for _ in range(2):
        stage(lake, product=products("p1"))
        published()
        with warehouse.begin() as connection:
            at += connection.execute(sa.text("SELECT published_at FROM ops.landing")).scalars().all()
    first, second = at
    assert first < second


def test_publishing_the_same_rows_again_changes_nothing(lake: Lake, duck: Backend, published: Any) -> None:
    rows = [*products("p1", "p2"), *products("p3", updated_at="never")]
    stage(lake, product=rows)
    published()
    before = {str(p): p.stat().st_mtime_ns for p in Path(lake.root).rglob("*.parquet")}
    stage(lake, product=rows)
    assert published()["product"].changed == ()
    assert {str(p): p.stat().st_mtime_ns for p in Path(lake.root).rglob("*.parquet")} == before


def test_a_publication_that_was_done_already_says_that_nothing_is_staged(lake: Lake, published: Any) -> None:
    stage(lake, product=products("p1"))
    published()
    with pytest.raises(LakeError, match=f"{PLACE}: nothing is staged; .* extract it again"):
        published()


def test_publications_of_one_source_land_one_after_the_other(
    lake: Lake, duck: Backend, warehouse: Warehouse, published: Any
) -> None:
    stage(lake, product=products("p1"))
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                      " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")  # fmt: skip
    with ThreadPoolExecutor() as threads:
        with warehouse.begin() as other:
            lock(other, "kiosk")
            publishing = threads.submit(published)
            with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watching:
                while not watching.execute(waiting).scalar():
                    assert not publishing.done()
                    sleep(0.01)
            assert lake.tables() == []
        assert publishing.result()["product"].counts.loaded == 1


@pytest.mark.parametrize(("entity", "found"), [("product", "product: rows judged"), ("_broken", "records set aside")])
def test_a_row_that_was_lost_between_two_steps_is_an_error_and_nothing_is_published(
    lake: Lake, published: Any, entity: str, found: str
) -> None:
    stage(lake, product=products("p1"), _broken=[{"entity": "product", "kind": "record", "reason": "r", "row": "{}"}])
    with pytest.raises(
        AudienceError, match=f"^kiosk: {found}: found 1, expected 2: rows were lost or made on the way$"
    ):
        published(**{entity: 2})
    assert lake.tables() == []


def test_more_than_five_per_cent_refused_rows_publish_nothing_and_the_last_good_day_stays(
    lake: Lake, duck: Backend, warehouse: Warehouse, published: Any
) -> None:
    stage(lake, product=products("p1"), order_line=[])
    published()
    good = products(*(f"p{n}" for n in range(94)))
    stage(lake, product=good + products(*"abcdef", updated_at="ana@secret.example"), order_line=[])
    with pytest.raises(AuditFailed) as failed:
        published()
    assert str(failed.value) == (
        "nothing was published; raw_kiosk__product: refused rows are at most 5%: found 6 of 100 rows"
    )
    assert [r["product_id"] for r in state(lake, duck)] == ["p1"]
    assert "quarantine_kiosk" not in lake.tables()
    with warehouse.begin() as connection:
        audits = connection.execute(sa.text("SELECT table_name, passed, rejected FROM ops.audit ORDER BY 1")).all()
    assert [tuple(a) for a in audits] == [("raw_kiosk__order_line", True, 0), ("raw_kiosk__product", False, 6)]


def test_five_per_cent_refused_rows_are_mistakes_and_the_rest_is_published(lake: Lake, published: Any) -> None:
    good = products(*(f"p{n}" for n in range(95)))
    stage(lake, product=good + products(*"abcde", updated_at="never"))
    assert published()["product"].counts.loaded == 95


def test_a_share_of_fewer_than_twenty_rows_says_nothing(lake: Lake, published: Any) -> None:
    stage(lake, product=products("p1") + products("p2", updated_at="never"))
    assert published()["product"].counts.loaded == 1


def test_the_numbers_of_a_day_are_in_the_warehouse(lake: Lake, warehouse: Warehouse, published: Any) -> None:
    stage(
        lake,
        product=[
            *products("p1"),
            *products("p2", _day="2026-11-18", updated_at="2026-11-18T08:00:00Z"),
            *products("p3", updated_at="never"),
        ],
    )
    published()
    with warehouse.begin() as connection:
        landed = connection.execute(
            sa.text("SELECT partition::text, taken, loaded, quarantined, reasons FROM ops.landing ORDER BY partition")
        ).all()
    assert [tuple(r) for r in landed] == [
        ("2026-11-18", 1, 1, 0, {}),
        ("2026-11-20", 2, 1, 1, {"updated_at: not of type instant": 1}),
    ]


def test_an_address_in_clear_is_in_declared_personal_columns_only(
    lake: Lake, duck: Backend, warehouse: Warehouse, published: Any
) -> None:
    """Wherever a system put it: what was found of the rows keeps no value of them."""
    at = "2026-11-20T08:00:00Z"
    email = "Ana.Canary@Example.org"
    order = {"order_id": "o", "email": email, "ordered_at": at, "status": "paid", "total_eur": 1, "discount_eur": 0,
             "has_coupon": False, "updated_at": at}  # fmt: skip
    event = {"event_id": "e", "type": "open", "email": email, "occurred_at": at, "received_at": at, "is_machine": False}
    consent = {"consent_id": "k", "email": email, "channel": "email", "purpose": "profiling", "status": "granted",
               "captured_at": at, "proof": "p"}  # fmt: skip
    contact = {"record_id": "1", "email": email, "updated_at": at, "is_deleted": False}
    refused_order = order | {"order_id": "o2", "status": email}
    stage(lake, order=[order, refused_order], event=[event], consent=[consent], contact=[contact])
    published()
    with_address = {
        f"{table}.{column}"
        for table in lake.tables()
        for row in duck.read_parquet(f"{lake.root}/{table}/*/*.parquet").to_pyarrow().to_pylist()
        for column, value in row.items()
        if "canary" in str(value).lower()
    }
    assert with_address == {"raw_kiosk__contact.email", "quarantine_kiosk.row"}
    assert ENTITIES["contact"].personal[0] == "email" and QUARANTINE.personal == ("row",)
    keys = {state(lake, duck, entity)[0]["email_key"] for entity in ("order", "event", "consent", "contact")}
    assert len(keys) == 1
    results = [file.read_text() for file in Path(lake.root, "_notes/validations").rglob("*.json")]
    with warehouse.begin() as connection:
        found = sa.text("SELECT v::text FROM ops.validation v UNION ALL SELECT h::text FROM ops.histogram h"
                        " UNION ALL SELECT l::text FROM ops.landing l")  # fmt: skip
        results += connection.execute(found).scalars()
    assert len(results) > 4 and not [one for one in results if "canary" in one.lower()]


A_ROW = st.fixed_dictionaries(
    {
        "product_id": st.sampled_from(["p1", "p2", "p3", "p4", "", None]),
        "updated_at": st.sampled_from(["2026-11-20T08:00:00Z", "2026-11-20", "never", None, 7]),
        "title": st.one_of(st.none(), st.text(max_size=4)),
        "_day": st.sampled_from(["2026-11-20", "2026-11-19"]),
    }
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(A_ROW, max_size=19))
def test_rows_in_are_rows_loaded_and_quarantined_and_superseded(
    tmp_path_factory: pytest.TempPathFactory, warehouse: Warehouse, rows: list[Row]
) -> None:
    lake = Lake.at(tmp_path_factory.mktemp("lake"))
    stage(lake, product=rows)
    with engine() as duck:
        (one,) = publish(
            lake, duck, warehouse, key=KEY, source="kiosk", folder=PLACE, staged={"product": len(rows)}, last=FRIDAY,
            keep_result=lambda audit: None,
        )  # fmt: skip
        read = Counter(
            (str(day), r["product_id"])
            for day in lake.partitions(PRODUCT.name)
            for r in duck.to_pyarrow(lake.read(duck, PRODUCT, day)).to_pylist()
        )
    assert one.counts.taken == len(rows)
    assert one.counts.loaded == read.total() and set(read.values()) <= {1}
    good = {
        (r["_day"], r["product_id"])
        for r in rows
        if r["product_id"] and str(r["updated_at"])[:4] == "2026" and "\0" not in (r["title"] or "")
    }
    assert set(read) == good
