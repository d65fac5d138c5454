"""Compares what a platform shows with what is desired now, and marks what has to be told again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import sqlalchemy as sa

from audience.activation.desired import desired
from audience.activation.destination import Listed, OptOut
from audience.activation.recognise import recognise
from audience.activation.report import ListState
from audience.core.masked import Secret
from audience.core.warehouse.load import stage_rows
from audience.core.warehouse.models import Acknowledged, Item, Plan
from audience.core.warehouse.models.push import IN_DOUBT
from audience.privacy.gate import Leaver
from audience.privacy.suppression import SUPPRESSION, suppress


@dataclass(frozen=True)
class Found:
    """One list as it was read back; `keys` has the contact key of each address, None for what is no address."""

    list_name: str
    listed: Sequence[Listed]
    keys: Sequence[str | None]

    @classmethod
    def recognise(
        cls, connection: sa.Connection, destination: str, lists: Mapping[str, Sequence[Listed]], key: Secret
    ) -> "list[Found]":
        """All lists at once, by name."""
        keys = iter(recognise(connection, destination, (row.who for listed in lists.values() for row in listed), key))
        return [cls(name, listed, [next(keys) for _ in listed]) for name, listed in lists.items()]

    @property
    def opt_outs(self) -> list[OptOut]:
        return [OptOut(r.who, "blocklist", r.opted_out_at) for r in self.listed if r.opted_out_at is not None]


@dataclass(frozen=True)
class Drift:
    """What is wrong with one list. `ghosts` carry the address the platform shows: the vault need not know them."""

    list_name: str
    state: ListState
    ghosts: Sequence[Leaver]


def record_opt_outs(connection: sa.Connection, destination: str, opt_outs: Sequence[OptOut], key: Secret) -> int:
    """Suppresses whoever opted out on the platform, whether the vault knows them or not. Returns how many were new."""
    keys = recognise(connection, destination, (o.who for o in opt_outs), key)
    rows = [(k, o.reason, destination, o.at) for k, o in zip(keys, opt_outs, strict=True) if k is not None]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(SUPPRESSION)
    return suppress(connection, pa.table(columns, schema=SUPPRESSION))


def compare(connection: sa.Connection, destination: str, found: Sequence[Found], *, base_list: str) -> list[Drift]:
    """Compares the lists with what is desired now. Missing contacts become IN_DOUBT, so the next plan has them again.

    Contacts that the platform refused in the newest plan are not missing: they are dead letters.

    Args:
        base_list: the name to show for the list of all contacts.
    """
    connection.execute(sa.text("DROP TABLE IF EXISTS shown"))
    pairs = [(f.list_name, k) for f in found for k in f.keys if k is not None]
    rows = pa.table({"list_name": [p[0] for p in pairs], "contact_key": [p[1] for p in pairs]},
                    schema=pa.schema({"list_name": pa.string(), "contact_key": pa.string()}))  # fmt: skip
    stage_rows(connection, "shown", rows, like="push.item")
    shown = sa.table("shown", sa.column("list_name", sa.String), sa.column("contact_key", sa.String))
    should = desired(destination).cte("should")
    both = (
        sa.select(
            sa.func.coalesce(should.c.list_name, shown.c.list_name).label("list_name"),
            sa.func.coalesce(should.c.contact_key, shown.c.contact_key).label("contact_key"),
            should.c.contact_key.is_not(None).label("is_desired"),
            shown.c.contact_key.is_not(None).label("is_there"),
        )
        .select_from(
            should.join(
                shown,
                sa.and_(should.c.list_name == shown.c.list_name, should.c.contact_key == shown.c.contact_key),
                full=True,
            )
        )
        .cte("both")
    )
    refused = (
        sa.exists()
        .where(Plan.plan_id == Item.plan_id, Plan.destination == destination, Item.state == "dead")
        .where(Item.contact_key == both.c.contact_key, Item.list_name == both.c.list_name)
    )
    missing = sa.select(both.c.list_name, both.c.contact_key).where(~both.c.is_there, ~refused).cte("missing")
    doubted = (
        sa.update(Acknowledged)
        .where(
            Acknowledged.destination == destination,
            Acknowledged.list_name == missing.c.list_name,
            Acknowledged.contact_key == missing.c.contact_key,
        )
        .values(payload_hash=IN_DOUBT)
        .returning(Acknowledged.contact_key)
        .cte("doubted")
    )
    lacking = sa.select(missing.c.list_name, sa.func.count().label("missing")).group_by(missing.c.list_name).subquery()
    sums = (
        sa.select(
            both.c.list_name,
            sa.func.count().filter(both.c.is_desired).label("desired"),
            sa.func.array_agg(both.c.contact_key).filter(~both.c.is_desired).label("ghosts"),
        )
        .group_by(both.c.list_name)
        .subquery()
    )
    result = connection.execute(
        sa.select(*sums.c, sa.func.coalesce(lacking.c.missing, 0).label("missing"))
        .outerjoin_from(sums, lacking, lacking.c.list_name == sums.c.list_name)
        .add_cte(doubted)
    )
    numbers = {r.list_name: r for r in result}
    drifts = []
    for one in found:
        known = numbers.get(one.list_name)
        unwanted = set(known.ghosts or ()) if known else set()
        ghosts = [
            Leaver(k or "", row.who.email, row.who.platform_id or None)
            for k, row in zip(one.keys, one.listed, strict=True)
            if k is None or k in unwanted
        ]
        state = ListState(
            name=one.list_name or base_list,
            desired=known.desired if known else 0,
            on_platform=len(one.listed),
            ghosts=len(ghosts),
            missing=known.missing if known else 0,
            opted_out=len(one.opt_outs),
        )
        drifts.append(Drift(one.list_name, state, ghosts))
    return drifts
