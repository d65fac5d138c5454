"""Real Airflow, once for all tests of this folder: three days backfilled, trained, pushed, and done again."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import sqlalchemy as sa
from rich.console import Console

from audience.core.warehouse.models import Membership
from demo.airflow_api import ANSWER_SECONDS
from demo.place import Place
from demo.progress import Progress
from demo.result import read_result
from demo.running import running
from whole_way.way import EMPTIED, WINDOW, Way, contents

if TYPE_CHECKING:
    from playwright.sync_api import Page

REPOSITORY = Path(__file__).resolve().parents[2]
QUIET = (
    "--no-sandbox",  # Chromium has none for root, and CI is root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="package")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    folder = tmp_path_factory.mktemp("way")
    settings = {
        "AUDIENCE_DEMO_PEOPLE": "300",
        "AUDIENCE_DEMO_PORT": str(free_port()),
        "AUDIENCE_DEMO_SANDBOX_PORT": str(free_port()),
    }
    place = replace(Place.at(folder, REPOSITORY, settings), backfilled_days=3)
    with running(place, Progress(Console(stderr=True))) as up, logged_in(place) as rest:
        up.story.tell(up.earliest.date())
        first, hashes = read_result(up.house, place), contents(up.house.lake)
        httpx.post(f"{place.sandbox_url}/_control/reset", json={})
        up.story.tell(up.earliest.date())
        yield Way(place, up, rest, first, hashes, read_result(up.house, place), contents(up.house.lake))
    with pytest.raises(RuntimeError, match="client has been closed"):
        up.story.airflow.is_up()


@contextmanager
def logged_in(place: Place) -> Iterator[httpx.Client]:
    """A client of Airflow's REST API with the token of the user `admin`."""
    with httpx.Client(base_url=place.airflow_url, timeout=ANSWER_SECONDS) as client:
        told = client.post("/auth/token", json={"username": "admin", "password": place.kept["password"]})
        client.headers["Authorization"] = f"Bearer {told.raise_for_status().json()['access_token']}"
        yield client


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def held(way: Way) -> Iterator[str]:
    """A run of `approve_brevo` about a push that would empty a list, waiting to be answered; afterwards the members are back."""
    members = sa.delete(Membership).where(Membership.segment == EMPTIED).returning(*Membership.__table__.c)
    with way.up.house.warehouse.begin() as connection:
        taken = connection.execute(members).mappings().all()
    try:
        run = way.trigger("activate_brevo")
        way.wait_for("the end of the held push", lambda: bool(way.question_of(run)))
        question = way.question_of(run)
        way.wait_for("the question", lambda: way.is_asked(question))
        yield question
    finally:
        with way.up.house.warehouse.begin() as connection:
            connection.execute(sa.insert(Membership), [dict(row) for row in taken])


@pytest.fixture
def page(browser: "Page") -> "Iterator[Page]":
    """A page in which `admin` is logged in. Left open, it would go on asking Airflow, and drawing what turns."""
    yield browser
    browser.goto("about:blank")


@pytest.fixture(scope="package")
def browser(way: Way) -> "Iterator[Page]":
    """A browser in which `admin` has just logged in."""
    program = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program, args=QUIET) as running:
        page = running.new_page(viewport=WINDOW, reduced_motion="reduce")
        page.set_default_timeout(120_000)  # ms: two cores also run the scheduler, its tasks and other tests
        page.goto(way.place.airflow_url)
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(way.place.kept["password"])
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Welcome").wait_for()
        yield page


def chromium() -> str:
    """The browser of this machine; without one the test is skipped, where services are required it fails."""
    found = shutil.which("chromium")
    if found is None:
        reason = "no program chromium: the UI cannot be looked at (on Debian: apt install chromium)"
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture
def keep(page: "Page", tmp_path: Path) -> Callable[[str], None]:
    """Keeps a picture of what is shown: in AUDIENCE_SCREENSHOTS where that is set, else with the test."""
    folder = Path(os.environ.get("AUDIENCE_SCREENSHOTS") or tmp_path)

    def taken(name: str) -> None:
        page.screenshot(path=folder / f"{name}.png", animations="disabled")

    return taken
