"""A violation and its end are told once to each channel, however often it is looked at and whatever fails meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from audience import steps
from audience.core.connection import Connection
from audience.core.errors import AlertNotSent
from audience.core.lake import Lake
from audience.core.settings import Settings
from audience.core.warehouse import Warehouse
from audience.house import House
from audience.quality.alerts import Message, follow
from audience.quality.audit import Audit, Finding
from audience.quality.expectation import RefusedShare
from audience.quality.people import OF_SOMEBODY, Found, Represented, Review
from audience.quality.results import record_validations
from reporting.test_freshness import a_source
from rows import FRIDAY

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATE = {"source shop": "newest day 2026-11-18"}
SHOP = ("source shop", False), ("source shop", True)
AUDITED = "audit of shop on 2026-11-20"
REFUSED = RefusedShare(0.05)


class Told:
    """A channel that remembers, and fails while it is `down`."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bool]] = []
        self.down = False

    def __call__(self, message: Message) -> None:
        if self.down:
            raise AlertNotSent("email: down")
        self.messages.append((message.subject, message.is_recovery))


def never(name: str) -> Connection:
    raise AssertionError(f"nothing connects to {name}")


@pytest.fixture
def mail() -> Told:
    return Told()


def test_a_violation_that_lasts_is_told_once(warehouse: Warehouse, mail: Told) -> None:
    sent = [follow(warehouse, LATE, {"email": mail}, NOW + timedelta(hours=h)) for h in range(3)]
    assert (sent, mail.messages) == ([1, 0, 0], [SHOP[0]])


def test_its_end_is_told_once_and_the_next_one_is_a_new_one(warehouse: Warehouse, mail: Told) -> None:
    for violations in (LATE, {}, {}, LATE, LATE):
        follow(warehouse, violations, {"email": mail}, NOW)
    assert mail.messages == [*SHOP, SHOP[0]]


def test_words_that_change_are_the_same_violation(warehouse: Warehouse, mail: Told) -> None:
    follow(warehouse, LATE, {"email": mail}, NOW)
    follow(warehouse, {"source shop": "newest day 2026-11-17"}, {"email": mail}, NOW)
    assert mail.messages == [SHOP[0]]


def test_a_channel_that_was_down_is_told_the_next_time_and_no_other_twice(warehouse: Warehouse, mail: Told) -> None:
    hook = Told()
    mail.down = True
    with pytest.raises(AlertNotSent, match="^email: down$"):
        follow(warehouse, LATE | {"source crm": "newest day 2026-11-18"}, {"email": mail, "webhook": hook}, NOW)
    mail.down = False
    follow(warehouse, LATE | {"source crm": "newest day 2026-11-18"}, {"email": mail, "webhook": hook}, NOW)
    assert sorted(mail.messages) == sorted(hook.messages) == [("source crm", False), ("source shop", False)]


def test_what_was_over_before_a_channel_was_told_is_not_told_to_it(warehouse: Warehouse, mail: Told) -> None:
    mail.down = True
    with pytest.raises(AlertNotSent):
        follow(warehouse, LATE, {"email": mail}, NOW)
    mail.down = False
    follow(warehouse, {}, {"email": mail}, NOW)
    assert mail.messages == []


def test_a_gate_that_stops_a_day_is_told_once_and_so_is_its_end(
    warehouse: Warehouse, settings: Settings, mail: Told
) -> None:
    """However often its run is tried again: each try judges the day again."""
    house = House(settings, Lake(settings.lake_url), warehouse, connection=never)
    for number, (stops, messages) in enumerate([(True, 1), (True, 1), (False, 2), (False, 2), (True, 3)]):
        audits = [Audit(f"raw_{source}__order", FRIDAY, 20, (Finding(REFUSED, 20, 9, 0.45, not stops),), {})
                  for source in ("shop", "ads")]  # fmt: skip
        with warehouse.begin() as connection:
            record_validations(connection, audits)
        watched = steps.watch(house, [a_source("shop", required=True), a_source("ads")], {"email": mail}, NOW)
        assert watched["blocked"] == (["ads 2026-11-20", "shop 2026-11-20"] if stops else []), number
        assert len(mail.messages) == messages
    assert mail.messages == [(AUDITED, False), (AUDITED, True), (AUDITED, False)]


def test_people_who_are_unlike_the_population_are_told_until_they_are_like_it(
    warehouse: Warehouse, settings: Settings, mail: Told
) -> None:
    house = House(settings, Lake(settings.lake_url), warehouse, connection=never)
    french = Represented("country", "FR", 0.79, 0.1, "France")
    orders_of_nobody = Found(OF_SOMEBODY, 25, 25, 1.0, passed=False)
    for number, (share, told) in enumerate([(0.8, 0), (0.4, 1), (0.5, 1), (0.8, 2)]):
        people = Found(french, 500, 0, share, passed=abs(share - 0.79) <= 0.1)
        with warehouse.begin() as connection:
            record_validations(connection, [Review(FRIDAY.plus(number), 500, (orders_of_nobody, people))])
        steps.watch(house, [], {"email": mail}, NOW)
        assert len(mail.messages) == told, number
    assert mail.messages == [("people", False), ("people", True)]
    with warehouse.begin() as connection:
        (words,) = connection.execute(sa.text("SELECT words FROM ops.alert")).scalars()
    assert words == "2026-11-21: country FR: 0.79 of the people as in France, within 0.1: found 0.4"


def test_watchers_at_the_same_time_tell_it_once(warehouse: Warehouse, mail: Told) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: follow(warehouse, LATE, {"email": mail}, NOW), range(4)))
    assert mail.messages == [SHOP[0]]
    with warehouse.begin() as connection:
        assert connection.execute(sa.text("SELECT subject, closed_at FROM ops.alert")).all() == [("source shop", None)]
