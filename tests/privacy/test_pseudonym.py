"""A pseudonym is a keyed hash: the same in Python and in the engine, another with another key."""

import ibis
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from audience.core.masked import Secret
from audience.core.normal import canonical_email
from audience.privacy.pseudonym import pseudonym, pseudonyms
from key import KEY


def test_the_engine_and_python_agree_on_every_text() -> None:
    @given(st.lists(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1))
    @settings(max_examples=30, deadline=None)
    def agree(texts: list[str]) -> None:
        table = ibis.memtable({"text": texts})
        hashed = ibis.duckdb.connect().to_pyarrow(pseudonyms(table.text, KEY).name("p")).to_pylist()
        assert hashed == [pseudonym(t, KEY) for t in texts]

    agree()


def test_nobody_has_no_pseudonym(duck: Backend) -> None:
    table = ibis.memtable({"text": [None, ""]}, schema={"text": "string"})
    assert duck.to_pyarrow(pseudonyms(table.text, KEY).name("p")).to_pylist() == [None, pseudonym("", KEY)]


def test_another_key_gives_another_pseudonym() -> None:
    other = Secret("another-pseudonym-key-of-enough-length-01")
    assert pseudonym("ana@mailbox.example", KEY) != pseudonym("ana@mailbox.example", other)


def test_one_address_has_one_canonical_form(duck: Backend) -> None:
    forms = ["Ana@Mailbox.example", " ana@mailbox.example ", "ana@mailbox.example"]
    table = ibis.memtable({"email": forms})
    assert set(duck.to_pyarrow(canonical_email(table.email).name("e")).to_pylist()) == {"ana@mailbox.example"}


def test_what_is_no_address_has_no_canonical_form(duck: Backend) -> None:
    table = ibis.memtable({"email": ["", "ana", "ana@", "@mailbox.example", "a b@mailbox.example", "ana@mailbox", None]},
                          schema={"email": "string"})  # fmt: skip
    assert set(duck.to_pyarrow(canonical_email(table.email).name("e")).to_pylist()) == {None}
