"""How true the platforms' lists are, beside the DAG that pushes and beside each of its runs."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from types import ModuleType

import pytest
import sqlalchemy as sa

from audience.core.warehouse import Base, Warehouse
from audience.core.warehouse.models import Acknowledged, ListReading, Plan, Request
from key import KEY
from plugins.test_pages import get, words

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow and its libraries, when they are first imported


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    from audience.orchestration import pages

    return pages


@pytest.fixture
def environment(warehouse: Warehouse) -> Iterator[dict[str, str]]:
    """Brevo's list `vip` on two days: first with two ghosts, one unknown and two missing, then as desired."""

    def put(model: type[Base], *rows: dict[str, object]) -> None:
        with warehouse.begin() as connection:
            connection.execute(sa.insert(model), rows)

    for number, days_ago in ((1, 2), (2, 0)):
        at = NOON - timedelta(days=days_ago)
        counts = {
            "adds": 7,
            "changes": 1234,
            "removals": 3,
            "acknowledged": 1240,
            "dead": 4,
            "withheld": 0,
            "calls": 21,
        }
        put(Plan, {"plan_id": number, "destination": "brevo", "as_of": date(2026, 11, 18 + number), "state": "done",
                   "counts": counts, "planned_at": at - timedelta(minutes=3), "finished_at": at})  # fmt: skip
        wrong = {"ghosts": 2, "unknown": 1, "missing": 2, "opted_out": 1} if number == 1 else {}
        nothing = dict.fromkeys(("ghosts", "unknown", "missing", "opted_out", "outdated"), 0)
        numbers = {"plan_id": number, "list_name": "vip", "desired": 8, "on_platform": 9 if wrong else 8, "read_at": at}
        put(ListReading, numbers | nothing | wrong)
    call = {"destination": "brevo", "epoch": 1, "call": "POST /contacts/import", "seconds": 2.4}
    put(Request, call | {"status": 202, "called_at": NOON}, call | {"status": 429, "called_at": NOON})
    told = {"destination": "brevo", "list_name": "", "payload_hash": "x", "as_of": date(2026, 11, 20)}
    put(Acknowledged, *({"contact_key": f"k{n}"} | told for n in range(3000)))
    yield {
        "AUDIENCE_WAREHOUSE_URL": warehouse.engine.url.render_as_string(hide_password=False),
        "AUDIENCE_PSEUDONYM_KEY": KEY.reveal(),
        "AUDIENCE_CONTACT_PRICES": "brevo=4.5",
    }


def page(pages: ModuleType, environment: dict[str, str], dag_id: str, until: datetime | None = None) -> str:
    status, html = pages.render_lists(environment, NOON, dag_id, until)
    assert status == 200
    return words(html)


def test_each_list_is_shown_with_what_is_wrong_of_it(pages: ModuleType, environment: dict[str, str]) -> None:
    assert "vip 100 % 8 8" in page(pages, environment, "activate_brevo")
    before = page(pages, environment, "activate_brevo", NOON - timedelta(days=1))
    assert "vip 54.55 % 8 6 2 1 2 1" in before  # of 8 desired and 3 too many, 3 too many and 2 missing are wrong
    assert "How true the lists of brevo are, 2026-11-21 12:00 UTC" in before


def test_thirty_days_are_shown_day_by_day(pages: ModuleType, environment: dict[str, str]) -> None:
    text = page(pages, environment, "activate_brevo")
    assert "2026-11-20: 54.55 % true; 3 not desired, 2 missing" in text
    assert "2026-11-21: not read back" in text and "2026-11-22: 100 % true" in text
    assert "at worst 54.55 %" in text
    assert [f"{day}:" in text for day in ("2026-10-23", "2026-10-24")] == [False, True]


def test_the_last_pushes_are_shown_in_numbers(pages: ModuleType, environment: dict[str, str]) -> None:
    assert "2026-11-22 11:57 2026-11-20 done 7 1,234 3 1,240 4 0 21 180" in page(pages, environment, "activate_brevo")
    until = page(pages, environment, "activate_brevo", NOON - timedelta(days=1))
    assert "2026-11-20 11:57" in until and "2026-11-22 11:57" not in until


def test_cost_is_calls_seconds_and_contacts_at_list_price(pages: ModuleType, environment: dict[str, str]) -> None:
    assert "brevo 2 5 1 3,000 13.50" in page(pages, environment, "activate_brevo")
    without = {name: value for name, value in environment.items() if name != "AUDIENCE_CONTACT_PRICES"}
    assert "brevo 2 5 1 3,000 AUDIENCE_CONTACT_PRICES" in page(pages, without, "activate_brevo")


def test_a_push_that_is_held_is_said_first(
    pages: ModuleType, environment: dict[str, str], warehouse: Warehouse
) -> None:
    held = {"plan_id": 3, "destination": "brevo", "as_of": date(2026, 11, 21), "state": "held", "counts": {},
            "problem": "list vip: would become empty (has 8)"}  # fmt: skip
    with warehouse.begin() as connection:
        connection.execute(sa.insert(Plan), [held])
    text = page(pages, environment, "approve_brevo")
    assert text.index("Held, nothing is sent: list vip: would become empty (has 8).") < text.index("vip 100 %")


def test_a_dag_that_does_not_push_shows_all_destinations(pages: ModuleType, environment: dict[str, str]) -> None:
    assert "brevo vip 100 %" in page(pages, environment, "refresh_audience")
    assert "No list of hubspot was read back yet." in page(pages, environment, "activate_hubspot")


def test_beside_a_run_are_the_lists_as_they_were_at_its_end(
    pages: ModuleType, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.core_api.security import get_user

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ends = {("activate_brevo", "asset__1"): NOON - timedelta(days=1)}
    app = pages.application(may_see=lambda dag_id: None, end_of=lambda dag_id, run_id: ends[dag_id, run_id])
    app.dependency_overrides[get_user] = object
    assert "54.55 %" in get(app, "/lists/activate_brevo/runs/asset__1").text


def test_a_price_that_is_none_is_said(pages: ModuleType, environment: dict[str, str]) -> None:
    status, html = pages.render_lists(
        environment | {"AUDIENCE_CONTACT_PRICES": "brevo=cheap"}, NOON, "activate_brevo", None
    )
    assert status == 503
    assert "AUDIENCE_CONTACT_PRICES: found &#39;brevo=cheap&#39;, expected a platform and its price: brevo=4.5" in html
