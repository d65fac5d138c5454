"""Work that a platform does later, in our own ledger: any process finds it, and none has to wait for it.

A job's id is stored in the transaction that says which items it covers. Airflow's task state store could hold the id as
well, but not that transaction: a crash between the two would leave items that nobody knows the job of; and a push from the
command line has no Airflow.
"""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from audience.activation.outcomes import doubt
from audience.core.warehouse.models import Erasure, Item, Job
from audience.core.warehouse.models.push import IN_FLIGHT, PROFILE

PATIENCE = timedelta(hours=6)
"""A job that is not over after this long is given up: what it covers is in doubt, and told again with the value of then."""

GIVEN_UP = "given up"


ERASE = "erase"
"""`action` of a job that deletes contacts. It is in no plan: what it covers are rows of `push.erasure`."""


def unfinished(
    connection: sa.Connection, destination: str, *, erasing: bool = False
) -> Sequence[sa.Row[int, int | None, str, str, str, bool]]:
    """Jobs whose outcome nobody has seen, oldest first: of plans, or those that delete contacts.

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
        .where(Job.destination == destination, Job.finished_at.is_(None), (Job.action == ERASE) == erasing)
        .order_by(Job.number)
    ).all()


def adopt(connection: sa.Connection, number: int, epoch: int) -> None:
    """Makes a job's items those of this epoch: whoever sent them is gone, or is us."""
    sent = sa.and_(Item.job == number, IN_FLIGHT, Item.epoch != epoch)
    connection.execute(sa.update(Item).where(sent).values(epoch=epoch))


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


def begin_deletion(connection: sa.Connection, destination: str, job_id: str, contact_keys: Sequence[str]) -> int:
    """Notes that the platform deletes these later. Returns the number of the job."""
    job = sa.insert(Job).values(destination=destination, action=ERASE, list_name=PROFILE, job_id=job_id)
    number: int = connection.execute(job.returning(Job.number)).scalar_one()
    among = sa.any_(sa.literal(list(contact_keys), sa.ARRAY(sa.String)))
    connection.execute(
        sa.update(Erasure).where(Erasure.destination == destination, Erasure.contact_key == among).values(job=number)
    )
    return number


def deleted_by(connection: sa.Connection, number: int) -> list[str]:
    """Contact keys that a deletion covers, sorted."""
    covered = sa.select(Erasure.contact_key).where(Erasure.job == number).order_by(Erasure.contact_key)
    return list(connection.execute(covered).scalars())


def end_deletion(connection: sa.Connection, number: int, outcome: str) -> None:
    """Looks at a deletion no more. Whom it covers and has no receipt is to be deleted again."""
    connection.execute(sa.update(Erasure).where(Erasure.job == number).values(job=None))
    finish(connection, number, outcome)
