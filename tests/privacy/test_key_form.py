"""What addresses are keyed by is one decision for the whole warehouse: by another one, nobody would be found again."""

from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from audience.core.errors import SettingsError
from audience.core.lake import Lake
from audience.core.masked import Personal, PseudonymKey
from audience.core.normal.email import email_of, mailbox_of
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import KeyForm, Suppression
from audience.privacy.contact_keys import contact_keys
from audience.privacy.key_form import agree
from audience.privacy.pseudonym import pseudonym
from key import KEY
from rows import NOON

ADDRESSES = PseudonymKey(KEY.reveal())
MAILBOXES = PseudonymKey(KEY.reveal(), by_mailbox=True)

SPELLINGS = [Personal("A.na+shop@GoogleMail.com"), Personal("ana@gmail.com")]


def test_two_spellings_of_one_mailbox_have_two_keys_or_one() -> None:
    assert len(set(contact_keys(SPELLINGS, ADDRESSES))) == 2
    assert contact_keys(SPELLINGS, MAILBOXES) == [pseudonym("ana@gmail.com", KEY)] * 2


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.builds(
            "{}@{}".format, st.text("aA.+", max_size=5), st.sampled_from(["gmail.com", "pm.me", "mailbox.example"])
        ),
        min_size=1,
        max_size=20,
    )
)
def test_a_key_is_that_of_the_address_or_of_the_mailbox_for_any_text(texts: list[str]) -> None:
    for key, form in ((ADDRESSES, email_of), (MAILBOXES, mailbox_of)):
        expected = [None if (known := form(text)) is None else pseudonym(known, KEY) for text in texts]
        assert contact_keys([Personal(text) for text in texts], key) == expected


@pytest.mark.parametrize(("first", "then"), [(ADDRESSES, MAILBOXES), (MAILBOXES, ADDRESSES)], ids=["to yes", "to no"])
def test_the_first_key_decides_and_another_form_is_refused(
    warehouse: Warehouse, lake: Lake, first: PseudonymKey, then: PseudonymKey
) -> None:
    with warehouse.begin() as connection:
        agree(connection, lake, first)
    with warehouse.begin() as connection:
        agree(connection, lake, first)
        with pytest.raises(
            SettingsError,
            match="AUDIENCE_EMAIL_MAILBOXES: found (yes|no), expected (yes|no), as the keys of the lake .* and the warehouse",
        ):
            agree(connection, lake, then)


def test_a_new_warehouse_takes_the_form_of_its_lake_and_a_new_lake_that_of_its_warehouse(
    warehouse: Warehouse, lake: Lake, tmp_path: Path
) -> None:
    with warehouse.begin() as connection:
        agree(connection, lake, MAILBOXES)
        connection.execute(sa.delete(KeyForm))  # as in a new one
    with warehouse.begin() as connection:
        with pytest.raises(
            SettingsError, match="found no, expected yes, as the keys of the lake .*; the warehouse .* none"
        ):
            agree(connection, lake, ADDRESSES)
        agree(connection, lake, MAILBOXES)
        with pytest.raises(
            SettingsError, match="found no, expected yes, as the keys of the warehouse .*; the lake .* none"
        ):
            agree(connection, Lake.at(tmp_path / "new"), ADDRESSES)


def test_a_lake_and_a_warehouse_of_two_forms_do_not_belong_together(warehouse: Warehouse, lake: Lake) -> None:
    lake.remember("key_form", {"by_mailbox": False})
    with warehouse.begin() as connection:
        connection.execute(sa.insert(KeyForm).values(by_mailbox=True))
        for key in (ADDRESSES, MAILBOXES):
            with pytest.raises(
                SettingsError, match="the lake .* with no, those of the warehouse .* with yes were made: they do"
            ):
                agree(connection, lake, key)


@pytest.mark.parametrize(("in_warehouse", "expected"), [(None, ADDRESSES), (True, MAILBOXES), (False, ADDRESSES)])
def test_a_lake_from_before_it_remembered_is_keyed_as_its_warehouse_and_by_address_where_that_is_new(
    warehouse: Warehouse, lake: Lake, in_warehouse: bool | None, expected: PseudonymKey
) -> None:
    (Path(lake.root) / "raw_crm__contact").mkdir(parents=True)
    other = ADDRESSES if expected is MAILBOXES else MAILBOXES
    with warehouse.begin() as connection:
        if in_warehouse is not None:
            connection.execute(sa.insert(KeyForm).values(by_mailbox=in_warehouse))
        with pytest.raises(SettingsError):
            agree(connection, lake, other)
        agree(connection, lake, expected)
    assert lake.remember("key_form") == {"by_mailbox": expected is MAILBOXES}


@pytest.mark.parametrize("has_keys", [True, False])
def test_a_warehouse_from_before_the_setting_is_keyed_by_address(warehouse: Warehouse, has_keys: bool) -> None:
    migration = import_module("audience.core.warehouse.migrations.versions.0008_key_form")
    suppressed = {"contact_key": "k", "reason": "unsubscribe", "source": "crm", "suppressed_at": NOON}
    with warehouse.begin() as connection:
        if has_keys:
            connection.execute(sa.insert(Suppression).values(suppressed))
        connection.execute(sa.text(migration.AS_BEFORE))
        decided = connection.execute(sa.text("SELECT by_mailbox FROM privacy.key_form")).scalars().all()
    assert decided == ([False] if has_keys else [])
