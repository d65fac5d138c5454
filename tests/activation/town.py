"""A few people with consent, in a few segments, in a warehouse; and how to push them."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from activation.stands import BREVO, Stand
from audience.activation import destinations
from audience.activation.desired import desired
from audience.activation.destination import Destination
from audience.activation.push import activate
from audience.activation.report import PushReport
from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import (
    Acknowledged,
    Consent,
    ContactPoint,
    Definition,
    Evaluation,
    Item,
    Membership,
    Plan,
    Suppression,
)  # fmt: skip
from audience.privacy.pseudonym import pseudonym
from key import KEY

FRIDAY = Partition.parse("2026-11-20")
MARKETING = "email_marketing"


def key_of(name: str) -> str:
    return pseudonym(f"{name}@mailbox.example", KEY)


class Town:
    def __init__(self, warehouse: Warehouse, platform_url: str, stand: Stand = BREVO) -> None:
        self.warehouse, self.stand = warehouse.vault, stand
        self.connection = stand.connection(platform_url)
        self.base_list = stand.base_list(platform_url)
        self.batch: int | None = None

    def destination(self) -> Destination:
        """As its connection makes it; with `batch`, told no more contacts at once than that."""
        found: Any = destinations.find(self.stand.name)(self.connection)
        if self.batch is not None:
            sizes = dict.fromkeys(("upsert_batch", "add_batch", "remove_batch"), self.batch)
            found.capabilities = replace(found.capabilities, **sizes)
        return found  # type: ignore[no-any-return]

    # -- who lives here ----------------------------------------------------------------------------------------------

    def people(self, *names: str, consent: bool = True, purposes: Iterable[str] = (MARKETING,)) -> None:
        with self.warehouse.begin() as connection:
            for name in names:
                point = {"contact_key": key_of(name), "person_id": name, "email": f"{name}@mailbox.example",
                         "first_name": name.title(), "is_primary": True, "as_of": FRIDAY.day}  # fmt: skip
                connection.execute(insert(ContactPoint).values(point).on_conflict_do_nothing())
                for purpose in purposes if consent else ():
                    self._answer(connection, name, "granted", purpose, 8)

    def withdraw(self, *names: str, purpose: str = MARKETING) -> None:
        with self.warehouse.begin() as connection:
            for name in names:
                self._answer(connection, name, "withdrawn", purpose, 9)

    def _answer(self, connection: sa.Connection, name: str, status: str, purpose: str, hour: int) -> None:
        answer = {"source": "crm", "consent_id": f"{name}-{purpose}", "contact_key": key_of(name), "channel": "email",
                  "purpose": purpose, "status": status, "captured_at": datetime(2026, 11, 19, hour, tzinfo=UTC),
                  "proof": "form 7", "recorded_in": FRIDAY.day}  # fmt: skip
        connection.execute(insert(Consent).values(answer).on_conflict_do_nothing())

    def suppress(self, *names: str, reason: str = "unsubscribe") -> None:
        with self.warehouse.begin() as connection:
            for name in names:
                row = {
                    "contact_key": key_of(name),
                    "reason": reason,
                    "source": "crm",
                    "suppressed_at": sa.func.now(),
                }
                connection.execute(sa.insert(Suppression).values(row))

    def rename(self, name: str, first_name: str | None) -> None:
        with self.warehouse.begin() as connection:
            named = sa.update(ContactPoint).where(ContactPoint.person_id == name).values(first_name=first_name)
            connection.execute(named)

    # -- segments ------------------------------------------------------------------------------------------------------

    def segment(
        self, segment: str, members: Iterable[str], *, purpose: str = MARKETING, day: Partition = FRIDAY
    ) -> None:
        """Declares a segment for the platform, evaluated for a day with exactly these members."""
        members = sorted(members)
        definition = {"segment": segment, "title": segment, "why": "", "purpose": purpose,
                      "objective": "click" if self.stand.can.engagement else "conversion",
                      "deliver_to": [self.stand.name], "definition_hash": "1"}  # fmt: skip
        evaluation = {
            "segment": segment,
            "partition": day.day,
            "definition_hash": "1",
            "members": len(members),
            "people": 100,
        }
        with self.warehouse.begin() as connection:
            connection.execute(insert(Definition).values(definition).on_conflict_do_nothing())
            connection.execute(insert(Evaluation).values(evaluation).on_conflict_do_nothing())
            connection.execute(sa.delete(Membership).where(Membership.segment == segment))
            if members:
                rows = [{"segment": segment, "person_id": m, "entered_on": day.day} for m in members]
                connection.execute(sa.insert(Membership), rows)

    # -- pushing -------------------------------------------------------------------------------------------------------

    def push(
        self,
        *,
        as_of: Partition = FRIDAY,
        holder: str = "run-1",
        sleep: Callable[[float], None] = lambda _: None,
        **options: Any,
    ) -> PushReport:
        """`activate` with the town's stores, and without waiting."""
        usual = {"warehouse": self.warehouse, "key": KEY, "as_of": as_of, "holder": holder, "sleep": sleep}
        return activate(self.destination(), **(usual | options))

    def desired(self) -> dict[str, set[str]]:
        """List -> names of the people who should be on it now; the base list has its own name."""
        with self.warehouse.begin() as connection:
            rows = connection.execute(desired(self.stand.name)).all()
        return _by_list(self, [(r.list_name, r.contact_key) for r in rows])

    def acknowledged(self) -> dict[str, set[str]]:
        """List -> names of the people whom the ledger says the platform has."""
        with self.warehouse.begin() as connection:
            rows = connection.execute(sa.select(Acknowledged.list_name, Acknowledged.contact_key)).all()
        return _by_list(self, rows)

    def items(self, state: str) -> list[tuple[str, str, str, str | None]]:
        """Items of a state: action, list, person, reason."""
        names = self.names()
        with self.warehouse.begin() as connection:
            found = connection.execute(
                sa.select(Item.action, Item.list_name, Item.contact_key, Item.reason).where(Item.state == state)
            )
            return sorted((a, one, names[k], reason) for a, one, k, reason in found)

    def plan_states(self) -> list[str]:
        with self.warehouse.begin() as connection:
            return list(connection.execute(sa.select(Plan.state).order_by(Plan.plan_id)).scalars())

    def names(self) -> dict[str, str]:
        with self.warehouse.begin() as connection:
            points = connection.execute(sa.select(ContactPoint.contact_key, ContactPoint.person_id))
            return {row.contact_key: row.person_id for row in points}


def _by_list(town: Town, rows: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    names = town.names()
    found: dict[str, set[str]] = {}
    for list_name, contact_key in rows:
        found.setdefault(list_name or town.base_list, set()).add(names.get(contact_key, contact_key))
    return found
