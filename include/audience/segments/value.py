"""The values that a condition compares with, in exactly the type of its column."""

import math
import reprlib
from collections.abc import Callable
from decimal import Decimal

from audience.core.errors import DeclarationError
from audience.core.table import Column, Type

Value = str | bool | int | float | Decimal

_INTEGER_LIMIT = 2**53  # whole numbers that every engine and every JSON reader keeps exact
_DECIMAL_LIMIT = 10**12


def typed(column: Column, found: object) -> Value:
    """The found value in the column's type: an amount becomes an exact decimal of cents.

    Raises:
        DeclarationError: another type, an amount finer than a cent, or a value that the column can never have.
    """
    value = _READERS[column.type](found)
    if value is None:
        raise DeclarationError(column.name, f"found {shown(found)}, expected {_EXPECTED[column.type]} ({column.doc})")
    if column.one_of is not None and value not in column.one_of:
        raise DeclarationError(column.name, f"found {shown(found)}, expected one of {', '.join(column.one_of)}")
    if isinstance(value, int | float | Decimal):
        _within(column, value)
    return value


def shown(found: object) -> str:
    """A found value as an error shows it: short, whatever it is."""
    return "nothing" if found is None else reprlib.repr(found)


def _within(column: Column, value: int | float | Decimal) -> None:
    if column.at_least is not None and value < column.at_least:
        raise DeclarationError(column.name, f"found {value}, expected at least {column.at_least:g} ({column.doc})")
    if column.at_most is not None and value > column.at_most:
        raise DeclarationError(column.name, f"found {value}, expected at most {column.at_most:g} ({column.doc})")


def _text(found: object) -> str | None:
    return found if isinstance(found, str) else None


def _boolean(found: object) -> bool | None:
    return found if isinstance(found, bool) else None


def _integer(found: object) -> int | None:
    is_whole = isinstance(found, int) and not isinstance(found, bool)
    return found if is_whole and abs(found) <= _INTEGER_LIMIT else None  # type: ignore[arg-type,return-value]


def _decimal(found: object) -> Decimal | None:
    if isinstance(found, bool) or not isinstance(found, int | float | Decimal) or not math.isfinite(found):
        return None
    exact = Decimal(str(found))  # 99.99 as written, not the binary fraction next to it
    return round(exact, 2) if abs(exact) <= _DECIMAL_LIMIT and exact == round(exact, 2) else None


def _real(found: object) -> float | None:
    if isinstance(found, bool) or not isinstance(found, int | float) or abs(found) > _INTEGER_LIMIT:
        return None
    return float(found) if math.isfinite(found) else None


_READERS: dict[Type, Callable[[object], Value | None]] = {
    "text": _text,
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "real": _real,
}

_EXPECTED: dict[Type, str] = {
    "text": "a text; put it in quotes",
    "boolean": "true or false",
    "integer": "a whole number",
    "decimal": "an amount with at most 2 decimals",
    "real": "a number",
}
