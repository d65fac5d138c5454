"""Merging people never lets anybody write to more of them, and un-merging them gives nobody a consent they did not give."""

from datetime import timedelta
from itertools import combinations_with_replacement
from typing import Any

import pytest
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.identity.decisions import Decision, remember
from audience.privacy.ledger import record_consents
from audience.privacy.sendable import sendable
from identity.test_resolve import SATURDAY, THURSDAY, House, a_contact, key_of
from key import KEY
from rows import FRIDAY, NOON

ANSWERS: dict[str, list[tuple[str, int]]] = {
    "never asked": [], "granted": [("granted", 5)], "withdrawn": [("withdrawn", 4)],
    "withdrawn later": [("granted", 5), ("withdrawn", 3)], "granted again": [("withdrawn", 5), ("granted", 2)],
}  # fmt: skip
"""What somebody said, each answer with how many days ago."""

COUPLES = list(combinations_with_replacement(ANSWERS, 2))


@pytest.fixture
def house(lake: Lake, duck: Backend, warehouse: Warehouse) -> House:
    """For every two histories of consent, two contacts who have them and share nothing."""
    house = House(lake, duck, warehouse)
    contacts, consents = [], []
    for place, couple in enumerate(COUPLES):
        for who, history in zip("ab", couple, strict=True):
            contacts.append(a_contact(f"{place}{who}", address(place, who)))
            consents += [answer(place, who, status, days) for status, days in ANSWERS[history]]
    house.land("contact", *contacts, day=THURSDAY)
    house.land("consent", *consents, day=THURSDAY)
    return house


def address(place: int, who: str) -> str:
    return f"{who}{place}@example.org"


def answer(place: int, who: str, status: str, days: int) -> dict[str, Any]:
    return {
        "consent_id": f"{place}{who}{status}", "email_key": key_of(address(place, who)), "status": status,
        "captured_at": NOON - timedelta(days=days),
    }  # fmt: skip


def allowed(house: House, day: Partition) -> set[str]:
    """The addresses that may be written to once a day is resolved."""
    house.people(day)
    record_consents(house.lake, house.duck, house.warehouse, day, KEY)
    with house.warehouse.vault.begin() as connection:
        keys = set(connection.execute(sendable("email_marketing")).scalars())
    every = [address(place, who) for place in range(len(COUPLES)) for who in "ab"]
    return {one for one in every if key_of(one) in keys}


def decide(house: House, decision: str, since: Partition) -> None:
    couples = [Decision(f"crm:{n}a", f"crm:{n}b", decision, since.day) for n in range(len(COUPLES))]
    with house.warehouse.begin() as connection:
        remember(connection, couples, by="rita")


def test_no_merge_grants_and_no_withdrawal_is_lost(house: House) -> None:
    says_yes = {"granted", "granted again"}
    own = {
        address(n, who)
        for n, couple in enumerate(COUPLES)
        for who, said in zip("ab", couple, strict=True)
        if said in says_yes
    }
    before = allowed(house, THURSDAY)
    assert before == own
    decide(house, "same", FRIDAY)
    merged = allowed(house, FRIDAY)
    refusing = {n for n, couple in enumerate(COUPLES) if {"withdrawn", "withdrawn later"} & set(couple)}
    assert merged == {one for one in before if int(one[1:].partition("@")[0]) not in refusing}
    assert merged < before
    decide(house, "different", SATURDAY)
    assert allowed(house, SATURDAY) == before
