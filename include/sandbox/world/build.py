"""Builds a world once and keeps it: `python -m sandbox.world.build` in a process of its own, so that its memory is
given back."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from sandbox.world import consents, engine, mails, orders, people, real, records
from sandbox.world.options import WorldOptions
from sandbox.world.shelf import write_shelf
from sandbox.world.shelves import ORDERS_PER_SLICE, SHELVES, order_slices

RECEIVED_EVENTS = """
create table received_event as
with numbered as (
    select 'E-' || row_number() over (order by occurred_at, k) as id, * from mail_event
)
select * from numbered where received_at < (select end_at from calendar)
union all
select * replace (after(received_at, 1 + 7200 * u(k, 'again at')) as received_at) from numbered
where u(k, 'twice') < 0.01 and received_at < (select end_at - interval 3 hours from calendar)
"""
"""One row per delivery of a webhook: about 1 % of the events arrive a second time, with the same id."""


EARLIEST = """
select min(moment) from (
    select min(created_at) as moment from contact union all select min(created_at) from account
    union all select min(confirmed_at) from signup union all select first_day - interval 1501 day from calendar)
"""


def world_folder(options: WorldOptions, state: Path) -> Path:
    """The folder of this world, built in a child process if it is not there yet."""
    folder = state / f"world-{options.key}"
    if not (folder / "world.json").exists():
        state.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "sandbox.world.build", "--into", str(folder)]
        command += ["--until", options.until.isoformat(), "--seed", str(options.seed)]
        command += ["--people", str(options.people)] if options.people else []
        subprocess.run(command, check=True)  # noqa: S603 - our own interpreter and module
    return folder


def build(options: WorldOptions, folder: Path) -> None:
    """Writes every file of the world into `folder`, all or nothing: it appears complete, by renaming, or not at all."""
    with TemporaryDirectory(prefix=folder.name, dir=folder.parent) as scratch:
        aside = Path(scratch) / "world"
        aside.mkdir()
        con = engine.connect(options.seed, Path(scratch) / "spill")
        real.read_real(con, until=options.until)
        total = people.make_people(con, buyers=options.people)
        records.make_contacts(con)
        records.make_accounts(con)
        records.make_signups(con)
        consents.make_consents(con)
        households = _column(con, "select count(*) from household")[0]
        orders.make_visits(con, grown=options.people not in (None, households))
        orders.make_orders(con)
        mails.make_sends(con)
        mails.make_mail_events(con)
        con.execute(RECEIVED_EVENTS)
        counts = {name: write_shelf(con, [query], folder=aside, name=name) for name, query in SHELVES.items()}
        counts["shop_orders"] = write_shelf(con, order_slices(_cuts(con)), folder=aside, name="shop_orders")
        _write(aside / "truth.json", _truth(con))
        _write(aside / "platform.json", _platform(con))
        con.execute(f"copy (select * from person order by person) to '{aside / 'person.parquet'}' (format parquet)")
        first_day, last_day = con.execute("select first_day::date, end_at::date - 1 from calendar").fetchall()[0]
        earliest = _column(con, EARLIEST)
        _write(aside / "world.json", {
            "until": last_day.isoformat(), "first_day": first_day.isoformat(),
            "earliest": earliest[0].strftime("%Y-%m-%dT00:00:00Z"),
            "seed": options.seed, "people": total, "counts": counts,
        })  # fmt: skip
        con.close()
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)


def _cuts(con: duckdb.DuckDBPyConnection) -> list[datetime]:
    numbered = "select updated_at, row_number() over (order by updated_at) as nth from shop_order"
    return _column(con, f"select updated_at from ({numbered}) where nth % {ORDERS_PER_SLICE} = 0")


def _truth(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """Who is who, and which events no person caused: what only a sandbox can know."""
    pairs = con.execute(
        "select 'crm:C-' || n, person from contact union all select 'shop:S-' || n, person from account"
        " union all select 'brevo:N-' || n, person from signup"
    ).fetchall()
    return {
        "contacts": dict(sorted(pairs)),
        "machine_events": sorted(_column(con, "select distinct id from received_event where is_machine")),
        "broken_orders": dict(
            sorted(con.execute("select order_id, breakage from shop_order where breakage is not null").fetchall())
        ),
        "guest_orders": dict(
            sorted(con.execute("select order_id, person from shop_order where account_n is null").fetchall())
        ),
    }


def _platform(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """The state the e-mail platform starts from: its contacts (every sign-up, no list) and the campaigns it sent.

    A contact is blocked when it unsubscribed before day 1, or when the inbox tells of an unsubscription, a complaint or
    a hard bounce.
    """
    contacts = con.execute(
        """
        select s.sends_to, trim(s.first_name), trim(s.last_name), s.is_blocked or g.email is not null,
               strftime(confirmed_at, '%Y-%m-%dT%H:%M:%S.000Z'),
               strftime(coalesce(g.gone_at, confirmed_at), '%Y-%m-%dT%H:%M:%S.000Z')
        from signup s left join (select email, min(occurred_at) as gone_at from received_event
                                 where kind in ('unsubscribed', 'spam', 'hard_bounce') group by email) g
             on g.email = s.sends_to
        order by s.n
        """
    ).fetchall()
    campaigns = con.execute(
        """
        select campaign_id, campaign_type, strftime(starts_at, '%Y-%m-%dT%H:%M:%S.000Z'),
               strftime(ends_at, '%Y-%m-%dT%H:%M:%S.000Z'), count(k), count(delivered_at)
        from campaign left join send using (campaign_id) where starts_at < (select end_at from calendar)
        group by campaign_id, campaign_type, starts_at, ends_at order by starts_at, campaign_id
        """
    ).fetchall()
    return {
        "contacts": [
            dict(zip(("email", "first_name", "last_name", "blocked", "created_at", "modified_at"), row, strict=True))
            for row in contacts
        ],
        "campaigns": [
            dict(zip(("id", "type", "starts_at", "ends_at", "sent", "delivered"), row, strict=True))
            for row in campaigns
        ],
    }


def _column(con: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    return [row[0] for row in con.execute(query).fetchall()]


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.world.build", description=__doc__)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--until", type=date.fromisoformat, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--people", type=int)
    chosen = parser.parse_args()
    build(WorldOptions(chosen.until, chosen.seed, chosen.people), chosen.into)


if __name__ == "__main__":
    main()
