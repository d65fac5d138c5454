"""A file of people that somebody brings, as records that can be matched."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.errors import DeclarationError, nearest
from audience.identity.fuzzy.declaration import COLUMNS

KEY = "record_key"

CALLED: dict[str, tuple[str, ...]] = {
    KEY: ("unique_id", "rec_id", "record_id", "record_key", "contact_id", "customer_id", "id"),
    "first_name": ("first_name", "given_name", "firstname", "forename", "givenname", "prenom", "prénom", "vorname"),
    "last_name": ("last_name", "surname", "lastname", "family_name", "nom", "nom_de_famille", "nachname", "name"),
    "birth_date": ("birth_date", "dob", "date_of_birth", "birthdate", "birthday", "date_de_naissance", "geburtsdatum"),
    "address": ("street_number", "address", "address_1", "address1", "street", "street_address", "adresse", "rue"),
    "postal_code": ("postal_code", "postcode", "post_code", "zip", "zip_code", "code_postal", "plz"),
    "city": ("city", "town", "suburb", "ville", "commune", "locality", "ort"),
    "email": ("email", "e_mail", "email_address", "mail", "courriel"),
    "phone": ("phone", "phone_number", "telephone", "tel", "mobile", "telephone_mobile", "mobile_phone"),
    "reference": ("reference", "customer_ref", "customer_number", "loyalty_number", "soc_sec_id", "ssn", "national_id"),
}
"""Columns of files by what they hold. A number and a street that are told apart are one address."""


@dataclass(frozen=True)
class PeopleFile:
    """A CSV file that was read.

    Args:
        records: one row per row of the file: `record_key`, those of `fuzzy.COLUMNS` that were found, as they are
            written, and `truth` where it was asked for.
        columns: which columns of the file were taken for what.
    """

    records: ir.Table
    columns: Mapping[str, tuple[str, ...]]


def read_people(
    session: Backend, path: Path, *, mapped: Mapping[str, str] | None = None, truth: str | None = None
) -> PeopleFile:
    """Reads a CSV file with a header.

    Args:
        mapped: roles by column of the file, instead of what is recognised; several columns of one role are joined.
        truth: the column that names the person, where it is known; `COLUMN:PATTERN` takes a part of it, the first group
            of the pattern.

    Raises:
        DeclarationError: there is no such file or column, or the keys of two rows are the same.
    """
    rows = _read(session, path)
    given = {name.strip(): name for name in rows.columns}
    roles = _roles(path, list(given), mapped or {})
    values = {role: _joined([rows[given[n]] for n in names]) for role, names in roles.items()}
    if KEY not in values:
        values[KEY] = ibis.row_number().cast("string").lpad(10, "0")
    if truth:
        values["truth"] = _truth(path, rows, given, truth)
    records = keep(session, rows.select(**values))
    _check_keys(session, path, records, roles.get(KEY, ("(row number)",)))
    return PeopleFile(records, roles)


def _read(session: Backend, path: Path) -> ir.Table:
    if not path.is_file():
        raise DeclarationError(str(path), "no such file, expected a CSV file with a header")
    try:
        rows = session.read_csv(path, all_varchar=True, header=True)
        count = session.to_pyarrow(rows.count()).as_py()
    except duckdb.Error as error:
        # Its message may show a line of the file: only its first words are ours to show.
        raise DeclarationError(
            str(path), f"found no readable CSV ({type(error).__name__}), expected UTF-8 with a header"
        ) from None
    if not count:
        raise DeclarationError(str(path), "found no rows, expected a header and at least two people")
    return rows


def _roles(path: Path, columns: Sequence[str], mapped: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    for column, role in mapped.items():
        if column not in columns:
            raise DeclarationError(f"{path}: --map {column}={role}", f"no column {column!r}{nearest(column, columns)}")
        if role not in CALLED:
            raise DeclarationError(f"{path}: --map {column}={role}", f"no role {role!r}{nearest(role, CALLED)}")
    found: dict[str, tuple[str, ...]] = {}
    for role, names in CALLED.items():
        told = [c for c in columns if mapped.get(c) == role]
        known = [c for c in columns if c not in mapped and _plain(c) in names]
        # The first name that is known, but for addresses, whose parts may stand in several columns.
        known.sort(key=lambda c: names.index(_plain(c)))
        if chosen := told or (known if role == "address" else known[:1]):
            found[role] = tuple(chosen)
    if not set(found) & set(COLUMNS):
        raise DeclarationError(
            f"{path}: columns",
            f"recognised none of {', '.join(columns)}, expected some of {', '.join(COLUMNS)}: name them with --map COLUMN=ROLE",
        )
    return found


def _plain(column: str) -> str:
    return re.sub(r"[\s.-]+", "_", column.strip().lower())


def _joined(columns: Sequence[ir.Value]) -> ir.StringValue:
    texts = [column.cast("string").strip().nullif("") for column in columns]
    if len(texts) == 1:
        return texts[0]
    joined = texts[0].fill_null("")
    for text in texts[1:]:
        joined = joined + " " + text.fill_null("")
    return joined.strip().nullif("")


def _truth(path: Path, rows: ir.Table, given: Mapping[str, str], truth: str) -> ir.StringValue:
    column, _, pattern = truth.partition(":")
    if column not in given:
        raise DeclarationError(f"{path}: --truth {truth}", f"no column {column!r}{nearest(column, given)}")
    told = rows[given[column]].cast("string").strip()
    if not pattern:
        return told
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise DeclarationError(f"{path}: --truth {truth}", f"found no regular expression: {error}") from error
    if groups < 1:
        raise DeclarationError(f"{path}: --truth {truth}", "found no group in the pattern, expected one: (...)")
    return told.re_extract(pattern, 1).nullif("")


def _check_keys(session: Backend, path: Path, records: ir.Table, columns: Sequence[str]) -> None:
    counted = records.aggregate(
        rows=records.count(), known=records.record_key.count(), keys=records.record_key.nunique()
    )
    found = session.to_pyarrow(counted).to_pylist()[0]
    if not found["rows"] == found["known"] == found["keys"]:
        raise DeclarationError(
            f"{path}: {' + '.join(columns)}",
            f"found {found['keys']:,} different keys in {found['rows']:,} rows, expected one for each row; name another "
            "column (--map COLUMN=record_key), or none of that name",
        )
