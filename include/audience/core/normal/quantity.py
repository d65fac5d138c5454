"""Quantities with a unit beside them, in the unit that the column counts in, whole."""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

import ibis.expr.types as ir

from audience.core.normal.distinct import over_distinct

SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "sec": Decimal(1), "min": Decimal(60), "h": Decimal(3600)}
PERCENT = {"%": Decimal(1), "percent": Decimal(1)}

_NUMBER = re.compile(r"([+-]?[0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([a-z%]+)")


def quantity_of(text: str, units: dict[str, Decimal]) -> str | None:
    """The definition, for one text: `1.5 min` is 90 seconds, rounded half away from zero.

    A text without letters is left to the column's type; None for a unit that is not of this kind.
    """
    if not re.search("[A-Za-z%]", text):
        return text
    found = _NUMBER.fullmatch(text.strip().lower())
    if found is None or found[2] not in units:
        return None
    return str((Decimal(found[1]) * units[found[2]]).quantize(Decimal(1), ROUND_HALF_UP))


def _of(units: dict[str, Decimal], name: str) -> Callable[[ir.StringValue], ir.StringValue]:
    normal = over_distinct(lambda text: quantity_of(text, units), name=name)
    return lambda text: text.re_search("[A-Za-z%]").ifelse(normal(text), text)


seconds = _of(SECONDS, "seconds_of")
percent = _of(PERCENT, "percent_of")
