"""Marketing Cloud's traps: two ways to refuse a token, results that name no row, people who are known by other keys."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa

from activation.platform import PlatformDesk
from activation.stands import MARKETING_CLOUD, Cloud
from activation.town import Town, key_of
from audience.activation.destination import Calls, Job, Platform, Results
from audience.activation.push import erase
from audience.activation.report import PushReport
from audience.activation.salesforce import soap
from audience.activation.salesforce.rows import FIELDS, KEY_LENGTH
from audience.activation.salesforce.rows import key_of as extension_key
from audience.activation.salesforce.signing import at
from audience.activation.wire import trusted
from audience.core.errors import DestinationUnavailable
from audience.core.masked import Personal
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Erasure
from audience.privacy.gate import Leaver
from key import KEY

SOAP = "POST /marketing_cloud/Service.asmx"
UPSERT = MARKETING_CLOUD.requests["upsert"]
DELETION = "GET /marketing_cloud/contacts/v1/contacts/actions/delete/status"
FAULT = "<soap:Envelope><soap:Body><soap:Fault><faultstring>Token Expired</faultstring></soap:Fault></soap:Body></soap:Envelope>"


@pytest.fixture
def desk(platform_url: str) -> Iterator[PlatformDesk]:
    with httpx.Client(base_url=f"{platform_url}/_control", timeout=30, verify=trusted()) as client:
        desk = PlatformDesk(platform_url, client, "marketing_cloud", "audience_")
        desk.reset()
        yield desk


@pytest.fixture
def town(warehouse: Warehouse, desk: PlatformDesk) -> Town:
    town = Town(warehouse, desk.url, MARKETING_CLOUD)
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    return town


@contextmanager
def opened(town: Town) -> Iterator[Platform]:
    with town.destination().open(Calls(lambda _: None, lambda _: None, lambda _: None)) as platform:
        yield platform


def leave(desk: PlatformDesk, name: str, reason: str) -> None:
    body = {"email": f"{name}@mailbox.example", "reason": reason}
    desk.client.post("/marketing_cloud/blocklist", json=body).raise_for_status()


def test_a_token_that_expires_is_fetched_again_whoever_refuses_it(town: Town, desk: PlatformDesk) -> None:
    desk.fault(SOAP, "status", status=500, body=FAULT, after=2, times=1)
    desk.fault(UPSERT, "status", status=401, body={"message": "Not Authorized"}, times=1)
    assert town.push().in_sync
    assert desk.calls()["POST /marketing_cloud/v2/token"] == 3


def test_a_fault_that_is_not_about_the_token_is_tried_again_and_then_given_up(town: Town, desk: PlatformDesk) -> None:
    desk.fault(SOAP, "status", status=500, body=FAULT.replace("Token Expired", "ana@mailbox.example"), times=None)
    with pytest.raises(DestinationUnavailable, match="500 after 6 tries") as down:
        town.push()
    assert "mailbox" not in str(down.value)


def test_429_is_waited_for_as_long_as_it_says(town: Town, desk: PlatformDesk) -> None:
    slept: list[float] = []
    desk.fault(UPSERT, "status", status=429, headers={"Retry-After": "5"}, body={"errorcode": 50100}, times=1)
    assert town.push(sleep=slept.append).in_sync
    assert 4.5 < sum(slept) < 8


def test_each_way_to_leave_is_an_opt_out_with_its_reason_and_instant(town: Town, desk: PlatformDesk) -> None:
    ways = {"ana": "unsubscribed", "bob": "complaint", "cam": "hard_bounce", "dan": "list"}
    for name, way in ways.items():
        leave(desk, name, way)
    now = datetime.now(UTC)
    with opened(town) as platform:
        everybody = list(platform.pull_opt_outs(None))
        recent = {
            one.who.email.reveal()[:3]: one for one in platform.pull_opt_outs(now - timedelta(days=1)) if one.who.email
        }
        later = list(platform.pull_opt_outs(now + timedelta(minutes=5)))
    assert {one.who.email.reveal()[:3] for one in everybody if one.who.email} == set(ways)
    assert {name: one.reason for name, one in recent.items()} == {
        "ana": "unsubscribe", "bob": "complaint", "cam": "hard_bounce", "dan": "unsubscribe",
    }  # fmt: skip
    assert all(abs(one.at - now) < timedelta(minutes=5) for one in recent.values())
    assert later == []


def test_who_is_known_there_by_another_key_and_opted_out_is_never_told(town: Town, desk: PlatformDesk) -> None:
    town.push()
    leave(desk, "ana", "unsubscribed")  # a subscriber whose key is the address, as another integration made it
    with opened(town) as platform:
        shown = {one.who.contact_key: one.opted_out_at for one in platform.read_back("vip")}
    assert shown[key_of("ana")] is not None and shown[key_of("bob")] is None
    assert town.push().in_sync and desk.lists() == {"audience": {"bob"}, "vip": {"bob"}}


def test_an_erased_person_is_deleted_under_every_key_and_from_every_list(town: Town, desk: PlatformDesk) -> None:
    town.push()
    leave(desk, "ana", "unsubscribed")
    with opened(town) as platform:
        answer = platform.erase([Leaver(key_of("ana"), Personal("ana@mailbox.example"))])
        while isinstance(answer, Job):
            answer = platform.poll(answer)
    assert answer == Results()
    assert desk.lists() == {"audience": {"bob"}, "vip": {"bob"}} and desk.blocked() == set()


def test_a_deletion_that_takes_long_holds_no_run_up_and_is_found_again_by_any(town: Town, desk: PlatformDesk) -> None:
    """Marketing Cloud deletes later, up to hours: the run ends, and another one sees what became of it, from the ledger."""
    town.push()
    town.suppress("bob", reason="erased")
    at_work = {"operation": {"status": "Processing"}}
    desk.fault(DELETION, "status", status=200, body=at_work, times=None)
    assert town.push().erased == 0  # and nobody waited
    report = erase_there(town)
    assert report is not None and (report.erased, report.waiting_seconds) == (0, 30)
    assert deletions(desk) == 1 and waiting(town) == ["bob"]
    desk.mend()
    report = erase_there(town)
    assert report is not None and (report.erased, report.waiting_seconds) == (1, 0)
    assert waiting(town) == [] and erase_there(town) is None and deletions(desk) == 1


def test_whom_a_request_brings_that_was_under_way_is_deleted_by_the_push_that_sees_it_through(
    town: Town, desk: PlatformDesk
) -> None:
    """Their rows are gone by our key at once, and nothing else would ask for the contact again."""
    desk.limits(process_delay_seconds=0.5)
    assert town.push(patience_seconds=0).waiting_seconds > 0
    town.suppress("bob", reason="erased")
    time.sleep(0.5)
    desk.limits(process_delay_seconds=0)
    town.push()
    assert deletions(desk) == 1 and desk.lists() == {"audience": {"ana"}, "vip": {"ana"}}


def test_a_deletion_that_was_lost_in_a_crash_is_asked_for_again(town: Town, desk: PlatformDesk) -> None:
    class Killed(BaseException): ...

    def die(call: str) -> None:
        if call.startswith("after POST") and call.endswith("/actions/delete"):
            raise Killed

    town.push()
    town.suppress("ana", "bob", reason="erased")
    with pytest.raises(Killed):
        erase_there(town, at_call=die)
    assert waiting(town) == ["ana", "bob"]
    report = erase_there(town)
    assert report is not None and report.erased == 2 and deletions(desk) == 2


def test_a_deletion_that_fails_is_cut_in_two_and_who_is_left_is_owed(town: Town, desk: PlatformDesk) -> None:
    town.push()
    town.suppress("ana", "bob", reason="erased")
    failed = {"operation": {"status": "Failed"}}
    desk.fault(
        "GET /marketing_cloud/contacts/v1/contacts/actions/delete/status", "status", status=200, body=failed, times=2
    )
    report = erase_there(town)
    assert report is not None and report.erased == 1 and len(waiting(town)) == 1
    report = erase_there(town)
    assert report is not None and report.erased == 1 and waiting(town) == []


def erase_there(town: Town, at_call: Callable[[str], None] = lambda _: None) -> PushReport | None:
    return erase("marketing_cloud", town.destination, warehouse=town.warehouse, key=KEY, holder="erasure", at_call=at_call,
                 patience_seconds=100, sleep=lambda _: None)  # fmt: skip


def deletions(desk: PlatformDesk) -> int:
    return desk.calls()["POST /marketing_cloud/contacts/v1/contacts/actions/delete"]


def waiting(town: Town) -> list[str]:
    """Who is to be deleted there and is not yet."""
    names = town.names()
    with town.warehouse.begin() as connection:
        owed = connection.execute(sa.select(Erasure.contact_key).where(Erasure.erased_at.is_(None)))
        return sorted(names[key] for key in owed.scalars())


def test_a_request_that_nobody_knows_any_more_is_no_success(town: Town) -> None:
    with opened(town) as platform:
        assert platform.poll(Job("a-request-of-nobody")) == Results(refused_whole="AsyncRequestStatusNotFound")


def test_taking_off_who_is_not_there_is_done(town: Town) -> None:
    town.push()
    with opened(town) as platform:
        assert platform.remove("vip", [Leaver(key_of("nobody"), None)]) == Results([])
        assert platform.remove("a_list_of_nobody", [Leaver(key_of("ana"), None)]) == Results()


def test_columns_that_are_missing_are_added_and_what_is_there_stays(town: Town, desk: PlatformDesk) -> None:
    somebody = Cloud(desk.url)
    somebody.soap(soap.create([soap.extension("audience", FIELDS, name="audience")]))
    somebody.upsert("audience", {"SubscriberKey": "crm-7", "EmailAddress": "zoe@mailbox.example"})
    with opened(town) as platform:
        platform.ensure_schema(["vip"])
        platform.ensure_schema(["vip"])
    assert somebody.rows("audience") == {
        "zoe@mailbox.example": {"SubscriberKey": "crm-7", "EmailAddress": "zoe@mailbox.example"}
    }
    assert town.push().in_sync and MARKETING_CLOUD.attributes(desk.url, "ana@mailbox.example")["FIRSTNAME"] == "Ana"  # type: ignore[index]


def test_a_tenants_three_addresses_follow_from_one_and_another_host_serves_all() -> None:
    tenant = "https://mc-sub.soap.marketingcloudapis.com"
    assert at(tenant, "auth") == "https://mc-sub.auth.marketingcloudapis.com"
    assert at(tenant, "rest") == "https://mc-sub.rest.marketingcloudapis.com"
    assert at("https://proxy.example/cloud", "rest") == "https://proxy.example/cloud"


def test_keys_are_never_too_long_and_long_names_stay_apart() -> None:
    names = ["vip", "people_who_bought_three_times_in_spring", "people_who_bought_three_times_in_summer"]
    keys = [extension_key(name) for name in names]
    assert keys[0] == "audience_vip" and len(set(keys)) == 3 and max(map(len, keys)) <= KEY_LENGTH


def test_a_value_in_an_envelope_is_text_and_never_markup() -> None:
    asked = soap.signed(
        soap.retrieve("Subscriber", ["ID"], soap.among("EmailAddress", ["<&>@mailbox.example"])), "to&ken"
    )
    assert b"&lt;&amp;&gt;@mailbox.example" in asked and b">to&amp;ken</fueloauth>" in asked
