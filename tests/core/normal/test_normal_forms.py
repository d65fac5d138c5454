"""What every normal form promises, shown with any text."""

from collections.abc import Callable, Iterator
from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from audience.core import normal
from audience.core.engine import engine
from audience.core.normal.category import category_of
from audience.core.normal.country import country_of
from audience.core.normal.currency import currency_of
from audience.core.normal.email import email_of, mailbox_of
from audience.core.normal.instant import instant_of
from audience.core.normal.phone import e164_of
from audience.core.normal.quantity import PERCENT, SECONDS, quantity_of
from audience.core.normal.words import words_of
from core.normal.normalised import ANY_TEXT, by_engine

KINDS = ("open", "hard_bounce")
ALIKE = (("female", "f"),)

NEAR = {
    "words": st.text("aÃ©è\u0301 \u200b\xa0\x85\x89\xadÂôâ€™šשé", max_size=8),
    "country": st.sampled_from(["fr", "France", " FRANCE ", "Côte d’Ivoire", "ZZ", "UK", "040", "4", "Österreich"]),
    "currency": st.text(" eurUSD€", max_size=5),
    "email": st.text("aA.+@ é\u200bßE\u0301.com", max_size=14),
    "mailbox": st.builds(
        "{}@{}".format,
        st.text("aA.+ é", max_size=6),
        st.sampled_from(
            ["gmail.com", "GoogleMail.com", "outlook.com", "mac.com", "mailbox.example", "agmail.com", "gmail.co"]
        ),
    ),
    "instant": st.text("0123456789-:TZ+. W", min_size=4, max_size=26),
    "phone": st.text("+0123456789 ()-.", max_size=18),
    "category": st.text("OPENopen hard-_bounce", max_size=12),
    "seconds": st.text("0123456789.-+ msinhe%", max_size=8),
}
"""Texts that are nearly of the form: any text seldom is."""

FORMS: dict[str, tuple[Callable[[str], str | None], Callable[[Any], Any]]] = {
    "words": (words_of, normal.words),
    "country": (country_of, normal.country),
    "currency": (currency_of, normal.currency),
    "email": (email_of, normal.canonical_email),
    "mailbox": (mailbox_of, normal.mailbox),
    "instant": (instant_of, normal.instant),
    "phone": (lambda text: e164_of(text, "FR"), lambda c: normal.e164(c, ibis.literal("FR"))),
    "category": (lambda t: category_of(t, KINDS, ALIKE), lambda c: normal.category(c, KINDS, ALIKE)),
    "seconds": (lambda text: quantity_of(text, SECONDS), normal.seconds),
    "percent": (lambda text: quantity_of(text, PERCENT), normal.percent),
}

each_form = pytest.mark.parametrize("name", FORMS)


@pytest.fixture(scope="module")
def session() -> Iterator[Backend]:
    with engine() as duck:
        yield duck


def texts(name: str) -> st.SearchStrategy[str]:
    return st.one_of(ANY_TEXT, NEAR.get(name, ANY_TEXT))


@each_form
def test_the_normal_form_of_a_normal_form_is_itself(name: str) -> None:
    once = FORMS[name][0]

    @given(texts(name))
    @settings(max_examples=200, deadline=None)
    def holds(text: str) -> None:
        found = once(text)
        assert found is None or once(found) == found

    holds()


@each_form
def test_the_engine_says_what_the_definition_says_and_no_text_raises(session: Backend, name: str) -> None:
    definition, by_column = FORMS[name]

    @given(st.lists(texts(name), min_size=1, max_size=40))
    @settings(max_examples=20, deadline=None)
    def holds(column: list[str]) -> None:
        assert by_engine(session, by_column, [*column, None]) == [*map(definition, column), None]

    holds()
