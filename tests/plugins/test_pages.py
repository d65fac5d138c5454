"""The pages in Airflow: nobody sees them without a login, and they show numbers only."""

import asyncio
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import httpx
import pytest
import sqlalchemy as sa

from audience.core.warehouse import Base, Warehouse
from audience.core.warehouse.models import ContactPoint, Definition, Evaluation, Landing, Membership, Plan, Validation
from key import KEY

REPOSITORY = Path(__file__).parents[2]
FRIDAY = date(2026, 11, 20)
SATURDAY = datetime(2026, 11, 21, 3, tzinfo=UTC)

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow and its libraries, when they are first imported


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    from audience.orchestration import pages

    return pages


@pytest.fixture
def environment(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What the API server has; the warehouse has one segment, one source, one push and one person."""
    rows: dict[type[Base], dict[str, object]] = {
        Definition: {
            "segment": "vip",
            "title": "VIP <script>alert(1)</script>",
            "why": "They & we",
            "purpose": "email_marketing",
            "objective": "click",
            "deliver_to": ["brevo"],
            "definition_hash": "x",
        },
        Evaluation: {"segment": "vip", "partition": FRIDAY, "definition_hash": "x", "members": 1234, "people": 5000},
        Membership: {"segment": "vip", "person_id": "p-secret", "entered_on": FRIDAY},
        ContactPoint: {
            "contact_key": "k-secret",
            "person_id": "p-secret",
            "email": "zoe@mailbox.example",
            "is_primary": True,
            "as_of": FRIDAY,
        },
        Landing: {
            "source": "shop",
            "entity": "order",
            "partition": FRIDAY,
            "taken": 3,
            "loaded": 2,
            "quarantined": 1,
            "superseded": 0,
            "reasons": {"total_eur: not a number": 1},
            "content_hash": "x",
        },
        Plan: {"destination": "brevo", "as_of": FRIDAY, "state": "held", "counts": {}, "problem": "would lose 9 of 10"},
    }
    with warehouse.vault.begin() as connection:
        for model, row in rows.items():
            connection.execute(sa.insert(model), [row])
    values = {
        "AUDIENCE_WAREHOUSE_URL": warehouse.engine.url.render_as_string(hide_password=False),
        "AUDIENCE_PSEUDONYM_KEY": KEY.reveal(),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    yield values


def get(app: object, path: str, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow.example") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def post(app: object, path: str, form: str = "") -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow.example") as client:
            return await client.post(path, content=form)

    return asyncio.run(ask())


def words(page: str) -> str:
    """What is on the page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


RUNS = {("ingest_shop", "scheduled__2026-11-21T02:00:00+00:00"): "2026-11-20", ("restate", "manual__1"): None,
        ("refresh_audience", "asset__1"): "2026-11-20"}  # fmt: skip


def logged_in(pages: ModuleType) -> object:
    """The application for somebody whom Airflow knows, who may see every DAG but `secret`."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import HTTPException

    def may_see(dag_id: str) -> None:
        if dag_id == "secret":
            raise HTTPException(403)

    app = pages.application(may_see=may_see, partition_of=lambda dag_id, run_id: RUNS[dag_id, run_id])
    app.dependency_overrides[get_user] = object
    return app


# -- who sees it -----------------------------------------------------------------------------------------------------


def test_without_a_token_every_route_answers_401(pages: ModuleType, environment: dict[str, str]) -> None:
    routes = [route.path for route in pages.application().routes]
    quality = ["/dags/{dag_id}", "/dags/{dag_id}/days/{day}", "/dags/{dag_id}/runs/{run_id:path}"]
    erasure = ["/erasure", "/erasure/found", "/erasure/requests"]
    assert routes == ["/", *quality, "/lists/{dag_id}", "/lists/{dag_id}/runs/{run_id:path}", *erasure]
    for path in routes:
        ask = post if path in erasure[1:] else get
        answer = ask(pages.Page(), re.sub(r"\{\w+(:path)?\}", "2026-11-20", path))
        assert answer.status_code == 401
        assert not {"vip", "shop"} & set(words(answer.text.lower()).split())


def test_mounted_below_a_path_it_still_asks(pages: ModuleType) -> None:
    from fastapi import FastAPI

    airflow = FastAPI()
    airflow.mount(pages.PREFIX, pages.Page())
    assert get(airflow, "/audience/").status_code == 401


def test_the_pages_that_fastapi_makes_of_itself_do_not_exist(pages: ModuleType) -> None:
    assert [get(pages.Page(), path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404, 404, 404]


def test_a_token_that_nobody_issued_is_refused(pages: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi.app import create_auth_manager

    manager = create_auth_manager()
    monkeypatch.setattr("airflow.api_fastapi.core_api.security.get_auth_manager", lambda: manager)
    answer = get(pages.Page(), "/", Authorization="Bearer of-bad-news")
    assert answer.status_code in (401, 403)


def test_who_may_not_see_a_dag_does_not_see_its_pages(pages: ModuleType, environment: dict[str, str]) -> None:
    paths = (
        "/dags/secret",
        "/dags/secret/days/2026-11-20",
        "/dags/secret/runs/1",
        "/lists/secret",
        "/lists/secret/runs/1",
    )
    assert [get(logged_in(pages), path).status_code for path in paths] == [403] * 5


# -- what it shows ---------------------------------------------------------------------------------------------------


def test_it_shows_segments_sources_and_pushes_in_numbers(pages: ModuleType, environment: dict[str, str]) -> None:
    assert get(logged_in(pages), "/").status_code == 200
    text = words(pages.render(environment, SATURDAY)[1])
    assert "1,234 +1 0 2026-11-20 email_marketing brevo" in text
    assert "shop 2026-11-20 3 2 1 0 1 &times; total_eur: not a number" in text
    assert "brevo 2026-11-20 held would lose 9 of 10" in text


def test_a_required_source_that_is_late_is_said_beside_the_segments(
    pages: ModuleType, environment: dict[str, str]
) -> None:
    in_time, late = (words(pages.render(environment, SATURDAY + timedelta(days=d))[1]) for d in (0, 7))
    assert "Late: segments wait for shop , newest day 2026-11-20" in late and "shop 2026-11-20 late 3 2 1 0" in late
    assert "shop 2026-11-20" in in_time and "Late: segments wait for shop" not in in_time


def test_an_optional_source_that_is_late_is_marked_stale(
    pages: ModuleType, environment: dict[str, str], warehouse: Warehouse
) -> None:
    with warehouse.vault.begin() as connection:
        connection.execute(sa.update(Landing).values(source="ecb"))
    late = words(pages.render(environment, SATURDAY + timedelta(days=7))[1])
    assert "Stale: segments do not have the newest days of ecb , newest day 2026-11-20" in late
    assert "ecb 2026-11-20 stale 3 2 1 0" in late


def blocked(warehouse: Warehouse, table: str) -> None:
    """Saturday's rows of a table were judged, and nothing of them was published."""
    found = {"expectation": "refused rows are at most 5%", "severity": "block", "passed": False, "position": 0,
             "rows": 20, "failed": 9, "observed": 0.45}  # fmt: skip
    place = {"table_name": table, "partition": FRIDAY + timedelta(days=1)}
    with warehouse.vault.begin() as connection:
        connection.execute(sa.insert(Validation), [place | found])


def test_a_source_that_a_gate_stopped_is_said_beside_the_segments_with_the_reason(
    pages: ModuleType, environment: dict[str, str], warehouse: Warehouse
) -> None:
    blocked(warehouse, "raw_shop__order")
    blocked(warehouse, "raw_ecb__exchange_rate")
    text = words(pages.render(environment, SATURDAY)[1])
    for source, entity in (("shop", "order"), ("ecb", "exchange_rate")):
        assert (
            f"Blocked: nothing was published of {source} on 2026-11-21 :"
            f" {entity}: refused rows are at most 5%: found 9 of 20 rows." in text
        )


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/dags/ingest_shop", "Web shop on Friday, 2026-11-20"),
        ("/dags/ingest_shop/days/2026-11-19", "Web shop on Thursday, 2026-11-19"),
        ("/dags/ingest_shop/runs/scheduled__2026-11-21T02%3A00%3A00%2B00%3A00", "Web shop on Friday, 2026-11-20"),
        ("/dags/refresh_audience/runs/asset__1", "Quality of the sources on 2026-11-20"),
        ("/dags/restate/runs/manual__1", "Quality of the sources, each on its newest day"),
        ("/dags/train_models", "Quality of the sources, each on its newest day"),
    ],
)
def test_beside_a_dag_and_a_run_is_the_report_of_its_source_and_day(
    pages: ModuleType, environment: dict[str, str], path: str, title: str
) -> None:
    heading = re.search(r"<h1>.*</h1>", get(logged_in(pages), path).text, re.DOTALL)
    assert heading is not None and words(heading[0]).strip() == title


def test_a_day_that_is_none_has_no_report(pages: ModuleType, environment: dict[str, str]) -> None:
    assert get(logged_in(pages), "/dags/ingest_shop/days/friday").status_code == 422


def test_pages_lead_to_one_another(pages: ModuleType, environment: dict[str, str]) -> None:
    friday = "/audience/dags/ingest_shop/days/2026-11-20"
    for path in ("/", "/dags/restate", "/dags/ingest_shop/days/2026-11-21"):
        assert f'href="{friday}"' in get(logged_in(pages), path).text


def test_what_marketing_wrote_is_shown_as_text(pages: ModuleType, environment: dict[str, str]) -> None:
    shown = get(logged_in(pages), "/").text
    assert "<script" not in shown
    assert "VIP &lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "They &amp; we" in shown


def test_nobody_is_named(pages: ModuleType, environment: dict[str, str]) -> None:
    shown = get(logged_in(pages), "/").text
    assert [word for word in ("zoe", "@mailbox", "p-secret", "k-secret") if word in shown] == []


@pytest.mark.parametrize("path", ["/", "/dags/ingest_shop", "/dags/restate", "/lists/activate_brevo"])
def test_it_needs_nothing_from_elsewhere(pages: ModuleType, environment: dict[str, str], path: str) -> None:
    answer = get(logged_in(pages), path)
    assert re.findall(r"(?:https?:)?//|src=|url\(|@import|<script|<link", answer.text) == []
    assert all(to.startswith("/audience/") for to in re.findall(r'href="([^"]*)"', answer.text))
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "prefers-color-scheme: dark" in answer.text


def test_a_warehouse_that_cannot_be_reached_is_said_without_its_address(
    pages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIENCE_PSEUDONYM_KEY", KEY.reveal())
    monkeypatch.setenv("AUDIENCE_WAREHOUSE_URL", "postgresql+psycopg://somebody:s3cret@127.0.0.1:1/nowhere")
    answer = get(logged_in(pages), "/")
    assert answer.status_code == 503
    assert "the warehouse cannot be read (OperationalError)" in answer.text
    assert [word for word in ("somebody", "s3cret", "127.0.0.1") if word in answer.text] == []


def test_an_incomplete_environment_is_said(pages: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUDIENCE_PSEUDONYM_KEY", raising=False)
    answer = get(logged_in(pages), "/")
    assert (answer.status_code, "AUDIENCE_PSEUDONYM_KEY: found 0 characters" in answer.text) == (503, True)


# -- how Airflow finds it --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plugin() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audience_pages", REPOSITORY / "plugins" / "audience_pages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_navigation_dags_and_runs_lead_to_the_application(plugin: ModuleType) -> None:
    (app,) = plugin.AudiencePages.fastapi_apps
    views = {(view["name"], view["destination"]): view["href"] for view in plugin.AudiencePages.external_views}
    nav = {("Audience", "nav"): f"{app['url_prefix']}/", ("Erasure", "nav"): f"{app['url_prefix']}/erasure"}
    assert views == nav | {
        (name, destination): f"{app['url_prefix']}/{place}"
        for name, folder in (("Data quality", "dags"), ("Lists", "lists"))
        for destination, place in (
            ("dag", f"{folder}/{{DAG_ID}}"),
            ("dag_run", f"{folder}/{{DAG_ID}}/runs/{{RUN_ID}}"),
        )
    }
    routes = [view["url_route"] for view in plugin.AudiencePages.external_views]
    assert len(set(routes)) == 6, "the UI finds a view by its route alone"


def test_registering_it_does_not_import_the_application() -> None:
    """Every Airflow process imports plugins, tasks included."""
    script = (
        "import sys, airflow.plugins_manager\nbefore = set(sys.modules)\nimport audience_pages\n"
        "print(*{m.split('.')[0] for m in set(sys.modules) - before})"
    )
    path = {"PYTHONPATH": f"{REPOSITORY / 'include'}{os.pathsep}{REPOSITORY / 'plugins'}"}
    found = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | path,
    )
    assert {"fastapi", "sqlalchemy", "ibis", "jinja2"} & set(found.stdout.splitlines()[-1].split()) == set()


def test_airflow_loads_it_from_the_plugins_folder() -> None:
    script = (
        "from airflow import plugins_manager as m\n"
        "print('audience_pages' in [p['name'] for p in m.get_plugin_info()], m.get_import_errors())"
    )
    folder = {"AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"), "PYTHONPATH": str(REPOSITORY / "include")}
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ | folder
    )
    assert found.stdout.splitlines()[-1] == "True {}"
