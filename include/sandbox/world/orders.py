"""The shop's orders: one per real basket, some changed later, some late, some by guests, a few broken."""

from __future__ import annotations

import duckdb

BROKEN_EVERY = 2_000
"""Out of so many orders, one of each kind of `BREAKAGES` is served broken. Their `updated_at` stays valid."""

BREAKAGES: tuple[str, ...] = ("total", "created_at", "quantity", "id", "currency")


def make_visits(con: duckdb.DuckDBPyConnection, *, grown: bool, copies: float = 1.0) -> None:
    """Gives the view `visit`, one row per order: `order_id`, `person`, `basket_id`, `bought_at`, `factor` (of amounts).

    Not grown: the real baskets as they are. Grown: each day moves by up to 10 days (turned back at both ends of the
    year), each amount by a log-normal factor around 1, and every basket appears `copies` times on average.
    """
    if not grown:
        con.execute(
            "create view visit as select 'O-' || basket_id as order_id, person, basket_id, bought_at, 1.0 as factor"
            " from basket join person using (household_id) where is_buyer"
        )
        return
    whole = int(copies)
    con.execute(
        f"""
        create view visit as
        select 'O-' || basket_id || '-' || person || '-' || copy as order_id, person, basket_id,
               case when moved_at < first_day then first_day + (first_day - moved_at)
                    when moved_at >= end_at then end_at - (moved_at - end_at) - interval 1 second
                    else moved_at end as bought_at,
               round(exp(0.25 * (u(k, 'a') + u(k, 'b') + u(k, 'c') - 1.5) * 2), 3) as factor
        from (
            select *, bought_at + to_days((floor(21 * u(k, 'days')) - 10)::int) as moved_at
            from (select *, hash(hash(person, basket_id) + copy) as k
                  from person join basket using (household_id), (select unnest(range({whole + 1})) as copy)
                  where is_buyer and (copy < {whole} or u(hash(person, basket_id), 'kept') < {copies - whole}))
        ) cross join calendar
        """
    )


def make_orders(con: duckdb.DuckDBPyConnection, *, kept: bool = True) -> None:
    """Gives `shop_order`, one row per order of `visit` as it stands at the end: a table, or a view if not `kept`.

    `updated_at` is when the shop last touched it: later than `created_at` for about 1 % (refunded or cancelled after
    1-6 days) and 0.5 % (arrived 1-2 days late); what would happen after the last day has not happened. `account_n` is
    null for guests (2 %). `breakage` is null or one of `BREAKAGES`.
    """
    con.execute(
        f"""
        create {"table" if kept else "view"} shop_order as
        with faced as (
            select v.*, a.n as first_n, a.email as first_email, s.n as second_n, s.email as second_email,
                   s.created_at as second_from, b.coupon_used, end_at
            from visit v join basket b using (basket_id) join account a on a.person = v.person and a.nth = 1
            left join account s on s.person = v.person and s.nth = 2
            cross join calendar
        ), fated as (
            select *, u(order_id, 'guest') < 0.02 as is_guest,
                   second_n is not null and bought_at >= second_from and u(order_id, 'account') < 0.6 as on_second,
                   if(u(order_id, 'fate') < 0.010,
                      after(bought_at, 86400 * (1 + 5 * u(order_id, 'wait'))), null) as changed_at,
                   if(u(order_id, 'fate') between 0.010 and 0.015,
                      after(bought_at, 86400 * (1 + u(order_id, 'wait'))), null) as arrived_at
            from faced
        )
        select order_id, person, basket_id, factor, coupon_used, bought_at as created_at,
               if(changed_at < end_at, if(u(order_id, 'why') < 0.7, 'refunded', 'cancelled'), 'paid') as status,
               if(coalesce(changed_at, arrived_at) < end_at, coalesce(changed_at, arrived_at), bought_at) as updated_at,
               if(is_guest, null, if(on_second, second_n, first_n)) as account_n,
               lower(trim(if(on_second, second_email, first_email))) as email,
               {list(BREAKAGES)}[1 + (hash(hash(order_id, 'broken')) % {BROKEN_EVERY})::int] as breakage
        from fated
        """
    )
