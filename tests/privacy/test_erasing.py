"""Who asks to be erased is gone from every store, stays away, and takes nobody else with them."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience import forgetting
from audience.core.connection import Connection
from audience.core.engine import engine
from audience.core.errors import DeclarationError
from audience.core.lake import Lake
from audience.core.lake_erasing import every_row
from audience.core.masked import Personal, PseudonymKey, Secret
from audience.core.settings import Settings
from audience.core.tables import CUSTOMERS, PERSON_KEY, QUARANTINE, quarantine, raw
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import (
    Consent,
    ContactPoint,
    ErasureSubject,
    FormerAddress,
    IdentityDecision,
    Membership,
    Suppression,
)
from audience.house import House
from audience.identity.resolve import resolve
from audience.privacy.contact_keys import contact_keys
from audience.privacy.keys import in_use, rotate
from audience.privacy.pseudonym import pseudonym
from audience.quality.publication import publish
from key import KEY
from rows import FRIDAY, NOON, land, rows_of

ANA, OLD, BOB = "ana@mailbox.example", "ana.old@mailbox.example", "bob@mailbox.example"
SATURDAY = FRIDAY.next


def key_of(address: str) -> str:
    return pseudonym(address, KEY)


def contact(record_id: str, address: str | None, name: str, **more: Any) -> dict[str, Any]:
    keyed = {"email": address, "email_key": address and key_of(address)}
    return {"record_id": record_id, "first_name": name, "customer_ref": f"card-{name}", **keyed, **more}


ROBERT = "robert@mailbox.example"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ana has two addresses, two records, an order, a click, a consent and a refused row; Bob has as much.

    On Friday Ana's records were those of `p-former`, and since then they are of `p-ana`; Bob was always `p-bob`.
    """
    place = tmp_path_factory.mktemp("town") / "lake"
    lake = Lake.at(place)
    with engine() as duck:
        for name, address, other in (("ana", ANA, OLD), ("bob", BOB, ROBERT)):
            key = key_of(address)
            land(lake, duck, "contact", contact(f"S-{name}", address, name))
            land(lake, duck, "contact", contact(f"C-{name}", other, name), source="crm")
            land(lake, duck, "consent", {"consent_id": f"K-{name}", "email_key": key}, source="crm")
            land(lake, duck, "order", {"order_id": f"O-{name}", "record_id": f"S-{name}"})
            land(lake, duck, "order_line", {"order_id": f"O-{name}"})
            land(lake, duck, "event", {"event_id": f"E-{name}", "email_key": key}, source="inbox")
            refused = {"entity": "contact", "stream": name, "position": 1, "kind": "record", "reason": "no date"}
            text = f'{{"mail": "<{address.upper()}>", "id": 7}}'
            lake.write(duck, quarantine("shop"), FRIDAY, rows_of(QUARANTINE, [refused | {"row": text}]))
        visit = {"type": "page_view", "channel": "web", "is_machine": False, "occurred_at": NOON, "visitor_id": "V-1"}
        table = raw("shop", "web_event")
        who = {"W-ana": "S-ana", "W-nobody": None, "W-bob": "S-bob"}  # on one browser
        visits = [visit | {"event_id": event, "record_id": record} for event, record in who.items()]
        visits.append(visit | {"event_id": "W-other", "visitor_id": "V-2"})
        lake.write(duck, table, FRIDAY, rows_of(table, visits))
        for day, ana in ((FRIDAY, "p-former"), (SATURDAY, "p-ana")):
            people = {ana: ("ana", ANA, OLD), "p-bob": ("bob", BOB, ROBERT)}
            keys = [
                {"kind": kind, "key": one, "person_id": person}
                for person, (name, *addresses) in people.items()
                for kind, ones in (("record", [f"shop:S-{name}", f"crm:C-{name}"]), ("email", map(key_of, addresses)))
                for one in ones
            ]
            lake.write(duck, PERSON_KEY, day, rows_of(PERSON_KEY, keys))
            golden = [{"person_id": person, "records": 2, "first_seen_at": NOON} for person in people]
            lake.write(duck, CUSTOMERS, day, rows_of(CUSTOMERS, golden))
    return place


@pytest.fixture
def house(town: Path, warehouse: Warehouse, settings: Settings, tmp_path: Path) -> House:
    """The town's lake, and in the warehouse the vault, a consent and a stay of each, and a decision about both."""
    shutil.copytree(town, tmp_path / "lake")
    points = [("p-ana", ANA, True), ("p-ana", OLD, False), ("p-bob", BOB, True), ("p-bob", ROBERT, False)]
    answer = {"source": "crm", "channel": "email", "purpose": "email_marketing", "status": "granted", "proof": "p",
              "captured_at": NOON, "recorded_in": FRIDAY.day}  # fmt: skip
    decided = {"left_label": "shop:S-ana", "right_label": f"email:{key_of(BOB)}", "decision": "different",
               "since": FRIDAY.day, "decided_by": "x"}  # fmt: skip
    with warehouse.vault.begin() as connection:
        for person, address, is_primary in points:
            known = {"contact_key": key_of(address), "person_id": person, "email": address, "as_of": FRIDAY.day}
            connection.execute(sa.insert(ContactPoint).values(known | {"is_primary": is_primary}))
            if is_primary:
                keyed = {"contact_key": key_of(address), "consent_id": f"K-{person}"}
                connection.execute(sa.insert(Consent).values(answer | keyed))
                stay = {"segment": "vip", "person_id": person, "entered_on": FRIDAY.day}
                connection.execute(sa.insert(Membership).values(stay))
        connection.execute(sa.insert(IdentityDecision).values(decided))
    return House(settings, Lake.at(tmp_path / "lake"), warehouse, lambda name: Connection(name, "http://127.0.0.1:1"))


def everything(house: House, duck: Backend) -> str:
    """All rows of all files and of all tables of the warehouse, as one text."""
    found = []
    for table in house.lake.tables():
        rows = every_row(house.lake, duck, table)
        found += (
            [] if rows is None else [f"{table} {row}" for row in duck.to_pyarrow(rows.drop("filename")).to_pylist()]
        )
    with house.warehouse.vault.begin() as connection:
        names = sa.text("SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
                        " AND table_schema IN ('ops', 'privacy', 'segments', 'push', 'vault')")  # fmt: skip
        for schema, name in connection.execute(names).all():
            rows_ = connection.execute(sa.text(f'SELECT t::text FROM "{schema}"."{name}" t'))
            found += [f"{schema}.{name} {row}" for (row,) in rows_]
    return "\n".join(sorted(found))


def erase(house: House, address: str) -> str:
    number = forgetting.request_erasure(house, by="dpo", address=Personal(address))
    assert number is not None
    forgetting.erase_stores(house, number)
    forgetting.end_erasure(house, number, [])
    return number


def about(text: str, *words: str) -> list[str]:
    """Lines that hold one of these words, without those that keep the person away."""
    stays = ("privacy.suppression", "privacy.erased_record")
    lines = [line for line in text.lower().splitlines() if not line.startswith(stays)]
    return [line for line in lines if any(word.lower() in line for word in words)]


def test_nothing_of_the_person_is_left_in_any_store(house: House, duck: Backend) -> None:
    words = (ANA, OLD, "card-ana", "S-ana", "C-ana", "O-ana", key_of(ANA), key_of(OLD), "p-ana", "p-former")
    assert {w for w in words if about(everything(house, duck), w)} == set(words)
    erase(house, OLD)
    assert about(everything(house, duck), *words) == []


def test_nobody_else_loses_a_row(house: House, duck: Backend) -> None:
    words = (BOB, ROBERT, "card-bob", "S-bob", "C-bob", "O-bob", key_of(BOB), "p-bob")
    before = [line for line in about(everything(house, duck), *words) if "s-ana" not in line]
    erase(house, ANA)
    assert about(everything(house, duck), *words) == before


def test_visits_of_a_browser_go_with_who_signed_in_there_unless_somebody_else_did(house: House, duck: Backend) -> None:
    erase(house, ANA)
    left = house.lake.history(duck, raw("shop", "web_event"), through=SATURDAY)
    assert sorted(duck.to_pyarrow(left)["event_id"].to_pylist()) == ["W-bob", "W-other"]


def test_receipts_say_what_was_in_each_store_and_the_request_knows_nobody_any_more(house: House) -> None:
    number = erase(house, ANA)
    (request,) = forgetting.erasures(house)
    assert (request.request_id, request.reason, request.requested_by) == (number, "erased", "dpo")
    assert (request.people, request.addresses, request.records) == (1, 2, 2)
    assert request.finished_at is not None
    assert request.receipts["vault"] == 2
    assert request.receipts["warehouse"] == 3  # a consent, a stay, a decision
    assert request.receipts["lake"] > 10
    with house.warehouse.begin() as connection:
        assert connection.execute(sa.select(ErasureSubject)).all() == []


def test_from_the_request_on_every_address_of_the_person_is_suppressed(house: House) -> None:
    forgetting.request_erasure(house, by="dpo", address=Personal(f" {ANA.upper()} "))
    with house.warehouse.vault.begin() as connection:
        found = set(connection.execute(sa.select(Suppression.contact_key, Suppression.reason)).all())
    assert found == {(key_of(ANA), "erased"), (key_of(OLD), "erased")}


def test_a_pseudonym_will_do_and_a_person_who_is_unknown_is_kept_away_all_the_same(house: House) -> None:
    by_person = forgetting.request_erasure(house, by="dpo", person_id="p-bob")
    unknown = forgetting.request_erasure(house, by="dpo", address=Personal("eve@mailbox.example"))
    found = {r.request_id: (r.people, r.addresses, r.records) for r in forgetting.erasures(house)}
    assert found == {by_person: (1, 2, 2), unknown: (0, 1, 0)}


def test_who_does_not_agree_to_what_was_found_notes_nothing(house: House) -> None:
    shown: list[forgetting.Facts] = []
    number = forgetting.request_erasure(
        house, by="dpo", address=Personal(ANA), agree=lambda numbers: shown.append(numbers) is not None
    )
    assert (number, shown) == (None, [{"people": 1, "addresses": 2, "records": 2, "orders": 1}])
    assert forgetting.erasures(house) == []


@pytest.mark.parametrize("given", [{}, {"address": Personal("x@mailbox.example"), "person_id": "p"}])
def test_an_address_or_a_person_is_asked_for(house: House, given: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match="expected an address or a person"):
        forgetting.request_erasure(house, by="dpo", **given)


def test_what_is_no_address_is_not_repeated(house: House) -> None:
    with pytest.raises(DeclarationError, match="found a text that is no e-mail address") as refused:
        forgetting.request_erasure(house, by="dpo", address=Personal("ana at mailbox"))
    assert "ana" not in str(refused.value)
    with pytest.raises(DeclarationError, match="found no number of a request") as refused:
        forgetting.erase_stores(house, ANA)
    assert "ana" not in str(refused.value)


def test_a_crash_at_any_file_and_a_second_run_leave_nothing(
    house: House, duck: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = forgetting.request_erasure(house, by="dpo", address=Personal(ANA))
    assert number is not None
    appear, files = Lake._appear, 0

    def dies(lake: Lake, aside: Path, path: str) -> None:
        nonlocal files
        files += 1
        if files % 6 == 0:
            raise OSError("the disk is gone")
        appear(lake, aside, path)

    monkeypatch.setattr(Lake, "_appear", dies)
    crashes = 0
    while True:
        try:
            forgetting.erase_stores(house, number)
        except OSError:
            crashes += 1
        else:
            break
    assert crashes >= 2
    monkeypatch.undo()
    forgetting.end_erasure(house, number, [])
    assert about(everything(house, duck), ANA, "S-ana", "O-ana", key_of(ANA)) == []


def test_a_request_does_not_end_without_the_receipt_of_every_store(house: House) -> None:
    number = forgetting.request_erasure(house, by="dpo", address=Personal(ANA))
    assert number is not None
    with pytest.raises(DeclarationError, match=f"{number}: no receipt of brevo"):
        forgetting.end_erasure(house, number, ["brevo"])
    assert forgetting.erasures(house)[0].finished_at is None


def test_an_erasure_makes_no_computed_day_stale(house: House) -> None:
    before = house.lake.fingerprint([PERSON_KEY], through=SATURDAY)
    erase(house, ANA)
    assert house.lake.fingerprint([PERSON_KEY], through=SATURDAY) == before


# -- what a source tells again -----------------------------------------------------------------------------------------

Extract = Callable[..., dict[str, Any]]


@pytest.fixture
def extract(house: House, duck: Backend) -> Extract:
    """Publishes what a source tells on Saturday: rows by entity. Gives the numbers by entity."""

    def tell(key: Secret = KEY, **rows: list[dict[str, Any]]) -> dict[str, Any]:
        import orjson

        staged = {"_broken": 0}
        with house.lake.stage("shop/again/_broken.records.ndjson"):
            pass
        for entity, told in rows.items():
            staged[entity] = len(told)
            with house.lake.stage(f"shop/again/{entity}.records.ndjson") as file:
                for position, row in enumerate(told):
                    place = {"_day": SATURDAY.key, "_position": str(position)}
                    file.write(orjson.dumps(place | row) + b"\n")
        published = publish(
            house.lake, duck, house.warehouse, key=key, source="shop", folder="shop/again", staged=staged, last=SATURDAY,
            keep_result=lambda _: None,
        )  # fmt: skip
        return {one.entity: one.counts for one in published}

    return tell


def told(record_id: str, address: str | None) -> dict[str, Any]:
    return {"record_id": record_id, "email": address, "updated_at": "2026-11-21T08:00:00Z", "is_deleted": "false"}


def test_what_a_source_tells_again_of_the_person_is_not_published(
    house: House, duck: Backend, extract: Extract
) -> None:
    erase(house, ANA)
    order = {"ordered_at": "2026-11-21T08:00:00Z", "status": "paid", "total_eur": "9", "discount_eur": "0",
             "has_coupon": "false", "updated_at": "2026-11-21T08:00:00Z"}  # fmt: skip
    line = {"line": "1", "product_id": "P-1", "quantity": "1", "amount_eur": "9", "discount_eur": "0"}
    numbers = extract(
        contact=[told("S-ana", "new.ana@mailbox.example"), told("S-9", ANA), told("S-bob", BOB), told("S-8", None)],
        order=[{"order_id": "O-7", "record_id": "S-ana"} | order, {"order_id": "O-8", "record_id": "S-bob"} | order],
        order_line=[{"order_id": "O-7"} | line, {"order_id": "O-8"} | line],
    )
    found = {entity: (c.taken, c.loaded, c.quarantined, c.superseded) for entity, c in numbers.items()}
    assert found == {"contact": (4, 2, 0, 2), "order": (2, 1, 0, 1), "order_line": (2, 1, 0, 1)}
    assert about(everything(house, duck), "new.ana", ANA, "O-7") == []


def test_under_a_later_pseudonym_key_the_person_is_found_everywhere_and_kept_away_as_well(
    house: House, duck: Backend, extract: Extract
) -> None:
    later = PseudonymKey(KEY.reveal(), later=(Secret("a-second-key-for-tests-only-0123456789"),))
    label = {"left_label": f"email:{key_of(ANA)}", "right_label": "crm:X", "decision": "same",
             "since": FRIDAY.day, "decided_by": "x"}  # fmt: skip
    with house.warehouse.vault.begin() as connection:
        connection.execute(sa.insert(IdentityDecision).values(label))
        connection.execute(sa.insert(FormerAddress).values(person_id="p-ana", contact_key=key_of("a@mailbox.example")))
        in_use(connection, later)
        rotate(connection, later, named_by_key=())
    house = replace(house, settings=replace(house.settings, pseudonym_key=later))
    erase(house, OLD)
    words = (ANA, OLD, "card-ana", "S-ana", "O-ana", key_of(ANA), key_of(OLD), "p-ana", "p-former")
    assert about(everything(house, duck), *words) == []
    extract(later, contact=[told("S-9", ANA), told("S-10", "d@mailbox.example")])
    found = everything(house, duck)
    assert about(found, ANA, key_of(ANA)) == [] and about(found, "S-10")
    assert all(str(one) in found for one in contact_keys([Personal(ANA), Personal(OLD)], later))


def test_an_erasure_that_is_under_way_goes_on_after_a_new_pseudonym_key(house: House, duck: Backend) -> None:
    later = PseudonymKey(KEY.reveal(), later=(Secret("a-second-key-for-tests-only-0123456789"),))
    number = forgetting.request_erasure(house, by="dpo", address=Personal(ANA))
    assert number is not None
    with house.warehouse.vault.begin() as connection:
        rotate(connection, later, named_by_key=())
    house = replace(house, settings=replace(house.settings, pseudonym_key=later))
    forgetting.erase_stores(house, number)
    forgetting.end_erasure(house, number, [])
    assert about(everything(house, duck), ANA, OLD, key_of(ANA), key_of(OLD), "p-ana") == []


def test_a_refused_row_of_the_person_is_not_kept_in_quarantine(house: House, duck: Backend, extract: Extract) -> None:
    erase(house, ANA)
    refused = told("S-9", ANA) | {"updated_at": "never"}
    others = [told(f"S-{n}", f"n{n}@mailbox.example") for n in range(30)]
    numbers = extract(contact=[refused, *others])["contact"]
    assert (numbers.taken, numbers.loaded, numbers.quarantined, numbers.superseded) == (31, 30, 0, 1)
    assert about(everything(house, duck), ANA) == []


def test_a_refresh_that_had_begun_before_does_not_fill_the_vault_again(house: House, duck: Backend) -> None:
    forgetting.request_erasure(house, by="dpo", address=Personal(ANA))
    with house.warehouse.vault.begin() as connection:
        connection.execute(sa.delete(ContactPoint))
    resolve(house.lake, duck, house.warehouse, SATURDAY, KEY)
    with house.warehouse.vault.begin() as connection:
        emails = set(connection.execute(sa.select(ContactPoint.email)).scalars())
    assert emails == {BOB, ROBERT}


def test_an_address_is_found_in_whatever_form_a_refused_record_has_it(duck: Backend) -> None:
    from audience.privacy.erasing.lake import mentions

    texts = [
        '{"m": "mailto:Ana@Mailbox.example"}',
        '["<ana@mailbox.example>,x"]',
        '{"m": "xana@mailbox.example"}',
        "{}",
    ]
    rows = ibis.memtable({"row": texts})
    keys = ibis.memtable({"key": pa.array([key_of(ANA)])}).key
    found = duck.to_pyarrow(rows.mutate(is_named=mentions(rows.row, keys, KEY)))["is_named"].to_pylist()
    assert found == [True, True, False, False]
