"""What the inbox tells of the campaigns."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sandbox_reading import EVER, by_cursor

_read: list[dict[str, Any]] = []


@pytest.fixture
def events(inbox: httpx.Client) -> list[dict[str, Any]]:
    """Every event, read once."""
    if not _read:
        _read.extend(by_cursor(inbox, "/events", EVER))
    return _read


def test_every_kind_of_event_occurs(events: list[dict[str, Any]]) -> None:
    kinds = {"sent", "delivered", "opened", "click", "soft_bounce", "hard_bounce", "unsubscribed", "spam"}
    assert {one["event"] for one in events} == kinds


def test_about_one_percent_arrive_twice_under_one_id(events: list[dict[str, Any]]) -> None:
    times = Counter(one["id"] for one in events)
    assert set(times.values()) == {1, 2}
    assert 0.005 < sum(n == 2 for n in times.values()) / len(times) < 0.015


def test_nothing_is_received_before_it_occurs_nor_more_than_two_days_and_a_repeat_later(
    events: list[dict[str, Any]],
) -> None:
    delays = [datetime.fromisoformat(one["received_at"]) - datetime.fromisoformat(one["occurred_at"]) for one in events]
    assert min(delays) >= timedelta(0)
    assert timedelta(days=1) < max(delays) < timedelta(days=2, hours=3)


def test_after_an_unsubscription_nothing_more_is_sent(events: list[dict[str, Any]]) -> None:
    left = {
        one["email"]: one["occurred_at"] for one in events if one["event"] in ("unsubscribed", "spam", "hard_bounce")
    }
    assert left
    assert not [one for one in events if one["event"] == "sent" and one["occurred_at"] > left.get(one["email"], "9999")]


def test_machines_are_known_by_their_user_agent_only(events: list[dict[str, Any]], control: httpx.Client) -> None:
    machines = set(control.get("/truth").json()["machine_events"])
    agents = Counter((one["event"], one["user_agent"]) for one in events if one["id"] in machines)
    assert set(agents) == {
        ("opened", "Mozilla/5.0"),
        ("click", "Mozilla/5.0 (compatible; LinkScanner/2.1; +https://scanner.example/bot)"),
    }
    assert not [
        one for one in events if one["id"] not in machines and one["user_agent"] in {agent for _, agent in agents}
    ]


def test_who_opted_out_in_the_inbox_is_blocked_on_the_platform(
    events: list[dict[str, Any]], control: httpx.Client
) -> None:
    gone = {one["email"] for one in events if one["event"] in ("unsubscribed", "spam", "hard_bounce")}
    assert gone <= set(control.get("/brevo/blocklist").json()["emails"])


def test_every_signup_proves_its_consent_and_is_a_contact_in_no_list(inbox: httpx.Client, brevo: httpx.Client) -> None:
    signups = by_cursor(inbox, "/signups", EVER)
    contacts = [
        c
        for offset in (0, 1000)
        for c in brevo.get("/contacts", params={"limit": 1000, "offset": offset}).json()["contacts"]
    ]
    assert {one["email"].strip().lower() for one in signups} == {one["email"] for one in contacts}
    assert all(one["listIds"] == [] for one in contacts)
    assert all(
        one["proof"].startswith("doi-") and one["consents"][0]["purpose"] == "email_marketing" for one in signups
    )
    tracked = sum(any(c["purpose"] == "open_tracking" for c in one["consents"]) for one in signups)
    assert 0.55 < tracked / len(signups) < 0.65
