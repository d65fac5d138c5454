"""Texts become the declared types; a row that cannot is refused with a reason that never holds the value."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import pytest
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.masked import PseudonymKey, Secret
from audience.core.table import Column, Table
from audience.core.tables import CONSENT, CONTACT, EXCHANGE_RATE, ORDER, ORDER_LINE, WEB_EVENT
from audience.privacy.pseudonym import pseudonym
from audience.quality.admission import PLACE, admitted, judge, refused
from audience.quality.newest import mark_newest
from rows import rows_of

KEY = Secret("a-pseudonym-key-for-tests-only-0123456789")
GAUGE = Table(
    name="gauge",
    grain="one reading",
    key=("name",),
    columns=(
        Column("name", "text", "whose", required=True),
        Column("pieces", "integer", "pieces", at_least=0, at_most=10),
        Column("price_eur", "decimal", "price, EUR"),
        Column("share", "real", "0..1", at_least=0, at_most=1),
        Column("is_new", "boolean", "new"),
        Column("read_at", "instant", "when"),
        Column("made_on", "day", "made"),
        Column("kind", "text", "kind", one_of=("a", "b")),
        Column("country", "text", "country", matches=r"^[A-Z]{2}$"),
    ),
)


def staged(table: Table, *rows: dict[str, str | None]) -> ibis.Table:
    """Rows as they are staged: all texts, in this order."""
    names = (*PLACE, *table.staged_names)
    place = {"_day": "2026-11-20", "_stream": "items"}
    texts = [place | {"_position": str(n)} | row for n, row in enumerate(rows)]
    whole = [{name: row.get(name) for name in names} for row in texts]
    return ibis.memtable(whole, schema=dict.fromkeys(names, "string"))


def versions(duck: Backend, table: Table, *rows: dict[str, str | None]) -> ibis.Table:
    return mark_newest(duck, keep(duck, judge(staged(table, *rows), table, KEY)), table)


def judged(duck: Backend, table: Table, *rows: dict[str, str | None]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = duck.to_pyarrow(versions(duck, table, *rows)).to_pylist()
    return sorted(found, key=lambda r: int(r["_position"]))


def reason(duck: Backend, **row: str | None) -> str | None:
    (found,) = judged(duck, GAUGE, {"name": "g", **row})
    return found["_reason"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("name", None, "name: missing"),
        ("name", "", "name: missing"),
        ("name", " \t", "name: missing"),
        ("name", "a\0b", "name: not of type text"),
        ("pieces", "seven", "pieces: not of type integer"),
        ("pieces", "1.7", "pieces: not of type integer"),
        ("pieces", "nan", "pieces: not of type integer"),
        ("pieces", "1e30", "pieces: not of type integer"),
        ("pieces", "-1", "pieces: below 0"),
        ("pieces", "11", "pieces: above 10"),
        ("price_eur", "12,50", "price_eur: not of type decimal"),
        ("price_eur", "1e400", "price_eur: not of type decimal"),
        ("price_eur", "NaN", "price_eur: not of type decimal"),
        ("share", "Infinity", "share: not of type real"),
        ("share", "NaN", "share: not of type real"),
        ("share", "1.01", "share: above 1"),
        ("is_new", "perhaps", "is_new: not of type boolean"),
        ("read_at", "2026-02-30T10:00:00Z", "read_at: not of type instant"),
        ("read_at", "20/11/2026", "read_at: not of type instant"),
        ("read_at", "infinity", "read_at: not of type instant"),
        ("read_at", "epoch", "read_at: not of type instant"),
        ("read_at", "290000-01-01T00:00:00Z", "read_at: not of type instant"),
        ("made_on", "1990-13-01", "made_on: not of type day"),
        ("kind", "c", "kind: not one of a, b"),
        ("country", "fr", "country: not of the form ^[A-Z]{2}$"),
    ],
)
def test_a_row_that_breaks_its_declaration_is_refused_by_column_and_rule(
    duck: Backend, column: str, text: str | None, expected: str
) -> None:
    assert reason(duck, **{column: text}) == expected


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("pieces", "10", 10),
        ("pieces", "7.0", 7),
        ("pieces", "", None),
        ("price_eur", "12.5", "12.50"),
        ("price_eur", "-3", "-3.00"),
        ("is_new", "true", True),
        ("read_at", "2026-11-20T10:00:00+02:00", "2026-11-20 08:00:00+00:00"),
        ("read_at", "2026-11-20T10:00:00", "2026-11-20 10:00:00+00:00"),
        ("made_on", "1990-05-01", "1990-05-01"),
        ("kind", "  ", None),
    ],
)
def test_a_good_text_becomes_its_typed_value_and_a_blank_one_is_unknown(
    duck: Backend, column: str, text: str, value: Any
) -> None:
    (row,) = judged(duck, GAUGE, {"name": "g", column: text})
    assert row["_reason"] is None
    assert row[column] == value or str(row[column]) == value


def test_two_records_without_a_loyalty_number_do_not_share_an_empty_one(duck: Backend) -> None:
    whole = {"updated_at": "2026-11-20", "is_deleted": "false", "customer_ref": " "}
    rows = judged(duck, CONTACT, {"record_id": "1", **whole}, {"record_id": "2", **whole})
    assert [r["customer_ref"] for r in rows] == [None, None]


def test_the_first_broken_column_in_the_order_of_the_declaration_gives_the_reason(duck: Backend) -> None:
    assert reason(duck, pieces="many", country="nowhere") == "pieces: not of type integer"


@pytest.mark.parametrize("column", ["pieces", "price_eur", "share", "is_new", "read_at", "made_on", "kind", "country"])
def test_a_reason_never_holds_the_value(duck: Backend, column: str) -> None:
    assert "ana@secret.example" not in str(reason(duck, **{column: "ana@secret.example"}))


def test_a_refused_row_is_kept_as_it_came_and_a_good_one_is_not_kept_twice(duck: Backend) -> None:
    good, bad = judged(duck, GAUGE, {"name": "g"}, {"name": "g", "pieces": "many", "kind": " "})
    assert good["_row"] is None
    kept = json.loads(bad["_row"])
    assert (kept["name"], kept["pieces"], kept["kind"], kept["share"]) == ("g", "many", " ", None)


def test_a_key_that_comes_twice_in_a_day_counts_in_its_last_version(duck: Backend) -> None:
    rows = versions(
        duck, GAUGE, {"name": "g", "pieces": "1"}, {"name": "h", "pieces": "5"}, {"name": "g", "pieces": "2"}
    )
    kept = duck.to_pyarrow(admitted(rows, GAUGE)).to_pylist()
    assert sorted((r["name"], r["pieces"]) for r in kept) == [("g", 2), ("h", 5)]


def test_the_last_version_is_the_tenth_and_not_the_ninth(duck: Backend) -> None:
    rows = judged(duck, GAUGE, *({"name": "g", "pieces": str(n % 10)} for n in range(11)))
    assert [r["_position"] for r in rows if r["_is_newest"]] == ["10"]


def test_a_refused_newer_version_does_not_take_the_good_one_away(duck: Backend) -> None:
    rows = versions(duck, GAUGE, {"name": "g", "pieces": "1"}, {"name": "g", "pieces": "many"})
    assert [r["pieces"] for r in duck.to_pyarrow(admitted(rows, GAUGE)).to_pylist()] == [1]
    assert [r["position"] for r in duck.to_pyarrow(refused(rows, "gauge")).to_pylist()] == [1]


def test_the_same_key_in_two_days_is_a_row_in_each(duck: Backend) -> None:
    rows = versions(duck, GAUGE, {"name": "g"}, {"name": "g", "_day": "2026-11-19"}, {"name": "h"}, {"name": "h"})
    days = duck.to_pyarrow(admitted(rows, GAUGE)).to_pylist()
    assert sorted(r["_day"] for r in days if r["name"] == "g") == ["2026-11-19", "2026-11-20"]


@pytest.mark.parametrize("email", ["Ana@Example.ORG", "  ana@example.org "])
def test_an_address_becomes_the_keyed_hash_of_its_canonical_form(duck: Backend, email: str) -> None:
    order = {"order_id": "o", "ordered_at": "2026-11-20", "status": "paid", "total_eur": "1", "discount_eur": "0",
             "has_coupon": "false", "updated_at": "2026-11-20"}  # fmt: skip
    (row,) = judged(duck, ORDER, order | {"email": email})
    assert row["_reason"] is None and row["email_key"] == pseudonym("ana@example.org", KEY)
    assert "email" not in row


@pytest.mark.parametrize(("email", "expected"), [(None, "email: missing"), ("ana(at)secret", "email: not usable")])
def test_a_consent_without_a_usable_address_is_refused(duck: Backend, email: str | None, expected: str) -> None:
    consent = {"consent_id": "k", "channel": "email", "purpose": "email_marketing", "status": "granted",
               "captured_at": "2026-11-20", "proof": "p"}  # fmt: skip
    (row,) = judged(duck, CONSENT, consent | {"email": email})
    assert row["_reason"] == expected


def test_an_address_becomes_the_keyed_hash_of_its_mailbox_where_the_key_says_so(duck: Backend) -> None:
    by_mailbox = PseudonymKey(KEY.reveal(), by_mailbox=True)
    rows = judge(staged(CONTACT, {"record_id": "1", "email": "A.na+shop@gmail.com"}), CONTACT, by_mailbox)
    (found,) = duck.to_pyarrow(rows).to_pylist()
    assert (found["email_key"], found["email"]) == (pseudonym("ana@gmail.com", KEY), "A.na+shop@gmail.com")


def test_a_contact_with_an_impossible_address_is_kept_without_a_match_value(duck: Backend) -> None:
    contact = {"record_id": "1", "updated_at": "2026-11-20", "is_deleted": "false", "email": "ana(at)secret.example"}
    (row,) = judged(duck, CONTACT, contact)
    assert row["_reason"] is None and row["email_key"] is None and row["email"] == "ana(at)secret.example"


# -- normal forms ------------------------------------------------------------------------------------------------------


def contact(duck: Backend, **said: str | None) -> dict[str, Any]:
    (row,) = judged(duck, CONTACT, {"record_id": "1", "updated_at": "2026-11-20", "is_deleted": "false"} | said)
    return row


def test_a_contact_is_kept_in_its_normal_forms(duck: Backend) -> None:
    row = contact(duck, first_name=" ThÃ©rÃ¨se ", gender="Female", country="france", phone="06 39 98 01 23")
    assert row["_reason"] is None
    assert (row["first_name"], row["gender"], row["country"]) == ("Thérèse", "f", "FR")
    assert (row["phone"], row["phone_e164"]) == ("06 39 98 01 23", "+33639980123")


def test_a_country_or_telephone_that_nobody_knows_costs_no_contact(duck: Backend) -> None:
    row = contact(duck, country="Atlantis", phone="n/a")
    assert (row["_reason"], row["country"], row["phone"], row["phone_e164"]) == (None, None, "n/a", None)


@pytest.mark.parametrize("name", ["Ana 👩‍👩‍👧 🇫🇷", "שרה לוי", "محمد الأمين", "می‌خواهم"])
def test_a_name_keeps_its_emoji_and_its_direction(duck: Backend, name: str) -> None:
    row = contact(duck, first_name=name)
    assert (row["_reason"], row["first_name"]) == (None, name)


def test_a_name_of_nothing_that_can_be_seen_is_unknown(duck: Backend) -> None:
    row = contact(duck, first_name="\u200b\ufeff")
    assert (row["_reason"], row["first_name"]) == (None, None)


@pytest.mark.parametrize("day", ["1900-01-01", "0001-01-01", "2100-01-01", "9999-12-31", "2026-11-22"])
def test_a_birth_date_that_nobody_alive_has_is_unknown(duck: Backend, day: str) -> None:
    row = contact(duck, birth_date=day)
    assert (row["_reason"], row["birth_date"]) == (None, None)


def test_the_oldest_person_there_can_be_keeps_the_birth_date(duck: Backend) -> None:
    assert str(contact(duck, birth_date="1903-11-20")["birth_date"]) == "1903-11-20"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("1900-01-01", "read_at: before 1970-01-02"),
        ("1970-01-01T01:00:00Z", "read_at: before 1970-01-02"),
        ("2100-01-01", "read_at: in the future"),
        ("2026-11-22T00:00:00Z", "read_at: in the future"),
        ("2026-11-21T23:59:59Z", None),  # somebody's clock or time zone is off by a day at most
    ],
)
def test_an_instant_of_1900_or_2100_is_none(duck: Backend, at: str, expected: str | None) -> None:
    assert reason(duck, read_at=at) == expected


# -- amounts in another currency ---------------------------------------------------------------------------------------

AN_ORDER: dict[str, str | None] = {
    "order_id": "o", "ordered_at": "2026-11-22T10:00:00Z", "status": "paid", "total_eur": "11.53", "discount_eur": "1",
    "has_coupon": "false", "updated_at": "2026-11-22", "_day": "2026-11-22",
}  # fmt: skip
RATES = [
    {"currency": "USD", "day": date(2026, 11, 19), "per_eur": 2.0},
    {"currency": "USD", "day": date(2026, 11, 20), "per_eur": 1.153},
    {"currency": "USD", "day": date(2026, 11, 23), "per_eur": 4.0},
    {"currency": "JPY", "day": date(2026, 11, 20), "per_eur": 170.9},
]


def priced(duck: Backend, table: Table, **row: str | None) -> dict[str, Any]:
    rows = judge(staged(table, row), table, KEY, rows_of(EXCHANGE_RATE, RATES))
    return duck.to_pyarrow(rows).to_pylist()[0]  # type: ignore[no-any-return]


def test_an_order_on_a_sunday_is_in_euros_at_fridays_rate(duck: Backend) -> None:
    row = priced(duck, ORDER, **AN_ORDER | {"currency": "usd"})
    assert (row["_reason"], row["currency"]) == (None, "USD")
    assert (row["total_eur"], row["discount_eur"]) == (Decimal("10.00"), Decimal("0.87"))


@pytest.mark.parametrize("currency", [None, "EUR", "eur", " "])
def test_an_amount_without_a_currency_is_in_euros(duck: Backend, currency: str | None) -> None:
    assert priced(duck, ORDER, **AN_ORDER | {"currency": currency})["total_eur"] == Decimal("11.53")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"currency": "GBP"}, "currency: no rate for GBP on the day or 7 days before"),
        ({"currency": "USD", "ordered_at": "2026-11-18"}, "currency: no rate for USD on the day or 7 days before"),
        ({"currency": "JPY", "ordered_at": "2026-11-28", "_day": "2026-11-28"},
         "currency: no rate for JPY on the day or 7 days before"),
        ({"currency": "points"}, "currency: not an ISO 4217 code"),
        ({"currency": "USD", "total_eur": "n/a"}, "total_eur: not of type decimal"),
        ({"currency": "USD", "total_eur": "-1e5"}, "total_eur: below -10000"),
    ],
)  # fmt: skip
def test_an_order_whose_worth_is_not_known_is_refused(
    duck: Backend, changed: dict[str, str | None], expected: str
) -> None:
    assert priced(duck, ORDER, **AN_ORDER | changed)["_reason"] == expected


def test_without_any_rate_orders_in_euros_are_admitted_and_others_wait(duck: Backend) -> None:
    one, other = judged(duck, ORDER, AN_ORDER, AN_ORDER | {"order_id": "p", "currency": "USD"})
    assert one["_reason"] is None
    assert other["_reason"] == "currency: no rate for USD on the day or 7 days before"
    assert json.loads(other["_row"])["total_eur"] == "11.53" and json.loads(other["_row"])["currency"] == "USD"


def test_a_line_in_another_currency_says_when_its_order_was_placed(duck: Backend) -> None:
    line = {"order_id": "o", "line": "1", "product_id": "p", "quantity": "1", "amount_eur": "11.53", "discount_eur": "0",
            "currency": "USD"}  # fmt: skip
    assert priced(duck, ORDER_LINE, **line)["_reason"] == "ordered_at: missing, the day of the rate"
    assert priced(duck, ORDER_LINE, **line, ordered_at="2026-11-20")["amount_eur"] == Decimal("10.00")


def test_a_visit_without_an_amount_needs_no_rate(duck: Backend) -> None:
    event = {"event_id": "e", "type": "purchase", "channel": "web", "occurred_at": "2026-11-20", "is_machine": "false",
             "currency": "GBP"}  # fmt: skip
    assert priced(duck, WEB_EVENT, **event)["_reason"] is None
    assert priced(duck, WEB_EVENT, **event, value_eur="1")["_reason"].startswith("currency: no rate for GBP")
