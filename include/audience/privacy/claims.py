"""What a run takes of a plan, and how a statement is written once for all that it takes."""

from dataclasses import dataclass, fields
from typing import Any, Generic, NamedTuple, TypeVar

import sqlalchemy as sa

from audience.core.warehouse.models import Item
from audience.core.warehouse.statement import Statement, given

Audience = TypeVar("Audience")


@dataclass(frozen=True)
class Claim:
    """What a run takes: up to `at_most` planned items of one plan, action and list, under its lease.

    Args:
        after: contact key behind which items are taken: claims walk along the key and never look back.
        upto: of what was taken, the last contact key: of two batches in flight each is told and settled by itself. None
            for all behind `after`.
        job: number of a job that failed: its items are taken instead of planned ones, and asked about again.
    """

    destination: str
    epoch: int
    plan_id: int
    list_name: str
    at_most: int
    after: str = ""
    upto: str | None = None
    job: int | None = None

    @property
    def among(self) -> sa.ColumnElement[bool]:
        """Whether an item is of the part of the plan that this is about."""
        return sa.and_(
            Item.plan_id == self.plan_id,
            Item.list_name == self.list_name,
            Item.contact_key > self.after,
            Item.contact_key <= self.upto if self.upto is not None else sa.true(),
        )


class Claimed(NamedTuple, Generic[Audience]):
    """What was taken.

    Args:
        taken: number of items, withheld ones included; 0 = none is left.
        last: contact key of the last one: the next claim goes on after it.
        audience: those that may be told now.
    """

    taken: int
    last: str
    audience: Audience


_KINDS: dict[str, Any] = {"epoch": sa.Integer, "plan_id": sa.Integer, "at_most": sa.Integer, "job": sa.Integer}


def open_claim(*, of_batch: bool = False, of_job: bool = False) -> Claim:
    """A claim whose values are left open, for a `Statement` that `run_for` runs.

    Args:
        of_batch: it has an end, `upto`.
        of_job: it is of the items of a job.
    """
    absent = {name for name, has in (("upto", of_batch), ("job", of_job)) if not has}
    values: dict[str, Any] = {
        f.name: None if f.name in absent else given(f"claim_{f.name}", _KINDS.get(f.name, sa.String))
        for f in fields(Claim)
    }
    return Claim(**values)


def run_for(claim: Claim, statement: Statement, connection: sa.Connection) -> sa.CursorResult[Any]:
    """Runs a statement that was written for an open claim."""
    values = {f"claim_{f.name}": getattr(claim, f.name) for f in fields(claim)}
    return statement.run(connection, **{name: values[name] for name in statement.open})
