"""What only HubSpot does: record ids, limits named in the body, opt-outs in properties."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from activation.platform import PlatformDesk
from activation.stands import HUBSPOT
from activation.town import Town
from audience.activation.destination import Calls, Platform
from audience.activation.destinations.hubspot import HubSpot
from audience.activation.wire import trusted
from audience.core.connection import Connection
from audience.core.errors import DestinationUnavailable, SettingsError
from audience.core.masked import Secret
from audience.core.warehouse import Warehouse

PROPERTIES = "GET /hubspot/crm/properties/2026-09/contacts"


@pytest.fixture
def desk(platform_url: str) -> Iterator[PlatformDesk]:
    with httpx.Client(base_url=f"{platform_url}/_control", timeout=30, verify=trusted()) as client:
        desk = PlatformDesk(platform_url, client, "hubspot", "audience/")
        desk.reset()
        yield desk


@contextmanager
def opened(desk: PlatformDesk, slept: list[float]) -> Iterator[Platform]:
    """The account, without a push around it."""
    calls = Calls(before=lambda _: None, after=lambda _: None, pause=slept.append)
    with HubSpot(HUBSPOT.connection(desk.url)).open(calls) as platform:
        yield platform


@pytest.fixture
def town(warehouse: Warehouse, desk: PlatformDesk) -> Town:
    town = Town(warehouse, desk.url, HUBSPOT)
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    return town


def test_a_contact_that_was_made_anew_there_is_found_by_its_address(town: Town, desk: PlatformDesk) -> None:
    town.push()

    def make_anew(call: str) -> None:
        """Deleted and made again by hand, after the profiles: the record id that we know is nobody's any more."""
        if call == "before PUT /crm/lists/2026-09/3/memberships/add-and-remove" and not anew:
            anew.append(HUBSPOT.delete(desk.url, "ana@mailbox.example"))
            HUBSPOT.join(desk.url, "vip", "ana@mailbox.example")

    anew: list[None] = []
    town.segment("new", ["ana", "bob"])
    town.push(at_call=make_anew)

    assert anew and desk.lists()["new"] == {"ana", "bob"}
    assert town.push().in_sync


@pytest.mark.parametrize(
    ("status", "policy", "seconds"),
    [(429, "SECONDLY", 1.0), (429, "TEN_SECONDLY_ROLLING", 10.0), (423, "", 2.0)],
)
def test_a_limit_is_waited_out_as_long_as_its_policy_says(
    desk: PlatformDesk, status: int, policy: str, seconds: float
) -> None:
    desk.fault(PROPERTIES, "status", status=status, body={"policyName": policy}, times=2)
    slept: list[float] = []
    with opened(desk, slept) as platform:
        platform.ensure_schema([])
    assert len([s for s in slept if 0.9 * seconds < s <= seconds]) == 2
    assert set(desk.lists()) == {"audience"}


def test_when_the_calls_of_the_day_are_used_up_it_is_said_at_once(desk: PlatformDesk) -> None:
    desk.fault(PROPERTIES, "status", status=429, body={"policyName": "DAILY"}, times=None)
    desk.forget_requests()
    with (
        opened(desk, []) as platform,
        pytest.raises(DestinationUnavailable, match="the account's calls of the day are used up"),
    ):
        platform.ensure_schema([])
    assert desk.calls() == {PROPERTIES: 1}


def test_opt_outs_of_every_kind_are_told(desk: PlatformDesk) -> None:
    for reason in ("unsubscribed", "unsubscribed_from_all", "complaint", "hard_bounce"):
        told = {"email": f"{reason}@mailbox.example", "reason": reason}
        desk.client.post("/hubspot/blocklist", json=told).raise_for_status()
    with opened(desk, []) as platform:
        found = {o.who.email.reveal().split("@")[0]: o.reason for o in platform.pull_opt_outs(None) if o.who.email}
    assert found == {"unsubscribed": "unsubscribe", "unsubscribed_from_all": "unsubscribe", "complaint": "blocklist",
                     "hard_bounce": "hard_bounce"}  # fmt: skip


def test_opt_outs_are_read_page_by_page(desk: PlatformDesk) -> None:
    for n in range(201):
        told = {"email": f"p{n}@mailbox.example", "reason": "unsubscribed"}
        desk.client.post("/hubspot/blocklist", json=told).raise_for_status()
    with opened(desk, []) as platform:
        assert len({o.who.platform_id for o in platform.pull_opt_outs(None)}) == 201


def test_the_subscription_type_whose_opt_outs_count_has_to_be_said() -> None:
    calls = Calls(before=lambda _: None, after=lambda _: None, pause=lambda _: None)
    connection = Connection("hubspot", url="https://api.example", password=Secret("a-key"))
    with (
        pytest.raises(SettingsError, match="'hubspot': no 'subscription_id' in its extra"),
        HubSpot(connection).open(calls),
    ):
        pass
