"""The suite of each entity: what follows from its declared columns, and what is declared here beside them.

A row without its parent is a warning and not a refusal: orders and their lines, or contacts, come through streams of
their own and can be a day apart; once the parent is there the row is right, and until then no join finds it. Most rows
without a parent block the source: a stream that failed silently looks like that.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

from audience.core.errors import nearest
from audience.core.table import Table
from audience.core.tables import ENTITIES
from audience.quality.admission import lenient
from audience.quality.expectation import (
    Accepted,
    Between,
    Columns,
    Expectation,
    Fresh,
    Keeps,
    Matches,
    NotInFuture,
    NotNull,
    OfType,
    OneOf,
    Plausible,
    Refers,
    RefusedShare,
    Severity,
    Stable,
    SumsTo,
    Unique,
    Usable,
    Volume,
)

MAX_REFUSED_SHARE = 0.05

_OF_A_CONTACT = Refers("record_id", to="contact", key="record_id", mostly=0.99)

_WHOLE = "^[^\ufffd]*$"
"""No U+FFFD, which stands where a conversion gave a letter up: nothing can bring that back."""

SUITES: Mapping[str, tuple[Expectation, ...]] = {
    "contact": (
        NotNull("email_key", severity="warn", mostly=0.5),
        Usable("email_key", mostly=0.95),
        Usable("country", mostly=0.95),
        Usable("birth_date", mostly=0.95),
        Usable("phone_e164", mostly=0.8),
        Matches("first_name", _WHOLE, severity="warn", mostly=0.99),
        Matches("last_name", _WHOLE, severity="warn", mostly=0.99),
        NotInFuture("updated_at"),
        Fresh("updated_at", hours=72),
        Volume(low=0.3, high=3),
        Stable("gender"),
        Stable("country"),
        Stable("is_deleted"),
    ),
    "consent": (
        _OF_A_CONTACT,
        NotInFuture("captured_at"),
        Volume(low=0.3, high=3),
        Stable("purpose"),
        Stable("status"),
    ),
    "order": (
        _OF_A_CONTACT,
        Usable("email_key", mostly=0.95),
        Keeps("ordered_at", by="order_id", mostly=0.99),
        Between("total_eur", low=0, severity="warn", mostly=0.9),  # some systems tell a refund as an order
        SumsTo("total_eur", part="order_line", amount="amount_eur", by="order_id", within=0.05, within_share=0.25,
               mostly=0.95),
        NotInFuture("ordered_at"),
        Fresh("updated_at", hours=48),
        Volume(low=0.5, high=2),
        Volume(low=0.01, severity="block"),
        Stable("status"),
        Stable("has_coupon"),
        Stable("total_eur", edges=(0, 5, 10, 20, 30, 50, 75, 100, 150, 250, 500)),
    ),
    "order_line": (
        Refers("order_id", to="order", key="order_id"),
        Refers("order_id", to="order", key="order_id", severity="block", mostly=0.5),
        Refers("product_id", to="product", key="product_id", mostly=0.99),
        Volume(low=0.5, high=2),
        Stable("quantity", edges=(1, 2, 3, 5, 10)),
        Stable("amount_eur", edges=(0, 1, 2, 5, 10, 20, 50, 100)),
    ),
    "product": (Matches("title", _WHOLE, severity="warn", mostly=0.99), NotInFuture("updated_at")),
    "event": (
        NotInFuture("occurred_at"),
        Fresh("received_at", hours=24 * 14),  # between two campaigns there can be nothing
        Stable("type"),
        Stable("is_machine"),
    ),
    "web_event": (
        _OF_A_CONTACT,
        Refers("product_id", to="product", key="product_id", mostly=0.9),
        NotInFuture("occurred_at"),
        Fresh("occurred_at", hours=48),
        Volume(low=0.5, high=2),
        Volume(low=0.01, severity="block"),
        Stable("type"),
        Stable("device"),
        Stable("is_machine"),
    ),
    "survey_answer": (NotInFuture("answered_at"),),
    "exchange_rate": (NotInFuture("day"), Fresh("day", hours=24 * 6)),  # Easter: four days without a rate
}  # fmt: skip
"""What is expected beside the columns' own rules, by entity."""


def suite(table: Table, declared: Mapping[str, tuple[Expectation, ...]] = SUITES) -> tuple[Expectation, ...]:
    """Everything expected of an entity: of its columns, of any table, and what is declared for it."""
    return (
        Columns(table.names),
        *of_columns(table),
        RefusedShare(MAX_REFUSED_SHARE, per=() if table.version_of == table.key else table.version_of),
        # Pages that move while they are read bring a record twice; most of a day twice is a loop.
        Unique(table.key, mostly=0.5),
        *(_with_values(e, table) for e in declared.get(table.name, ())),
    )


def _with_values(expectation: Expectation, table: Table) -> Expectation:
    """A distribution over the values that the column's own declaration allows."""
    if not isinstance(expectation, Stable) or expectation.edges or expectation.column not in table.names:
        return expectation
    column = table.column(expectation.column)
    return replace(expectation, values=("false", "true") if column.type == "boolean" else column.one_of or ())


def of_columns(table: Table) -> tuple[Expectation, ...]:
    """What a declaration of columns refuses rows for. A value that becomes unknown instead refuses none."""
    found: list[Expectation] = []
    for column in (c for c in table.columns if c.if_unusable == "refuse"):
        if column.keyed_hash_of is None:
            found.append(OfType(column.name, column.type, form=column.form or ""))
        if column.required:
            found.append(NotNull(column.name, field=column.staged_name))
        if column.type in ("instant", "day"):
            found.append(Plausible(column.name, column.type))
        if column.one_of is not None:
            found.append(OneOf(column.name, column.one_of))
        if column.at_least is not None or column.at_most is not None:
            found.append(Between(column.name, column.at_least, column.at_most))
        if column.matches is not None:
            found.append(Matches(column.name, column.matches))
    return tuple(found)


def problems(
    declared: Mapping[str, tuple[Expectation, ...]] = SUITES, tables: Mapping[str, Table] = ENTITIES
) -> list[str]:
    """What is wrong in the declared suites: names that nothing has, and expectations that can never be judged."""
    found = []
    for entity, expectations in declared.items():
        if entity not in tables:
            found.append(f"suites: no entity {entity!r}{nearest(entity, tables)}")
            continue
        strangers = [e for e in expectations if not isinstance(e, Expectation)]
        if strangers:
            found += [f"suites: {entity}: found {type(e).__name__}, expected an expectation of"
                      " audience.quality.expectation" for e in strangers]  # fmt: skip
            continue
        values = [v for e in expectations for v in _wrong_values(e)]
        if values:
            found += [f"suites: {entity}: {problem}" for problem in values]
            continue
        words = [e.words for e in suite(tables[entity], declared)]
        found += [f"suites: {entity}: expected twice: {w}" for w in sorted({w for w in words if words.count(w) > 1})]
        for expectation in expectations:
            found += [f"suites: {entity}: {problem}" for problem in _problems(expectation, tables[entity], tables)]
    return found


def _wrong_values(expectation: Expectation) -> list[str]:
    """Values that no expectation can have, each with the kind of the expectation in front."""
    wrong: list[tuple[str, object, str]] = []
    if (severity := expectation.severity) not in get_args(Severity):
        wrong.append(("severity", severity, f"one of {', '.join(get_args(Severity))}"))
    if not 0 < (mostly := getattr(expectation, "mostly", 1.0)) <= 1:
        wrong.append(("mostly", mostly, "a share above 0, at most 1"))
    match expectation:
        case Between(low=None, high=None):
            wrong.append(("low, high", None, "at least one bound"))
        case Between(low=float() | int() as low, high=float() | int() as high) if low > high:
            wrong.append(("low, high", (low, high), "the lower bound first"))
        case Stable(edges=edges) if list(edges) != sorted(set(edges)):
            wrong.append(("edges", edges, "ascending numbers, each once"))
        case OneOf(values=()):
            wrong.append(("values", (), "at least one"))
        case Matches(pattern=pattern):
            try:
                re.compile(pattern)
            except re.error as error:
                wrong.append(("pattern", pattern, f"a regular expression: {error}"))
    kind = type(expectation).__name__
    return [f"{kind}: {name}: found {value!r}, expected {expected}" for name, value, expected in wrong]


def _problems(expectation: Expectation, table: Table, tables: Mapping[str, Table]) -> list[str]:
    wanted: list[tuple[str, str]] = [(table.name, c) for c in _columns_of(expectation)]
    match expectation:
        case Refers(to=to, key=key):
            wanted.append((to, key))
        case Keeps(by=by):
            wanted.append((table.name, by))
        case SumsTo(part=part, amount=amount, by=by):
            wanted += [(table.name, by), (part, by), (part, amount)]
    found = []
    for entity, column in wanted:
        if entity not in tables:
            found.append(f"no entity {entity!r}{nearest(entity, tables)}")
        elif column not in tables[entity].names:
            found.append(f"{entity} has no column {column!r}{nearest(column, tables[entity].names)}")
    if found:
        return found
    if expectation.severity == "reject":
        found.append(f"{expectation.words}: found severity reject, expected the rule on the column itself, which admission"
                     " reads")  # fmt: skip
    if isinstance(expectation, Usable) and table.column(expectation.column) not in lenient(table):
        found.append(f"{expectation.words}: found a column whose unusable values refuse the row, expected one whose become"
                     " unknown")  # fmt: skip
    if isinstance(expectation, Stable):
        of = table.column(expectation.column)
        bounded = of.type == "boolean" or bool(of.one_of or of.matches or expectation.edges)
        if not bounded or of.personal:
            found.append(f"{expectation.words}: found no declared values, expected edges, one_of or matches, and no"
                         " personal data")  # fmt: skip
    return found


def _columns_of(expectation: Expectation) -> tuple[str, ...]:
    match expectation:
        case Columns() | RefusedShare() | Volume() | Accepted():
            return ()
        case Unique(columns=columns):
            return columns
        case _:
            return (expectation.column,)
