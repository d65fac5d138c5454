"""How alike two values are, one file for each kind of value."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from audience.identity.fuzzy.declaration import Comparison, Rules
from audience.identity.fuzzy.encoding import Coded, LevelOf, Truths, coded
from audience.identity.fuzzy.levels.codes import code_level
from audience.identity.fuzzy.levels.dates import date_level
from audience.identity.fuzzy.levels.mail import email_level
from audience.identity.fuzzy.levels.names import Names, Swapped
from audience.identity.fuzzy.levels.places import ONE_SAME, address_level, town_level

__all__ = ["Question", "questions"]


@dataclass(frozen=True)
class Question:
    """A comparison that can be asked of records.

    Args:
        levels: of pairs of records, given by their ids.
        values: by level, the value that both records then have; the last level is that of equal values.
        known: by id, whether there is anything to compare.
    """

    comparison: Comparison
    levels: LevelOf
    values: Mapping[int, Coded]
    known: Truths


def questions(values: pa.Table, rules: Rules) -> tuple[Question, ...]:
    """The declared comparisons of prepared records, in their order."""
    names = {n: coded(values[n]) for n in ("first_name", "last_name") if n in values.column_names}
    swapped = Swapped.of(names["first_name"], names["last_name"]) if len(names) == 2 else None
    return tuple(_question(comparison, values, names, swapped) for comparison in rules.comparisons)


def _question(
    comparison: Comparison, values: pa.Table, names: Mapping[str, Coded], swapped: Swapped | None
) -> Question:
    last = len(comparison.levels) - 1
    if comparison.how in ("first_name", "last_name"):
        of_name = Names.of(comparison.how, names[comparison.column], swapped)
        return Question(comparison, of_name.levels, {last: of_name.compact}, of_name.column.known)
    if comparison.how == "town":
        of_town, towns = town_level(values)
        return Question(comparison, of_town, {last: towns, ONE_SAME: towns}, towns.known)
    if comparison.how == "email":
        of_address, addresses = email_level(values)
        return Question(comparison, of_address, {last: addresses}, addresses.known)
    column = coded(values[comparison.column])
    how = {"address": address_level, "date": date_level, "code": code_level}[comparison.how]
    return Question(comparison, how(column), {last: column}, column.known)
