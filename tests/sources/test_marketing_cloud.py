"""What the conformance kit does not show of Marketing Cloud: its clock, its tokens, its faults, whose events they are."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import tenacity.nap
from answering import Answer, Asked
from replay import Recording, Replay, replaying

from audience.core.errors import SourceRefused, SourceReplyInvalid
from audience.sources.contract import Unusable, Window
from audience.sources.marketing_cloud import SOURCE, Event, Soap, fetch_events, fetch_sends, happened_at, tidy_event

RECORDING = Recording.of("marketing_cloud")
EVENT: Event = {
    "SendID": "1",
    "SubscriberKey": "crm-1",
    "SubscriberID": "9001",
    "EmailAddress": "ana.martin@mailbox.example",
    "EventDate": "2026-11-20T02:00:00",
    "EventType": "Open",
}
FAULT = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>
<faultcode>o:FailedAuthentication</faultcode><faultstring>Login Failed</faultstring></s:Fault></s:Body></s:Envelope>"""
ANSWER = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<RetrieveResponseMsg xmlns="http://exacttarget.com/wsdl/partnerAPI"><OverallStatus>{status}</OverallStatus>{more}
</RetrieveResponseMsg></s:Body></s:Envelope>"""


class Cloud:
    """An account whose tokens are told apart; it accepts `valid`, and answers with `answer`."""

    def __init__(self, replay: Replay, valid: str = "token-1") -> None:
        self.valid, self.answer = valid, ANSWER.format(status="OK", more="")
        self.token_requests: list[dict[str, str]] = []
        self.asked: list[str] = []
        replay.answer = self.reply  # type: ignore[method-assign]

    def reply(self, asked: Asked) -> Answer:
        if asked.target == "/v2/token":
            self.token_requests.append(json.loads(asked.body))
            return Answer({"access_token": f"token-{len(self.token_requests)}", "expires_in": 1079})
        said = asked.body.decode()
        self.asked.append(said)
        return Answer(self.answer) if f">{self.valid}</fueloauth>" in said else Answer(FAULT, 500)


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    monkeypatch.setattr(tenacity.nap.time, "sleep", lambda _: None)
    with replaying(RECORDING, "sends") as system:
        yield system


def sends(replay: Replay) -> list[Any]:
    soap: Soap = SOURCE.system.open(replay.connection())
    try:
        return list(fetch_sends(soap, replay.window))
    finally:
        soap.close()


def test_a_token_is_asked_for_with_json_which_is_the_documented_form(replay: Replay) -> None:
    cloud = Cloud(replay)
    assert sends(replay) == []
    assert cloud.token_requests == [
        {"grant_type": "client_credentials", "client_id": "client-of-nobody", "client_secret": "secret-of-nobody"}
    ]


def test_a_token_that_has_expired_is_renewed_although_its_refusal_is_an_http_500(replay: Replay) -> None:
    cloud = Cloud(replay, valid="token-2")
    assert sends(replay) == []
    assert [re.search(">(token-.)<", asked)[1] for asked in cloud.asked] == ["token-1", "token-2"]  # type: ignore[index]


def test_credentials_that_are_refused_with_a_soap_fault_end_it_at_once(replay: Replay) -> None:
    cloud = Cloud(replay, valid="none")
    with pytest.raises(SourceRefused, match="check connection 'marketing_cloud'"):
        sends(replay)
    assert len(cloud.asked) == 2  # with the first token and with another one


@pytest.mark.parametrize(
    ("status", "more", "found"),
    [
        ("Error: no property EventDate of ana@mailbox.example", "", "found status 'Error', expected 'OK'"),
        ("MoreDataAvailable", "", "the reply does not say how to read on"),
    ],
)
def test_an_answer_that_is_an_error_is_refused_without_its_words(
    replay: Replay, status: str, more: str, found: str
) -> None:
    Cloud(replay).answer = ANSWER.format(status=status, more=more)
    with pytest.raises(SourceReplyInvalid, match=f"^marketing_cloud: Retrieve Send: {found}$"):
        sends(replay)


@pytest.mark.parametrize("day", ["2026-03-08", "2026-03-29", "2026-07-01", "2026-10-25", "2026-11-01"])
def test_server_time_is_six_hours_behind_on_every_day_of_the_year(day: str) -> None:
    moment = happened_at({"EventDate": f"{day}T12:00:00"})
    assert moment == datetime.fromisoformat(f"{day}T18:00:00Z")


def test_subscribers_are_asked_for_five_hundred_at_a_time(replay: Replay) -> None:
    row = "<Results><SubscriberKey>crm-{n:04}</SubscriberKey></Results>"
    cloud = Cloud(replay)
    cloud.answer = ANSWER.format(status="OK", more="".join(row.format(n=n) for n in range(1001)))
    soap = SOURCE.system.open(replay.connection())
    window = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
    assert len(list(fetch_events(soap, window, kind="OpenEvent"))) == 1001
    soap.close()
    assert [asked.count("<Value>") for asked in cloud.asked] == [0, 500, 500, 1]


def test_an_event_of_a_subscriber_who_is_gone_goes_to_quarantine_without_the_key_in_its_reason() -> None:
    with pytest.raises(Unusable, match="^no subscriber has this SubscriberKey$"):
        list(tidy_event({**EVENT, "SubscriberID": None, "EmailAddress": None}))


def test_an_event_of_an_unknown_kind_goes_to_quarantine() -> None:
    with pytest.raises(Unusable, match="^EventType is of a kind that is not known$"):
        list(tidy_event({**EVENT, "EventType": "Survey"}))
