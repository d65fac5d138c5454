"""Spellings that meet in one normal form, and those that have none."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from audience.core.normal import in_eur
from audience.core.normal.country import country_of
from audience.core.normal.currency import currency_of, in_eur_of, rate_on, rates_by_day
from audience.core.normal.email import email_of, mailbox_of
from audience.core.normal.phone import e164_of
from audience.core.normal.quantity import PERCENT, SECONDS, quantity_of
from audience.core.normal.words import words_of
from audience.core.tables import EXCHANGE_RATE
from core.normal.normalised import by_engine
from rows import rows_of


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ThÃ©rÃ¨se", "Thérèse"),
        ("Ã\x89lise", "Élise"),
        ("Mar\xc3\xada", "María"),  # the second byte of an í reads as a soft hyphen
        ("FranÃƒÂ§ois", "François"),  # damaged twice
        ("Lâ€™HaÃ¿", "L’Haÿ"),
        ("ZoÃ« ðŸ˜€", "Zoë 😀"),
        ("The\u0301re\u0300se", "Thérèse"),
        ("  Jean\u00a0 Luc\t", "Jean Luc"),
        ("A\u200bna\ufeff", "Ana"),
        ("\u200b \x07", None),
    ],
)
def test_a_damaged_name_is_read_as_it_was_meant(written: str, read: str | None) -> None:
    assert words_of(written) == read


@pytest.mark.parametrize(
    "name",
    ["SÃO PAULO", "Îles d’Hyères", "Zoë", "O'Brien", "Ana 🇫🇷 👩‍👩‍👧", "שרה לוי", "محمد الأمين", "می‌خواهم", "李小龍"],
)
def test_a_name_without_damage_stays_with_its_emoji_and_its_direction(name: str) -> None:
    assert words_of(name) == name


def test_a_mark_of_direction_is_no_part_of_a_name() -> None:
    assert words_of("\u202eשרה\u202c\u200f") == "שרה"


@pytest.mark.parametrize("written", ["FR", "fr", " Fr ", "FRA", "250", "France", "FRANCE", "Frankreich", "Francia"])
def test_a_country_is_its_code_however_it_is_written(written: str) -> None:
    assert country_of(written) == "FR"


@pytest.mark.parametrize(
    ("written", "code"),
    [("UK", "GB"), ("England", "GB"), ("EL", "GR"), ("Côte d’Ivoire", "CI"), ("COTE D'IVOIRE", "CI"), ("Kosovo", "XK"),
     ("YU", None), ("EU", None), ("ZZ", None), ("Atlantis", None), ("F", None), ("", None)],
)  # fmt: skip
def test_a_code_that_was_taken_back_is_of_who_followed_and_a_union_is_no_country(
    written: str, code: str | None
) -> None:
    assert country_of(written) == code


def test_there_are_249_countries_in_iso_3166_and_kosovo() -> None:
    letters = [chr(n) for n in range(65, 91)]
    assert len({c for a in letters for b in letters if (c := country_of(a + b)) == a + b}) == 250


@given(st.integers(600_000_000, 799_999_999), st.sampled_from([" ", ".", "-", "", "/"]))
@settings(deadline=None)
def test_two_spellings_of_one_number_meet(digits: int, between: str) -> None:
    pairs = between.join(f"0{digits}"[n : n + 2] for n in range(0, 10, 2))
    spelled = [(pairs, "FR"), (f"+33{digits}", ""), (f"0033 {digits}", "FR"), (f"+33 (0){digits}", "DE")]
    assert {e164_of(*one) for one in spelled} == {f"+33{digits}"}


@pytest.mark.parametrize("written", ["n/a", "0", "+", "12", "06 39 98 01 23", "+33 6"])
def test_what_no_country_can_call_has_no_number(written: str) -> None:
    assert e164_of(written, "") is None


@pytest.mark.parametrize(
    "written", ["Ana@Mailbox.example", " ana@mailbox.example\n", "ana@mailbox.example", "a\u200bna@mailbox.example"]
)
def test_two_spellings_of_one_address_meet(written: str) -> None:
    assert email_of(written) == "ana@mailbox.example"


def test_a_domain_in_another_script_is_its_name_in_the_dns() -> None:
    assert (
        email_of("jörg@MÜLLER.example") == email_of("jo\u0308rg@xn--mller-kva.example") == "jörg@xn--mller-kva.example"
    )


def test_who_reads_an_address_is_told_by_its_providers_rules_and_only_when_asked() -> None:
    assert mailbox_of("A.na+shop@GoogleMail.com") == mailbox_of("ana@gmail.com") == "ana@gmail.com"
    assert mailbox_of("a.na+shop@mailbox.example") == "a.na+shop@mailbox.example"
    assert mailbox_of("a.na@outlook.com") != mailbox_of("ana@outlook.com") == mailbox_of("ana+x@outlook.com")
    assert email_of("a.na+shop@gmail.com") == "a.na+shop@gmail.com"
    assert mailbox_of("ana+shop@gmail.com", providers=()) == "ana+shop@gmail.com"
    assert mailbox_of("ana") is None


@given(local=st.from_regex(r"[a-z]{1,6}", fullmatch=True), tag=st.text("abc+.", max_size=5), dot=st.integers(0, 5))
def test_every_dot_and_every_tag_of_a_gmail_address_leads_to_the_same_mailbox(local: str, tag: str, dot: int) -> None:
    dotted = f"{local[:dot]}.{local[dot:]}" if 0 < dot < len(local) else local
    assert mailbox_of(f"{dotted}+{tag}@googlemail.com") == f"{local}@gmail.com"


@given(address=st.emails(domains=st.sampled_from(["mailbox.example", "notgmail.com", "gmail.com.example"])))
def test_an_address_of_a_provider_without_rules_is_its_own_mailbox(address: str) -> None:
    assert mailbox_of(address) == email_of(address)


@pytest.mark.parametrize(
    "written",
    ["2026-11-20T08:00:00Z", "2026-11-20T09:00:00+0100", "20261120T080000Z", "2026-11-20t08:00:00z", "2026-W47-5T08:00Z",
     "2026-11-20T08:00:00,0Z", "2026-11-20 09:00 Europe/Paris", "2026-11-20T09:00:00 +01:00", "2026-11-20T07:59:60Z",
     "2026-11-20T07:00:00\u221201:00"],
)  # fmt: skip
def test_an_instant_is_the_same_in_every_form_of_iso_8601(duck: Backend, written: str) -> None:
    from audience.core.normal import instant

    def as_utc(column: object) -> object:
        return instant(column).cast("timestamp('UTC')").epoch_seconds().cast("int64").cast("string")  # type: ignore[arg-type]

    assert by_engine(duck, as_utc, [written]) == ["1795161600"]


@pytest.mark.parametrize(
    "written", ["20/11/2026", "2026-13-01", "epoch", "infinity", "1795161600", "2026-11-20T08:00:00+25:00", "noon",
                "2026-11-20 08:00 Atlantis/Capital", ""]
)  # fmt: skip
def test_what_is_no_instant_is_none(duck: Backend, written: str) -> None:
    from audience.core.normal import instant

    assert by_engine(duck, lambda c: instant(c).try_cast("timestamp('UTC')").cast("string"), [written]) == [None]


@pytest.mark.parametrize(
    ("written", "units", "number"),
    [("90", SECONDS, "90"), ("90 s", SECONDS, "90"), ("1.5 min", SECONDS, "90"), ("2h", SECONDS, "7200"),
     ("1500 ms", SECONDS, "2"), ("75 %", PERCENT, "75"), ("75", PERCENT, "75"), ("3 km", SECONDS, None), ("s", SECONDS, None)],
)  # fmt: skip
def test_a_quantity_is_in_the_unit_that_its_column_counts_in(
    written: str, units: dict[str, Decimal], number: str
) -> None:
    assert quantity_of(written, units) == number


@pytest.mark.parametrize(
    ("written", "code"), [("usd", "USD"), (" EUR ", "EUR"), ("€", "EUR"), ("$", None), ("points", None)]
)
def test_a_currency_is_its_iso_code_and_a_dollar_sign_is_none(written: str, code: str | None) -> None:
    assert currency_of(written) == code


def test_an_amount_in_euros_is_rounded_once_and_half_way_away_from_zero() -> None:
    assert in_eur_of(Decimal("11.53"), Decimal("1.1530")) == Decimal("10.00")
    assert in_eur_of(Decimal("0.01"), Decimal("2")) == Decimal("0.01")
    assert in_eur_of(Decimal("-0.01"), Decimal("2")) == Decimal("-0.01")


AMOUNTS = st.decimals(-(10**9), 10**9, places=2)
RATES = st.integers(1, 10**10).map(lambda n: Decimal(n) / 10**5)


def test_the_engine_converts_to_the_cent_what_decimals_do(duck: Backend) -> None:
    @given(st.lists(st.tuples(AMOUNTS, RATES), min_size=1, max_size=60))
    @settings(max_examples=25, deadline=None)
    def holds(pairs: list[tuple[Decimal, Decimal]]) -> None:
        amounts, rates = [str(a) for a, _ in pairs], [str(r) for _, r in pairs]
        found = by_engine(duck, lambda a, r: in_eur(a, r.cast("float64")).cast("string"), amounts, rates)
        assert [Decimal(f or "NaN") for f in found] == [in_eur_of(*pair) for pair in pairs]

    holds()


def test_no_amount_and_no_rate_stop_the_engine(duck: Backend) -> None:
    amounts = ["1e30", "n/a", "1", "1", "9999999999.999999", ""]
    rates = ["1", "1", "0", "1e30", "0.000001", "1"]
    found = by_engine(duck, lambda a, r: in_eur(a, r.cast("float64")).cast("string"), amounts, rates)
    assert found == [None, None, None, None, "9999999999999999.00", None]


def test_a_rate_holds_until_the_next_and_for_seven_days(duck: Backend) -> None:
    days = {date(2026, 11, 2): Decimal("1.1"), date(2026, 11, 4): Decimal("1.2")}
    rows = rows_of(EXCHANGE_RATE, [{"currency": "USD", "day": d, "per_eur": float(r)} for d, r in days.items()])
    found = {r["day"]: r["per_eur"] for r in duck.to_pyarrow(rates_by_day(rows)).to_pylist()}
    month = [date(2026, 11, n) for n in range(1, 30)]
    assert {d: float(r) for d in month if (r := rate_on(days, d)) is not None} == found
    assert (min(found), max(found), found[date(2026, 11, 3)]) == (date(2026, 11, 2), date(2026, 11, 11), 1.1)
