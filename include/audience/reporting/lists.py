"""How true the platforms' lists are, what pushes cost, and what is wrong with them, in numbers."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Acknowledged, ListReading, Plan, Request
from audience.core.warehouse.models.push import PROFILE

COUNTED = ("desired", "on_platform", "ghosts", "unknown", "missing", "opted_out", "outdated")

UNFINISHED = timedelta(hours=12)
"""A push that was begun so long ago and is not finished is worth an alert."""


@dataclass(frozen=True)
class ListTruth:
    """One list as it was last read back.

    Args:
        truth: share of what is or should be on it that is as desired, 0..1.
        before: the same at the reading before; None at the first.
    """

    destination: str
    list_name: str
    as_of: date
    read_at: datetime
    desired: int
    on_platform: int
    ghosts: int
    unknown: int
    missing: int
    opted_out: int
    outdated: int
    before: float | None

    @property
    def truth(self) -> float:
        return _truth(self.desired, self.ghosts + self.unknown, self.missing)


@dataclass(frozen=True)
class Cost:
    """What a destination took in the last 30 days.

    Args:
        calls, seconds: requests, and how long their answers took in sum.
        throttled: requests that were answered with 429.
        contacts: contacts that the platform has of us now, which most list prices are by.
    """

    destination: str
    calls: int
    seconds: float
    throttled: int
    contacts: int


def read_lists(warehouse: Warehouse) -> list[ListTruth]:
    """Every list of every destination at its newest reading, by destination and name."""
    place = sa.func.row_number().over(
        partition_by=(Plan.destination, ListReading.list_name),
        order_by=(ListReading.read_at.desc(), Plan.plan_id.desc()),
    )
    of = sa.select(Plan.destination, Plan.as_of, *sa.inspect(ListReading).columns, place.label("place")).join_from(
        ListReading, Plan, Plan.plan_id == ListReading.plan_id
    )
    newest = of.subquery("newest")
    with warehouse.begin() as connection:
        rows = connection.execute(
            sa.select(newest)
            .where(newest.c.place <= 2)
            .order_by(newest.c.destination, newest.c.list_name, newest.c.place)
        ).all()
    earlier = {
        (r.destination, r.list_name): _truth(r.desired, r.ghosts + r.unknown, r.missing) for r in rows if r.place == 2
    }
    return [
        ListTruth(
            destination=r.destination,
            list_name=r.list_name,
            as_of=r.as_of,
            read_at=r.read_at.astimezone(UTC),
            **{c: getattr(r, c) for c in COUNTED},
            before=earlier.get((r.destination, r.list_name)),
        )
        for r in rows
        if r.place == 1
    ]


def read_costs(warehouse: Warehouse, now: datetime) -> list[Cost]:
    """One row per destination that was ever called or has contacts, by name."""
    count = sa.func.count()
    calls = (
        sa.select(
            Request.destination,
            count.label("calls"),
            sa.func.sum(Request.seconds).label("seconds"),
            count.filter(Request.status == 429).label("throttled"),
        )
        .where(Request.called_at >= now - timedelta(days=30))
        .group_by(Request.destination)
        .subquery("calls")
    )
    contacts = (
        sa.select(Acknowledged.destination, count.label("contacts"))
        .where(Acknowledged.list_name == PROFILE)
        .group_by(Acknowledged.destination)
        .subquery("contacts")
    )
    name = sa.func.coalesce(calls.c.destination, contacts.c.destination)
    both = calls.join(contacts, contacts.c.destination == calls.c.destination, full=True)
    numbers = [sa.func.coalesce(c, 0) for c in (calls.c.calls, calls.c.seconds, calls.c.throttled, contacts.c.contacts)]
    with warehouse.begin() as connection:
        return [Cost(*row) for row in connection.execute(sa.select(name, *numbers).select_from(both).order_by(name))]


def push_problems(warehouse: Warehouse, now: datetime) -> dict[str, str]:
    """What is wrong with a destination now: subject of an alert and words, one per destination."""
    newest = sa.select(sa.func.max(Plan.plan_id)).group_by(Plan.destination)
    with warehouse.begin() as connection:
        plans = connection.execute(
            sa.select(Plan.destination, Plan.state, Plan.problem, Plan.planned_at, Plan.counts)
            .where(Plan.plan_id.in_(newest))
            .order_by(Plan.destination)
        ).all()
    found: dict[str, list[str]] = {}
    for plan in plans:
        words = found.setdefault(plan.destination, [])
        if plan.state == "held":
            words.append(f"a push is held: {plan.problem}")
        elif plan.state != "done" and plan.planned_at < now - UNFINISHED:
            words.append(f"a push that began on {plan.planned_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC is not finished")
        if dead := plan.counts.get("dead"):
            words.append(f"{dead} records were refused")
    for one in read_lists(warehouse):
        wrong = {"not desired": one.ghosts + one.unknown, "missing": one.missing, "opted out there": one.opted_out}
        if any(wrong.values()):
            numbers = ", ".join(f"{number} {what}" for what, number in wrong.items() if number)
            found.setdefault(one.destination, []).append(f"list {one.list_name}: {numbers}")
    return {f"destination {name}": "; ".join(words) for name, words in found.items() if words}


def _truth(desired: int, too_many: int, missing: int) -> float:
    whole = desired + too_many
    return 1.0 if whole == 0 else 1.0 - (too_many + missing) / whole
