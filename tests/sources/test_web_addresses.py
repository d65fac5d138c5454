"""What is kept of a visit to a page: a path, a campaign, a kind of device; never what may say who it was."""

from typing import Any

import pytest

from audience.sources.contract import Unusable, campaign_of, device_of, is_robot, path_of
from audience.sources.web_events import tidy_event

EVENT: Any = {"id": "e-1", "event": "purchase", "at": "2026-11-20T08:00:00Z", "received_at": "2026-11-20T08:00:00Z"}


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://shop.example/cups/p-7?email=ana@secret.example#ana", "/cups/p-7"),
        ("/cups?x", "/cups"),
        ("//shop.example/cups", "/cups"),
        ("android-app://com.shop.example/cups", "/cups"),
        ("/reset/ana@secret.example/now", "/reset/*/now"),
        ("/reset/ana%40secret.example", "/reset/*"),
        ("https://ana:password@shop.example/cups", "/cups"),
        ("http://[::1/cups", "/cups"),
        ("https://shop.example", None),
        ("?ana@secret.example", None),
        ("", None),
        (None, None),
    ],
)
def test_of_an_address_the_path_is_kept_without_query_host_and_e_mail_addresses(address: str, path: str) -> None:
    assert path_of(address) == path


@pytest.mark.parametrize(
    ("address", "campaign"),
    [
        ("https://shop.example/?utm_source=brevo&utm_campaign=a%20b&utm_term=x", ("brevo", "a b")),
        ("/cups?utm_source=&utm_source=x", ("x", None)),
        ("/cups", (None, None)),
        (None, (None, None)),
        ("http://[::1/?utm_source=x", (None, None)),
        ("/?" + "&".join(f"p{n}=1" for n in range(101)), (None, None)),
    ],
)
def test_the_campaign_is_read_from_the_query(address: str, campaign: tuple[str, str]) -> None:
    assert campaign_of(address) == dict(zip(("utm_source", "utm_campaign"), campaign, strict=True))


IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
TABLET = (
    "Mozilla/5.0 (Linux; Android 15; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
CUBOT = "Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "robot", "device"),
    [
        (IPHONE, False, "mobile"),
        (FIREFOX, False, "desktop"),
        (TABLET, False, "tablet"),
        (CUBOT, False, "mobile"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True, None),
        ("facebookexternalhit/1.1", True, None),
        ("curl/8.10.1", True, None),
        ("HeadlessChrome/142.0", True, None),
        ("-", True, None),
        (None, True, None),
    ],
)
def test_robots_are_told_apart_and_devices_named(user_agent: str, robot: bool, device: str | None) -> None:
    assert (is_robot(user_agent), device_of(user_agent)) == (robot, device)


def test_a_value_without_a_currency_is_not_taken_for_euros() -> None:
    with pytest.raises(Unusable, match="a value has no currency"):
        next(tidy_event(EVENT | {"value": 12, "currency": None}))


def test_a_value_in_another_currency_says_so() -> None:
    ((_, row),) = tidy_event(EVENT | {"value": 12, "currency": "USD"})
    assert (row["value_eur"], row["currency"]) == (12, "USD")


def test_an_event_without_a_value_needs_no_currency() -> None:
    ((_, row),) = tidy_event(EVENT)
    assert row["value_eur"] is None
