"""Currencies: ISO 4217 codes, and amounts in EUR at the reference rate of a day."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

import ibis
import ibis.expr.types as ir
from ibis import _

from audience.core.normal.distinct import over_distinct

MOST_DAYS = 7
"""How old a rate may be. The European Central Bank publishes none for four days at most, Good Friday to Easter Monday."""

CENT = Decimal("0.01")


def currency_of(text: str) -> str | None:
    """The definition, for one text: the ISO 4217 code in capitals; None for none. `$` is a dollar of twenty countries."""
    code = text.strip().upper()
    return code if code in _codes() else {"€": "EUR"}.get(code)


def currency(text: ir.StringValue) -> ir.StringValue:
    """The same of a column; only what is not one of the usual codes leaves the engine."""
    return ibis.cases((text.isnull(), text), (text.isin(_USUAL), text), else_=_currencies(text))


_USUAL = ("EUR", "USD", "GBP", "CHF", "SEK", "DKK", "NOK", "PLN", "CZK", "CAD")

_currencies = over_distinct(currency_of, name="currency_of")


@cache
def _codes() -> frozenset[str]:
    from babel.core import get_global

    return frozenset(get_global("all_currencies"))


def in_eur_of(amount: Decimal, per_eur: Decimal) -> Decimal:
    """The definition, for one amount: divided by units of its currency for one EUR, rounded once to the nearest cent and,
    half-way, away from zero (Council Regulation (EC) No 1103/97, article 5; a refund mirrors its payment)."""
    return (amount / per_eur).quantize(CENT, ROUND_HALF_UP)


@ibis.udf.scalar.builtin(name="divide")
def _whole(dividend: int, divisor: int) -> int: ...  # type: ignore[empty-body]


def in_eur(amount: ir.StringValue, per_eur: ir.FloatingValue) -> ir.DecimalValue:
    """The same of a column of texts, exact: in whole millionths, because other divisions are of floats.

    Null for an amount of 10,000 million and more, and for a rate that is null, not above 0.000001 or beyond 10,000 million.
    Rates are published with six significant digits: as decimals they are what was published again.
    """
    micros = _micros(amount.try_cast("decimal(16, 6)"))
    rate = _micros(per_eur.try_cast("decimal(16, 6)"))
    cents = _whole(2 * 100 * micros.abs() + rate, 2 * rate.nullif(0))
    signed = (micros < 0).ifelse(-cents, cents)
    return (signed.try_cast("decimal(18, 0)").cast("decimal(28, 2)") * Decimal("0.01")).try_cast("decimal(18, 2)")


def _micros(amount: ir.DecimalValue) -> ir.IntegerValue:
    return (amount.cast("decimal(30, 6)") * 1_000_000).try_cast("int64")


def rates_by_day(rates: ir.Table) -> ir.Table:
    """The rate that holds on a day: the newest of that day or of `MOST_DAYS` before.

    Takes  rows of `exchange_rate`. Gives `currency`, `day`, `per_eur`, one row per currency and day.
    """
    days = ibis.range(0, MOST_DAYS + 1).unnest().name("days").as_table()
    held = rates.filter(_.per_eur > 0).cross_join(days)
    held = held.mutate(on=held.day + held.days.as_interval("D"))
    newest = held.group_by("currency", "on").agg(per_eur=_.per_eur.first(order_by=[ibis.desc(_.day), _.per_eur]))
    return newest.select("currency", day=newest.on.cast("date"), per_eur=newest.per_eur)


def rate_on(rates: dict[date, Decimal], day: date) -> Decimal | None:
    """The same for one day of one currency."""
    days = (day - timedelta(days=n) for n in range(MOST_DAYS + 1))
    return next((rates[d] for d in days if d in rates), None)
