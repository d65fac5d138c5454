"""Compares what a platform shows with what is desired now, and marks what has to be told again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from audience.activation.desired import desired
from audience.activation.destination import OptOut
from audience.activation.reading import Reading
from audience.activation.recognise import recognise
from audience.activation.report import ListState
from audience.core.masked import Secret
from audience.core.warehouse.load import stage_rows
from audience.core.warehouse.models import Acknowledged, ContactPoint, Item, Plan
from audience.core.warehouse.models.push import IN_DOUBT, PROFILE
from audience.privacy.attributes import FLAGS, TEXTS, hash_of
from audience.privacy.gate import Leaver
from audience.privacy.keys import hold, later_forms
from audience.privacy.suppression import SUPPRESSION, suppress


@dataclass(frozen=True)
class Drift:
    """What is wrong with one list.

    Args:
        ghosts: who is on it and should not be, known to us or not.
        heals: something is wrong that telling again can put right.
    """

    list_name: str
    state: ListState
    ghosts: Sequence[Leaver]
    heals: bool


def record_opt_outs(connection: sa.Connection, destination: str, opt_outs: Sequence[OptOut], key: Secret) -> int:
    """Suppresses whoever opted out on the platform, whether the vault knows them or not. Returns how many were new.

    Raises KeysChanged when the pseudonym key was rotated meanwhile.
    """
    hold(connection, key)
    keys = recognise(connection, destination, (o.who for o in opt_outs), key)
    known = [(k, o) for k, o in zip(keys, opt_outs, strict=True) if k is not None]
    rows = [(k, o.reason, destination, o.at) for k, o in known]
    bare = [(k, o) for k, o in known if o.who.email is None]
    rows += [(later, o.reason, destination, o.at) for k, o in bare for later in later_forms(k, key) if later != k]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(SUPPRESSION)
    return suppress(connection, pa.table(columns, schema=SUPPRESSION))


def compare(
    connection: sa.Connection, destination: str, reading: Reading, lists: Sequence[str], *, base_list: str
) -> list[Drift]:
    """Compares the lists with what is desired now. What is missing or outdated becomes IN_DOUBT, so the next plan has it.

    Contacts that the platform refused in the newest plan are not missing: they are dead letters. Attributes that were
    told in the newest plan and look different there are the platform's way to write them: shown, and not told again.

    Args:
        base_list: the name to show for the list of all contacts.
    """
    shown = _stage(connection, reading)
    should = desired(destination).cte("should")
    both = (
        sa.select(
            sa.func.coalesce(should.c.list_name, shown.c.list_name).label("list_name"),
            sa.func.coalesce(should.c.contact_key, shown.c.contact_key).label("contact_key"),
            should.c.contact_key.is_not(None).label("is_desired"),
            shown.c.place,
            shown.c.is_opted_out,
            sa.and_(
                shown.c.shows_attributes,
                should.c.list_name == PROFILE,
                should.c.payload_hash != hash_of(shown.c.contact_key, [shown.c[n] for n in TEXTS + FLAGS]),
            ).label("is_outdated"),
        )
        .select_from(
            should.join(
                shown,
                sa.and_(should.c.list_name == shown.c.list_name, should.c.contact_key == shown.c.contact_key),
                full=True,
            )
        )
        .cte("both")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    newest = (
        sa.select(Item.contact_key, Item.list_name, Item.state)
        .where(
            Item.plan_id
            == sa.select(sa.func.max(Plan.plan_id)).where(Plan.destination == destination).scalar_subquery()
        )
        .cte("newest")
    )
    same = sa.and_(newest.c.contact_key == both.c.contact_key, newest.c.list_name == both.c.list_name)
    is_missing = sa.and_(both.c.place.is_(None), newest.c.state.is_distinct_from("dead"))
    tells_again = sa.and_(both.c.is_outdated, newest.c.state.is_distinct_from("acknowledged"))
    judged = (
        sa.select(
            both, is_missing.label("is_missing"), sa.or_(is_missing, tells_again).label("is_doubted"),
            ContactPoint.contact_key.is_not(None).label("is_known"),
        )
        .outerjoin_from(both, newest, same)
        .outerjoin(ContactPoint, ContactPoint.contact_key == both.c.contact_key)
        .cte("judged")
    )  # fmt: skip
    doubted = (
        sa.update(Acknowledged)
        .where(
            Acknowledged.destination == destination,
            Acknowledged.list_name == judged.c.list_name,
            Acknowledged.contact_key == judged.c.contact_key,
            judged.c.is_doubted,
        )
        .values(payload_hash=IN_DOUBT)
        .returning(Acknowledged.contact_key)
        .cte("doubted")
    )
    is_ghost = sa.and_(judged.c.place.is_not(None), ~judged.c.is_desired)
    count = sa.func.count()
    sums = (
        sa.select(
            judged.c.list_name,
            count.filter(judged.c.is_desired).label("desired"),
            count.filter(judged.c.place.is_not(None)).label("on_platform"),
            count.filter(is_ghost, judged.c.is_known).label("ghosts"),
            count.filter(is_ghost, ~judged.c.is_known).label("unknown"),
            count.filter(judged.c.is_missing).label("missing"),
            count.filter(judged.c.is_opted_out).label("opted_out"),
            count.filter(judged.c.is_outdated).label("outdated"),
            count.filter(judged.c.is_doubted).label("doubted"),
            sa.func.array_agg(judged.c.place).filter(is_ghost).label("places"),
        )
        .group_by(judged.c.list_name)
        .add_cte(doubted)
    )
    numbers = {row.list_name: row._mapping for row in connection.execute(sums)}
    drifts = []
    for name in lists:
        known = numbers.get(name)
        counted = ("desired", "on_platform", "ghosts", "unknown", "missing", "opted_out", "outdated")
        state = ListState(name or base_list, *((known[c] for c in counted) if known else [0] * len(counted)))
        ghosts = [reading.leaver(place) for place in sorted((known and known["places"]) or ())]
        drifts.append(Drift(name, state, ghosts, heals=bool(ghosts or (known and known["doubted"]))))
    return drifts


def _stage(connection: sa.Connection, reading: Reading) -> sa.TableClause:
    """What was read back as a temporary table, without addresses."""
    connection.execute(sa.text("DROP TABLE IF EXISTS shown"))
    rows = reading.rows.drop_columns(["email", "platform_id"])
    rows = rows.append_column("place", pa.array(range(rows.num_rows), pa.int32()))
    texts = ", ".join(f"'' AS \"{name}\"" for name in ("list_name", "contact_key", *TEXTS))
    flags = ", ".join(f'true AS "{name}"' for name in ("is_opted_out", "shows_attributes", *FLAGS))
    stage_rows(connection, "shown", rows, like=f"(SELECT {texts}, {flags}, 1 AS place) made")
    kinds: dict[str, Any] = dict.fromkeys(("is_opted_out", "shows_attributes", *FLAGS), sa.Boolean)
    return sa.table(
        "shown", *(sa.column(c, {"place": sa.Integer, **kinds}.get(c, sa.String)) for c in rows.schema.names)
    )
