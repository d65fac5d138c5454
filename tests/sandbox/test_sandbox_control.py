"""The control desk: what was asked, and what goes wrong on purpose."""

from __future__ import annotations

import json
import time

import httpx
import pytest
from sandbox_reading import a_list, imported

QUERY = {"updated_from": "2026-11-20T00:00:00Z", "updated_to": "2026-11-21T00:00:00Z", "per_page": 10}


def test_requests_are_counted_by_call_and_writes_are_told_with_their_addresses(
    brevo: httpx.Client, control: httpx.Client
) -> None:
    list_id = a_list(brevo)
    control.post("/reset", json={})
    imported(brevo, ["a@mailbox.example"], list_id)
    brevo.put("/contacts/a@mailbox.example", json={"attributes": {}})
    report = control.get("/requests").json()
    assert report["apps"]["brevo"]["calls"] == {
        "GET /brevo/v3/processes/{process_id}": 1,
        "POST /brevo/v3/contacts/import": 1,
        "PUT /brevo/v3/contacts/{identifier}": 1,
    }
    assert (report["apps"]["brevo"]["requests"], report["apps"]["brevo"]["writes"]) == (3, 2)
    assert 1 <= report["apps"]["brevo"]["largest_per_second"] <= 3
    assert report["brevo_writes"] == [
        {"sequence": 1, "call": "POST /brevo/v3/contacts/import", "emails": ["a@mailbox.example"], "list": "segment"},
        {"sequence": 2, "call": "PUT /brevo/v3/contacts/{identifier}", "emails": ["a@mailbox.example"], "list": None},
    ]


def test_a_reset_brings_the_platform_back_to_its_initial_state(brevo: httpx.Client, control: httpx.Client) -> None:
    before = control.get("/brevo/blocklist").json()
    imported(brevo, ["a@mailbox.example"], a_list(brevo))
    control.post("/brevo/blocklist", json={"email": "a@mailbox.example", "reason": "spam"})
    assert control.get("/brevo/blocklist").json()["reasons"]["a@mailbox.example"] == "spam"
    control.post("/reset", json={"brevo": True})
    assert control.get("/brevo/lists").json() == {}
    assert control.get("/brevo/blocklist").json() == before


def test_a_status_fault_lets_some_pass_strikes_as_often_as_told_then_stops(
    shop: httpx.Client, control: httpx.Client
) -> None:
    fault = {
        "match": "GET /shop/orders", "kind": "status", "status": 503, "headers": {"Retry-After": "7"},
        "body": {"error": "down"}, "times": 2, "after": 1,
    }  # fmt: skip
    assert control.post("/faults", json=fault).status_code == 201
    answers = [shop.get("/orders", params=QUERY) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 503, 503, 200]
    assert (answers[1].headers["retry-after"], answers[1].json()) == ("7", {"error": "down"})
    assert control.get("/faults").json()["faults"][0]["fired"] == 2


@pytest.mark.parametrize(("kind", "names"), [("drop_before", []), ("drop_after_accept", ["segment"])])
def test_a_dropped_connection_leaves_the_work_undone_or_done(
    brevo: httpx.Client, control: httpx.Client, kind: str, names: list[str]
) -> None:
    control.post("/faults", json={"match": "POST /brevo/v3/contacts/lists", "kind": kind})
    with pytest.raises(httpx.TransportError):
        brevo.post("/contacts/lists", json={"name": "segment", "folderId": 1})
    assert list(control.get("/brevo/lists").json()) == names
    assert len(control.get("/requests").json()["brevo_writes"]) == len(names)


def test_a_truncated_answer_breaks_off_in_the_middle(shop: httpx.Client, control: httpx.Client) -> None:
    control.post("/faults", json={"match": "GET /shop/*", "kind": "truncate"})
    with pytest.raises(httpx.RemoteProtocolError):
        shop.get("/orders", params=QUERY)
    assert shop.get("/orders", params=QUERY).status_code == 200


def test_an_empty_answer_has_the_shape_of_a_full_one(shop: httpx.Client, control: httpx.Client) -> None:
    control.post("/faults", json={"match": "GET /shop/orders", "kind": "empty"})
    assert shop.get("/orders", params=QUERY).json() == {"orders": [], "page": 1, "pages": 0, "total": 0}


def test_a_slow_answer_takes_its_time(shop: httpx.Client, control: httpx.Client) -> None:
    control.post("/faults", json={"match": "GET /shop/orders", "kind": "slow", "seconds": 0.3})
    began = time.monotonic()
    assert shop.get("/orders", params=QUERY).status_code == 200
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(("kind", "status"), [("stuck_process", "in_process"), ("fail_process", "failed")])
def test_a_process_can_be_stuck_or_fail_and_then_imports_nothing(
    brevo: httpx.Client, control: httpx.Client, kind: str, status: str
) -> None:
    control.post("/faults", json={"match": "POST /brevo/v3/contacts/import", "kind": kind})
    assert imported(brevo, ["a@mailbox.example"], a_list(brevo))["status"] == status
    assert control.get("/brevo/lists").json() == {"segment": []}


def test_a_process_can_fail_with_its_first_half_imported(brevo: httpx.Client, control: httpx.Client) -> None:
    control.post("/faults", json={"match": "POST /brevo/v3/contacts/import", "kind": "half_process"})
    emails = ["a@mailbox.example", "b@mailbox.example"]
    assert imported(brevo, emails, a_list(brevo))["status"] == "failed"
    assert control.get("/brevo/lists").json() == {"segment": emails[:1]}


def test_a_slow_body_stops_halfway_and_then_comes_whole(shop: httpx.Client, control: httpx.Client) -> None:
    control.post("/faults", json={"match": "GET /shop/orders", "kind": "slow_body", "seconds": 0.3})
    began = time.monotonic()
    with shop.stream("GET", "/orders", params=QUERY) as answer:
        assert time.monotonic() - began < 0.3
        assert "orders" in json.loads(answer.read())
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    "script", [{"match": "GET /x", "kind": "flood"}, {"kind": "slow"}, {"match": "x", "kind": "slow", "x": 1}]
)
def test_a_fault_that_could_not_be_meant_is_refused(control: httpx.Client, script: dict[str, object]) -> None:
    assert control.post("/faults", json=script).status_code == 400
