"""People with addresses, consent and lists in a warehouse, made inside PostgreSQL; a database of its own for each step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.place import DAY, KEY, Place

if TYPE_CHECKING:
    import sqlalchemy as sa

    from audience.core.warehouse import Warehouse

LISTS = 10
"""Lists of a small town; everybody is on two of them on average."""

_PAD = KEY.reveal().encode().ljust(64, b"\0")
_KEYED = """
left(encode(sha256(CAST(:outer AS bytea) || sha256(CAST(:inner AS bytea) || convert_to({text}, 'UTF8'))), 'hex'), 32)
"""
"""The pseudonym of an address (HMAC-SHA-256), as PostgreSQL writes it."""

_PEOPLE = f"""
INSERT INTO vault.contact_point (contact_key, person_id, email, first_name, last_name, is_primary, as_of)
SELECT {_KEYED.format(text="email")}, md5('person ' || n), email, 'Ana' || n % 500, 'Silva' || n % 900, true, :day
FROM (SELECT n, 'reader' || n || '@mailbox.example' AS email FROM generate_series(1, :people) n) made
ORDER BY 1
"""

_CONSENTS = """
INSERT INTO privacy.consent
    (source, consent_id, contact_key, channel, purpose, status, captured_at, proof, recorded_in)
SELECT 'crm', purpose || status || contact_key, contact_key, 'email', purpose, status,
       CAST(:day AS date) - CASE status WHEN 'granted' THEN 9 ELSE 2 END, 'form 7', :day
FROM vault.contact_point,
     (VALUES ('email_marketing', 'granted', 90), ('email_marketing', 'withdrawn', 3), ('open_tracking', 'granted', 50))
     AS answer (purpose, status, percent)
WHERE abs(hashtext(contact_key || purpose || status)) % 100 < percent
"""

_SUPPRESSED = """
INSERT INTO privacy.suppression (contact_key, reason, source, suppressed_at)
SELECT contact_key, 'unsubscribe', 'crm', now() FROM vault.contact_point WHERE abs(hashtext(contact_key)) % 100 = 0
"""

_SEGMENTS = """
INSERT INTO segments.definition (segment, title, why, purpose, objective, deliver_to, definition_hash)
SELECT 'list_' || i, 'List', '', 'email_marketing', 'click', jsonb_build_array(CAST(:platform AS text)), '1'
FROM generate_series(1, :lists) i
"""

_EVALUATED = """
INSERT INTO segments.evaluation (segment, partition, definition_hash, members, people)
SELECT segment, :day, '1', 0, 0 FROM segments.definition
"""

_MEMBERS = """
INSERT INTO segments.membership (segment, person_id, entered_on)
SELECT DISTINCT 'list_' || floor(:lists * power(abs(hashtext(person_id || i)) % 100000 / 100000.0, 2)) + 1, person_id, :day
FROM vault.contact_point, generate_series(1, :each) i
"""
"""Sizes differ as those of segments do: of 200 lists the first has a third of the people, half have less than 2 %."""


@contextmanager
def fresh_warehouse(place: Place, name: str) -> "Iterator[Warehouse]":
    """A migrated, empty database, dropped at the end."""
    import sqlalchemy as sa

    from audience.core.warehouse import Warehouse

    database = place.database(name)
    admin = sa.create_engine(place.server_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)"))
        connection.execute(sa.text(f"CREATE DATABASE {database}"))
    warehouse = Warehouse(sa.make_url(place.server_url).set(database=database).render_as_string(hide_password=False))
    try:
        warehouse.migrate()
        yield warehouse.vault
    finally:
        warehouse.close()
        with admin.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {database} WITH (FORCE)"))
        admin.dispose()


@contextmanager
def opened(place: Place, name: str) -> "Iterator[Warehouse]":
    """The database that `fresh_warehouse` made, for another process."""
    import sqlalchemy as sa

    from audience.core.warehouse import Warehouse

    url = sa.make_url(place.server_url).set(database=place.database(name))
    warehouse = Warehouse(url.render_as_string(hide_password=False)).vault
    try:
        yield warehouse
    finally:
        warehouse.close()


def settle(warehouse: "Warehouse", people: int, *, lists: int = LISTS, each: int = 2, platform: str = "brevo") -> None:
    """Fills an empty warehouse: everybody on at most `each` of the lists of a platform, nine of ten with consent."""
    import sqlalchemy as sa

    values: dict[str, Any] = {
        "people": people,
        "day": DAY.day,
        "lists": lists,
        "each": each,
        "platform": platform,
        "outer": bytes(b ^ 0x5C for b in _PAD),
        "inner": bytes(b ^ 0x36 for b in _PAD),
    }
    with warehouse.vault.begin() as connection:
        for statement in (_PEOPLE, _CONSENTS, _SUPPRESSED, _SEGMENTS, _EVALUATED, _MEMBERS):
            text = sa.text(statement)
            known = {p: values[p] for p in text.compile().params}
            connection.execute(text, known)
    tidy(warehouse)


def tidy(warehouse: "Warehouse") -> None:
    """What autovacuum does sooner or later: statistics for the planner, no dead rows."""
    import sqlalchemy as sa

    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))


def one(connection: "sa.Connection", query: str) -> list[Any]:
    """The first row of a query, as a list."""
    import sqlalchemy as sa

    return list(connection.execute(sa.text(query)).one())
