"""A run that was overtaken wakes up: it makes no call, and what it writes is at most a doubt."""

from collections.abc import Callable, Iterator
from itertools import count

import httpx
import pytest
import sqlalchemy as sa

from activation.platform import PlatformDesk
from activation.stands import WEBHOOK
from activation.town import Town
from audience.activation.wire import trusted
from audience.core.errors import LeaseLost
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Acknowledged, Plan
from audience.core.warehouse.models.push import IN_DOUBT


class Overtaken:
    """An `at_call`: at the n-th of some moments around calls something happens, and the retry of the same task pushes."""

    def __init__(self, town: Town, step: int, *, only: str = "", meanwhile: Callable[[], None] = lambda: None) -> None:
        self.town, self.step, self.only, self.meanwhile = town, step, only, meanwhile
        self.steps, self.happened = count(), False

    def __call__(self, call: str) -> None:
        if not self.happened and call.startswith(self.only) and next(self.steps) == self.step:
            self.happened = True
            self.meanwhile()
            self.town.push(approved=True)


@pytest.fixture
def endpoint(platform_url: str) -> Iterator[PlatformDesk]:
    with httpx.Client(base_url=f"{platform_url}/_control", timeout=30, verify=trusted()) as client:
        desk = PlatformDesk(platform_url, client, "webhook")
        desk.reset()
        yield desk


def plans(town: Town) -> list[tuple[int, str, dict[str, int]]]:
    with town.warehouse.begin() as connection:
        return [(r.plan_id, r.state, r.counts) for r in connection.execute(sa.select(Plan).order_by(Plan.plan_id))]


def doubts(town: Town) -> int:
    in_doubt = sa.select(sa.func.count()).where(Acknowledged.payload_hash == IN_DOUBT)
    with town.warehouse.begin() as connection:
        return connection.execute(in_doubt).scalar_one()


def test_overtaken_after_any_call_it_ends_no_plan_and_acknowledges_nothing(
    warehouse: Warehouse, endpoint: PlatformDesk
) -> None:
    """Of an endpoint that cannot be read back nothing is found out later: the ledger has to be right by itself."""
    town = Town(warehouse, endpoint.url, WEBHOOK)
    town.people("p0")
    town.segment("vip", ["p0"])
    town.push()
    for step in (0, 1, 4):  # lists.wanted, contacts.upserted, and the last of five
        town.people(f"p{step + 1}")
        town.segment("vip", [f"p{step + 1}"])
        before = len(plans(town))
        with pytest.raises(LeaseLost):
            town.push(at_call=Overtaken(town, step, only="after"), approved=True)
        *earlier, (_, state, counts) = plans(town)[before:]
        assert state == "done" and counts["acknowledged"] > 0
        assert [of_it for _, of_it, _ in earlier] == ["superseded"]
        assert town.push().in_sync  # what it left is a doubt at most, and that is told again
        assert endpoint.lists() == town.desired() == town.acknowledged() and doubts(town) == 0


def test_its_last_message_which_was_on_its_way_is_told_apart_by_the_epoch(
    warehouse: Warehouse, endpoint: PlatformDesk
) -> None:
    town = Town(warehouse, endpoint.url, WEBHOOK)
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])

    with pytest.raises(LeaseLost):
        town.push(at_call=Overtaken(town, 1, only="before", meanwhile=lambda: town.rename("ana", "Anaïs")))
    assert len(endpoint.writes()) == 2  # the two of the run that took over
    assert (WEBHOOK.attributes(endpoint.url, "ana@mailbox.example") or {})["FIRSTNAME"] == "Anaïs"


def test_a_list_that_it_makes_a_second_time_is_not_the_one_that_is_used(town: Town, desk: PlatformDesk) -> None:
    """Brevo takes a name twice. The call was on its way when the run froze, after the lease was asked for."""
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    with pytest.raises(LeaseLost):
        town.push(at_call=Overtaken(town, 1, only="before POST /contacts/lists"))
    names = [one["name"] for one in desk.api("GET", "/contacts/lists?limit=50")["lists"]]
    assert names.count("vip") == 2

    town.people("cam")
    town.segment("vip", ["bob", "cam"])
    assert town.push().in_sync
    assert desk.lists()["vip"] == {"bob", "cam"}  # of both together
    assert town.push().changes == 0


@pytest.mark.parametrize("refusal", ["withdraw", "suppress"])
def test_a_batch_that_waits_is_told_only_if_nobody_said_no_meanwhile(
    town: Town, desk: PlatformDesk, refusal: str
) -> None:
    """The platform wants to be left alone for a minute while a batch is in hand, and in that minute Bob says no."""
    town.people("ana", "bob", "cam")
    town.segment("vip", ["ana", "bob"])
    desk.fault("POST /brevo/v3/contacts/import", "status", status=429, headers={"x-sib-ratelimit-reset": "60"}, times=1)

    def sleep(seconds: float) -> None:
        if seconds > 50:
            getattr(town, refusal)("bob")

    report = town.push(sleep=sleep)
    assert report.in_sync and "bob" not in desk.written_names()
    assert desk.lists()["vip"] == {"ana"} and town.items("in_flight") == []
