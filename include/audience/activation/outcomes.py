"""What became of the items that were sent, written per record and in bulk."""

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from audience.core.warehouse.load import stage_rows
from audience.core.warehouse.models import Acknowledged, Item, Job, Plan, Remaining
from audience.core.warehouse.models.push import IN_DOUBT, IN_FLIGHT, PROFILE
from audience.core.warehouse.statement import Statement
from audience.privacy.claims import Claim, open_claim, run_for


def settle(
    connection: sa.Connection,
    claim: Claim,
    action: str,
    refused: Mapping[str, str],
    ids: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Acknowledges what this run has in flight for one action and list; refused records become dead letters.

    Only items that this epoch sent and nobody doubted since are touched, so that an orphan changes nothing.

    Args:
        claim: of the items: those of its job, or those that are of no job.
        refused: contact key -> reason.
        ids: contact key -> id that the platform gave the contact.
    """
    if refused:
        connection.execute(sa.text("DROP TABLE IF EXISTS refused"))
        letters = pa.table({"contact_key": list(refused), "reason": list(refused.values())})
        stage_rows(connection, "refused", letters, like="push.item")
        letter = sa.table("refused", sa.column("contact_key"), sa.column("reason"))
        connection.execute(
            sa.update(Item)
            .where(*_flying(claim, action), Item.contact_key == letter.c.contact_key)
            .values(state="dead", reason=letter.c.reason)
        )
    if action == "remove":
        told = _told(claim, action)
        _take_off(connection, claim.destination, claim.list_name, Acknowledged.contact_key == told.c.contact_key, told)
        return
    run_for(claim, _settling(action, of_batch=claim.upto is not None, of_job=claim.job is not None), connection)
    if ids:
        _keep_ids(connection, claim, ids)


@cache
def _settling(action: str, *, of_batch: bool, of_job: bool) -> Statement:
    one = open_claim(of_batch=of_batch, of_job=of_job)
    told = _told(one, action)
    return Statement.of(
        _acknowledging(
            sa.select(
                sa.cast(one.destination, sa.String),
                told.c.contact_key,
                told.c.list_name,
                told.c.payload_hash,
                Plan.as_of,
            ).join_from(told, Plan, Plan.plan_id == one.plan_id)
        )
    )


def _told(claim: Claim, action: str) -> sa.CTE:
    """What was in flight is acknowledged: `contact_key`, `list_name`, `payload_hash`."""
    return (
        sa.update(Item)
        .where(*_flying(claim, action))
        .values(state="acknowledged")
        .returning(Item.contact_key, Item.list_name, Item.payload_hash)
        .cte("told")
    )


def hand_over(
    connection: sa.Connection, claim: Claim, action: str, job_id: str, contact_keys: Sequence[str] | None = None
) -> None:
    """Notes that what this run has in flight is done by a job of the platform, so that any process can go on from it.

    Args:
        contact_keys: of the part of it that the job is about; all of it when they are not given.
    """
    among = [] if contact_keys is None else [Item.contact_key == sa.any_(sa.literal(contact_keys, sa.ARRAY(sa.String)))]
    job = (
        sa.insert(Job)
        .values(
            destination=claim.destination,
            plan_id=claim.plan_id,
            action=action,
            list_name=claim.list_name,
            job_id=job_id,
        )
        .returning(Job.number)
        .cte("noted")
    )
    connection.execute(
        sa.update(Item)
        .where(*_flying(claim, action), *among)
        .values(job=sa.select(job.c.number).scalar_subquery())
        .add_cte(job)
    )


def put_back(connection: sa.Connection, claim: Claim, action: str) -> None:
    """What this run has in flight for one action and list is planned again, and in doubt: a try whose answer was lost may
    have told it."""
    flying = _flying(claim, action)
    doubt_told(connection, claim, sa.select(Item.contact_key).where(*flying))
    connection.execute(sa.update(Item).where(*flying).values(state="planned", epoch=None))


def doubt_told(connection: sa.Connection, claim: Claim, contact_keys: sa.Select[str] | Sequence[str]) -> None:
    """Contacts that the platform may have been told of, for this plan and list. A doubt is always safe: the next plan tells
    them what is right then. So a run that lost its lease may leave one, where it may acknowledge nothing."""
    named = contact_keys.subquery() if isinstance(contact_keys, sa.Select) else _given(contact_keys)
    columns = (sa.literal(claim.destination), named.c.contact_key, sa.literal(claim.list_name), sa.literal(IN_DOUBT))
    of_plan = named.join(Plan, Plan.plan_id == claim.plan_id)
    connection.execute(_acknowledging(sa.select(*columns, Plan.as_of).select_from(of_plan)))


def _given(contact_keys: Sequence[str]) -> sa.Subquery:
    keys = sa.func.unnest(sa.literal(list(contact_keys), sa.ARRAY(sa.String)))
    return sa.select(keys.label("contact_key")).subquery("given")


def _flying(claim: Claim, action: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        claim.among,
        Item.action == action,
        IN_FLIGHT,
        Item.epoch == claim.epoch,
        Item.job.is_(None) if claim.job is None else Item.job == claim.job,
    )


def _keep_ids(connection: sa.Connection, claim: Claim, ids: Mapping[str, str]) -> None:
    connection.execute(sa.text("DROP TABLE IF EXISTS named"))
    rows = pa.table({"contact_key": list(ids), "platform_id": list(ids.values())})
    stage_rows(connection, "named", rows, like="push.acknowledged")
    named = sa.table("named", sa.column("contact_key"), sa.column("platform_id"))
    connection.execute(
        sa.update(Acknowledged)
        .where(
            Acknowledged.destination == claim.destination,
            Acknowledged.list_name == PROFILE,
            Acknowledged.contact_key == named.c.contact_key,
        )
        .values(platform_id=named.c.platform_id)
    )


def bury_additions(connection: sa.Connection, plan_id: int) -> None:
    """Additions of contacts whose profile the platform refused in the same plan become dead letters too."""
    profile = sa.select(Item.contact_key).where(
        Item.plan_id == plan_id, Item.list_name == PROFILE, Item.state == "dead"
    )
    connection.execute(
        sa.update(Item)
        .where(Item.plan_id == plan_id, Item.action == "add", Item.state == "planned", Item.contact_key.in_(profile))
        .values(state="dead", reason="its profile was refused")
    )


def doubt_what_others_sent(connection: sa.Connection, destination: str, epoch: int) -> None:
    """Doubts items that an earlier epoch had in flight and that are of no unfinished job."""
    unfinished = sa.select(Job.number).where(Job.destination == destination, Job.finished_at.is_(None))
    doubt(
        connection, destination, sa.and_(Item.epoch != epoch, sa.or_(Item.job.is_(None), Item.job.not_in(unfinished)))
    )


def doubt(connection: sa.Connection, destination: str, which: sa.ColumnElement[bool]) -> None:
    """Of these items in flight the platform may have them and may not.

    Their acknowledgement becomes IN_DOUBT. So the next plan tells them again if they are desired, with the value of
    then, and takes them away if they are not.
    """
    of_destination = sa.select(Plan.plan_id, Plan.as_of).where(Plan.destination == destination).subquery("plans")
    doubted = (
        sa.update(Item)
        .where(Item.plan_id == of_destination.c.plan_id, IN_FLIGHT, which)
        .values(state="in_doubt")
        .returning(Item.contact_key, Item.list_name, of_destination.c.as_of)
        .cte("doubted")
    )
    columns = (doubted.c.contact_key, doubted.c.list_name)
    connection.execute(
        _acknowledging(
            sa.select(sa.literal(destination), *columns, sa.literal(IN_DOUBT), sa.func.max(doubted.c.as_of)).group_by(
                *columns
            )
        )
    )


def forget(connection: sa.Connection, destination: str, list_name: str, contact_keys: Sequence[str]) -> None:
    """Contacts that were taken off a list outside any plan."""
    among = sa.any_(sa.literal(list(contact_keys), sa.ARRAY(sa.String)))
    _take_off(connection, destination, list_name, Acknowledged.contact_key == among)


def _take_off(
    connection: sa.Connection, destination: str, list_name: str, which: sa.ColumnElement[bool], *named: sa.CTE
) -> None:
    """Ends acknowledgements. Who leaves the list of everybody remains there as a contact."""
    gone = (
        sa.delete(Acknowledged)
        .where(Acknowledged.destination == destination, Acknowledged.list_name == list_name, which)
        .returning(Acknowledged.destination, Acknowledged.contact_key, Acknowledged.platform_id)
        .add_cte(*named)
    )
    if list_name != PROFILE:
        connection.execute(gone)
        return
    left = gone.cte("gone")
    kept = insert(Remaining).from_select(["destination", "contact_key", "platform_id"], sa.select(left))
    again = {"platform_id": kept.excluded.platform_id}
    connection.execute(kept.on_conflict_do_update(index_elements=["destination", "contact_key"], set_=again))


def count_states(connection: sa.Connection, plan_id: int) -> dict[str, int]:
    """Number of items of a plan in each state."""
    found = sa.select(Item.state, sa.func.count().label("number")).where(Item.plan_id == plan_id).group_by(Item.state)
    return {row.state: row.number for row in connection.execute(found)}


def _acknowledging(rows: sa.Select[Any]) -> sa.Insert:
    adding = insert(Acknowledged).from_select(
        ["destination", "contact_key", "list_name", "payload_hash", "as_of"], rows
    )
    return adding.on_conflict_do_update(
        index_elements=["destination", "contact_key", "list_name"],
        set_={
            "payload_hash": adding.excluded.payload_hash,
            "as_of": adding.excluded.as_of,
            "acknowledged_at": sa.func.now(),
        },
    )
