"""Work that a platform does later, in our own ledger: any process finds it, and none has to wait for it.

A job's id is stored in the transaction that says which items it covers. Airflow's task state store could hold the id as
well, but not that transaction: a crash between the two would leave items that nobody knows the job of; and a push from the
command line has no Airflow.
"""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from audience.activation.outcomes import doubt
from audience.core.warehouse.models import Item, Job

PATIENCE = timedelta(hours=6)
"""A job that is not over after this long is given up: what it covers is in doubt, and told again with the value of then."""

GIVEN_UP = "given up"


def unfinished(connection: sa.Connection, destination: str) -> Sequence[sa.Row[int, int, str, str, str, bool]]:
    """Jobs whose outcome nobody has seen, oldest first.

    Columns: `number`, `plan_id`, `action`, `list_name`, `job_id`, `is_given_up` (it took longer than PATIENCE).
    """
    return connection.execute(
        sa.select(
            Job.number,
            Job.plan_id,
            Job.action,
            Job.list_name,
            Job.job_id,
            (Job.submitted_at < sa.func.now() - PATIENCE).label("is_given_up"),
        )
        .where(Job.destination == destination, Job.finished_at.is_(None))
        .order_by(Job.number)
    ).all()


def adopt(connection: sa.Connection, number: int, epoch: int) -> None:
    """Makes a job's items those of this epoch: whoever sent them is gone, or is us."""
    connection.execute(sa.update(Item).where(Item.job == number, Item.state == "in_flight").values(epoch=epoch))


def finish(connection: sa.Connection, number: int, outcome: str) -> None:
    connection.execute(sa.update(Job).where(Job.number == number).values(finished_at=sa.func.now(), outcome=outcome))


def failed(connection: sa.Connection, plan_id: int, action: str, list_name: str) -> int:
    """How many jobs of one action and list of a plan the platform refused as a whole."""
    ended = sa.select(sa.func.count()).where(Job.plan_id == plan_id, Job.action == action, Job.list_name == list_name)
    return connection.execute(ended.where(Job.outcome.not_in(("done", GIVEN_UP)))).scalar_one()


def give_up(connection: sa.Connection, destination: str, number: int) -> None:
    """Doubts what a job covers, and looks at it no more."""
    doubt(connection, destination, Item.job == number)
    finish(connection, number, GIVEN_UP)
