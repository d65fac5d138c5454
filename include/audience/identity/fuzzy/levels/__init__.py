"""How alike two values are, one file for each kind of value."""

from dataclasses import dataclass

import pyarrow as pa

from audience.identity.fuzzy.declaration import Comparison, Rules
from audience.identity.fuzzy.encoding import Coded, LevelOf, coded
from audience.identity.fuzzy.levels.dates import date_level
from audience.identity.fuzzy.levels.mail import email_level
from audience.identity.fuzzy.levels.names import Names, Swapped, compact
from audience.identity.fuzzy.levels.texts import code_level, place_level, text_level

__all__ = ["Question", "questions"]


@dataclass(frozen=True)
class Question:
    """A comparison that can be asked of records.

    Args:
        values: the value that `same` means, of each record.
        levels: of pairs of records, given by their ids.
    """

    comparison: Comparison
    values: Coded
    levels: LevelOf


def questions(values: pa.Table, rules: Rules) -> tuple[Question, ...]:
    """The declared comparisons of prepared records, in their order."""
    columns = {c.column: coded(values[c.column]) for c in rules.comparisons}
    swapped = None
    if {"first_name", "last_name"} <= set(columns):
        swapped = Swapped.of(columns["first_name"], columns["last_name"])
    return tuple(_question(comparison, columns[comparison.column], swapped) for comparison in rules.comparisons)


def _question(comparison: Comparison, column: Coded, swapped: Swapped | None) -> Question:
    if comparison.how in ("first_name", "last_name"):
        names = Names.of(comparison.how, column, swapped)
        return Question(comparison, names.compact, names.levels)
    if comparison.how == "date":
        return Question(comparison, column, date_level(column))
    if comparison.how == "email":
        return Question(comparison, column, email_level(column))
    if comparison.how == "text":
        joined = column.mapped(compact)
        return Question(comparison, joined, text_level(joined))
    if comparison.how == "place":
        return Question(comparison, column, place_level(column))
    return Question(comparison, column, code_level(column))
