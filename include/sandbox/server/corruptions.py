"""Ways in which replies are wrong although the protocol is right: what an injector of bad data does to good records.

Each strikes some records of one reply, chosen and spoilt by a seed: the same reply and seed give the same damage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

Record = dict[str, Any]
"""One record of a reply."""

Spoil = Callable[[Record, Random], None]
"""Changes a record."""

Spread = Callable[[Record, int], list[Record]]
"""What a record becomes, given its place among those that are struck: none, or several."""


@dataclass(frozen=True)
class Corruption:
    """One way.

    Args:
        call: the request whose replies it spoils, as a fault's `match`.
        says: what is wrong, for people.
        share: of the records of each reply that are struck; at least one is, where there is one.
        spoil: changes one record.
        spread: repeats or drops one record instead.
    """

    name: str
    call: str
    says: str
    share: float
    spoil: Spoil | None = None
    spread: Spread | None = None

    def applied(self, content: Record, seed: int) -> tuple[Record, list[str]]:
        """The reply with this damage, and the ids of the records that were struck.

        The total follows the records, as if the system knew no others; but for a page that lost some on the way.
        """
        name = next(key for key, value in content.items() if isinstance(value, list))
        records: list[Record] = content[name]
        number = max(1, round(self.share * len(records))) if records else 0
        ranked = sorted(records, key=lambda record: Random(f"{seed}:{self.name}:{record['id']}").random())
        struck = {id(record): place for place, record in enumerate(ranked[:number])}
        ids = [str(record["id"]) for record in ranked[:number]]
        found: list[Record] = []
        for record in records:
            place = struck.get(id(record))
            if place is None:
                found.append(record)
            elif self.spread is not None:
                found += self.spread(record, place)
            elif self.spoil is not None:
                self.spoil(record, Random(f"{seed}:{self.name}:spoil:{record['id']}"))
                found.append(record)
        counted = {"total": len(found)} if "total" in content and self.name != "truncated_page" else {}
        return {**content, **counted, name: found}, ids


def _set(field: str, *values: object) -> Spoil:
    """One of the values in the place of a field's; `a.b` is a field of a field, which is made where there is none."""

    def spoil(record: Record, random: Random) -> None:
        *path, last = field.split(".")
        for name in path:
            record[name] = record[name] or {}
            record = record[name]
        record[last] = random.choice(values)

    return spoil


def _moved(field: str, **by: float) -> Spoil:
    """An instant some time later."""

    def spoil(record: Record, _: Random) -> None:
        moment = datetime.fromisoformat(record[field]) + timedelta(**by)
        record[field] = moment.isoformat().replace("+00:00", "Z")

    return spoil


def _of_lines(spoil: Spoil, *, all_of_them: bool = False) -> Spoil:
    """Changes lines of an order: all, or the first."""

    def spoil_lines(record: Record, random: Random) -> None:
        for line in record["lines"] if all_of_them else record["lines"][:1]:
            spoil(line, random)

    return spoil_lines


def _times(factor: float, *fields: str) -> Spoil:
    """Amounts times a factor."""

    def spoil(record: Record, _: Random) -> None:
        for field in fields:
            record[field] = f"{float(record[field]) * factor:.2f}"

    return spoil


def _both(first: Spoil, second: Spoil) -> Spoil:
    def spoil(record: Record, random: Random) -> None:
        first(record, random)
        second(record, random)

    return spoil


def _without(field: str) -> Spoil:
    return lambda record, _: record.pop(field, None)


def _misread(record: Record, _: Random) -> None:
    """UTF-8 that somebody read as ISO 8859-1."""
    for words, field in ((record, "first_name"), (record, "last_name"), (record["address"] or {}, "city")):
        if words.get(field):
            words[field] = words[field].encode().decode("latin-1")


def _lost_letters(record: Record, _: Random) -> None:
    """Letters that a conversion gave up: U+FFFD, the replacement character."""
    record["first_name"] = "Zo\ufffd"


def _no_address(record: Record, _: Random) -> None:
    record["email"] = (record["email"] or "ana@mailbox.example").replace("@", "(at)")


def _of_nobody(record: Record, _: Random) -> None:
    """A consent without its contact, and not at an address of anybody either: by that its person would be found."""
    record["contact_id"] = "C-0"
    record["email"] = record["email"] and "nobody@mailbox.example"


def _another(record: Record) -> Record:
    """An order of somebody else, of the first of the month, under the same number."""
    return {**record, "customer_id": "S-1", "created_at": f"{record['updated_at'][:8]}01T00:00:00Z"}


def _renamed(record: Record, place: int) -> Record:
    return {**record, "id": f"{record['id']}-{place}"}


ORDERS = "GET /shop/orders"
CONTACTS, CONSENTS = "GET /crm/contacts", "GET /crm/consents"
EVENTS = "GET /brevo/inbox/events"

FEW, SOME, MOST = 0.02, 0.2, 0.9
"""Shares of the records: a mistake, a habit, a change of the system."""

CORRUPTIONS: tuple[Corruption, ...] = (
    # -- single rows that cannot be used
    Corruption("wrong_type", ORDERS, "a total is a word", FEW, _set("total", "n/a", "twelve", "-")),
    Corruption("missing_field", ORDERS, "a record lacks a field", FEW, _without("coupon_used")),
    Corruption("null_key", ORDERS, "an order has no number", FEW, _set("id", None)),
    Corruption("null_required", ORDERS, "an order does not say when it was placed", FEW, _set("created_at", "", " ")),
    Corruption("unknown_status", ORDERS, "a status that nobody declared", FEW, _set("status", "lost", "PAYÉ?")),
    Corruption("out_of_range", CONTACTS, "an answer of 42 on a scale to 10", FEW, _set("nps.score", 42, -3)),
    Corruption("negative_quantity", ORDERS, "an order of minus three pieces of everything", FEW,
               _of_lines(_set("quantity", -3), all_of_them=True)),
    Corruption("future_date", ORDERS, "placed in the year 2100", FEW, _set("created_at", "2100-01-01T00:00:00Z")),
    Corruption(
        "ancient_date", ORDERS, "placed in 1900, or at the zero of a clock", FEW,
        _set("created_at", "1900-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
    ),
    Corruption("no_currency", ORDERS, "a currency that does not exist", FEW, _set("currency", "XQX", "€uro")),
    Corruption("unpriced_currency", ORDERS, "another currency, of which no rate is known", FEW, _set("currency", "JPY")),
    Corruption("huge_total", ORDERS, "a total of ten million", FEW, _set("total", "10000000.00")),
    Corruption("control_signs", CONTACTS, "a name with a NUL in it", FEW, _set("first_name", "An\0a")),
    Corruption("anonymous_event", EVENTS, "an event of an address that is none", FEW, _no_address),
    Corruption("unknown_answer", CONSENTS, "a consent that is neither yes nor no", FEW, _set("status", "maybe")),
    # -- rows that are usable and wrong
    Corruption("broken_email", CONTACTS, "addresses that are none", SOME, _no_address),
    Corruption("wrong_country", CONTACTS, "countries that do not exist", MOST, _set("address.country", "ZZ", "Atlantis")),
    Corruption("impossible_birth", CONTACTS, "born in 1850, or next century", SOME, _set("birth_date", "1850-01-01", "2100-01-01")),
    Corruption("lost_letters", CONTACTS, "names in which letters were given up", SOME, _lost_letters),
    Corruption("orphan_order", ORDERS, "orders of customers who do not exist", SOME,
               _both(_set("customer_id", "S-0"), _set("email", None))),
    Corruption("orphan_consent", CONSENTS, "consents of contacts who do not exist", SOME, _of_nobody),
    Corruption("orphan_line", ORDERS, "an order that is refused, its lines are not", FEW, _set("total", "?")),
    Corruption("unknown_product", ORDERS, "lines of products that do not exist", SOME,
               _of_lines(_set("product_id", "P-0"), all_of_them=True)),
    Corruption("wrong_total", ORDERS, "totals that are not the sum of the lines", SOME, _times(3, "total")),
    Corruption("negative_price", ORDERS, "paid orders of less than nothing", SOME,
               _both(_times(-1, "total"), _of_lines(_times(-1, "amount"), all_of_them=True))),
    Corruption("shifted_clock", ORDERS, "local time of elsewhere sent as UTC", SOME, _moved("created_at", hours=20)),
    # -- tables
    Corruption("retyped_field", ORDERS, "a field is an object now", MOST, _set("total", {"amount": "1.00"})),
    Corruption("renamed_field", ORDERS, "a field has another name now", MOST,
               _both(lambda record, _: record.update(status_name=record["status"]), _without("status"))),
    Corruption("null_column", CONTACTS, "a column is empty", MOST, _set("email", None)),
    Corruption("cents_for_euros", ORDERS, "amounts in cents", 1.0,
               _both(_times(100, "total"), _of_lines(_times(100, "amount"), all_of_them=True))),
    Corruption("shifted_distribution", ORDERS, "everybody buys by the dozen", MOST,
               _both(_times(12, "total"),
                     _of_lines(_both(_set("quantity", 12), _times(12, "amount")), all_of_them=True))),
    Corruption("orphan_lines", ORDERS, "most orders are refused", MOST, _set("total", "?")),
    Corruption("reused_key", ORDERS, "numbers of orders are given to others", SOME,
               spread=lambda record, _: [record, _another(record)]),
    Corruption("doubled_record", ORDERS, "records come twice", SOME, spread=lambda record, _: [record, dict(record)]),
    Corruption("looping_page", ORDERS, "a page comes three times", 1.0, spread=lambda record, _: [record] * 3),
    Corruption("volume_drop", ORDERS, "four in five orders are not there", 0.8, spread=lambda _record, _place: []),
    Corruption("volume_spike", ORDERS, "every order four times, each with a number of its own", 1.0,
               spread=lambda record, _: [record, *(_renamed(record, copy) for copy in range(3))]),
    Corruption("empty_reply", ORDERS, "no orders at all", 1.0, spread=lambda _record, _place: []),
    Corruption("stale_feed", ORDERS, "last month's orders again", 1.0, _moved("updated_at", days=-30)),
    Corruption("truncated_page", ORDERS, "half of a page", 0.5, spread=lambda _record, _place: []),
    # -- what is mended, or only noted
    Corruption("mojibake", CONTACTS, "UTF-8 read as ISO 8859-1", 1.0, _misread),
    Corruption("new_field", ORDERS, "a field that nobody knows", 1.0, _set("gift_wrap", True, False)),
)  # fmt: skip
"""Every way, each by the one reply that it spoils."""

BY_NAME = {corruption.name: corruption for corruption in CORRUPTIONS}
