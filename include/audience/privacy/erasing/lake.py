"""What the lake holds of a subject: raw rows, refused rows, and what was computed of them."""

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.lake_erasing import Whose, take_out
from audience.core.masked import Secret
from audience.privacy.erasing.subject import Subject, is_theirs, visitor_key
from audience.privacy.pseudonym import contact_key_of, keyed_form, pseudonyms

PEOPLE = ("person_id", "person_before", "person_after")
RECORDS = ("record_key", "left_key", "right_key")
"""Columns of computed tables that name a person, and those that name a record."""

_ADDRESS = r"""[^\s"'<>()\[\]{},;:\\]+@[^\s"'<>()\[\]{},;:\\]+"""


def erase_lake(lake: Lake, session: Backend, connection: sa.Connection, subject: Subject, key: Secret) -> int:
    """Takes every row of the subject out of the lake. Returns their number.

    A refused row goes when an address of the subject stands anywhere in it, or when its `record_id` is theirs. One that
    names nobody in such a way cannot be told from others, and goes when its time is over (`retention`).

    Args:
        connection: in a transaction: nobody publishes rows of a source while its files are rewritten.
    """
    rows = 0
    for table in lake.tables():
        kind, _, source = table.partition("_")
        source = source.partition("__")[0]
        if kind in ("raw", "quarantine"):
            connection.execute(
                sa.text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"quarantine.{source}"}
            )
        rows += take_out(lake, session, table, _whose(table, source, subject, key))
    return rows


def mentions(text: ir.StringValue, keys: ir.StringColumn, key: Secret) -> ir.BooleanValue:
    """Whether an address with one of these keys stands in a text."""
    found = _addresses(text, _ADDRESS).map(lambda one: contact_key_of(pseudonyms(keyed_form(one, key), key), key))
    return _have_one(found, keys.collect().as_scalar())


def _whose(table: str, source: str, subject: Subject, key: Secret) -> Whose:
    if table.startswith("quarantine_"):
        return lambda rows: _refused(rows, source, subject, key)
    if table.startswith("raw_"):
        return lambda rows: _raw(rows, source, subject, key)
    return lambda rows: _computed(rows, subject)


def _raw(rows: ir.Table, source: str, subject: Subject, key: Secret) -> ir.BooleanValue | None:
    found = is_theirs(rows, source, subject, key)
    known = {"email_key", "record_id"} & set(rows.columns)
    if "order_id" in rows.columns:
        found = found | (ibis.literal(f"{source}:") + rows.order_id).isin(subject.column("order"))
    elif not known:
        return None
    if "visitor_id" in rows.columns:
        is_nobodys = rows.email_key.isnull() & rows.record_id.isnull()
        found = found | (is_nobodys & visitor_key(rows, source, key).isin(subject.column("visitor")))
    return found


def _computed(rows: ir.Table, subject: Subject) -> ir.BooleanValue | None:
    tests = [rows[c].isin(subject.column("person", "former")) for c in PEOPLE if c in rows.columns]
    tests += [rows[c].isin(subject.column("record")) for c in RECORDS if c in rows.columns]
    found = None
    for test in tests:
        found = test.fill_null(False) if found is None else found | test.fill_null(False)
    return found


def _refused(rows: ir.Table, source: str, subject: Subject, key: Secret) -> ir.BooleanValue:
    is_record = (ibis.literal(f"{source}:") + _text_of(rows.row, "$.record_id")).isin(subject.column("record"))
    return mentions(rows.row, subject.column("address"), key) | is_record.fill_null(False)


@ibis.udf.scalar.builtin(name="regexp_extract_all")
def _addresses(text: str, pattern: str) -> dt.Array[dt.String]: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="list_has_any")
def _have_one(some: dt.Array[dt.String], others: dt.Array[dt.String]) -> bool: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="json_extract_string")
def _text_of(row: str, path: str) -> str: ...  # type: ignore[empty-body]
