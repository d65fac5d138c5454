"""Desired minus acknowledged: what a platform has to be told. One statement, whatever the number of contacts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from audience.activation.desired import desired
from audience.activation.guard import Change, ListChange
from audience.activation.inputs import read_inputs
from audience.core.warehouse.load import count_rows
from audience.core.warehouse.models import Acknowledged, Definition, Evaluation, Item, Plan
from audience.core.warehouse.models.push import PROFILE

WORK_MEMORY = "128MB"
"""For each sort and join of a plan, where PostgreSQL's default is 4 MB: with it 200 lists of a million contacts take the server
1.5 GB, with twice as much 1.95 GB; its ratio to the plain query was the same."""

BETWEEN = "; "
"""Between the reasons of a held plan."""

UNFINISHED = ("planned", "held", "pushing")


@dataclass(frozen=True)
class Difference:
    """How many items of one action a plan has for one list; `unknown_before` of them were never acknowledged."""

    action: str
    list_name: str
    items: int
    unknown_before: int


@dataclass(frozen=True)
class Planned:
    """A plan as it was written: its number and its items by action and list.

    `carried`: list -> contacts added and removed by the unfinished plans that this one goes on from, so that the guard
    judges a change as a whole, however often it is interrupted.
    """

    plan_id: int
    differences: Sequence[Difference]
    carried: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def count(self, action: str) -> int:
        return sum(d.items for d in self.differences if d.action == action)

    def lists(self, action: str) -> list[str]:
        """Lists with items of this action, sorted."""
        return sorted(d.list_name for d in self.differences if d.action == action)


def make_plan(connection: sa.Connection, destination: str, as_of: date, *, beside_others: bool = False) -> Planned:
    """Writes the plan that brings a destination from what it acknowledged to what is desired now.

    A plan that was not finished is superseded: nobody works on it, since we hold the lease. The items of earlier plans
    are forgotten, so that the ledger does not grow with the number of runs; their counts stay. A dead letter is not
    lost by that: it was never acknowledged, so the new plan has it again.

    Args:
        beside_others: leaves earlier plans as they are, for a plan that is thrown away: somebody may be working on them.
    """
    carried = _carried(connection, destination)
    count_rows(connection, "vault.contact_point", "privacy.consent", "segments.membership", "push.acknowledged")
    want = desired(destination).cte("desired")
    known = sa.select(Acknowledged).where(Acknowledged.destination == destination).cte("known")
    earlier = sa.select(Plan.plan_id).where(Plan.destination == destination)
    superseded = (
        sa.update(Plan)
        .where(Plan.destination == destination, Plan.state.in_(UNFINISHED))
        .values(state="superseded", finished_at=sa.func.now())
        .returning(Plan.plan_id)
        .cte("superseded")
    )
    forgotten = sa.delete(Item).where(Item.plan_id.in_(earlier)).returning(Item.plan_id).cte("forgotten")
    plan = (
        sa.insert(Plan)
        .values(destination=destination, as_of=as_of, state="planned", counts={}, carried=carried)
        .returning(Plan.plan_id)
        .cte("plan")
    )
    action = sa.case(
        (want.c.contact_key.is_(None), "remove"),
        (want.c.list_name == PROFILE, "upsert"),
        else_="add",
    )
    items = (
        sa.select(
            plan.c.plan_id,
            sa.func.coalesce(want.c.contact_key, known.c.contact_key).label("contact_key"),
            sa.func.coalesce(want.c.list_name, known.c.list_name).label("list_name"),
            action.label("action"),
            sa.func.coalesce(want.c.payload_hash, "").label("payload_hash"),
            sa.literal("planned").label("state"),
            known.c.contact_key.is_(None).label("is_new"),
        )
        .select_from(
            want.join(
                known,
                sa.and_(want.c.contact_key == known.c.contact_key, want.c.list_name == known.c.list_name),
                full=True,
            ).join(plan, sa.true())
        )
        .where(want.c.payload_hash.is_distinct_from(known.c.payload_hash))
        .cte("items")
    )
    columns = ["plan_id", "contact_key", "list_name", "action", "payload_hash", "state", "is_new"]
    written = sa.insert(Item).from_select(columns, sa.select(*(items.c[c] for c in columns))).cte("written")
    summary = (
        sa.select(
            items.c.action,
            items.c.list_name,
            sa.func.count().label("items"),
            sa.func.count().filter(items.c.is_new).label("unknown_before"),
        )
        .group_by(items.c.action, items.c.list_name)
        .subquery("summary")
    )
    connection.execute(sa.text("SET LOCAL jit = off"))
    connection.execute(sa.text(f"SET LOCAL work_mem = '{WORK_MEMORY}'"))
    rows = connection.execute(
        sa.select(plan.c.plan_id, *summary.c)
        .outerjoin_from(plan, summary, sa.true())
        .order_by(summary.c.action, summary.c.list_name)
        .add_cte(written, *(() if beside_others else (superseded, forgotten)))
    ).all()
    count_rows(connection, "push.item")
    return Planned(
        rows[0].plan_id,
        [Difference(r.action, r.list_name, r.items, r.unknown_before) for r in rows if r.action is not None],
        carried,
    )


def _carried(connection: sa.Connection, destination: str) -> dict[str, list[int]]:
    """Contacts that the newest plan and those it went on from have added and removed, when it was begun and not ended."""
    newest = connection.execute(
        sa.select(Plan.plan_id, Plan.state, Plan.carried)
        .where(Plan.destination == destination)
        .order_by(Plan.plan_id.desc())
        .limit(1)
    ).one_or_none()
    if newest is None or newest.state == "done":
        return {}
    found = {name: list(numbers) for name, numbers in newest.carried.items()}
    is_removal = Item.action == "remove"
    done = (
        sa.select(Item.list_name, is_removal.label("is_removal"), sa.func.count().label("contacts"))
        .where(Item.plan_id == newest.plan_id)
        .where(
            sa.or_(
                sa.and_(is_removal, Item.state == "acknowledged"),
                sa.and_(Item.is_new, Item.state.in_(("acknowledged", "in_doubt"))),
            )
        )
        .group_by(Item.list_name, is_removal)
    )
    for row in connection.execute(done):
        found.setdefault(row.list_name, [0, 0])[row.is_removal] += row.contacts
    return found


def describe_change(
    connection: sa.Connection, destination: str, as_of: date, planned: Planned, *, base_list: str
) -> Change:
    """The numbers by which `guard.hold_reasons` judges a plan."""
    delivered = sa.select(Definition.segment).where(Definition.deliver_to.contains([destination]))
    evaluated = sa.select(sa.func.count()).where(Evaluation.partition == as_of, Evaluation.segment.in_(delivered))
    acknowledged = (
        sa.select(Acknowledged.list_name, sa.func.count().label("contacts"))
        .where(Acknowledged.destination == destination)
        .group_by(Acknowledged.list_name)
    )
    newest = sa.select(sa.func.max(Acknowledged.as_of)).where(Acknowledged.destination == destination)
    before = {row.list_name: row.contacts for row in connection.execute(acknowledged)}
    added = {name: numbers[0] for name, numbers in planned.carried.items()}
    removed = {name: numbers[1] for name, numbers in planned.carried.items()}
    for name in {*added, *removed}:
        before[name] = before.get(name, 0) - added[name] + removed[name]
    for d in planned.differences:
        sums, number = (removed, d.items) if d.action == "remove" else (added, d.unknown_before)
        sums[d.list_name] = sums.get(d.list_name, 0) + number
    return Change(
        as_of=as_of,
        evaluated=connection.execute(evaluated).scalar_one(),
        newest_acknowledged=connection.execute(newest).scalar_one(),
        lists=[
            ListChange(name or base_list, before.get(name, 0), added.get(name, 0), removed.get(name, 0))
            for name in sorted({*before, *added})
        ],
        sources=read_inputs(connection, as_of) if planned.differences else (),
    )


def lists_of(connection: sa.Connection, destination: str) -> list[str]:
    """Segments delivered to the destination, and lists that it still has from segments that were; sorted."""
    delivered = sa.select(Definition.segment).where(Definition.deliver_to.contains([destination]))
    left_over = sa.select(Acknowledged.list_name).where(
        Acknowledged.destination == destination, Acknowledged.list_name != PROFILE
    )
    return sorted(connection.execute(sa.union(delivered, left_over)).scalars())


def newest_evaluated(connection: sa.Connection) -> date | None:
    """The newest partition that any segment was evaluated for."""
    return connection.execute(sa.select(sa.func.max(Evaluation.partition))).scalar_one()


def is_still_asked(connection: sa.Connection, destination: str, plan_id: int) -> bool:
    """Whether the newest plan of a destination waits for the same answer as this one: same partition, same reasons."""
    asked, newest = aliased(Plan, name="asked"), aliased(Plan, name="newest")
    same = (
        sa.select(sa.literal(1))
        .join_from(asked, newest, sa.and_(newest.as_of == asked.as_of, newest.problem == asked.problem))
        .where(asked.plan_id == plan_id, asked.destination == destination, newest.state == "held")
        .where(
            newest.plan_id
            == sa.select(sa.func.max(Plan.plan_id)).where(Plan.destination == destination).scalar_subquery()
        )
    )
    return connection.execute(same).scalar() is not None


def is_answered(connection: sa.Connection, destination: str, plan_id: int, as_of: date, reasons: Sequence[str]) -> bool:
    """Whether a person who said yes to a held plan said it to these reasons: same partition, same lists and sources, and of
    each the same kind. Numbers may differ: people withdraw while a question waits for its answer."""
    asked = sa.select(Plan.problem).where(
        Plan.plan_id == plan_id, Plan.destination == destination, Plan.as_of == as_of, Plan.problem.is_not(None)
    )
    seen = connection.execute(asked).scalar()
    return seen is not None and {_kind(reason) for reason in reasons} <= {_kind(one) for one in seen.split(BETWEEN)}


def _kind(reason: str) -> str:
    place, _, words = reason.partition(":")
    return f"{place}:{re.sub('[0-9]+', '', words)}"


def set_state(connection: sa.Connection, plan_id: int, state: str, **values: Any) -> None:
    """Moves a plan on: `held` with its problem, `pushing`, `done` with its counts."""
    connection.execute(sa.update(Plan).where(Plan.plan_id == plan_id).values(state=state, **values))
