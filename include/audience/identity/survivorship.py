"""Which of several records' values a person's golden record gets: declared per attribute."""

from dataclasses import dataclass
from typing import Literal

import ibis
import ibis.expr.types as ir

from audience.core.errors import DeclarationError
from audience.core.trust import Trusted

Preference = Literal["verified", "trusted", "complete", "recent"]


@dataclass(frozen=True)
class Survives:
    """The columns of a contact whose values come from one and the same record, and which record that is.

    Args:
        columns: told together: a postal code beside another record's city is no address.
        by: what decides, the first first; of records that are equal in all of it, the one of the lower key.
            `verified`: the source has checked the first of the columns. `trusted`: the source of the higher rank.
            `complete`: the record tells more of the columns. `recent`: its source changed it last.
    """

    columns: tuple[str, ...]
    by: tuple[Preference, ...] = ("recent",)

    def __post_init__(self) -> None:
        if not self.columns or not self.by:
            raise DeclarationError("survives", "expected at least one column and one preference")


SURVIVES = (
    Survives(("birth_date",), by=("verified", "trusted", "recent")),
    Survives(("first_name", "last_name"), by=("complete", "recent")),
    Survives(("postal_code", "city"), by=("complete", "recent")),
    *(
        Survives((column,))
        for column in ("phone_e164", "gender", "country", "household_size", "kids", "income_band", "nps")
    ),
)
"""The address to write to is not among them: consent decides it, see `golden.ranked_addresses`."""


def survivors(owned: ir.Table, trusted: Trusted) -> dict[str, ir.Value]:
    """What to aggregate of a person's records to get each column of SURVIVES."""
    return {
        column: owned[column].first(
            where=_tells(owned, rule), order_by=_best_first(owned, rule, trusted), include_null=True
        )
        for rule in SURVIVES
        for column in rule.columns
    }


def givers(owned: ir.Table, trusted: Trusted) -> dict[str, ir.Value]:
    """The same for the key of the record that gave each column; null where no record tells it."""
    return {
        column: _or_null(owned[column].notnull(), owned.record_key).first(
            where=_tells(owned, rule), order_by=_best_first(owned, rule, trusted), include_null=True
        )
        for rule in SURVIVES
        for column in rule.columns
    }


def _or_null(condition: ir.BooleanValue, value: ir.Value) -> ir.Value:
    return condition.ifelse(value, ibis.null(value.type()))


def _tells(owned: ir.Table, rule: Survives) -> ir.BooleanValue:
    return ibis.or_(*(owned[column].notnull() for column in rule.columns))


def _best_first(owned: ir.Table, rule: Survives, trusted: Trusted) -> list[ir.Value]:
    order: list[ir.Value] = []
    for preference in rule.by:
        match preference:
            case "verified":
                checked = [name for name, trust in trusted.items() if rule.columns[0] in trust.verifies]
                order += [ibis.desc(owned.source.isin(checked))] if checked else []
            case "trusted":
                ranks = [(owned.source == name, trust.rank) for name, trust in sorted(trusted.items())]
                order += [ibis.desc(ibis.cases(*ranks, else_=0))] if ranks else []
            case "complete":
                told = [owned[column].notnull().cast("int64") for column in rule.columns]
                order += [ibis.desc(sum(told[1:], start=told[0]))] if len(told) > 1 else []
            case "recent":
                order.append(ibis.desc(owned.updated_at))
    return [*order, owned.record_key]
