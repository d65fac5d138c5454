"""How true the lists of platforms are, what pushes cost, and what people are alerted of."""

from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Acknowledged, Base, ListReading, Plan, Request
from audience.reporting import push_problems, read_costs, read_lists

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def put(warehouse: Warehouse, model: type[Base], *rows: dict[str, object]) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.insert(model), rows)


def plan(number: int, state: str = "done", *, hours_ago: int = 1, **more: object) -> dict[str, object]:
    return {"plan_id": number, "destination": "brevo", "as_of": date(2026, 11, 20), "state": state, "counts": {},
            "planned_at": NOW - timedelta(hours=hours_ago)} | more  # fmt: skip


def reading(number: int, **wrong: int) -> dict[str, object]:
    nothing = dict.fromkeys(("ghosts", "unknown", "missing", "opted_out", "outdated"), 0)
    return {"plan_id": number, "list_name": "vip", "desired": 8, "on_platform": 8,
            "read_at": NOW + timedelta(minutes=number)} | nothing | wrong  # fmt: skip


def test_a_list_is_as_true_as_what_is_or_should_be_on_it_and_is_as_desired(warehouse: Warehouse) -> None:
    put(warehouse, Plan, plan(1), plan(2))
    put(warehouse, ListReading, reading(1, ghosts=1, unknown=1, missing=2), reading(2))
    (vip,) = read_lists(warehouse)
    assert (vip.truth, vip.before) == (1.0, 1 - 4 / 10)
    with warehouse.begin() as connection:
        shown = sa.text("SELECT truth, is_newest FROM push.list_truth ORDER BY read_at")
        assert [(float(r.truth), r.is_newest) for r in connection.execute(shown)] == [(0.6, False), (1.0, True)]


def test_cost_is_of_thirty_days_and_of_the_contacts_there_now(warehouse: Warehouse) -> None:
    call = {"destination": "brevo", "epoch": 1, "call": "POST /contacts/import", "seconds": 0.5}
    put(warehouse, Request, call | {"called_at": NOW, "status": 202}, call | {"called_at": NOW, "status": 429},
        call | {"called_at": NOW - timedelta(days=31), "status": 202})  # fmt: skip
    acknowledged = {"destination": "brevo", "contact_key": "a", "payload_hash": "", "as_of": date(2026, 11, 20)}
    put(warehouse, Acknowledged, acknowledged | {"list_name": ""}, acknowledged | {"list_name": "vip"})
    (cost,) = read_costs(warehouse, NOW)
    assert (cost.calls, cost.seconds, cost.throttled, cost.contacts) == (2, 1.0, 1, 1)


def test_a_destination_is_worth_an_alert_while_something_is_wrong_and_no_longer(warehouse: Warehouse) -> None:
    put(warehouse, Plan, plan(1, counts={"dead": 3}))
    put(warehouse, ListReading, reading(1, ghosts=1, missing=2))
    words = "3 records were refused; list vip: 1 not desired, 2 missing"
    assert push_problems(warehouse, NOW) == {"destination brevo": words}
    put(warehouse, Plan, plan(2))
    put(warehouse, ListReading, reading(2))
    assert push_problems(warehouse, NOW) == {}
    put(warehouse, Plan, plan(3, "held", problem="no segment was evaluated"))
    assert push_problems(warehouse, NOW) == {"destination brevo": "a push is held: no segment was evaluated"}
    put(warehouse, Plan, plan(4, "pushing", hours_ago=13))
    found = push_problems(warehouse, NOW)["destination brevo"]
    assert found == "a push that began on 2026-11-21 23:00 UTC is not finished"
