"""The simulated HubSpot does what HubSpot does, its traps first."""

from __future__ import annotations

import httpx
import pytest

from sandbox_process import Sandbox

CONTACTS, LISTS = "/crm/objects/2026-09/contacts", "/crm/lists/2026-09"
ANA, BOB = "ana@mailbox.example", "bob@mailbox.example"


def upsert(hubspot: httpx.Client, *emails: str, traced: bool = True, **properties: str) -> httpx.Response:
    inputs = [{"id": e, "idProperty": "email", "properties": properties} for e in emails]
    traces = [{"objectWriteTraceId": f"t{n}"} if traced else {} for n in range(len(inputs))]
    return hubspot.post(
        f"{CONTACTS}/batch/upsert", json={"inputs": [i | t for i, t in zip(inputs, traces, strict=True)]}
    )


def ids(hubspot: httpx.Client, *emails: str) -> list[str]:
    return [one["id"] for one in upsert(hubspot, *emails).raise_for_status().json()["results"]]


def search(hubspot: httpx.Client, *filters: dict[str, str]) -> list[str]:
    body = {"filterGroups": [{"filters": [f]} for f in filters], "properties": ["email"], "limit": 200}
    answer = hubspot.post(f"{CONTACTS}/search", json=body).raise_for_status().json()
    return [one["properties"]["email"] for one in answer["results"]]


def new_list(hubspot: httpx.Client, name: str) -> str:
    body = {"name": name, "objectTypeId": "0-1", "processingType": "MANUAL"}
    found: str = hubspot.post(LISTS, json=body).raise_for_status().json()["list"]["listId"]
    return found


def test_a_wrong_token_is_refused(sandbox: Sandbox) -> None:
    answer = httpx.get(f"{sandbox.url}/hubspot{CONTACTS}", headers={"Authorization": "Bearer wrong"})
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")


def test_an_upsert_makes_or_updates_and_answers_with_ids(hubspot: httpx.Client) -> None:
    first = upsert(hubspot, ANA, firstname="Ana").json()["results"][0]
    again = upsert(hubspot, ANA.upper(), lastname="Roux").json()["results"][0]
    assert (first["new"], again["new"], again["id"]) == (True, False, first["id"])
    asked = {"inputs": [{"id": first["id"]}], "properties": ["firstname", "lastname", "hs_email_optout"]}
    read = hubspot.post(f"{CONTACTS}/batch/read", json=asked).json()["results"][0]["properties"]
    assert (read["firstname"], read["lastname"], read["hs_email_optout"]) == ("Ana", "Roux", None)


def test_bad_records_are_told_in_a_207_when_every_input_is_traced(hubspot: httpx.Client) -> None:
    answer = upsert(hubspot, ANA, "no address", BOB)
    assert answer.status_code == 207
    assert [one["objectWriteTraceId"] for one in answer.json()["results"]] == ["t0", "t2"]
    (error,) = answer.json()["errors"]
    assert (error["context"], error["subCategory"]) == ({"objectWriteTraceId": ["t1"]}, "INVALID_EMAIL")


def test_without_traces_one_bad_record_refuses_the_batch(hubspot: httpx.Client) -> None:
    assert upsert(hubspot, ANA, "no address", traced=False).status_code == 400
    assert search(hubspot, {"propertyName": "hs_object_id", "operator": "GT", "value": "0"}) == []


@pytest.mark.parametrize("emails", [[ANA, ANA], [f"p{n}@mailbox.example" for n in range(101)]])
def test_a_batch_holds_a_hundred_different_contacts(hubspot: httpx.Client, emails: list[str]) -> None:
    assert upsert(hubspot, *emails).status_code == 400


def test_a_property_has_to_exist_and_those_of_consent_are_read_only(hubspot: httpx.Client) -> None:
    assert upsert(hubspot, ANA, hs_email_optout="false").json()["errors"][0]["subCategory"] == "READ_ONLY_VALUE"
    assert upsert(hubspot, ANA, opens="true").json()["errors"][0]["subCategory"] == "PROPERTY_DOESNT_EXIST"
    made = {
        "name": "opens",
        "label": "Opens",
        "type": "bool",
        "fieldType": "booleancheckbox",
        "groupName": "contactinformation",
    }
    assert hubspot.post("/crm/properties/2026-09/contacts", json=made).status_code == 201
    assert hubspot.post("/crm/properties/2026-09/contacts", json=made).status_code == 409
    assert upsert(hubspot, ANA, opens="true").status_code == 200


def test_lists_hold_record_ids_and_name_the_ids_they_do_not_know(hubspot: httpx.Client, control: httpx.Client) -> None:
    ana, bob = ids(hubspot, ANA, BOB)
    number = new_list(hubspot, "vip")
    members = f"{LISTS}/{number}/memberships"
    answer = hubspot.put(
        f"{members}/add-and-remove", json={"recordIdsToAdd": [ana, bob, "999"], "recordIdsToRemove": []}
    )
    assert answer.json() == {"recordsIdsAdded": [ana, bob], "recordIdsMissing": ["999"]}
    hubspot.put(f"{members}/add-and-remove", json={"recordIdsToAdd": [], "recordIdsToRemove": [bob]})
    assert control.get("/hubspot/lists").json() == {"vip": [ANA]}
    assert [one["recordId"] for one in hubspot.get(members).json()["results"]] == [ana]


def test_a_list_s_name_is_taken_once(hubspot: httpx.Client) -> None:
    new_list(hubspot, "vip")
    body = {"name": "vip", "objectTypeId": "0-1", "processingType": "MANUAL"}
    assert hubspot.post(LISTS, json=body).json()["subCategory"] == "ILS.DUPLICATE_LIST_NAMES"


def test_pages_of_a_list_follow_a_cursor(hubspot: httpx.Client) -> None:
    known = ids(hubspot, *(f"p{n}@mailbox.example" for n in range(5)))
    members = f"{LISTS}/{new_list(hubspot, 'vip')}/memberships"
    hubspot.put(f"{members}/add", json=known)
    seen, after = [], ""
    while True:
        page = hubspot.get(members, params={"limit": 2, "after": after} if after else {"limit": 2}).json()
        seen += [one["recordId"] for one in page["results"]]
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
    assert seen == known


def test_opt_outs_show_in_properties_and_are_found_by_searching_for_any_of_them(
    hubspot: httpx.Client, control: httpx.Client
) -> None:
    reasons = ("unsubscribed", "unsubscribed_from_all", "complaint", "hard_bounce")
    for reason in reasons:
        control.post("/hubspot/blocklist", json={"email": f"{reason}@mailbox.example", "reason": reason})
    upsert(hubspot, ANA)
    found = search(
        hubspot,
        {"propertyName": "hs_email_optout", "operator": "EQ", "value": "true"},
        {"propertyName": "hs_email_optout_7461233", "operator": "EQ", "value": "true"},
        {"propertyName": "hs_email_is_ineligible", "operator": "EQ", "value": "true"},
        {"propertyName": "hs_email_hard_bounce_reason_enum", "operator": "HAS_PROPERTY"},
    )
    assert found == [f"{reason}@mailbox.example" for reason in reasons]
    assert control.get("/hubspot/blocklist").json()["reasons"] == {f"{r}@mailbox.example": r for r in reasons}


def test_an_opt_out_survives_an_upsert(hubspot: httpx.Client, control: httpx.Client) -> None:
    upsert(hubspot, ANA, firstname="Ana")
    control.post("/hubspot/blocklist", json={"email": ANA}).raise_for_status()
    upsert(hubspot, ANA, firstname="Anna").raise_for_status()
    assert control.get("/hubspot/blocklist").json()["emails"] == [ANA]


def test_who_is_deleted_for_gdpr_can_never_be_written_again_known_or_not(hubspot: httpx.Client) -> None:
    upsert(hubspot, ANA)
    for email in (ANA, BOB):
        asked = {"objectId": email, "idProperty": "email"}
        assert hubspot.post(f"{CONTACTS}/gdpr-delete", json=asked).status_code == 204
    answer = upsert(hubspot, ANA, BOB).json()
    assert [one["subCategory"] for one in answer["errors"]] == ["GDPR_DELETED", "GDPR_DELETED"]


def test_a_refusal_can_be_ordered_for_some_records(hubspot: httpx.Client, control: httpx.Client) -> None:
    match = "POST /hubspot/crm/objects/2026-09/contacts/batch/upsert"
    control.post("/faults", json={"match": match, "kind": "refuse_records", "body": [ANA]}).raise_for_status()
    assert upsert(hubspot, ANA, BOB).json()["errors"][0]["subCategory"] == "VALIDATION_RULE_ERROR"


def test_limits_are_counted_in_headers_but_for_searches(hubspot: httpx.Client, control: httpx.Client) -> None:
    control.post("/limits", json={"hubspot": {"per_ten_seconds": 2, "searches_per_second": 1}}).raise_for_status()
    answers = [hubspot.get(CONTACTS) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert [a.headers["X-HubSpot-RateLimit-Remaining"] for a in answers] == ["1", "0", "0"]
    assert (answers[2].json()["policyName"], "Retry-After" in answers[2].headers) == ("TEN_SECONDLY_ROLLING", False)
    searches = [hubspot.post(f"{CONTACTS}/search", json={"filterGroups": []}) for _ in range(2)]
    assert [a.status_code for a in searches] == [200, 429]
    assert (searches[1].json()["policyName"], "X-HubSpot-RateLimit-Max" in searches[1].headers) == ("SECONDLY", False)


def test_the_calls_of_a_day_can_be_used_up(hubspot: httpx.Client, control: httpx.Client) -> None:
    control.post("/limits", json={"hubspot": {"per_day": 1}}).raise_for_status()
    first, second = hubspot.get(CONTACTS), hubspot.get(CONTACTS)
    assert (first.status_code, second.status_code, second.json()["policyName"]) == (200, 429, "DAILY")


def test_what_was_accepted_is_written_down_by_platform(hubspot: httpx.Client, control: httpx.Client) -> None:
    control.post("/reset", json={})
    upsert(hubspot, ANA)
    (write,) = control.get("/requests").json()["writes"]["hubspot"]
    assert write["emails"] == [ANA]
