"""Messages are signed, sent again as themselves, and believed only when they were taken."""

import base64
import hashlib
import hmac
import logging
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from activation.platform import PlatformDesk
from activation.stands import WEBHOOK
from activation.town import Town, key_of
from audience.activation.destination import Calls
from audience.activation.destinations.webhook import Webhook
from audience.activation.wire import trusted
from audience.core.connection import Connection
from audience.core.errors import DestinationRefused, SettingsError
from audience.core.masked import Secret
from audience.core.warehouse import Warehouse

POST = "POST /webhook/"


@pytest.fixture
def desk(platform_url: str) -> Iterator[PlatformDesk]:
    with httpx.Client(base_url=f"{platform_url}/_control", timeout=30, verify=trusted()) as client:
        desk = PlatformDesk(platform_url, client, "webhook")
        desk.reset()
        yield desk


@pytest.fixture
def town(warehouse: Warehouse, desk: PlatformDesk) -> Town:
    town = Town(warehouse, desk.url, WEBHOOK)
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    return town


def test_a_message_carries_its_id_its_time_and_their_signature() -> None:
    sent: list[httpx.Request] = []
    connection = Connection("webhook", url="https://hooks.example/a", password=Secret("whsec_c2hvcA=="))
    signature = Webhook(connection, now=lambda: 1_700_000_000.9)._signature()
    signature.message_id = "msg_1"
    transport = httpx.MockTransport(lambda request: sent.append(request) or httpx.Response(204))
    with httpx.Client(auth=signature, transport=transport) as client:
        client.post(connection.url, content=b'{"type":"x"}')
    expected = hmac.digest(b"shop", b'msg_1.1700000000.{"type":"x"}', hashlib.sha256)
    said = {name: value for name, value in sent[0].headers.items() if name.startswith("webhook-")}
    assert said == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": f"v1,{base64.b64encode(expected).decode()}",
    }


def test_an_endpoint_takes_no_message_that_is_not_signed_or_is_signed_long_ago(desk: PlatformDesk) -> None:
    assert httpx.post(f"{desk.url}/webhook/", json={"type": "members.added", "list": "vip"}).status_code == 401
    long_ago = Webhook(WEBHOOK.connection(desk.url), now=lambda: 1_000_000_000.0)
    with long_ago.open(Calls(lambda _: None, lambda _: None, lambda _: None)) as endpoint:
        with pytest.raises(DestinationRefused, match="401"):
            endpoint.ensure_schema(["vip"])
    assert desk.lists() == {}


def test_a_message_whose_answer_was_lost_is_sent_again_as_itself_and_taken_once(town: Town, desk: PlatformDesk) -> None:
    desk.fault(POST, "drop_after_accept", times=3)
    assert town.push().in_sync and desk.lists() == town.desired() == town.acknowledged()
    assert [write["call"] for write in desk.writes()] == ["POST contacts.upserted", "POST members.added"]


@pytest.mark.parametrize("said", ["7", "Wed, 22 Nov 2000 12:00:00 GMT"])
def test_retry_after_is_waited_for_in_either_form(town: Town, desk: PlatformDesk, said: str) -> None:
    slept: list[float] = []
    desk.fault(POST, "status", status=429, headers={"Retry-After": said}, times=1)
    assert town.push(sleep=slept.append).in_sync
    assert sum(slept) == pytest.approx(7, abs=0.5) if said == "7" else sum(slept) < 3


@pytest.mark.parametrize(
    "answer", [{"status": 413}, {"status": 200, "body": {"refused": [{"reason": "x"}]}}], ids=["too large", "of nobody"]
)
def test_what_was_refused_without_saying_whom_is_sent_in_parts(
    town: Town, desk: PlatformDesk, answer: dict[str, object]
) -> None:
    desk.fault(POST, "status", after=1, times=1, **answer)
    assert town.push().in_sync and desk.lists() == town.desired() == town.acknowledged()
    assert [write["call"] for write in desk.writes()][:2] == ["POST contacts.upserted"] * 2


def test_a_redirection_is_not_followed(town: Town, desk: PlatformDesk) -> None:
    desk.fault(POST, "status", status=302, headers={"Location": f"{desk.url}/elsewhere"}, times=None)
    with pytest.raises(DestinationRefused, match=r"lists.wanted: found 302, expected 2xx"):
        town.push()
    assert desk.writes() == []


def test_a_reason_that_could_quote_somebody_is_not_kept(town: Town, desk: PlatformDesk) -> None:
    told = [{"contact_key": key_of("bob"), "reason": "bob@mailbox.example is unwanted"}]
    desk.fault(POST, "status", status=200, body={"refused": told}, after=1, times=1)
    town.push()
    assert ("upsert", "", "bob", "refused") in town.items("dead")


def test_the_address_is_in_no_message_and_in_no_log(
    town: Town, desk: PlatformDesk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    town.connection = replace(town.connection, url=f"{desk.url}/webhook/secret-of-the-address")
    with pytest.raises(DestinationRefused) as refused:
        town.push()
    with town.warehouse.begin() as connection:
        logged = connection.exec_driver_sql("SELECT call FROM push.request").scalars().all()
    assert logged == ["POST the endpoint"]
    assert "secret-of-the-address" not in f"{refused.value} {caplog.text}"


@pytest.mark.parametrize("secret", ["", "whsec_!"])
def test_without_a_secret_nothing_is_sent(town: Town, desk: PlatformDesk, secret: str) -> None:
    town.connection = replace(town.connection, password=Secret(secret))
    with pytest.raises(SettingsError, match="secret|base64"):
        town.push()
    assert "webhook" not in desk.journal()["apps"]


def test_it_cannot_be_read_back_and_says_so(desk: PlatformDesk) -> None:
    webhook = Webhook(WEBHOOK.connection(desk.url))
    assert not (webhook.capabilities.reads_back or webhook.capabilities.tells_opt_outs)
    with webhook.open(Calls(lambda _: None, lambda _: None, lambda _: None)) as endpoint:
        assert list(endpoint.pull_opt_outs(None)) == []
        with pytest.raises(DestinationRefused, match="cannot be read back"):
            endpoint.read_back("vip")
