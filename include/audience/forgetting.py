"""The steps of erasure and retention: what a task of `erase_contact` and `apply_retention` does, and a person can do.

As in `steps`: plain values in, references and numbers out. An address comes in wrapped and stays in the function.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from audience.core.errors import AudienceError, DeclarationError, LeaseLost

if TYPE_CHECKING:
    from audience.core.masked import Personal
    from audience.house import House
    from audience.privacy.erasing.request import Request
    from audience.privacy.erasing.retention import Keep

Facts = dict[str, Any]

BUSY_SECONDS = 60.0
"""When somebody else pushes to a destination: until another try is worth it."""


def request_erasure(
    house: "House", *, by: str, address: "Personal | None" = None, person_id: str | None = None,
    agree: Callable[[Facts], bool] = lambda _: True,
) -> str | None:  # fmt: skip
    """Notes that somebody is to be erased, and from this moment nothing is sent to them or published of them.

    Args:
        by: who asks for it, for the record.
        address: any address of theirs, as they give it; or
        person_id: their pseudonym.
        agree: is shown how many people, addresses and records are meant; False: nothing is noted.

    Returns:
        The number of the request; None when nobody agreed.

    Raises:
        DeclarationError: neither or both were given, or the address is none.
    """
    from audience.privacy.contact_keys import contact_keys
    from audience.privacy.erased import ERASED
    from audience.privacy.erasing.request import open_request
    from audience.privacy.erasing.subject import subject_of

    if (address is None) == (person_id is None):
        raise DeclarationError("erase", "expected an address or a person, one of them")
    key = house.key()
    keys = contact_keys([address], key) if address is not None else []
    known = [k for k in keys if k is not None]
    if len(known) < len(keys):
        raise DeclarationError("erase", "found a text that is no e-mail address, expected one")
    with house.engine() as session, house.warehouse.vault.begin() as connection:
        people = [person_id] if person_id is not None else []
        subject = subject_of(house.lake, session, connection, key, people=people, addresses=known)
        kinds = {"people": "person", "addresses": "address", "records": "record", "orders": "order"}
        if not agree({name: len(subject.of(kind)) for name, kind in kinds.items()}):
            return None
        return open_request(connection, subject, key, reason=ERASED, by=by)


def erase_stores(house: "House", request_id: str) -> Facts:
    """Takes the subject out of lake and warehouse, and leaves their receipts."""
    from audience.privacy.erasing.lake import erase_lake
    from audience.privacy.erasing.request import LAKE, WAREHOUSE, leave_receipt, subject_in
    from audience.privacy.erasing.warehouse import erase_warehouse

    key = house.key()
    with house.engine() as session, house.warehouse.begin() as connection:
        subject = subject_in(connection, request_id)
        in_lake = erase_lake(house.lake, session, connection, subject, key)
        in_warehouse = erase_warehouse(connection, request_id)
        leave_receipt(connection, request_id, LAKE, in_lake)
        leave_receipt(connection, request_id, WAREHOUSE, in_warehouse)
    return {LAKE: in_lake, WAREHOUSE: in_warehouse}


def erase_there(
    house: "House", request_id: str, destination: str, *, holder: str, patience_seconds: float | None = None
) -> Facts:
    """Deletes the subject on a platform and leaves its receipt; with `waiting_seconds`, look again after so long.

    Raises:
        AudienceError: the platform refused to delete somebody.
    """
    from audience.activation import destinations
    from audience.activation.push import PATIENCE_SECONDS, erase
    from audience.privacy.erasing.request import check, leave_receipt
    from audience.privacy.erasing.warehouse import erased_there, told_there

    with house.warehouse.begin() as connection:
        check(connection, request_id)
    try:
        report = erase(
            destination,
            lambda: destinations.find(destination)(house.connection(destination)),
            warehouse=house.warehouse,
            key=house.key(),
            holder=holder,
            patience_seconds=PATIENCE_SECONDS if patience_seconds is None else patience_seconds,
        )
    except LeaseLost:
        return {"contacts": 0, "waiting_seconds": BUSY_SECONDS}
    if report is not None and report.waiting_seconds:
        return {"contacts": report.erased, "waiting_seconds": report.waiting_seconds}
    with house.warehouse.vault.begin() as connection:
        left = told_there(connection, request_id, destination)
        if left:
            raise AudienceError(f"{destination}: found {left} contacts of request {request_id} that it did not erase")
        contacts = erased_there(connection, request_id, destination)
        leave_receipt(connection, request_id, destination, contacts, in_all=True)
    return {"contacts": contacts, "waiting_seconds": 0}


def end_erasure(house: "House", request_id: str, destinations: Sequence[str]) -> Facts:
    """Empties the vault, looks through lake and warehouse once more, and ends a request that every store has a receipt of.

    The second look finds what a refresh wrote that had begun before the first.

    Returns:
        Numbers; `elsewhere`: contacts by platform that nobody can ask it to delete, and somebody has to delete there by hand.
    """
    from audience.privacy.erasing.request import LAKE, VAULT, WAREHOUSE, finish, leave_receipt
    from audience.privacy.erasing.warehouse import erase_vault, told_elsewhere

    again = erase_stores(house, request_id)
    with house.warehouse.vault.begin() as connection:
        elsewhere = told_elsewhere(connection, request_id, destinations)
        in_vault = erase_vault(connection, request_id)
        leave_receipt(connection, request_id, VAULT, in_vault)
        finish(connection, request_id, (LAKE, WAREHOUSE, VAULT, *destinations))
    return {VAULT: in_vault, "again": again, "elsewhere": elsewhere}


def erasures(house: "House") -> "Sequence[Request]":
    """The newest requests, with what is gone by now."""
    from audience.privacy.erasing.request import requests

    with house.warehouse.begin() as connection:
        return requests(connection)


def whose_time_is_over(house: "House", keep: "Keep | None" = None) -> Facts:
    """How many people would be forgotten, and of how many, as of the newest computed day. Nothing is changed."""
    from audience.privacy.erasing.retention import Keep, expired

    with house.engine() as session:
        found = expired(house.lake, session, keep or Keep())
    return {"people": found.people, "over": len(found.person_ids)} if found else {"people": 0, "over": 0}


def apply_retention(
    house: "House", now: datetime, destinations: Sequence[str], *, approved: bool = False, keep: "Keep | None" = None
) -> Facts:
    """Cuts refused rows, staged files and the request log, and opens a request for people whose time is over.

    Returns:
        Numbers; `request`: the number of the request that erases them, None when there is nobody.

    Raises:
        AudienceError: so many people that a person has to say that it is right; the rest was cut.
    """
    from audience.activation.seen import forget_old_requests
    from audience.privacy.erased import EXPIRED
    from audience.privacy.erasing.request import open_request
    from audience.privacy.erasing.retention import Keep, cut_quarantine, cut_staging, expired
    from audience.privacy.erasing.subject import subject_of

    limits = keep or Keep()
    done: Facts = {"staged_files": cut_staging(house.lake, limits, now), "people": 0, "request": None}
    with house.engine() as session:
        found = expired(house.lake, session, limits)
        done["quarantined_rows"] = cut_quarantine(house.lake, session, limits, found.as_of) if found else 0
        with house.warehouse.begin() as connection:
            for name in destinations:
                forget_old_requests(connection, name)
        if found is None or not found.person_ids:
            return done
        if not approved:
            found.check(limits)
        with house.warehouse.vault.begin() as connection:
            subject = subject_of(house.lake, session, connection, house.key(), people=found.person_ids)
            number = open_request(connection, subject, house.key(), reason=EXPIRED, by="retention")
    return done | {"people": len(found.person_ids), "request": number}
