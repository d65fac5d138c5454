"""What a rule may ask about: the columns of features, guesses and scores, as one namespace."""

from audience.core.errors import DeclarationError, nearest
from audience.core.table import Column, Type
from audience.core.tables import FEATURES, IMPUTED, SCORES

COLUMNS: dict[str, Column] = {
    c.name: c for t in (FEATURES, IMPUTED, SCORES) for c in t.columns if c.name != "person_id"
}
"""Every column by its name; who a person is (`person_id`) is not a reason to be a member."""

_ANY_TYPE = ("is", "known")
_NUMBER = ("at_least", "at_most", "above", "below", "between", "one_of", "none_of", *_ANY_TYPE)

OPERATORS: dict[Type, tuple[str, ...]] = {
    "boolean": _ANY_TYPE,
    "text": ("one_of", "none_of", *_ANY_TYPE),
    "integer": _NUMBER,
    "decimal": _NUMBER,
    "real": _NUMBER,
}
"""What can be asked of a column of each type."""


def column_named(name: str) -> Column:
    """Raises DeclarationError with the nearest name when no rule may ask about such a column."""
    if name not in COLUMNS:
        raise DeclarationError("rule", f"no column {name!r}{nearest(name, COLUMNS)}")
    return COLUMNS[name]


def can_be_unknown(name: str) -> bool:
    """Whether some people have no value. Nobody has a score before the first model, so every score can be unknown; so
    can every column of a table that days before it have not got."""
    return name in (*SCORES.names, *IMPUTED.names) or not COLUMNS[name].required
