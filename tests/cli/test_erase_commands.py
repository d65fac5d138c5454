"""A person is erased from the command line; the address is asked for and shown nowhere."""

import io
from pathlib import Path

import pytest
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import ContactPoint
from audience.privacy.pseudonym import pseudonym
from cli.conftest import Command
from key import KEY
from rows import land

ANA = "ana@mailbox.example"


@pytest.fixture
def ana(stores: Path, duck: Backend, warehouse: Warehouse) -> None:
    """The vault knows her, and the shop has a record with her address."""
    keyed = {"contact_key": pseudonym(ANA, KEY), "person_id": "p-ana", "email": ANA, "is_primary": True}
    with warehouse.vault.begin() as connection:
        connection.execute(sa.insert(ContactPoint).values(keyed | {"as_of": "2026-11-20"}))
    land(Lake.at(stores), duck, "contact", {"record_id": "S-1", "email": ANA, "email_key": pseudonym(ANA, KEY)})


def test_a_request_is_noted_run_and_listed_and_never_says_who(
    audience: Command, ana: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{ANA}\n"))
    noted = audience("erase", "request", "--yes")
    assert "found: people 1, addresses 1, records 0, orders 0" in noted.out
    number = noted.out.split("noted: request ")[1].split()[0]
    ran = audience("erase", "run", number)
    assert f"{number}: lake 1, warehouse 0" in ran.out and "finished yes" in ran.out
    listed = audience("erase", "status")
    assert number in listed.out and "lake 1, mailchimp 0" in listed.out
    assert [
        said for ended in (noted, ran, listed) for said in (ended.out, ended.err) if "mailbox.example" in said
    ] == []


def test_without_a_yes_nothing_is_noted(audience: Command, ana: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert "nothing was noted" in audience("erase", "request", "--person", "p-ana").out
    assert audience("erase", "status").out == "Requests\n  none\n"


def test_an_address_in_the_place_of_a_number_is_not_repeated(audience: Command, ana: None) -> None:
    refused = audience("erase", "run", ANA)
    assert (refused.code, ANA in refused.err) == (1, False)
    assert "found no number of a request" in refused.err


def test_retention_says_how_many_before_it_forgets_anybody(audience: Command, ana: None) -> None:
    assert audience("retention", "--dry-run").out == "would be forgotten: people 0, over 0\n"
