"""What the conformance kit does not show of HubSpot: contacts that change while they are read, and what proves consent."""

import json
from typing import Any

import pytest
from answering import Answer, Asked
from scripted import Script, Scripted, scripted

from audience.core.connection import Connection
from audience.core.errors import SettingsError, SourceReplyInvalid
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.sources.contract import Rest
from audience.sources.hubspot import SOURCE, Status, fetch_contacts, fetch_events, tidy_contact, tidy_event

SEARCH = "POST /crm/objects/2026-09/contacts/search"
STATUSES = "POST /communication-preferences/2026-09/statuses/batch/read"
FRIDAY = Partition.parse("2026-11-20").window


def opened(system: Scripted, **extra: object) -> Rest:
    connection = Connection("hubspot", system.url, password=Secret("key"), extra={"subscription_id": 7} | extra)
    return SOURCE.system.open(connection)  # type: ignore[no-any-return]


def contact(number: int, **properties: object) -> dict[str, Any]:
    changed = {"lastmodifieddate": "2026-11-20T08:00:00.000Z", "email": f"p{number}@mailbox.example"}
    return {"id": str(number), "createdAt": "2026-01-05T10:00:00Z", "properties": changed | properties}


class Account:
    """Answers searches as HubSpot does: what is above the asked identifier, in its order, 200 at a time."""

    def __init__(self, contacts: int) -> None:
        self.contacts = [contact(number) for number in range(1, contacts + 1)]

    def search(self, asked: Asked) -> Answer:
        wanted = json.loads(asked.body)
        above = int(wanted["filterGroups"][0]["filters"][2]["value"])
        found = [c for c in self.contacts if int(c["id"]) > above]
        return Answer({"total": len(found), "results": found[: wanted["limit"]]})

    def script(self) -> Script:
        return {SEARCH: [self.search], STATUSES: [Answer({"results": []})]}


def answers(*pages: object) -> Script:
    return {SEARCH: [Answer(page) for page in pages], STATUSES: [Answer({"results": []})]}


def test_a_contact_that_changes_while_the_window_is_read_hides_no_other() -> None:
    account = Account(450)
    with scripted(account.script()) as system:
        records = fetch_contacts(opened(system), FRIDAY)
        read = [int(next(records)["id"])]
        del account.contacts[:150]  # they change again, today, and leave the window
        read += [int(record["id"]) for record in records]
        assert not any("after" in json.loads(asked.body) for asked in system.asked_at(SEARCH))  # so no cap is reached
    assert read == list(range(1, 451))


def test_addresses_are_asked_for_in_hundreds_and_found_in_any_case() -> None:
    status = {"subscriptionId": 7, "status": "UNSUBSCRIBED", "timestamp": "2026-11-20T07:00:00Z"}
    first, second = contact(1, email="Ana@Mailbox.example"), contact(2, email=None)
    many = [contact(number) for number in range(3, 150)]
    script: Script = {
        SEARCH: [Answer({"total": 149, "results": [first, second, *many]})],
        STATUSES: [Answer({"results": [{"subscriberIdString": "ana@mailbox.example", "statuses": [status]}]}),
                   Answer({"results": []})],
    }  # fmt: skip
    with scripted(script) as system:
        records = list(fetch_contacts(opened(system), FRIDAY))
        assert [len(json.loads(asked.body)["inputs"]) for asked in system.asked_at(STATUSES)] == [100, 48]
    assert [r["status"] for r in records[:3]] == [status, None, None]


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ({"total": 3, "results": [contact(2), contact(1)]}, "does not follow the page before"),
        ({"total": 3, "results": [contact(1), contact(1)]}, "does not follow the page before"),
        ({"total": 3, "results": []}, "does not follow the page before"),
        ({"results": [contact(1)]}, "has no total, or a contact without id and properties"),
        ({"total": 1, "results": [{"id": "x", "properties": {}}]}, "has no total, or a contact without id"),
        ({"total": 1, "results": [{"id": "1"}]}, "has no total, or a contact without id and properties"),
        ({"total": 1, "contacts": []}, "has no list 'results'"),
        ([], "has no list 'results'"),
    ],
)
def test_a_search_that_is_not_answered_in_order_is_invalid(page: object, problem: str) -> None:
    with (
        scripted(answers(page)) as system,
        pytest.raises(SourceReplyInvalid, match=f"^hubspot: contacts: the reply {problem}"),
    ):
        list(fetch_contacts(opened(system), FRIDAY))


EVENTS = "GET /email/public/v1/events"
EVENT = {"id": "e", "type": "OPEN", "created": 1795161600000, "recipient": "p1@mailbox.example"}


@pytest.mark.parametrize(
    "end", [{}, {"hasMore": "no"}, {"hasMore": True}, {"hasMore": True, "offset": ""}, {"hasMore": True, "offset": "o"}]
)
def test_a_page_of_events_that_does_not_lead_on_is_not_the_last(end: dict[str, object]) -> None:
    pages = [Answer({"events": [EVENT], "hasMore": True, "offset": "o"}), Answer({"events": [EVENT], **end})]
    with (
        scripted({EVENTS: [*pages]}) as system,
        pytest.raises(SourceReplyInvalid, match="does not say whether there are more 'events'"),
    ):
        list(fetch_events(opened(system), FRIDAY))


def test_without_the_subscription_type_nobody_is_read() -> None:
    with scripted(answers()) as system, pytest.raises(SettingsError, match="no 'subscription_id' in its extra"):
        list(fetch_contacts(opened(system, subscription_id=""), FRIDAY))


BASIS = {"legalBasis": "CONSENT_WITH_NOTICE", "legalBasisExplanation": "newsletter form"}
WHEN = {"timestamp": "2026-11-20T07:00:00Z"}


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        ({"status": "SUBSCRIBED", **WHEN, **BASIS}, "granted"),
        ({"status": "SUBSCRIBED", **WHEN, **BASIS, "legalBasisExplanation": ""}, None),
        ({"status": "SUBSCRIBED", **WHEN, **BASIS, "legalBasis": "LEGITIMATE_INTEREST_CLIENT"}, None),
        ({"status": "SUBSCRIBED", **WHEN}, None),
        ({"status": "SUBSCRIBED", **BASIS}, None),
        ({"status": "NOT_SPECIFIED", **WHEN, **BASIS}, None),
        ({"status": "UNSUBSCRIBED", **WHEN}, "withdrawn"),
        (None, None),
    ],
)
def test_a_subscription_is_consent_only_with_its_time_and_an_explained_legal_basis(
    status: Any, answer: str | None
) -> None:
    said: Status | None = {"subscriptionId": 7, **status} if status else None
    rows = list(tidy_contact({**contact(1), "status": said}))  # type: ignore[typeddict-item]
    assert [row["status"] for entity, row in rows if entity == "consent"] == ([answer] if answer else [])


def test_a_contact_without_an_address_has_no_consent() -> None:
    rows = list(tidy_contact({**contact(1, email=None, hs_email_optout="true"), "status": None}))  # type: ignore[typeddict-item]
    assert [entity for entity, _ in rows] == ["contact"]


def test_a_status_that_changes_back_to_subscribed_is_no_event() -> None:
    change: Any = {"id": "e", "type": "STATUSCHANGE", "created": 1795161600000, "recipient": "p@mailbox.example"}
    assert list(tidy_event({**change, "portalSubscriptionStatus": "SUBSCRIBED"})) == []
    assert [row["type"] for _, row in tidy_event({**change, "portalSubscriptionStatus": "UNSUBSCRIBED"})] == [
        "unsubscribe"
    ]
