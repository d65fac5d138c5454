"""Too many requests are refused in each system's own words."""

from __future__ import annotations

import httpx

from sandbox.server.limits import BrevoLimits, TokenBucket


def test_the_shop_lets_a_burst_pass_then_says_when_to_come_back() -> None:
    now = [0.0]
    bucket = TokenBucket(rate=100, burst=200, clock=lambda: now[0])
    assert [bucket.check("/orders").passes for _ in range(201)] == [True] * 200 + [False]
    assert bucket.check("/orders").headers == {
        "X-RateLimit-Limit": "200",
        "X-RateLimit-Remaining": "0",
        "Retry-After": "1",
    }
    now[0] = 0.5
    assert [bucket.check("/orders").passes for _ in range(51)] == [True] * 50 + [False]


def test_contacts_have_ten_requests_a_second_and_the_unlisted_a_hundred_an_hour() -> None:
    now = [0.0]
    limits = BrevoLimits(clock=lambda: now[0])
    assert [limits.check("/v3/contacts/import").passes for _ in range(11)] == [True] * 10 + [False]
    assert [limits.check("/v3/processes/1").passes for _ in range(101)] == [True] * 100 + [False]
    now[0] = 1.0
    assert limits.check("/v3/contacts").passes
    refused = limits.check("/v3/webhooks")
    assert not refused.passes
    assert refused.headers == {
        "x-sib-ratelimit-limit": "100", "x-sib-ratelimit-remaining": "0", "x-sib-ratelimit-reset": "3599",
    }  # fmt: skip


def test_the_platform_refuses_with_reset_seconds_and_no_retry_after(brevo: httpx.Client, control: httpx.Client) -> None:
    control.post("/limits", json={"brevo": {"contacts_per_second": 1}})
    brevo.get("/contacts")
    answer = brevo.post("/contacts/lists", json={"name": "x", "folderId": 1})
    assert (answer.status_code, answer.json()["code"], answer.headers["x-sib-ratelimit-reset"]) == (
        429,
        "too_many_requests",
        "1",
    )
    assert "retry-after" not in answer.headers
    assert control.get("/requests").json()["violations"]["writes_over_limit"] == 1


def test_the_shop_refuses_with_retry_after(shop: httpx.Client, control: httpx.Client) -> None:
    control.post("/limits", json={"shop": {"rate": 1, "burst": 1}})
    shop.get("/orders")
    answer = shop.get("/orders")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def test_limits_that_make_no_sense_are_refused(control: httpx.Client) -> None:
    assert control.post("/limits", json={"brevo": {"per_fortnight": 1}}).status_code == 400
