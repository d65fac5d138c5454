"""People are kept until three years after the last contact that they made; an open is none, a click is one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience import forgetting
from audience.core.connection import Connection
from audience.core.errors import AudienceError
from audience.core.lake import Lake
from audience.core.settings import Settings
from audience.core.tables import CUSTOMERS, PERSON_KEY, QUARANTINE, quarantine
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import ContactPoint, ErasureSubject, Request, Suppression
from audience.house import House
from audience.privacy.erasing.retention import Keep, expired
from rows import FRIDAY, land, rows_of

AT_THE_END = FRIDAY.as_of - timedelta(days=1096)
"""Who made their last contact before this moment is forgotten at the end of Friday."""

JUST_OVER, JUST_NOT = AT_THE_END - timedelta(seconds=1), AT_THE_END
LONG_AGO = datetime(2019, 1, 1, tzinfo=UTC)


@pytest.fixture
def house(lake: Lake, warehouse: Warehouse, settings: Settings) -> House:
    return House(settings, lake, warehouse, lambda name: Connection(name, "http://127.0.0.1:1"))


def people(lake: Lake, duck: Backend, *names: str) -> None:
    """People whose first record is of 2019; `S-<name>` is their record of the shop, and `k-<name>` the key of their address."""
    golden = [{"person_id": name, "records": 1, "first_seen_at": LONG_AGO} for name in names]
    lake.write(duck, CUSTOMERS, FRIDAY, rows_of(CUSTOMERS, golden))
    keys = [{"kind": "record", "key": f"shop:S-{name}", "person_id": name} for name in names]
    keys += [{"kind": "email", "key": f"k-{name}", "person_id": name} for name in names]
    lake.write(duck, PERSON_KEY, FRIDAY, rows_of(PERSON_KEY, keys))


def over(lake: Lake, duck: Backend) -> list[str]:
    found = expired(lake, duck, Keep())
    assert found is not None
    return list(found.person_ids)


@pytest.mark.parametrize(
    ("entity", "row"),
    [
        ("order", {"record_id": "S-ana", "ordered_at": ...}),
        ("event", {"email_key": "k-ana", "type": "click", "occurred_at": ...}),
        ("consent", {"email_key": "k-ana", "captured_at": ...}),
        ("contact", {"record_id": "S-ana", "created_at": ...}),
    ],
)
def test_a_contact_that_the_person_made_keeps_them_for_three_years(
    lake: Lake, duck: Backend, entity: str, row: dict[str, Any]
) -> None:
    people(lake, duck, "ana")
    assert over(lake, duck) == ["ana"]
    for moment, forgotten in ((JUST_OVER, ["ana"]), (JUST_NOT, [])):
        land(lake, duck, entity, {name: moment if value is ... else value for name, value in row.items()})
        assert over(lake, duck) == forgotten


@pytest.mark.parametrize("event", [{"type": "open"}, {"type": "sent"}, {"type": "click", "is_machine": True}])
def test_an_open_a_sent_mail_and_a_robots_click_are_no_contact(
    lake: Lake, duck: Backend, event: dict[str, Any]
) -> None:
    people(lake, duck, "ana")
    land(lake, duck, "event", {"email_key": "k-ana", "occurred_at": JUST_NOT} | event)
    assert over(lake, duck) == ["ana"]


def test_a_contact_after_the_day_is_not_seen(lake: Lake, duck: Backend) -> None:
    people(lake, duck, "ana")
    land(lake, duck, "order", {"record_id": "S-ana", "ordered_at": FRIDAY.as_of})
    assert over(lake, duck) == ["ana"]


def test_more_people_than_usual_are_not_forgotten_without_a_word(house: House, duck: Backend) -> None:
    people(house.lake, duck, *(f"p{n}" for n in range(51)))
    assert forgetting.whose_time_is_over(house) == {"people": 51, "over": 51}
    with pytest.raises(
        AudienceError, match="51 of 51 people .* expected at most 50 at once; .* audience retention --approve"
    ):
        forgetting.apply_retention(house, FRIDAY.as_of, [])
    assert forgetting.apply_retention(house, FRIDAY.as_of, [], approved=True)["people"] == 51


def test_who_is_forgotten_is_erased_and_may_come_back(house: House, duck: Backend) -> None:
    people(house.lake, duck, "ana")
    point = {"contact_key": "k-ana", "person_id": "ana", "email": "ana@mailbox.example", "is_primary": True}
    with house.warehouse.vault.begin() as connection:
        connection.execute(sa.insert(ContactPoint).values(point | {"as_of": FRIDAY.day}))
    number = forgetting.apply_retention(house, FRIDAY.as_of, [])["request"]
    with house.warehouse.vault.begin() as connection:
        assert connection.execute(sa.select(Suppression.contact_key, Suppression.reason)).all() == [
            ("k-ana", "expired")
        ]
    forgetting.erase_stores(house, number)
    forgetting.end_erasure(house, number, [])
    with house.warehouse.vault.begin() as connection:
        left = [connection.execute(sa.select(sa.func.count()).select_from(model)).scalar_one()
                for model in (ContactPoint, Suppression, ErasureSubject)]  # fmt: skip
    assert left == [0, 0, 0]
    assert forgetting.apply_retention(house, FRIDAY.as_of, [])["request"] is None


def test_refused_rows_are_kept_for_ninety_days(house: House, duck: Backend) -> None:
    people(house.lake, duck, "ana")
    land(house.lake, duck, "order", {"record_id": "S-ana", "ordered_at": FRIDAY.window.start})
    row = {"entity": "order", "stream": "s", "position": 1, "kind": "row", "reason": "r", "row": "{}"}
    for days in (90, 91):
        house.lake.write(duck, quarantine("shop"), FRIDAY.plus(-days), rows_of(QUARANTINE, [row]))
    assert forgetting.apply_retention(house, FRIDAY.as_of, [])["quarantined_rows"] == 1
    kept = house.lake.history(duck, quarantine("shop"), through=FRIDAY)
    assert duck.to_pyarrow(kept)["partition"].to_pylist() == [FRIDAY.plus(-90).key]


def test_what_was_staged_and_never_published_is_kept_for_a_week(house: House) -> None:
    with house.lake.stage("shop/2026-11-20/order.orders.ndjson") as file:
        file.write(b"{}")
    now = datetime.now(UTC)
    for days, removed in ((6, 0), (8, 1)):
        assert forgetting.apply_retention(house, now + timedelta(days=days), [])["staged_files"] == removed
    assert house.lake.staged("shop/2026-11-20") == []


def test_the_log_of_calls_is_kept_for_thirty_days(house: House) -> None:
    call = {"destination": "brevo", "epoch": 1, "call": "POST /contacts", "status": 200, "seconds": 0.1}
    now = datetime.now(UTC)
    with house.warehouse.vault.begin() as connection:
        for days in (29, 31):
            connection.execute(sa.insert(Request).values(call | {"called_at": now - timedelta(days=days)}))
    forgetting.apply_retention(house, now, ["brevo"])
    with house.warehouse.vault.begin() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(Request)).scalar_one() == 1


def test_every_time_can_be_chosen(lake: Lake, duck: Backend) -> None:
    people(lake, duck, "ana")
    land(lake, duck, "order", {"record_id": "S-ana", "ordered_at": FRIDAY.window.start})
    found = expired(lake, duck, replace(Keep(), people_days=0))
    assert found is not None and found.person_ids == ["ana"]
