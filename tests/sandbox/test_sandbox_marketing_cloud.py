"""The simulated Marketing Cloud behaves as Salesforce documents it, in what an audience tool uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from sandbox_process import Sandbox

ROWS = "/data/v1/async/dataextensions/key:vip/rows"
FIELDS = (
    "<Field><Name>SubscriberKey</Name><FieldType>Text</FieldType><MaxLength>64</MaxLength>"
    "<IsPrimaryKey>true</IsPrimaryKey><IsRequired>true</IsRequired></Field>"
    "<Field><Name>EmailAddress</Name><FieldType>EmailAddress</FieldType></Field>"
    "<Field><Name>FIRSTNAME</Name><FieldType>Text</FieldType><MaxLength>5</MaxLength></Field>"
    "<Field><Name>OPEN_TRACKING</Name><FieldType>Boolean</FieldType></Field>"
)
VIP = (
    '<Objects xsi:type="DataExtension"><CustomerKey>vip</CustomerKey><Name>VIP</Name><IsSendable>true</IsSendable>'
    "<SendableDataExtensionField><Name>SubscriberKey</Name></SendableDataExtensionField>"
    f"<SendableSubscriberField><Name>Subscriber Key</Name></SendableSubscriberField><Fields>{FIELDS}</Fields></Objects>"
)


class Cloud:
    """A client with a token, and the levers of the platform."""

    def __init__(self, api: httpx.Client, control: httpx.Client) -> None:
        self.api, self.control = api, control
        self.token = self.log_in()

    def log_in(self) -> str:
        body = {"grant_type": "client_credentials", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}
        token = str(self.api.post("/v2/token", json=body).raise_for_status().json()["access_token"])
        self.api.headers["Authorization"] = f"Bearer {token}"
        return token

    def soap(self, body: str, *, token: str | None = None) -> httpx.Response:
        envelope = (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Header>'
            f'<fueloauth xmlns="http://exacttarget.com">{token or self.token}</fueloauth></s:Header>'
            f"<s:Body>{body}</s:Body></s:Envelope>"
        )
        return self.api.post("/Service.asmx", content=envelope, headers={"Content-Type": "text/xml"})

    def asked(self, name: str, objects: str) -> list[tuple[str, str]]:
        """Status and error code of each object."""
        namespace = 'xmlns="http://exacttarget.com/wsdl/partnerAPI"'
        reply = ElementTree.fromstring(self.soap(f"<{name} {namespace}>{objects}</{name}>").text)
        return [
            (r.findtext("{*}StatusCode") or "", r.findtext("{*}ErrorCode") or "")
            for r in reply.iterfind(".//{*}Results")
        ]

    def retrieve(self, kind: str, *properties: str, wanted: str = "") -> tuple[str, list[dict[str, str]], str]:
        """Overall status, rows, and the request that goes on."""
        names = "".join(f"<Properties>{name}</Properties>" for name in properties)
        inside = f"<RetrieveRequest><ObjectType>{kind}</ObjectType>{names}{wanted}</RetrieveRequest>"
        namespace = 'xmlns="http://exacttarget.com/wsdl/partnerAPI"'
        reply = ElementTree.fromstring(self.soap(f"<RetrieveRequestMsg {namespace}>{inside}</RetrieveRequestMsg>").text)
        return (
            reply.findtext(".//{*}OverallStatus") or "",
            [_cells(row) for row in reply.iterfind(".//{*}Results")],
            reply.findtext(".//{*}RequestID") or "",
        )

    def upsert(self, *items: dict[str, Any]) -> str:
        """The id of the request."""
        return str(self.api.put(ROWS, json={"items": list(items)}).raise_for_status().json()["requestId"])

    def status(self, request_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"/data/v1/async/{request_id}/status").json()["status"]
        return found

    def results(self, request_id: str) -> list[str]:
        items = self.api.get(f"/data/v1/async/{request_id}/results").json()["items"]
        return [item["errorCode"] for item in items]

    def lists(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = self.control.get("/marketing_cloud/lists").json()
        return found


def _cells(row: ElementTree.Element) -> dict[str, str]:
    if named := list(row.iterfind("{*}Properties/{*}Property")):
        return {p.findtext("{*}Name") or "": p.findtext("{*}Value") or "" for p in named}
    return {cell.tag.rpartition("}")[2]: cell.text or "" for cell in row}


def equals(name: str, *values: str) -> str:
    how = "IN" if len(values) > 1 else "equals"
    told = "".join(f"<Value>{value}</Value>" for value in values)
    return f'<Filter xsi:type="SimpleFilterPart"><Property>{name}</Property><SimpleOperator>{how}</SimpleOperator>{told}</Filter>'


@pytest.fixture
def cloud(sandbox: Sandbox) -> Iterator[Cloud]:
    """The platform empty but for the data extension VIP, without limits, its requests done at once."""
    with sandbox.client("/_control") as control, sandbox.client("/marketing_cloud") as api:
        control.post("/limits", json={"marketing_cloud": None, "process_delay_seconds": 0}).raise_for_status()
        control.post("/reset", json={"marketing_cloud": True}).raise_for_status()
        found = Cloud(api, control)
        assert found.asked("CreateRequest", VIP) == [("OK", "")]
        yield found
        control.delete("/faults")
        control.post("/reset", json={"marketing_cloud": True})
        control.post("/limits", json={"marketing_cloud": {}, "process_delay_seconds": 0.5})


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"SubscriberKey": f"k-{name}", "EmailAddress": f"{name}@mailbox.example", **more}


def test_a_token_is_asked_for_in_rest_and_soap_alike_and_each_refuses_in_its_own_way(cloud: Cloud) -> None:
    wrong = cloud.api.post(
        "/v2/token", json={"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
    )
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    answer = cloud.api.get("/data/v1/async/r/status", headers={"Authorization": "Bearer stale"})
    assert (answer.status_code, answer.json()["message"]) == (401, "Not Authorized")
    answer = cloud.soap("<RetrieveRequestMsg/>", token="stale")
    assert (answer.status_code, "Login Failed" in answer.text) == (500, True)


def test_an_upsert_is_accepted_first_and_done_later(cloud: Cloud) -> None:
    cloud.control.post("/limits", json={"process_delay_seconds": 60})
    answer = cloud.api.put(ROWS, json={"items": [person("ana")]})
    assert answer.status_code == 202
    assert cloud.status(answer.json()["requestId"])["requestStatus"] == "Pending"
    assert cloud.lists() == {"VIP": []}


def test_an_upsert_that_is_done_says_so_and_keeps_columns_that_it_did_not_name(cloud: Cloud) -> None:
    cloud.upsert(person("ana", FIRSTNAME="Ana"))
    status = cloud.status(cloud.upsert(person("ana", OPEN_TRACKING=True)))
    assert (status["requestStatus"], status["resultStatus"], status["hasErrors"]) == ("Complete", "OK", False)
    _, rows, _ = cloud.retrieve("DataExtensionObject[vip]", "SubscriberKey", "FIRSTNAME", "OPEN_TRACKING")
    assert rows == [{"SubscriberKey": "k-ana", "FIRSTNAME": "Ana", "OPEN_TRACKING": "True"}]


def test_bad_rows_are_told_without_saying_which_they_were_and_the_others_are_written(cloud: Cloud) -> None:
    bad = [person("bo", EmailAddress="no address"), person("cy", FIRSTNAME="Cyprien"), person("di", COLOUR="red")]
    request = cloud.upsert(person("ana"), *bad, {"EmailAddress": "eve@mailbox.example"})
    assert cloud.status(request)["hasErrors"] is True
    assert sorted(cloud.results(request)) == [
        "InvalidEmailAddress", "PrimaryKeyRequired", "UnexpectedError", "UnexpectedError",
    ]  # fmt: skip
    assert cloud.lists() == {"VIP": ["ana@mailbox.example"]}


def test_rows_for_a_data_extension_that_is_not_there_are_not_queued(cloud: Cloud) -> None:
    answer = cloud.api.put("/data/v1/async/dataextensions/key:none/rows", json={"items": [person("ana")]})
    assert (answer.status_code, answer.json()["resultMessages"][0]["resultCode"]) == (400, "CustomObjectNotFound")


@pytest.mark.parametrize(
    ("kind", "status", "left"),
    [
        ("stuck_process", "Pending", []),
        ("fail_process", "Error", []),
        ("half_process", "Error", ["ana@mailbox.example"]),
    ],
)
def test_a_request_can_be_stuck_fail_or_fail_halfway(cloud: Cloud, kind: str, status: str, left: list[str]) -> None:
    match = "PUT /marketing_cloud/data/v1/async/dataextensions/{place}/rows"
    cloud.control.post("/faults", json={"match": match, "kind": kind}).raise_for_status()
    assert cloud.status(cloud.upsert(person("ana"), person("bob")))["requestStatus"] == status
    assert cloud.lists() == {"VIP": left}


def test_records_can_be_refused_for_what_they_are(cloud: Cloud) -> None:
    match = "PUT /marketing_cloud/data/v1/async/dataextensions/{place}/rows"
    body = ["bob@mailbox.example"]
    cloud.control.post("/faults", json={"match": match, "kind": "refuse_records", "body": body, "times": None})
    assert cloud.results(cloud.upsert(person("ana"), person("bob"))) == ["UnexpectedError"]
    assert cloud.lists() == {"VIP": ["ana@mailbox.example"]}


def test_a_request_that_is_not_known_is_told_of_in_an_answer_of_200(cloud: Cloud) -> None:
    answer = cloud.api.get("/data/v1/async/none/status")
    assert answer.status_code == 200
    assert answer.json()["resultMessages"][0]["resultCode"] == "AsyncRequestStatusNotFound"


def test_a_data_extension_is_made_once_and_columns_can_be_added(cloud: Cloud) -> None:
    assert cloud.asked("CreateRequest", VIP) == [("Error", "310007")]
    more = "<Fields><Field><Name>LASTNAME</Name><FieldType>Text</FieldType></Field></Fields>"
    objects = f'<Objects xsi:type="DataExtension"><CustomerKey>vip</CustomerKey>{more}</Objects>'
    assert cloud.asked("UpdateRequest", objects) == [("OK", "")]
    _, fields, _ = cloud.retrieve("DataExtensionField", "Name", wanted=equals("DataExtension.CustomerKey", "vip"))
    assert [field["Name"] for field in fields] == [
        "SubscriberKey",
        "EmailAddress",
        "FIRSTNAME",
        "OPEN_TRACKING",
        "LASTNAME",
    ]


def test_rows_are_deleted_by_key_and_one_that_is_not_there_is_an_error_of_its_own(cloud: Cloud) -> None:
    cloud.upsert(person("ana"), person("bob"))
    objects = "".join(
        '<Objects xsi:type="DataExtensionObject"><CustomerKey>vip</CustomerKey><Keys><Key><Name>SubscriberKey</Name>'
        f"<Value>{key}</Value></Key></Keys></Objects>"
        for key in ("k-ana", "k-nobody")
    )
    assert cloud.asked("DeleteRequest", objects) == [("OK", ""), ("Error", "68001")]
    assert cloud.lists() == {"VIP": ["bob@mailbox.example"]}


def test_2500_rows_come_at_once_and_the_rest_when_it_is_asked_for(cloud: Cloud) -> None:
    cloud.upsert(*[person(f"p{number:04}") for number in range(2501)])
    status, rows, request = cloud.retrieve("DataExtensionObject[vip]", "SubscriberKey")
    assert (status, len(rows)) == ("MoreDataAvailable", 2500)
    following = f"<ContinueRequest>{request}</ContinueRequest>"
    status, rows, _ = cloud.retrieve("DataExtensionObject[vip]", "SubscriberKey", wanted=following)
    assert (status, rows) == ("OK", [{"SubscriberKey": "k-p2500"}])


def test_who_leaves_is_unsubscribed_or_held_and_the_history_says_why(cloud: Cloud) -> None:
    for name, reason in (("ana", "unsubscribed"), ("bob", "complaint"), ("cy", "hard_bounce"), ("di", "list")):
        cloud.control.post("/marketing_cloud/blocklist", json={"email": f"{name}@mailbox.example", "reason": reason})
    _, people, _ = cloud.retrieve(
        "Subscriber", "EmailAddress", "Status", wanted=equals("Status", "Unsubscribed", "Held")
    )
    assert [(p["EmailAddress"][:2], p["Status"]) for p in people] == [
        ("an", "Unsubscribed"),
        ("bo", "Unsubscribed"),
        ("cy", "Held"),
    ]
    _, events, _ = cloud.retrieve("SubscriberStatusEvent", "SubscriberKey", "CurrentStatus", "ReasonUnsub")
    assert [(e["CurrentStatus"], e["ReasonUnsub"].split()[0]) for e in events] == [
        ("Unsub", "Unsubscribed"),
        ("Unsub", "Spam"),
        ("Held", "Hard"),
    ]
    _, lists, _ = cloud.retrieve(
        "ListSubscriber", "SubscriberKey", "ListID", "Status", wanted=equals("Status", "Unsubscribed")
    )
    assert lists == [{"SubscriberKey": "di@mailbox.example", "ListID": "1", "Status": "Unsubscribed"}]


def test_a_deleted_contact_leaves_all_subscribers_and_every_sendable_data_extension(cloud: Cloud) -> None:
    cloud.upsert(person("ana"), person("bob"))
    body = {"values": ["k-ana"], "DeleteOperationType": "ContactAndAttributes"}
    answer = cloud.api.post("/contacts/v1/contacts/actions/delete", params={"type": "keys"}, json=body).json()
    assert answer["operationInitiated"] is True
    query = {"operationID": answer["operationID"]}
    told = cloud.api.get("/contacts/v1/contacts/actions/delete/status", params=query).json()
    assert told["backgroundOperationsSummary"][0]["backgroundOperationStatusID"] == "Completed"
    assert cloud.lists() == {"VIP": ["bob@mailbox.example"]}


def test_who_is_too_fast_is_told_when_to_come_back(cloud: Cloud) -> None:
    cloud.control.post("/limits", json={"marketing_cloud": {"rate": 1, "burst": 1}})
    answers = [cloud.api.get("/data/v1/async/none/status") for _ in range(3)]
    refused = answers[-1]
    assert (refused.status_code, refused.json()["errorcode"], "retry-after" in refused.headers) == (429, 50100, True)
