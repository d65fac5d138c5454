"""The simulated Mailchimp does what Mailchimp does, its traps first."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from typing import Any

import httpx
import pytest

from sandbox_process import Sandbox

AUDIENCE = "/lists/b4baa94655"
ANA = "ana@mailbox.example"


def place(email: str) -> str:
    return f"{AUDIENCE}/members/{hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()}"


def put(mailchimp: httpx.Client, email: str, **more: Any) -> httpx.Response:
    return mailchimp.put(place(email), json={"email_address": email, "status_if_new": "subscribed", **more})


def batch(mailchimp: httpx.Client, *emails: str) -> dict[str, Any]:
    operations = [
        {"method": "PUT", "path": place(e), "operation_id": e,
         "body": json.dumps({"email_address": e, "status_if_new": "subscribed"})} for e in emails
    ]  # fmt: skip
    accepted: dict[str, Any] = mailchimp.post("/batches", json={"operations": operations}).raise_for_status().json()
    found: dict[str, Any] = mailchimp.get(f"/batches/{accepted['id']}").raise_for_status().json()
    return found


def results(found: dict[str, Any]) -> dict[str, int]:
    packed = httpx.get(found["response_body_url"]).raise_for_status().content
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as tar:
        files = [tar.extractfile(entry) for entry in tar if entry.isfile()]
        return {one["operation_id"]: one["status_code"] for file in files if file for one in json.load(file)}


def opt_out(control: httpx.Client, email: str, reason: str = "unsubscribed") -> None:
    control.post("/mailchimp/blocklist", json={"email": email, "reason": reason}).raise_for_status()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic !"}])
def test_a_wrong_key_is_refused(sandbox: Sandbox, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{sandbox.url}/mailchimp/3.0/ping", headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (401, "API Key Invalid")


def test_any_user_with_the_key_is_let_in(sandbox: Sandbox) -> None:
    assert httpx.get(f"{sandbox.url}/mailchimp/3.0/ping", auth=("any", "sandbox-mailchimp-key-us0")).is_success


def test_status_if_new_counts_for_somebody_new_only(mailchimp: httpx.Client, control: httpx.Client) -> None:
    assert put(mailchimp, ANA).json()["status"] == "subscribed"
    opt_out(control, ANA)
    assert put(mailchimp, ANA, merge_fields={"FNAME": "Ana"}).json()["status"] == "unsubscribed"
    assert mailchimp.get(place(ANA)).json()["merge_fields"] == {"FNAME": "Ana"}


@pytest.mark.parametrize("reason", ["unsubscribed", "complaint", "hard_bounce"])
def test_who_opted_out_cannot_be_subscribed(mailchimp: httpx.Client, control: httpx.Client, reason: str) -> None:
    opt_out(control, ANA, reason)
    answer = put(mailchimp, ANA, status="subscribed")
    assert (answer.status_code, answer.json()["title"]) == (400, "Member In Compliance State")


def test_who_was_unsubscribed_by_the_api_can_be_and_that_is_counted_as_a_violation(
    mailchimp: httpx.Client, control: httpx.Client
) -> None:
    put(mailchimp, ANA)
    mailchimp.patch(place(ANA), json={"status": "unsubscribed"}).raise_for_status()
    again = {"members": [{"email_address": ANA, "status": "subscribed"}], "update_existing": True}
    mailchimp.post(AUDIENCE, json=again).raise_for_status()
    assert control.get("/requests").json()["violations"]["resubscribes"] == 1


def test_an_archived_member_stays_archived_when_put_again(mailchimp: httpx.Client) -> None:
    put(mailchimp, ANA)
    assert mailchimp.delete(place(ANA)).status_code == 204
    assert put(mailchimp, ANA).json()["status"] == "archived"
    assert mailchimp.get(f"{AUDIENCE}/members").json()["members"] == []


def test_a_member_deleted_for_ever_can_never_be_imported_again(mailchimp: httpx.Client) -> None:
    put(mailchimp, ANA)
    assert mailchimp.post(place(ANA) + "/actions/delete-permanent").status_code == 204
    assert put(mailchimp, ANA).json()["title"] == "Forgotten Email Not Subscribed"
    assert mailchimp.get(place(ANA)).status_code == 404


def test_a_merge_field_that_is_not_defined_is_dropped_without_a_word(mailchimp: httpx.Client) -> None:
    put(mailchimp, ANA, merge_fields={"FNAME": "Ana", "OPENTRACK": "yes"})
    assert mailchimp.get(place(ANA)).json()["merge_fields"] == {"FNAME": "Ana"}
    field = {"tag": "OPENTRACK", "name": "Opens", "type": "text"}
    mailchimp.post(f"{AUDIENCE}/merge-fields", json=field).raise_for_status()
    put(mailchimp, ANA, merge_fields={"OPENTRACK": "yes"})
    assert mailchimp.get(place(ANA)).json()["merge_fields"] == {"FNAME": "Ana", "OPENTRACK": "yes"}


def test_a_bulk_answers_200_with_the_errors_inside(mailchimp: httpx.Client) -> None:
    put(mailchimp, ANA)
    members = [{"email_address": e, "status": "subscribed"} for e in (ANA, "bob@mailbox.example", "no address")]
    answer = mailchimp.post(AUDIENCE, json={"members": members})
    assert answer.status_code == 200
    assert [m["email_address"] for m in answer.json()["new_members"]] == ["bob@mailbox.example"]
    assert [e["error_code"] for e in answer.json()["errors"]] == ["ERROR_CONTACT_EXISTS", "ERROR_GENERIC"]


def test_a_segment_ignores_addresses_that_it_does_not_know(mailchimp: httpx.Client, control: httpx.Client) -> None:
    put(mailchimp, ANA)
    segment = mailchimp.post(f"{AUDIENCE}/segments", json={"name": "vip", "static_segment": []}).json()["id"]
    change = {"members_to_add": [ANA, "nobody@mailbox.example"]}
    answer = mailchimp.post(f"{AUDIENCE}/segments/{segment}", json=change).json()
    assert (answer["total_added"], answer["error_count"]) == (1, 0)
    assert control.get("/mailchimp/lists").json() == {"vip": [ANA]}
    assert mailchimp.post(f"{AUDIENCE}/segments", json={"name": "vip", "static_segment": []}).status_code == 400
    assert (
        mailchimp.post(f"{AUDIENCE}/segments/{segment}", json={"members_to_add": ["a@b.example"] * 501}).status_code
        == 400
    )


def test_a_segment_shows_who_opted_out_only_when_asked(mailchimp: httpx.Client, control: httpx.Client) -> None:
    put(mailchimp, ANA)
    segment = mailchimp.post(f"{AUDIENCE}/segments", json={"name": "vip", "static_segment": [ANA]}).json()["id"]
    opt_out(control, ANA)
    members = f"{AUDIENCE}/segments/{segment}/members"
    assert mailchimp.get(members).json()["members"] == []
    assert len(mailchimp.get(members, params={"include_unsubscribed": "true"}).json()["members"]) == 1


def test_a_batch_is_told_operation_by_operation_in_a_gzipped_archive(mailchimp: httpx.Client) -> None:
    found = batch(mailchimp, ANA, "no address", *(f"p{n}@mailbox.example" for n in range(300)))
    assert (found["status"], found["total_operations"], found["errored_operations"]) == ("finished", 302, 1)
    told = results(found)
    assert (len(told), told[ANA], told["no address"]) == (302, 200, 400)


@pytest.mark.parametrize(
    ("kind", "status", "codes"),
    [("stuck_process", "pending", {}), ("fail_process", "finished", {ANA: 500, "bob@mailbox.example": 500}),
     ("half_process", "finished", {ANA: 200, "bob@mailbox.example": 500})],
)  # fmt: skip
def test_a_batch_can_be_stuck_failed_or_half_done(
    mailchimp: httpx.Client, control: httpx.Client, kind: str, status: str, codes: dict[str, int]
) -> None:
    control.post("/faults", json={"match": "POST /mailchimp/3.0/batches", "kind": kind}).raise_for_status()
    found = batch(mailchimp, ANA, "bob@mailbox.example")
    assert found["status"] in (status, "started" if status == "pending" else status)
    assert (results(found) if status == "finished" else {}) == codes


def test_a_compliance_refusal_can_be_ordered_for_some_records(mailchimp: httpx.Client, control: httpx.Client) -> None:
    fault = {"match": "POST /mailchimp/3.0/batches", "kind": "refuse_records", "body": [ANA]}
    control.post("/faults", json=fault).raise_for_status()
    assert results(batch(mailchimp, ANA, "bob@mailbox.example")) == {ANA: 400, "bob@mailbox.example": 200}


def test_the_eleventh_open_connection_is_one_too_many(mailchimp: httpx.Client, control: httpx.Client) -> None:
    control.post("/limits", json={"mailchimp": {}}).raise_for_status()
    fault = {"match": "GET /mailchimp/3.0/ping", "kind": "slow", "seconds": 1, "times": 10}
    control.post("/faults", json=fault).raise_for_status()
    slow = [threading.Thread(target=mailchimp.get, args=("/ping",)) for _ in range(10)]
    for one in slow:
        one.start()
    while control.get("/faults").json()["faults"][0]["fired"] < 10:
        pass
    assert mailchimp.get("/ping").status_code == 429
    for one in slow:
        one.join()
    assert mailchimp.get("/ping").status_code == 200


def test_changes_are_told_after_a_moment_not_at_it(mailchimp: httpx.Client) -> None:
    put(mailchimp, ANA)
    at = mailchimp.get(place(ANA)).json()["last_changed"]
    told = [
        mailchimp.get(f"{AUDIENCE}/members", params={"since_last_changed": moment}).json()["total_items"]
        for moment in (at, "2026-01-01T00:00:00+00:00")
    ]
    assert told == [0, 1]
