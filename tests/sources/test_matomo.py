"""Matomo pages by the time of a visit's last action; its own days and offsets lose visits."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from answering import Answer, Asked, answering
from staging import FRIDAY, staged

from audience.core.connection import Connection
from audience.core.errors import SettingsError, SourceRefused, SourceReplyInvalid
from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.sources.contract import Extraction, Unusable, extract
from audience.sources.matomo import PAGE_SIZE, SOURCE, tidy_visit

SPRING, AUTUMN = Partition.parse("2026-03-29"), Partition.parse("2026-10-25")


@dataclass
class Site:
    """A simulated site with one visit whose last action is at each moment.

    It counts days as plugins/Live/Model.php does: from the site's midnight to 24 hours after its last midnight.
    """

    moments: list[datetime]
    zone: ZoneInfo
    asked: list[Asked] = field(default_factory=list)
    before: Callable[["Site"], None] = lambda _site: None

    def midnight(self, day: str) -> datetime:
        return datetime.combine(date.fromisoformat(day), datetime.min.time(), self.zone).astimezone(UTC)

    def __call__(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        self.before(self)
        q = asked.query
        first, last = q["date"].split(",")
        start, end = self.midnight(first), self.midnight(last) + timedelta(hours=24)
        visits = sorted(
            (int(moment.timestamp()), number)
            for number, moment in enumerate(self.moments)
            if start <= moment <= end and moment.timestamp() > int(q["minTimestamp"])
        )
        assert q["filter_sort_order"] == "asc"
        return Answer(json.dumps([visit(number, at) for at, number in visits[: int(q["filter_limit"])]]).encode())


def visit(number: int, at: int, **more: Any) -> dict[str, Any]:
    action = {"type": "action", "pageId": number, "url": "https://shop.example/", "timestamp": at}
    return {"idVisit": number, "lastActionTimestamp": at, "siteCurrency": "EUR", "actionDetails": [action],
            "visitIp": "192.0.2.1", **more}  # fmt: skip


def connection(url: str) -> Connection:
    return Connection("matomo", url, password=Secret("token-of-nobody"), extra={"site_id": "1"})


def read(lake: Lake, url: str, day: Partition = FRIDAY) -> Extraction:
    source = replace(SOURCE, streams=(replace(SOURCE.streams[0], reread_days=0),))
    return extract(source, connection(url), lake, first=day, last=day)


# -- days and pages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [SPRING, AUTUMN], ids=str)
@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Pacific/Auckland"])
def test_days_when_clocks_are_changed_lose_no_visit_and_take_none_twice(lake: Lake, day: Partition, zone: str) -> None:
    days = (day.previous, day, day.next)
    start, end = day.plus(-2).window.start, day.plus(2).window.end
    quarters = [start + timedelta(minutes=15 * n) for n in range((end - start) // timedelta(minutes=15))]
    moments = [*quarters, *(q - timedelta(seconds=1) for q in quarters)]
    taken: Counter[str] = Counter()
    with answering(Site(moments, ZoneInfo(zone))) as url:
        for each in days:
            events = staged(lake, read(lake, url, each), "web_event")
            assert {e["_day"] for e in events} == {each.key}
            assert all(datetime.fromisoformat(e["occurred_at"]) in each.window for e in events)
            taken.update(e["event_id"] for e in events)
    assert len(taken) == taken.total() == sum(days[0].window.start <= m < days[-1].window.end for m in moments)


def test_visits_that_end_in_the_same_second_across_two_pages_come_once_each(lake: Lake) -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    site = Site([noon] * 300 + [noon + timedelta(seconds=1)] * 300, ZoneInfo("Europe/Paris"))
    with answering(site) as url:
        events = staged(lake, read(lake, url), "web_event")
    assert Counter(e["event_id"] for e in events) == Counter(f"action:{n}" for n in range(600))


def test_more_visits_in_one_second_than_fit_a_page_are_refused(lake: Lake) -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    with (
        answering(Site([noon] * (PAGE_SIZE + 1), ZoneInfo("Europe/Paris"))) as url,
        pytest.raises(SourceReplyInvalid, match="^matomo: more than 500 visits end in the same second$"),
    ):
        read(lake, url)


def test_a_visit_that_grows_while_it_is_read_hides_no_other(lake: Lake) -> None:
    """The first visit goes on after midnight between two pages, which would shift every offset by one."""
    start = FRIDAY.window.start
    site = Site([start + timedelta(seconds=n) for n in range(PAGE_SIZE + 100)], ZoneInfo("Europe/Paris"))

    def grow(of: Site) -> None:
        if len(of.asked) == 2:
            of.moments[0] = FRIDAY.window.end + timedelta(minutes=5)

    site.before = grow
    with answering(site) as url:
        events = staged(lake, read(lake, url), "web_event")
        assert {e["event_id"] for e in events} == {f"action:{n}" for n in range(PAGE_SIZE + 100)}
        assert [e["event_id"] for e in staged(lake, read(lake, url, FRIDAY.next), "web_event")] == ["action:0"]


def test_reading_ends_with_the_window(lake: Lake) -> None:
    start = FRIDAY.window.start
    site = Site([start + timedelta(minutes=n) for n in range(2 * 24 * 60)], ZoneInfo("Europe/Paris"))
    with answering(site) as url:
        assert read(lake, url).rows["web_event"] == 24 * 60
    assert len(site.asked) == 3


# -- what is asked and what is kept -------------------------------------------------------------------------------------


def test_the_token_is_in_the_body_and_never_in_the_address(lake: Lake) -> None:
    site = Site([], ZoneInfo("Europe/Paris"))
    with answering(site) as url:
        read(lake, url)
    (asked,) = site.asked
    assert (asked.method, asked.form) == ("POST", {"token_auth": "token-of-nobody"})
    assert "token-of-nobody" not in str(asked.query) + str(asked.headers)


def test_what_a_server_tells_beyond_what_was_asked_is_not_kept(lake: Lake) -> None:
    with answering(Site([datetime(2026, 11, 20, 12, tzinfo=UTC)], ZoneInfo("Europe/Paris"))) as url:
        extraction = read(lake, url)
    assert extraction.added == {} and "192.0.2.1" not in str(staged(lake, extraction, "web_event"))


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        ({"result": "error", "message": "You can't access this resource as it requires 'view' access"}, SourceRefused,
         "the token may not read site 1; check connection 'matomo'"),
        ({"result": "error", "message": "Unable to authenticate with the provided token."}, SourceRefused,
         "the token may not read site 1; check connection 'matomo'"),
        ({"result": "error", "message": "Something broke"}, SourceReplyInvalid, "Matomo answered with an error"),
        ({}, SourceReplyInvalid, "the reply is no list of visits"),
        ([{"idVisit": 1}], SourceReplyInvalid, "the reply is no list of visits"),
        ([[]], SourceReplyInvalid, "the reply is no list of visits"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_list_of_visits_is_refused(
    lake: Lake, reply: object, error: type[Exception], message: str
) -> None:
    with (
        answering(lambda _: Answer(json.dumps(reply).encode())) as url,
        pytest.raises(error, match=f"^matomo: Live.getLastVisitsDetails: {message}$"),
    ):
        read(lake, url)


def test_a_connection_is_tried_by_reading_its_site() -> None:
    refused = b'{"result": "error", "message": "You can\'t access this resource"}'
    with answering(lambda asked: Answer(b'{"idsite": "1"}' if asked.query["idSite"] == "1" else refused)) as url:
        client = SOURCE.system.open(connection(url))
        assert client.check() == "matomo: answered"
        client.close()
        client = SOURCE.system.open(replace(connection(url), extra={"site_id": "2"}))
        with pytest.raises(SourceRefused, match="may not read site 2"):
            client.check()
        client.close()


def test_a_connection_without_a_site_is_refused(lake: Lake) -> None:
    with pytest.raises(SettingsError, match="connection 'matomo': no 'site_id' in its extra"):
        extract(SOURCE, replace(connection("http://127.0.0.1:9"), extra={}), lake, first=FRIDAY, last=FRIDAY)


# -- one visit -----------------------------------------------------------------------------------------------------------


def rows(*actions: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    told = [{"timestamp": 1795161600, **action} for action in actions]
    return [row for _, row in tidy_visit({**visit(7, 1795161600), "actionDetails": told, **more})]  # type: ignore[typeddict-item]


CART = {"type": "ecommerceAbandonedCart", "revenue": 2.5, "items": 2,
        "itemDetails": [{"itemSKU": "P-1", "price": 0.1, "quantity": 3}, {"itemSKU": "P-2", "price": None}]}  # fmt: skip


def test_a_cart_is_one_event_and_one_for_each_product_in_it() -> None:
    found = [(r["event_id"], r["type"], r["quantity"], r["value_eur"]) for r in rows(CART)]
    assert found == [
        ("cart:7", "cart_abandoned", 2, "2.5"),
        ("cart:7:P-1", "add_to_cart", 3, "0.3"),
        ("cart:7:P-2", "add_to_cart", 1, "0"),
    ]


def test_an_amount_is_in_the_currency_of_its_site() -> None:
    assert [r["currency"] for r in rows(CART, siteCurrency="USD")] == ["USD", "USD", "USD"]


def test_an_amount_that_is_no_number_makes_the_visit_unusable() -> None:
    with pytest.raises(Unusable, match="^an amount is no number$"):
        rows({**CART, "revenue": "many"})


def test_a_goal_repeats_an_action_and_is_left_out() -> None:
    assert rows({"type": "goal", "goalId": 2}) == []


@pytest.mark.parametrize(
    ("url", "path"),
    [("https://shop.example/a?mail=ana", "/a"), ("https://shop.example/ana@mailbox.example", "/*"),
     ("https://shop.example", None), ("http://[broken", None), (None, None)],
)  # fmt: skip
def test_a_page_is_told_by_its_path(url: str | None, path: str | None) -> None:
    assert [r["path"] for r in rows({"type": "action", "pageId": 1, "url": url})] == [path]


def test_a_user_who_is_an_address_is_hashed_and_no_record() -> None:
    (row,) = rows({"type": "action", "pageId": 1, "url": None}, userId="ana@mailbox.example")
    assert (row["email"], row["record_id"]) == ("ana@mailbox.example", None)
