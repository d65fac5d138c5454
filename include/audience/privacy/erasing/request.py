"""A request of erasure: who is meant, what is gone by now, and its end.

The number of a request is all that Airflow gets to know. Its database keeps the form of every run in clear, for as long as
runs are kept; an address there would be one more store to erase, and a keyed hash of it would be personal data still.
"""

import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from audience.core.errors import DeclarationError
from audience.core.masked import Secret
from audience.core.warehouse.load import stage_rows
from audience.core.warehouse.models import (
    ErasedRecord,
    ErasureReceipt,
    ErasureRequest,
    ErasureSubject,
    Suppression,
)
from audience.privacy.erased import ERASED, EXPIRED
from audience.privacy.erasing.subject import Subject
from audience.privacy.keys import hold
from audience.privacy.pseudonym import pseudonym
from audience.privacy.suppression import SUPPRESSION, suppress

LAKE, WAREHOUSE, VAULT = "lake", "warehouse", "vault"
"""Stores of ours, as receipts name them; the others are destinations."""

NUMBER = r"^[0-9a-f]{16}$"
"""What the number of a request looks like: no address passes the form of the DAG."""


@dataclass(frozen=True)
class Request:
    """One request and its receipts: rows that were there, by store."""

    request_id: str
    reason: str
    requested_by: str
    requested_at: datetime
    people: int
    addresses: int
    records: int
    finished_at: datetime | None
    receipts: dict[str, int]


def open_request(connection: sa.Connection, subject: Subject, key: Secret, *, reason: str, by: str) -> str:
    """Notes a request, and keeps its people from being contacted and published from this moment on.

    Args:
        reason: ERASED keeps them away for ever; EXPIRED until the request is finished, because who comes back by
            themselves later is welcome.

    Returns:
        The number of the request.
    """
    hold(connection, key)
    request_id = secrets.token_hex(8)
    numbers = {"people": "person", "addresses": "address", "records": "record"}
    row = {"request_id": request_id, "reason": reason, "requested_by": by}
    sizes = {name: len(subject.of(kind)) for name, kind in numbers.items()}
    connection.execute(sa.insert(ErasureRequest).values(row | sizes))
    rows = subject.rows().append_column("request_id", pa.array([request_id] * subject.rows().num_rows, pa.string()))
    stage_rows(connection, "subject_rows", rows, like="privacy.erasure_subject")
    columns = ["request_id", "kind", "key"]
    staged = sa.table("subject_rows", *(sa.column(c) for c in columns))
    connection.execute(sa.insert(ErasureSubject).from_select(columns, sa.select(*staged.c)))
    now = datetime.now(UTC)
    addresses = sorted(subject.of("address"))
    told = [[k, reason, "audience erase", now] for k in addresses]
    columns_of = list(zip(*told, strict=True)) if told else [()] * len(SUPPRESSION)
    suppress(connection, pa.table([list(c) for c in columns_of], schema=SUPPRESSION))
    if reason == ERASED and subject.of("record"):
        tombs = [{"record_key": pseudonym(label, key)} for label in sorted(subject.of("record"))]
        connection.execute(insert(ErasedRecord).on_conflict_do_nothing(), tombs)
    return request_id


def subject_in(connection: sa.Connection, request_id: str) -> Subject:
    """Who a request is about. Raises DeclarationError when there is no such request; nobody, once it is finished."""
    check(connection, request_id)
    rows = connection.execute(
        sa.select(ErasureSubject.kind, ErasureSubject.key).where(ErasureSubject.request_id == request_id)
    )
    keys: dict[str, set[str]] = {}
    for kind, one in rows:
        keys.setdefault(kind, set()).add(one)
    return Subject(keys)


def check(connection: sa.Connection, request_id: str) -> None:
    """Raises DeclarationError when there is no such request. What was given instead of a number is not repeated."""
    if not re.fullmatch(NUMBER, request_id):
        raise DeclarationError(
            "request", "found no number of a request, expected 16 hexadecimal digits: audience erase"
        )
    known = sa.select(ErasureRequest.request_id).where(ErasureRequest.request_id == request_id)
    if connection.execute(known).scalar() is None:
        raise DeclarationError("request", f"no request {request_id}; `audience erase status` lists them")


def leave_receipt(connection: sa.Connection, request_id: str, store: str, rows: int, *, in_all: bool = False) -> None:
    """Says what a store held. One that is looked through again adds to it, unless the rows are those of all looks so far."""
    receipt = insert(ErasureReceipt).values(request_id=request_id, store=store, rows=rows)
    told, known = receipt.excluded.rows, ErasureReceipt.rows
    again = {"rows": sa.func.greatest(told, known) if in_all else told + known, "erased_at": sa.func.now()}
    connection.execute(receipt.on_conflict_do_update(index_elements=["request_id", "store"], set_=again))


def finish(connection: sa.Connection, request_id: str, stores: Collection[str]) -> None:
    """Ends a request that has a receipt of every store: what it knew of the subject is deleted, the receipts stay.

    Raises:
        DeclarationError: a receipt is missing.
    """
    receipts = sa.select(ErasureReceipt.store).where(ErasureReceipt.request_id == request_id)
    if missing := sorted(set(stores) - set(connection.execute(receipts).scalars())):
        raise DeclarationError("request", f"{request_id}: no receipt of {', '.join(missing)}; clear what failed")
    address = sa.select(ErasureSubject.key).where(
        ErasureSubject.request_id == request_id, ErasureSubject.kind == "address"
    )
    connection.execute(
        sa.delete(Suppression).where(Suppression.reason == EXPIRED, Suppression.contact_key.in_(address))
    )
    connection.execute(sa.delete(ErasureSubject).where(ErasureSubject.request_id == request_id))
    connection.execute(
        sa.update(ErasureRequest)
        .where(ErasureRequest.request_id == request_id, ErasureRequest.finished_at.is_(None))
        .values(finished_at=sa.func.now())
    )


def requests(connection: sa.Connection, *, newest: int = 20) -> Sequence[Request]:
    """The newest requests, newest first."""
    asked = connection.execute(
        sa.select(*ErasureRequest.__table__.c)
        .order_by(ErasureRequest.requested_at.desc(), ErasureRequest.request_id)
        .limit(newest)
    ).mappings()
    rows = list(asked)
    receipts = connection.execute(
        sa.select(ErasureReceipt.request_id, ErasureReceipt.store, ErasureReceipt.rows)
        .where(ErasureReceipt.request_id.in_([r["request_id"] for r in rows]))
        .order_by(ErasureReceipt.store)
    ).all()
    return [
        Request(**row, receipts={one.store: one.rows for one in receipts if one.request_id == row["request_id"]})
        for row in rows
    ]
