"""What a person sees in Airflow's UI, in a real browser. `make screenshots` keeps the pictures in docs/screenshots/."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from audience.core.warehouse.models import ContactPoint
from whole_way.way import EMPTIED, WINDOW, Way

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

Keep = Callable[[str], None]


def test_the_page_audience_is_in_the_navigation_and_shows_each_segment_with_its_size(
    way: Way, page: "Page", keep: Keep
) -> None:
    page.goto(way.place.airflow_url)
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Audience").click()
    shows = page.frame_locator("iframe")
    segments = shows.get_by_role("table").first
    segments.wait_for()
    page.set_viewport_size({"width": 1280, "height": shows.locator("html").evaluate("page => page.scrollHeight")})
    keep("audience")
    page.set_viewport_size(WINDOW)
    shown = [(row.locator("strong").inner_text(), row.locator("td").nth(1).inner_text())
             for row in segments.locator("tbody tr").all()]  # fmt: skip
    assert shown == [(s.segment.title, f"{s.segment.members:,}") for s in way.again.segments]
    assert len(shown) == 5


def test_a_run_shows_the_quality_of_its_source_and_day(way: Way, page: "Page", keep: Keep) -> None:
    day = way.place.first_load_until.isoformat()
    (run,) = (run for run, key in way.runs("ingest_shop").items() if key == day)
    page.goto(f"{way.place.airflow_url}/dags/ingest_shop/runs/{run.rpartition('/')[2].replace('+', '%2B')}")
    page.get_by_role("link", name="Data quality").click()
    shows = page.frame_locator("iframe")
    shows.get_by_role("heading", name="What is wrong").wait_for()
    keep("quality")
    assert day in shows.get_by_role("heading", level=1).inner_text()
    assert "rows refused" in shows.get_by_role("table").first.inner_text()
    shows.get_by_role("link", name="Day before").click()
    shows.get_by_role("status").get_by_text("published with a longer window").wait_for()


def test_a_destination_shows_how_true_its_lists_are(way: Way, page: "Page", keep: Keep) -> None:
    page.goto(f"{way.place.airflow_url}/dags/activate_brevo")
    page.get_by_role("link", name="Lists").click()
    shows = page.frame_locator("iframe")
    shows.get_by_role("heading", name="How true the lists of brevo are").wait_for()
    page.set_viewport_size({"width": 1840, "height": 1000})  # all of its columns
    keep("lists")
    page.set_viewport_size(WINDOW)
    truths = {row.locator("strong").inner_text(): row.locator("td").nth(1).inner_text()
              for row in shows.get_by_role("table").first.locator("tbody tr").all()}  # fmt: skip
    assert truths == dict.fromkeys(("audience", *(s.segment.segment for s in way.again.segments)), "100 %")


def test_an_erasure_shows_how_much_is_meant_before_anything_is_noted(way: Way, page: "Page", keep: Keep) -> None:
    with way.up.house.warehouse.vault.begin() as connection:
        address = connection.execute(sa.select(ContactPoint.email).order_by(ContactPoint.contact_key).limit(1)).scalar()
    page.goto(way.place.airflow_url)
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Erasure").click()
    shows = page.frame_locator("iframe")
    shows.get_by_label("Any address of the person").fill(str(address))
    shows.get_by_role("button", name="Look").click()
    found = shows.get_by_role("status")
    found.wait_for()
    keep("erasure")
    assert "This address leads to 1 person" in found.inner_text()
    assert str(address) not in shows.locator("html").inner_html()


def test_the_backfill_dialog_counts_the_days_from_the_first_to_the_end_of_the_last(
    way: Way, page: "Page", keep: Keep
) -> None:
    first, second, _ = way.place.backfilled
    page.goto(f"{way.place.airflow_url}/dags/ingest_shop")
    page.get_by_role("button", name="Trigger").click()
    page.get_by_text("Run this Dag for a range of dates").click()
    for day, time in ((first, "00:00"), (second, "23:59")):
        page.get_by_text("Select date and time").first.click()
        page.get_by_placeholder("YYYY/MM/DD").last.fill(day.replace("-", "/"))
        page.get_by_placeholder("HH:mm").last.fill(time)
        page.keyboard.press("Escape")
    page.get_by_text("All Runs", exact=True).click()
    page.get_by_text("2 runs will be triggered.").wait_for()
    keep("backfill")


def test_a_held_push_asks_with_its_reasons_under_required_actions(
    way: Way, held: str, page: "Page", keep: Keep
) -> None:
    page.goto(way.place.airflow_url)
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Required Actions").click()
    # Earlier questions of the same push stay in the list: the run's own is the one whose address names it.
    asked = page.get_by_role("link", name="The push to brevo is held. Push it all the same?")
    asked.and_(page.locator(f"a[href*='/runs/{held.rpartition('/')[2]}/']")).first.click()
    reasons = page.get_by_text(f"list {EMPTIED}: would become empty")
    reject = page.get_by_role("button", name="Reject")

    def can_be_answered() -> bool:
        """The page that was opened before the scheduler let the task wait keeps its buttons disabled: load it again."""
        page.reload()
        reasons.wait_for()
        return reject.is_enabled()

    way.wait_for("a question that can be answered", can_be_answered)
    keep("approval")
    reject.click()
    way.wait_for("the end of the run", lambda: way.succeeded(held))
    assert way.states(held)["push_approved"] == "skipped"
