"""Erasing people from the warehouse, one and one of a hundred: our statements, and DELETEs by keys that are given."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bench.diff import CONTACTS_PER_BUYER, LISTS, acknowledge
from bench.measure import Step, Stopwatch, equal, run
from bench.place import DAY, KEY, Place
from bench.server_use import ServerUse
from bench.town import fresh_warehouse, one, opened, settle, tidy

if TYPE_CHECKING:
    import sqlalchemy as sa

    from audience.privacy.erasing.subject import Subject

SHARES = {"one person": None, "1 % of them": 100}
"""How many people are erased at once: one who asks, and as many as retention may forget in a bad month."""

FORMER = """
INSERT INTO vault.former_address (person_id, contact_key)
SELECT person_id, md5('former ' || contact_key) FROM vault.contact_point WHERE abs(hashtext(person_id)) % 20 = 0
"""

DELETES = (
    "DELETE FROM privacy.consent d USING mine WHERE d.contact_key = mine.contact_key",
    """DELETE FROM segments.membership d USING mine, segments.definition s
       WHERE d.segment = s.segment AND d.person_id = mine.person_id""",
    """DELETE FROM push.item d USING mine, (SELECT '' AS name UNION ALL SELECT segment FROM segments.definition) list
       WHERE d.plan_id = :plan AND d.list_name = list.name AND d.contact_key = mine.contact_key""",
    "DELETE FROM vault.former_address d USING mine WHERE d.person_id = mine.person_id",
    "DELETE FROM vault.contact_point d USING mine WHERE d.contact_key = mine.contact_key",
)

LEFT = """
SELECT (SELECT count(*) FROM privacy.consent), (SELECT count(*) FROM segments.membership), (SELECT count(*) FROM push.item),
       (SELECT count(*) FROM vault.former_address), (SELECT count(*) FROM vault.contact_point)
"""


def measure_erasure(place: Place) -> list[Step]:
    """One step for each number of people. What is compared is how many rows are left in each table."""
    with _told_town(place):
        return [_measured(name, every, place) for name, every in SHARES.items()]


def _measured(name: str, every: int | None, place: Place) -> Step:
    mine, hand = run(partial(ours, every), place), run(partial(limit, every), place)
    left, people, deleted, used = mine.answer
    equal("erasure", replace(mine, answer=left), hand)
    contacts = CONTACTS_PER_BUYER * place.people
    size = f"{people:,} of {contacts:,} contacts, {LISTS} lists, {deleted:,} rows; server {used.processor_s:.2f} s of a processor"
    return Step(f"erasure, {name}", size, mine, hand, "DELETEs by given keys")


def ours(every: int | None, place: Place, watch: Stopwatch) -> object:
    """Rows left in each table, people erased, rows deleted, and what the server took for it."""
    from audience.privacy.erased import ERASED
    from audience.privacy.erasing.request import open_request
    from audience.privacy.erasing.warehouse import erase_vault, erase_warehouse

    answer: object = None
    used = ServerUse()
    with opened(place, "erasure") as warehouse:
        while watch.again():
            with warehouse.engine.connect() as connection:
                subject = _subject(connection, every)
                number = open_request(connection, subject, KEY, reason=ERASED, by="bench")
                with watch.lap(), used.watched(connection):
                    deleted = erase_warehouse(connection, number) + erase_vault(connection, number)
                answer = one(connection, LEFT), len(subject.of("person")), deleted, used
                connection.rollback()
    return answer


def limit(every: int | None, place: Place, watch: Stopwatch) -> object:
    import sqlalchemy as sa

    answer: object = None
    with opened(place, "erasure") as warehouse:
        while watch.again():
            with warehouse.engine.connect() as connection:
                plan = one(connection, "SELECT max(plan_id) FROM push.plan")[0]
                connection.execute(sa.text(f"CREATE TEMPORARY TABLE mine ON COMMIT DROP AS {_chosen(every)}"))
                connection.execute(sa.text("ANALYZE mine"))
                with watch.lap():
                    for delete in DELETES:
                        text = sa.text(delete)
                        connection.execute(text, {"plan": plan} if text.compile().params else {})
                answer = one(connection, LEFT)
                connection.rollback()
    return answer


def _chosen(every: int | None) -> str:
    """People and their addresses: those of every n-th, or the first one alone."""
    people = "SELECT person_id, contact_key FROM vault.contact_point"
    return (
        f"{people} ORDER BY contact_key LIMIT 1"
        if every is None
        else f"{people} WHERE abs(hashtext(email)) % {every} = 0"
    )


def _subject(connection: "sa.Connection", every: int | None) -> "Subject":
    import sqlalchemy as sa

    from audience.privacy.erasing.subject import Subject

    rows = connection.execute(sa.text(_chosen(every))).all()
    return Subject({"person": {r.person_id for r in rows}, "address": {r.contact_key for r in rows}})


@contextmanager
def _told_town(place: Place) -> Iterator[None]:
    """Everything was acknowledged, then everybody's profile changed: a plan of as many items as there are contacts."""
    import sqlalchemy as sa

    from audience.activation.plan import make_plan

    with fresh_warehouse(place, "erasure") as warehouse:
        settle(warehouse, CONTACTS_PER_BUYER * place.people, lists=LISTS, each=2)
        acknowledge(warehouse, "brevo")
        with warehouse.begin() as connection:
            connection.execute(sa.text(FORMER))
            connection.execute(
                sa.text("UPDATE push.acknowledged SET payload_hash = 'of yesterday' WHERE list_name = ''")
            )
            make_plan(connection, "brevo", DAY.day)
        tidy(warehouse)
        yield
