"""A claim takes as long as its batch is large, also right after the tables were filled."""

import statistics
import time
from dataclasses import replace
from datetime import date

import sqlalchemy as sa

from audience.activation import lease as leases
from audience.activation.desired import wanted
from audience.activation.outcomes import settle
from audience.activation.plan import make_plan
from audience.core.warehouse import Warehouse
from audience.privacy.claims import Claim
from audience.privacy.gate import claim

CONTACTS = 3_000
FILLED = (
    f"""
    INSERT INTO vault.contact_point (contact_key, person_id, email, is_primary, as_of)
    SELECT 'k' || i, 'p' || i, 'e' || i || '@mailbox.example', true, '2026-11-20' FROM generate_series(1, {CONTACTS}) i
    """,
    f"""
    INSERT INTO privacy.consent
        (source, consent_id, contact_key, channel, purpose, status, captured_at, proof, recorded_in)
    SELECT 'crm', 'c' || i, 'k' || i, 'email', 'email_marketing', 'granted', '2026-01-01', 'form', '2026-11-20'
    FROM generate_series(1, {CONTACTS}) i
    """,
    """
    INSERT INTO segments.definition (segment, title, why, purpose, objective, deliver_to, definition_hash)
    SELECT 's' || s, 't', 'w', 'email_marketing', 'click', '["brevo"]', 'h' FROM generate_series(1, 5) s
    """,
    f"""
    INSERT INTO segments.membership (segment, person_id, entered_on)
    SELECT 's' || s, 'p' || i, '2026-11-20' FROM generate_series(1, {CONTACTS}) i, generate_series(1, 5) s
    """,
)

MANY_LISTS = (
    """
    INSERT INTO segments.definition (segment, title, why, purpose, objective, deliver_to, definition_hash)
    SELECT 's' || s, 't', 'w', 'email_marketing', 'click', '["brevo"]', 'h' FROM generate_series(1, 200) s
    """,
    f"""
    INSERT INTO segments.membership (segment, person_id, entered_on)
    SELECT 's' || (i * 7 + s * 13) % 200 + 1, 'p' || i, '2026-11-20'
    FROM generate_series(1, {CONTACTS}) i, generate_series(1, 5) s
    """,
)


def test_three_thousand_contacts_are_claimed_in_seconds_right_after_a_first_load(warehouse: Warehouse) -> None:
    """Without counted rows PostgreSQL took the new tables for empty and ran nested loops for more than nine minutes."""
    warehouse = warehouse.vault
    with warehouse.begin() as connection:
        for statement in FILLED:
            connection.execute(sa.text(statement))
    lease = leases.take(warehouse, "brevo", "first load")
    began = time.monotonic()
    with warehouse.begin() as connection:
        planned = make_plan(connection, "brevo", date(2026, 11, 20))
    one = Claim("brevo", lease.epoch, planned.plan_id, "", at_most=20_000)
    with warehouse.begin() as connection:
        taken, _, audience = claim(connection, one, action="upsert", wanted=wanted("brevo"))
    assert (taken, len(audience)) == (CONTACTS, CONTACTS)
    assert time.monotonic() - began < 30


def test_the_thirtieth_claim_is_as_quick_as_the_first(warehouse: Warehouse) -> None:
    """From its eleventh run on, PostgreSQL planned a claim once for all values, and ran it as nested loops over everybody."""
    with warehouse.vault.begin() as connection:
        for statement in (*FILLED[:2], *MANY_LISTS):
            connection.execute(sa.text(statement))
        planned = make_plan(connection, "brevo", date(2026, 11, 20))
        connection.execute(sa.text("ANALYZE"))
    lease, after, seconds = leases.take(warehouse, "brevo", "first load"), "", []
    for _ in range(30):
        one = Claim("brevo", lease.epoch, planned.plan_id, "", 100, after)
        began = time.monotonic()
        with warehouse.vault.begin() as connection:
            taken, after, _ = claim(connection, one, action="upsert", wanted=wanted("brevo"))
        assert taken == 100
        seconds.append(time.monotonic() - began)
    assert statistics.median(seconds[-10:]) < 3 * statistics.median(seconds[:10])


def test_a_batch_is_settled_without_reading_the_rest_of_its_plan(warehouse: Warehouse) -> None:
    """Of a million contacts each batch of a hundred would take a second, and the first push a night."""
    with warehouse.vault.begin() as connection:
        for statement in FILLED:
            connection.execute(sa.text(statement))
        planned = make_plan(connection, "brevo", date(2026, 11, 20))
    lease = leases.take(warehouse, "brevo", "first load")
    one, read = Claim("brevo", lease.epoch, planned.plan_id, "", at_most=100), []
    for _ in range(15):  # from the eleventh on, PostgreSQL may plan once for all values
        with warehouse.vault.begin() as connection:
            _, last, audience = claim(connection, one, action="upsert", wanted=wanted("brevo"))
        with warehouse.begin() as connection:
            before = connection.execute(sa.text(ROWS_READ)).scalar_one()
            settle(connection, one, "upsert", {})
            read.append(connection.execute(sa.text(ROWS_READ)).scalar_one() - before)
        assert len(audience) == 100
        one = replace(one, after=last)
    assert max(read) < 500


ROWS_READ = """
SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
WHERE schemaname = 'push' AND relname = 'item'
"""
