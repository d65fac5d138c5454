"""Admission: texts become the declared types in their normal forms, in the engine; a row that cannot is refused with its
reason."""

from collections.abc import Callable
from datetime import UTC, datetime

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis import _

from audience.core import normal
from audience.core.masked import Secret
from audience.core.table import Column, Form, Table
from audience.privacy.pseudonym import keyed_form, pseudonyms
from audience.quality.exchange import RATE, rate_problem, with_rates

PLACE = ("_day", "_stream", "_position")
"""Where a staged row stands: the day of its partition, the stream it came from, its number within the stream."""

UNUSABLE = "_unusable_"
"""In front of a column's name: whether the row told a value of it that became unknown."""

LONGEST_LIFE_YEARS = 123
"""Nobody was ever proven to have lived longer: Jeanne Calment, 122 years and 164 days."""

_EPOCH = ibis.timestamp(datetime(1970, 1, 2, tzinfo=UTC))
"""After the zero of most clocks, in any time zone: what systems write where there is no instant."""

_FORMS: dict[Form, Callable[[ir.StringValue], ir.StringValue]] = {
    "words": normal.words,
    "country": normal.country,
    "currency": normal.currency,
    "seconds": normal.seconds,
    "percent": normal.percent,
}
"""The forms that a text takes by itself."""

_NOT_A: dict[Form | None, str] = {
    "category": "not a word",
    "country": "not a country",
    "currency": "not an ISO 4217 code",
    "e164": "not a telephone number",
}


def judge(rows: ir.Table, table: Table, key: Secret, rates: ir.Table | None = None) -> ir.Table:
    """Puts every row into its normal forms and types, and checks it.

    Takes  staged rows: the fields a source yields (`Table.staged_names`) and `PLACE`, all texts. A missing value is null,
           and so is a blank text: two records without a loyalty number do not share one. `rates`: rows of
           `exchange_rate`, for amounts in another currency than EUR; None: no rate is known.
    Gives  the same rows with the declared columns in their types and more: `_reason`, why the row is refused, in
           words that name the column and never the value (null: it is not); `_row`, a refused row as it came, JSON;
           `UNUSABLE` of each column of `lenient`. Kept, they can be asked which are the newest (`newest.mark_newest`).
    """
    came = {f"_came_{n}": rows[n] for n in table.staged_names}
    known = {f"_told_{n}": _unless_blank(rows[n]) for n in table.staged_names}
    told = rows.select(*PLACE, **came, **known)
    texts = {n: told[f"_told_{n}"] for n in table.staged_names}
    forms = {c.name: _in_normal_form(texts[c.staged_name], c, texts, key) for c in table.columns}
    staged = with_rates(told.mutate(**forms), table, rates)
    # A step of its own: what is asked of a value four times is cast once.
    staged = staged.mutate(**{f"_typed_{c.name}": _typed(staged, c, key) for c in table.columns})
    typed, problems = {}, []
    for c in table.columns:
        value = staged[f"_typed_{c.name}"]
        problem = _problem(staged, value, c)
        if c.if_unusable == "null":
            typed[c.name] = problem.isnull().ifelse(value, ibis.null(c.ibis_type))
        else:
            typed[c.name] = value
            problems.append(problem)
        if c.form == "currency" and RATE in staged.columns:
            problems.append(rate_problem(staged, table))
    lost = {UNUSABLE + c.name: staged[_told(c)].notnull() & typed[c.name].isnull() for c in lenient(table)}
    judged = staged.select(*PLACE, *came, _reason=ibis.coalesce(*problems), **typed, **lost)
    as_it_came = _to_json(ibis.struct({name: judged[f"_came_{name}"] for name in table.staged_names}))
    row = judged._reason.isnull().ifelse(ibis.null("string"), as_it_came)
    return judged.select(*PLACE, "_reason", *typed, *lost, _row=row)


def _unless_blank(text: ir.StringValue) -> ir.StringValue:
    """The text, null when it is blank. Only one that begins below `!` can be, and trimming every text takes longest of all."""
    none = ibis.null("string")
    return ibis.cases((text >= "!", text), (text.strip() == "", none), else_=text)


def lenient(table: Table) -> tuple[Column, ...]:
    """The columns whose unusable values become unknown, and refuse no row."""
    return tuple(c for c in table.columns if c.if_unusable == "null" or (c.keyed_hash_of and not c.required))


def admitted(judged: ir.Table, table: Table) -> ir.Table:
    """The rows to publish: `_day` and the declared columns, one row per key and day. Takes rows marked by `mark_newest`."""
    return judged.filter(_._reason.isnull() & _._is_newest).select("_day", *table.names)


def refused(judged: ir.Table, entity: str) -> ir.Table:
    """The rows to quarantine: `_day` and the columns of the quarantine."""
    return judged.filter(_._reason.notnull()).select(
        "_day",
        entity=ibis.literal(entity),
        stream=_._stream,
        position=_._position.cast("int64"),
        reason=_._reason,
        row=_._row,
    )


def _told(column: Column) -> str:
    return f"_told_{column.staged_name}"


def _in_normal_form(
    text: ir.StringValue, column: Column, texts: dict[str, ir.StringValue], key: Secret
) -> ir.StringValue:
    """The text in the column's normal form, null when it has none."""
    if column.keyed_hash_of is not None:
        return keyed_form(text, key)
    if column.type in ("instant", "day"):
        return normal.instant(text)
    if column.form == "category":
        return normal.category(text, column.one_of or (), column.synonyms)
    if column.form == "e164":
        return normal.e164(text, normal.country(texts["country"]))
    return text if column.form is None else _FORMS[column.form](text)


def _typed(row: ir.Table, column: Column, key: Secret) -> ir.Value:
    """The value, null when the text is not of the type."""
    text: ir.StringValue = row[column.name]
    if column.keyed_hash_of is not None:
        return pseudonyms(text, key)
    if column.type == "text":
        # PostgreSQL cannot hold a NUL, so one such name would stop the load of everybody.
        return row[_told(column)].contains("\0").ifelse(ibis.null("string"), text)
    value = text.try_cast(column.ibis_type)
    none = ibis.null(column.ibis_type)
    if column.type == "integer":
        # A cast alone would round 1.7 to 2.
        return (value.cast("float64") == text.try_cast("float64")).ifelse(value, none)
    if column.type == "real":
        return (value.isnan() | value.isinf()).ifelse(none, value)
    if column.priced_on is not None:
        return row.currency.fill_null("EUR").isin(["EUR"]).ifelse(value, normal.in_eur(text, row[RATE]))
    return value


def _problem(row: ir.Table, value: ir.Value, column: Column) -> ir.StringValue:
    """Why the row is refused for this column; null: it is not."""
    text, known = row[_told(column)], value.notnull()
    name, kind = column.staged_name, column.type
    answers = []
    if column.keyed_hash_of is None:
        is_no_text = text.contains("\0") if column.form == "words" else text.notnull() & value.isnull()
        answers.append((is_no_text, f"{name}: {_NOT_A.get(column.form, f'not of type {kind}')}"))
    if column.required:
        answers.append((text.isnull(), f"{name}: missing"))
        answers.append((value.isnull(), f"{name}: not usable"))
    if kind == "instant":
        answers.append((known & (value <= _EPOCH), f"{name}: before 1970-01-02"))
    if kind == "day":
        earliest = row._day.cast("date") - ibis.interval(years=LONGEST_LIFE_YEARS)
        answers.append((known & (value < earliest), f"{name}: longer ago than a life"))
    if kind in ("instant", "day"):
        # A day more than the row's own: clocks and time zones of others are off by hours.
        latest = (row._day.cast("date") + ibis.interval(days=2)).cast(column.ibis_type)
        answers.append((known & (value >= latest), f"{name}: in the future"))
    if column.one_of is not None:
        answers.append((known & value.notin(column.one_of), f"{column.name}: not one of {', '.join(column.one_of)}"))
    if column.at_least is not None:
        answers.append((known & (value < column.at_least), f"{column.name}: below {column.at_least:g}"))
    if column.at_most is not None:
        answers.append((known & (value > column.at_most), f"{column.name}: above {column.at_most:g}"))
    if column.matches is not None:
        answers.append((known & ~value.re_search(column.matches), f"{column.name}: not of the form {column.matches}"))
    return ibis.cases(*answers, else_=ibis.null("string")) if answers else ibis.null("string")


@ibis.udf.scalar.builtin(name="to_json")
def _to_json(row: dt.Struct({})) -> dt.string: ...  # type: ignore[empty-body, valid-type]
