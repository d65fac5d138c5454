"""The feature table as a careful pandas user writes it: vectorised, money as whole cents, no row-by-row code."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def features_in_pandas(files: Mapping[str, str], as_of: datetime) -> pd.DataFrame:
    """The columns of FEATURES, one row per person."""
    now = pd.Timestamp(as_of)
    orders = _read(files["shop_orders"], cents=("total_eur", "discount_eur"))
    orders = orders[(orders["ordered_at"] < now) & (orders["status"] == "paid")]
    people = _read(files["customers"]).set_index("person_id")
    parts: list[pd.DataFrame | pd.Series[Any]] = [
        _purchases(orders, now),
        _tastes(orders, files, now),
        _engagement(_read(files["mail_events"]), now),
    ]
    known = people.join(parts)
    known["age_years"] = now.year - known["birth_year"]
    known["known_days"] = _elapsed(known["first_seen_at"], now, 86_400).clip(lower=0)
    known["is_customer"] = known["recency_days"].notna()
    known["basket_365d_eur"] = _rounded(known["spend_365d_eur"] / 100 / known["orders_365d"].replace(0, np.nan), 2)
    paid_or_not = (known["spend_90d_eur"] + known["discount_90d_eur"]) / 100
    known["discount_share_90d"] = _rounded(known["discount_90d_eur"] / 100 / paid_or_not.replace(0, np.nan), 4)
    counts = [
        c for c in map(str, known.columns) if c.endswith(("_7d", "_30d", "_90d", "_365d")) and c != "discount_share_90d"
    ]
    known[counts] = known[counts].fillna(0)
    for column in ("spend_30d_eur", "spend_90d_eur", "spend_365d_eur"):
        known[column] = known[column].fillna(0) / 100
    known[["area_median_income_eur", "area_poverty_percent"]] = None  # no statistics of places are grown
    from audience.core.tables import FEATURES

    return known.reset_index()[list(FEATURES.names)]


def _purchases(orders: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    age = now - orders["ordered_at"]
    columns: dict[str, Any] = {}
    for days in (7, 30, 90, 365):
        columns[f"orders_{days}d"] = age <= pd.Timedelta(days=days)
        if days > 7:
            columns[f"spend_{days}d_eur"] = orders["total_eur"].where(columns[f"orders_{days}d"], 0)
    columns["discount_90d_eur"] = orders["discount_eur"].where(columns["orders_90d"], 0)
    columns["coupon_orders_365d"] = columns["orders_365d"] & orders["has_coupon"]
    summed = orders[["person_id"]].assign(**columns).groupby("person_id").sum()
    times = orders.groupby("person_id")["ordered_at"].agg(["min", "max"])
    summed["recency_days"] = _elapsed(times["max"], now, 86_400)
    summed["recency_hours"] = _elapsed(times["max"], now, 3600)
    summed["first_order_days"] = _elapsed(times["min"], now, 86_400)
    summed["recency_score"] = _quintile(times["max"])
    summed["frequency_score"] = _quintile(summed["orders_365d"])
    summed["monetary_score"] = _quintile(summed["spend_365d_eur"])
    return summed


def _tastes(orders: pd.DataFrame, files: Mapping[str, str], now: pd.Timestamp) -> pd.DataFrame:
    recent = orders.loc[orders["ordered_at"] >= now - pd.Timedelta(days=90), ["person_id", "order_id"]]
    lines = _read(files["lines"], cents=("amount_eur",))
    products = _read(files["products"]).dropna(subset=["category"])
    bought = recent.merge(lines, on="order_id").merge(products, on="product_id")
    spend = bought.groupby(["person_id", "category"])["amount_eur"].sum().reset_index()
    ranked = spend.sort_values(["person_id", "amount_eur", "category"], ascending=[True, False, True])
    grouped = ranked.groupby("person_id")["category"]
    return pd.DataFrame({"favourite_category": grouped.first(), "categories_90d": grouped.size()})


def _engagement(events: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    past = events[events["occurred_at"] < now]
    is_recent = past["occurred_at"] >= now - pd.Timedelta(days=90)
    opened = (past["type"] == "open") & ~past["is_machine"]
    clicked = (past["type"] == "click") & ~past["is_machine"]
    marks = {
        "sent_90d": (past["type"] == "sent") & is_recent,
        "opens_90d": opened & is_recent,
        "clicks_90d": clicked & is_recent,
    }
    counted = past[["person_id"]].assign(**marks).groupby("person_id").sum()
    last = {"last_open_days": opened, "last_click_days": clicked}
    for name, which in last.items():
        counted[name] = _elapsed(past[which].groupby("person_id")["occurred_at"].max(), now, 86_400)
    return counted


def _read(file: str, cents: tuple[str, ...] = ()) -> pd.DataFrame:
    table = pq.read_table(file)
    for name in cents:
        whole = pc.cast(pc.multiply(table[name], pa.scalar(100, pa.int64())), pa.int64())
        table = table.set_column(table.schema.get_field_index(name), name, whole)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _elapsed(moments: "pd.Series[Any]", now: pd.Timestamp, unit_s: int) -> "pd.Series[Any]":
    age_s = (now - moments).dt.total_seconds()
    whole: pd.Series[Any] = (age_s / unit_s).apply(np.floor)
    return whole


def _quintile(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """As SQL's ntile(5): the first groups take one more where it does not divide."""
    place = values.to_frame("value").reset_index().sort_values(["value", "person_id"]).index
    small, larger = divmod(len(values), 5)
    sizes = [small + (i < larger) for i in range(5)]
    scores = np.empty(len(values), dtype=np.int64)
    scores[place] = np.repeat(np.arange(1, 6), sizes)
    return pd.Series(scores, index=values.index)


def _rounded(values: "pd.Series[Any]", digits: int) -> "pd.Series[Any]":
    """Half away from zero, as databases round."""
    whole: pd.Series[Any] = (values.abs() * 10**digits + 0.5).apply(np.floor) / 10**digits
    signed: pd.Series[Any] = whole.where(values >= 0, -whole)
    return signed
