"""Amounts of rows in another currency: which rate applies to each, and what is said of a row that has none."""

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.normal.currency import MOST_DAYS, rates_by_day
from audience.core.table import Table

RATE = "_per_eur"
"""Units of the row's currency for one EUR on the day of its amounts; null: not known, or not needed."""

_CURRENCY = "XXX"


def known_rates(lake: Lake, session: Backend) -> ir.Table | None:
    """Every rate that a source ever told of; None when none did.

    Rates that landed later than the rows are seen too: of its own day or before is what counts, and what was published
    late holds as well.
    """
    days = [day for source in lake.sources_of("exchange_rate") if (day := lake.newest(f"raw_{source}__exchange_rate"))]
    return lake.entity(session, "exchange_rate", through=max(days)) if days else None


def with_rates(rows: ir.Table, table: Table, rates: ir.Table | None) -> ir.Table:
    """The rows with `RATE`, where the table has amounts that may be in another currency.

    Takes  staged rows in their normal forms; rows of `exchange_rate`.
    """
    moments = {c.priced_on for c in table.columns if c.priced_on}
    if not moments:
        return rows
    if rates is None:
        return rows.mutate(**{RATE: ibis.null("float64")})
    (moment,) = moments
    foreign = rows.currency.nullif("EUR")
    day = rows[moment].try_cast("timestamp('UTC')").date()
    used = rates.semi_join(rows.select(currency=foreign).distinct(), "currency")
    priced = rows.mutate(_foreign=foreign, _priced=day)
    held = rates_by_day(used)
    joined = priced.left_join(held, (priced._foreign == held.currency) & (priced._priced == held.day))
    return joined.select(*rows.columns, **{RATE: joined.per_eur})


def rate_reasons(table: Table) -> tuple[str, ...]:
    """Reasons for which rows of a table wait for a rate, `XXX` standing for the currency; none: it has no amounts."""
    return tuple(
        reason
        for moment in sorted({c.priced_on for c in table.columns if c.priced_on})
        for reason in (
            f"{moment}: missing, the day of the rate",
            f"currency: no rate for {_CURRENCY} on the day or {MOST_DAYS} days before",
        )
    )


def rate_problem(rows: ir.Table, table: Table) -> ir.StringValue:
    """Why an amount of the row cannot be had in EUR; null: it can, or there is none."""
    amounts = [c for c in table.columns if c.priced_on]
    (moment,) = {c.priced_on for c in amounts}
    no_day, no_rate = rate_reasons(table)
    before, after = no_rate.split(_CURRENCY)
    has_amount = ibis.or_(*(rows[c.name].notnull() for c in amounts))
    needs = has_amount & (rows.currency != "EUR") & rows[RATE].isnull()
    return ibis.cases(
        (needs & rows[moment].isnull(), no_day),
        (needs, ibis.literal(before) + rows.currency + after),
        else_=ibis.null("string"),
    )
