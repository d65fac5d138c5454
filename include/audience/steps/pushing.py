"""From segment tables to a platform."""

from typing import TYPE_CHECKING

from audience.core.errors import PushHeld
from audience.core.partition import Partition
from audience.steps.facts import Facts

if TYPE_CHECKING:
    from audience.house import House


def is_still_asked(house: "House", destination: str, plan_id: int) -> bool:
    """Whether a held push still waits for the answer that was asked for: no later one was pushed or is held otherwise."""
    from audience.activation import plan

    with house.warehouse.begin() as connection:
        return plan.is_still_asked(connection, destination, plan_id)


def activate(house: "House", destination: str, partition: str | None, *, holder: str, approved: bool = False,
             answer_to: int | None = None, dry_run: bool = False, patience_seconds: float | None = None) -> Facts:  # fmt: skip
    """Brings a platform's lists to the segment tables of a partition, the newest one when none is named.

    Args:
        answer_to: the held plan that a person said yes to.
        patience_seconds: how long to wait for what the platform does later; an hour when it is not given.

    Raises PushHeld when a person has to look first.
    """
    from audience.activation import destinations
    from audience.activation.plan import newest_evaluated
    from audience.activation.push import PATIENCE_SECONDS
    from audience.activation.push import activate as push

    if partition is None:
        with house.warehouse.begin() as connection:
            newest = newest_evaluated(connection)
        if newest is None:
            raise PushHeld(f"{destination}: no segment was evaluated yet, so there is nothing to push")
        partition = newest.isoformat()
    report = push(
        destinations.find(destination)(house.connection(destination)),
        warehouse=house.warehouse,
        key=house.key(),
        as_of=Partition.parse(partition),
        holder=holder,
        approved=approved,
        answer_to=answer_to,
        dry_run=dry_run,
        patience_seconds=PATIENCE_SECONDS if patience_seconds is None else patience_seconds,
    )
    return report.as_dict()
