"""What only Mailchimp does: statuses, archives of batches, refusals that mean "later"."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from activation.platform import PlatformDesk
from activation.stands import MAILCHIMP
from activation.town import Town
from audience.activation.destination import Calls, Job, Results
from audience.activation.destinations.mailchimp import Mailchimp, _Audience
from audience.activation.wire import Wire, trusted
from audience.core.connection import Connection
from audience.core.errors import DestinationRefused, DestinationUnavailable, SettingsError
from audience.core.masked import Secret
from audience.core.turns import OwnTurns
from audience.core.warehouse import Warehouse

MERGE_FIELDS = "GET /mailchimp/3.0/lists/{list_id}/merge-fields"
ALONE = Calls(before=lambda _: None, after=lambda _: None, pause=lambda _: None)


@pytest.fixture
def desk(platform_url: str) -> Iterator[PlatformDesk]:
    with httpx.Client(base_url=f"{platform_url}/_control", timeout=30, verify=trusted()) as client:
        desk = PlatformDesk(platform_url, client, "mailchimp", "audience/")
        desk.reset()
        yield desk


@pytest.fixture
def town(warehouse: Warehouse, desk: PlatformDesk) -> Town:
    town = Town(warehouse, desk.url, MAILCHIMP)
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    return town


def api(desk: PlatformDesk, method: str, path: str, body: Any = None) -> httpx.Response:
    """What somebody else does with the audience."""
    at = f"{desk.url}/mailchimp/3.0/lists/b4baa94655{path}"
    return httpx.request(method, at, json=body, headers={"authorization": "Bearer sandbox-mailchimp-key-us0"})


# -- statuses ----------------------------------------------------------------------------------------------------------


def test_who_was_unsubscribed_by_the_api_just_before_the_batch_stays_so(town: Town, desk: PlatformDesk) -> None:
    town.push()
    town.rename("ana", "Anaïs")

    def unsubscribe(call: str) -> None:
        if call == "before POST /batches":
            api(desk, "PATCH", "/members/ana@mailbox.example", {"status": "unsubscribed"}).raise_for_status()

    town.push(at_call=unsubscribe)

    assert api(desk, "GET", "/members/ana@mailbox.example").json()["status"] == "unsubscribed"
    assert desk.journal()["violations"]["resubscribes"] == 0
    assert desk.lists()["vip"] == {"bob"}  # seen when it was read back


@pytest.mark.parametrize(
    ("how", "reason"),
    [(("DELETE", "/members/ana@mailbox.example"), "archived"),
     (("POST", "/members/ana@mailbox.example/actions/delete-permanent"), "400 Forgotten Email Not Subscribed")],
    ids=["archived", "deleted for ever"],
)  # fmt: skip
def test_whom_somebody_put_away_there_becomes_a_dead_letter(
    town: Town, desk: PlatformDesk, how: tuple[str, str], reason: str
) -> None:
    town.push()
    api(desk, *how).raise_for_status()
    report = town.push()
    assert desk.lists()["vip"] == {"bob"} and report.in_sync
    assert ("upsert", "", "ana", reason) in town.items("dead")


# -- batches -----------------------------------------------------------------------------------------------------------


def polled(*results: tuple[str, int, Any], total: int | None = None, cut: int | None = None) -> Results:
    """What a finished batch with these results (contact key, status, body) is taken for."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for n, (key, status, body) in enumerate(results):
            content = json.dumps([{"operation_id": key, "status_code": status, "response": json.dumps(body)}]).encode()
            entry = tarfile.TarInfo(f"./{n}.json")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    batch = {"status": "finished", "total_operations": len(results) if total is None else total,
             "response_body_url": "https://archive.example/1.tar.gz"}  # fmt: skip
    answers = {"/batches/1": httpx.Response(200, json=batch),
               "/1.tar.gz": httpx.Response(200, content=gzip.compress(packed.getvalue())[:cut])}  # fmt: skip
    transport = httpx.MockTransport(lambda request: answers[request.url.path])
    with httpx.Client(base_url="https://us19.api.example", transport=transport) as client:
        wire = Wire("mailchimp", client, ALONE, per_second=1000, turns=OwnTurns())
        answer = _Audience(wire, wire, "/lists/1").poll(Job("1"))
    assert isinstance(answer, Results)
    return answer


ANA = {"id": "a1", "contact_id": "c1", "status": "subscribed", "tags_count": 0, "tags": []}
PLACED = ("base list", 200, {"members_added": [{"id": "a1"}]})


def test_each_operation_of_a_batch_is_told_by_its_contact_key() -> None:
    found = polled(
        ("ana", 200, ANA), ("bob", 400, {"title": "Member In Compliance State", "detail": "bob@x.example"}), PLACED
    )
    assert found.ids == {"ana": "c1"}
    assert [(r.who.contact_key, r.reason) for r in found.refused] == [("bob", "400 Member In Compliance State")]


def test_members_who_were_put_on_the_base_list_before_they_existed_are_told_again() -> None:
    early = ("base list", 200, {"members_added": []})
    assert polled(("ana", 200, ANA), early).refused_whole == "not on the base list"
    assert polled(("ana", 200, ANA | {"tags": [{"name": "audience"}]}), early).ids == {"ana": "c1"}


def test_an_operation_that_mailchimp_failed_at_is_no_fault_of_the_record() -> None:
    assert polled(("ana", 500, {"title": "Internal Server Error"}), PLACED).refused_whole == "500 Internal Server Error"


def test_an_archive_without_every_result_is_no_success() -> None:
    assert polled(("ana", 200, ANA), PLACED, total=3).refused_whole == "2 results of 3 operations"


def test_an_archive_that_is_cut_off_is_read_again_later() -> None:
    with pytest.raises(DestinationUnavailable, match="an archive that cannot be read"):
        polled(("ana", 200, ANA), PLACED, cut=40)


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_a_bare_403_means_later_and_one_that_says_why_is_a_refusal(desk: PlatformDesk) -> None:
    page = {"body": "<h1>Forbidden</h1>", "headers": {"content-type": "text/html"}}
    desk.fault(MERGE_FIELDS, "status", status=403, times=2, **page)
    with Mailchimp(MAILCHIMP.connection(desk.url)).open(ALONE) as platform:
        platform.ensure_schema([])
        assert set(desk.lists()) == {"audience"}
        desk.fault(MERGE_FIELDS, "status", status=403, body={"title": "Forbidden"})
        with pytest.raises(DestinationRefused, match=r"GET /lists/\*/merge-fields: 403, expected valid credentials"):
            platform.ensure_schema([])


def test_reasons_of_opt_outs_are_told_apart(desk: PlatformDesk) -> None:
    for reason in ("unsubscribed", "complaint", "hard_bounce"):
        told = {"email": f"{reason}@mailbox.example", "reason": reason}
        desk.client.post("/mailchimp/blocklist", json=told).raise_for_status()
    with Mailchimp(MAILCHIMP.connection(desk.url)).open(ALONE) as platform:
        found = {o.who.email.reveal().split("@")[0]: o.reason for o in platform.pull_opt_outs(None) if o.who.email}
    assert found == {"unsubscribed": "unsubscribe", "complaint": "complaint", "hard_bounce": "hard_bounce"}


@pytest.mark.parametrize("extra", [{}, {"audiences": "a1, b2"}])
def test_the_audience_to_write_to_has_to_be_said(extra: dict[str, str]) -> None:
    connection = Connection("mailchimp", url="https://us19.api.example/3.0", password=Secret("key-us19"), extra=extra)
    with pytest.raises(SettingsError, match="'mailchimp': no 'audience'"), Mailchimp(connection).open(ALONE):
        pass
