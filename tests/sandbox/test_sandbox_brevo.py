"""The e-mail platform: its calls, and the traps a client must not fall into."""

from __future__ import annotations

import httpx
import pytest
from sandbox_reading import a_list, imported


def a_blocked_contact(control: httpx.Client, email: str = "gone@mailbox.example") -> str:
    control.post("/brevo/blocklist", json={"email": email, "reason": "unsubscribed"}).raise_for_status()
    return email


def test_an_import_fills_a_list_once_its_process_is_completed(brevo: httpx.Client, control: httpx.Client) -> None:
    control.post("/limits", json={"process_delay_seconds": 30})
    body = {"jsonBody": [{"email": "a@mailbox.example"}], "listIds": [a_list(brevo)]}
    answer = brevo.post("/contacts/import", json=body)
    assert answer.status_code == 202
    assert brevo.get(f"/processes/{answer.json()['processId']}").json()["status"] == "queued"
    assert control.get("/brevo/lists").json() == {"segment": []}


def test_unknown_attributes_are_dropped_without_a_word(brevo: httpx.Client) -> None:
    record = {"email": "a@mailbox.example", "attributes": {"FIRSTNAME": "Anna", "SCORE": 12}}
    brevo.post("/contacts/import", json={"jsonBody": [record], "listIds": [a_list(brevo)]}).raise_for_status()
    assert brevo.get("/contacts/a@mailbox.example").json()["attributes"] == {"FIRSTNAME": "Anna"}


def test_an_attribute_is_kept_once_it_is_defined(brevo: httpx.Client) -> None:
    assert brevo.post("/contacts/attributes/normal/SCORE", json={"type": "float"}).status_code == 201
    again = brevo.post("/contacts/attributes/normal/SCORE", json={"type": "float"})
    assert (again.status_code, again.json()["code"]) == (400, "duplicate_parameter")
    record = {"email": "a@mailbox.example", "attributes": {"SCORE": 12}}
    brevo.post("/contacts/import", json={"jsonBody": [record], "listIds": [a_list(brevo)]}).raise_for_status()
    assert brevo.get("/contacts/a@mailbox.example").json()["attributes"] == {"SCORE": 12}


@pytest.mark.parametrize(("empties", "left"), [(False, {"FIRSTNAME": "Anna"}), (True, {})])
def test_empty_attributes_wipe_only_when_told_to(brevo: httpx.Client, empties: bool, left: dict[str, str]) -> None:
    list_id = a_list(brevo)
    for first_name in ("Anna", ""):
        record = {"email": "a@mailbox.example", "attributes": {"FIRSTNAME": first_name}}
        body = {"jsonBody": [record], "listIds": [list_id], "emptyContactsAttributes": empties}
        brevo.post("/contacts/import", json=body).raise_for_status()
    assert brevo.get("/contacts/a@mailbox.example").json()["attributes"] == left


def test_invalid_addresses_do_not_fail_an_import_but_are_reported(brevo: httpx.Client) -> None:
    process = imported(brevo, ["good@mailbox.example", "no address", ""], a_list(brevo))
    assert process["status"] == "completed"
    report = httpx.get(process["info"]["import"]["invalid_emails"])
    assert report.text.splitlines() == ["email", "no address", ""]
    assert process["info"]["import"]["duplicate_email_id"] is None
    assert brevo.get("/contacts/good@mailbox.example").status_code == 200


def test_an_ext_id_that_belongs_to_another_contact_is_reported(brevo: httpx.Client) -> None:
    records = [{"email": f"{name}@mailbox.example", "ext_id": "p-1"} for name in ("first", "second")]
    process = brevo.post("/contacts/import", json={"jsonBody": records, "listIds": [a_list(brevo)]}).json()["processId"]
    urls = brevo.get(f"/processes/{process}").json()["info"]["import"]
    assert httpx.get(urls["duplicate_ext_id"]).text.splitlines() == ["email", "second@mailbox.example"]


@pytest.mark.parametrize(
    "body", [{}, {"jsonBody": []}, {"jsonBody": [{"email": "a@mailbox.example"}]}, {"jsonBody": [1], "listIds": [1]}]
)
def test_an_import_without_contacts_or_list_is_refused(brevo: httpx.Client, body: dict[str, object]) -> None:
    assert brevo.post("/contacts/import", json=body).status_code == 400


def test_an_import_beyond_10_mb_is_refused(brevo: httpx.Client) -> None:
    record = {"email": "a@mailbox.example", "attributes": {"FIRSTNAME": "x" * 10_500_000}}
    assert brevo.post("/contacts/import", json={"jsonBody": [record], "listIds": [a_list(brevo)]}).status_code == 413


def test_importing_a_blocked_contact_never_unblocks_it(brevo: httpx.Client, control: httpx.Client) -> None:
    email = a_blocked_contact(control)
    imported(brevo, [email], a_list(brevo), emailBlacklist=False)
    assert brevo.get(f"/contacts/{email}").json()["emailBlacklisted"] is True
    assert control.get("/requests").json()["violations"]["resubscribes"] == 0


def test_changing_the_address_of_a_blocked_contact_resubscribes_it(brevo: httpx.Client, control: httpx.Client) -> None:
    email = a_blocked_contact(control)
    answer = brevo.put(f"/contacts/{email}", json={"attributes": {"EMAIL": "back@mailbox.example"}})
    assert answer.status_code == 204
    assert brevo.get("/contacts/back@mailbox.example").json()["emailBlacklisted"] is False
    assert control.get("/requests").json()["violations"]["resubscribes"] == 1


@pytest.mark.parametrize("call", ["PUT", "POST"])
def test_writing_not_blocklisted_on_an_existing_contact_is_a_violation(
    brevo: httpx.Client, control: httpx.Client, call: str
) -> None:
    email = a_blocked_contact(control)
    if call == "PUT":
        brevo.put(f"/contacts/{email}", json={"emailBlacklisted": False}).raise_for_status()
    else:
        body = {"email": email, "emailBlacklisted": False, "updateEnabled": True}
        brevo.post("/contacts", json=body).raise_for_status()
    assert control.get("/requests").json()["violations"]["details"][0]["email"] == email


def test_one_unknown_contact_makes_the_whole_batch_404(brevo: httpx.Client, control: httpx.Client) -> None:
    imported(brevo, ["known@mailbox.example"], a_list(brevo, "first"))
    list_id = a_list(brevo, "second")
    body = {"emails": ["known@mailbox.example", "unknown@mailbox.example"]}
    answer = brevo.post(f"/contacts/lists/{list_id}/contacts/add", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "document_not_found")
    assert control.get("/brevo/lists").json() == {"first": ["known@mailbox.example"], "second": []}


def test_contacts_join_and_leave_a_list_and_doing_it_twice_changes_nothing(
    brevo: httpx.Client, control: httpx.Client
) -> None:
    imported(brevo, ["a@mailbox.example", "b@mailbox.example"], a_list(brevo, "first"))
    list_id = a_list(brevo, "second")
    for change, left in (("add", ["a@mailbox.example"]), ("remove", [])):
        for _ in range(2):
            answer = brevo.post(f"/contacts/lists/{list_id}/contacts/{change}", json={"emails": ["A@mailbox.example"]})
            assert answer.status_code == 201
            assert answer.json()["contacts"] == {"success": ["a@mailbox.example"], "failure": [], "total": 1}
            assert control.get("/brevo/lists").json()["second"] == left


def test_more_than_150_contacts_in_one_list_call_are_refused(brevo: httpx.Client) -> None:
    emails = [f"n{n}@mailbox.example" for n in range(151)]
    list_id = a_list(brevo)
    imported(brevo, emails, list_id)
    assert brevo.post(f"/contacts/lists/{list_id}/contacts/remove", json={"emails": emails}).status_code == 400
    assert brevo.post(f"/contacts/lists/{list_id}/contacts/remove", json={"emails": emails[:150]}).status_code == 201


def test_what_changed_since_a_moment_is_read_back(brevo: httpx.Client, control: httpx.Client) -> None:
    before = brevo.get("/contacts", params={"modifiedSince": "2030-01-01T00:00:00.000Z"}).json()
    list_id = a_list(brevo)
    imported(brevo, ["new@mailbox.example"], list_id)
    since = brevo.get("/contacts/new@mailbox.example").json()["modifiedAt"]
    changed = brevo.get("/contacts", params={"modifiedSince": since}).json()
    assert (before, changed["count"], changed["contacts"][0]["email"]) == (
        {"contacts": [], "count": 0},
        1,
        "new@mailbox.example",
    )
    members = brevo.get(f"/contacts/lists/{list_id}/contacts", params={"limit": 500}).json()
    assert [one["email"] for one in members["contacts"]] == ["new@mailbox.example"]
    assert brevo.get("/contacts", params={"listIds": list_id}).json()["count"] == 1


@pytest.mark.parametrize(
    ("path", "most"), [("/contacts", 1000), ("/contacts/lists", 50), ("/contacts/lists/1/contacts", 500)]
)
def test_a_page_beyond_what_the_call_gives_is_refused(brevo: httpx.Client, path: str, most: int) -> None:
    a_list(brevo)
    assert brevo.get(path, params={"limit": most}).status_code == 200
    assert brevo.get(path, params={"limit": most + 1}).status_code == 400


def test_lists_are_counted_without_the_blocked(brevo: httpx.Client, control: httpx.Client) -> None:
    imported(brevo, ["a@mailbox.example", a_blocked_contact(control)], a_list(brevo))
    shown = brevo.get("/contacts/lists").json()["lists"][0]
    assert (shown["name"], shown["totalSubscribers"], shown["totalBlacklisted"]) == ("segment", 1, 1)


def test_a_deleted_contact_is_gone(brevo: httpx.Client) -> None:
    imported(brevo, ["a@mailbox.example"], a_list(brevo))
    assert brevo.delete("/contacts/a@mailbox.example").status_code == 204
    answer = brevo.get("/contacts/a@mailbox.example")
    assert (answer.status_code, answer.json()["code"]) == (404, "document_not_found")


def test_creating_a_contact_twice_needs_leave_to_update(brevo: httpx.Client) -> None:
    body = {"email": "a@mailbox.example", "ext_id": "p-1"}
    assert brevo.post("/contacts", json=body).status_code == 201
    assert brevo.post("/contacts", json=body).json()["code"] == "duplicate_parameter"
    assert brevo.post("/contacts", json={**body, "updateEnabled": True}).status_code == 204
    assert brevo.get("/contacts/p-1", params={"identifierType": "ext_id"}).json()["extId"] == "p-1"


def test_the_real_campaigns_are_listed(brevo: httpx.Client) -> None:
    answer = brevo.get("/emailCampaigns", params={"limit": 100, "sort": "asc"}).json()
    assert (answer["count"], len({one["id"] for one in answer["campaigns"]})) == (27, 27)


def test_webhooks_are_kept_until_deleted(brevo: httpx.Client) -> None:
    body = {"url": "https://collector.example/brevo", "type": "marketing", "events": ["unsubscribed"]}
    number = brevo.post("/webhooks", json=body).json()["id"]
    assert brevo.get("/webhooks").json()["webhooks"][0]["url"] == body["url"]
    assert brevo.delete(f"/webhooks/{number}").status_code == 204
    assert brevo.get("/webhooks").json() == {"webhooks": []}


def test_a_folder_is_created_once(brevo: httpx.Client) -> None:
    assert brevo.post("/contacts/folders", json={"name": "audience"}).status_code == 201
    assert brevo.post("/contacts/folders", json={"name": "audience"}).status_code == 400
    assert [one["name"] for one in brevo.get("/contacts/folders").json()["folders"]] == [
        "Your first folder",
        "audience",
    ]
