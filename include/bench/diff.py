"""What a platform has to be told after 1 % changed: our plan, and plain joins with EXCEPT over the same tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.measure import Step, Stopwatch, equal, run
from bench.place import DAY, Place
from bench.server_use import ServerUse
from bench.town import fresh_warehouse, one, opened, settle, tidy

if TYPE_CHECKING:
    from audience.core.warehouse import Warehouse

CONTACTS_PER_BUYER = 10
LISTS = 200
EACH = 5
"""Lists that a contact is on at most: about five million memberships for a million contacts."""

CHANGES = (
    "UPDATE vault.contact_point SET first_name = 'Bea' WHERE abs(hashtext(email)) % 1000 < 5",
    "DELETE FROM segments.membership WHERE abs(hashtext(person_id || segment || 'left')) % 1000 < 5",
    """
    INSERT INTO segments.membership (segment, person_id, entered_on)
    SELECT 'list_' || abs(hashtext(person_id || 'new')) % 200 + 1, person_id, '2026-11-20' FROM vault.contact_point
    WHERE abs(hashtext(person_id || 'joined')) % 1000 < 25 ON CONFLICT DO NOTHING
    """,
)
"""Of each thousand: five are renamed, five memberships end, 25 people join one more list: 1 % of five memberships each."""

HAND_WRITTEN = """
CREATE TEMPORARY TABLE difference ON COMMIT DROP AS
WITH answered AS (
    SELECT DISTINCT ON (contact_key, purpose) contact_key, purpose, status
    FROM privacy.consent WHERE channel = 'email'
    ORDER BY contact_key, purpose, captured_at DESC, status DESC
), said AS (
    SELECT contact_key, bool_or(purpose = 'email_marketing') AS mails, bool_or(purpose = 'open_tracking') AS opens,
           bool_or(purpose = 'click_tracking') AS clicks
    FROM answered WHERE status = 'granted' GROUP BY contact_key
), allowed AS (
    SELECT p.*, s.opens, s.clicks
    FROM vault.contact_point p JOIN said s USING (contact_key)
    WHERE p.is_primary AND s.mails AND p.contact_key NOT IN (SELECT contact_key FROM privacy.suppression)
), listed AS (
    SELECT a.contact_key, m.segment
    FROM segments.membership m JOIN segments.definition d USING (segment) JOIN allowed a USING (person_id)
    WHERE m.left_on IS NULL AND d.deliver_to @> '["brevo"]'
), desired AS (
    SELECT contact_key, segment AS list_name, '' AS payload_hash FROM listed
    UNION ALL
    SELECT contact_key, '', encode(sha256(convert_to(contact_key || jsonb_build_object('FIRSTNAME', first_name,
               'LASTNAME', last_name, 'OPEN_TRACKING', opens, 'CLICK_TRACKING', clicks)::text, 'UTF8')), 'hex')
    FROM allowed WHERE contact_key IN (SELECT contact_key FROM listed)
), known AS (
    SELECT contact_key, list_name, payload_hash FROM push.acknowledged WHERE destination = 'brevo'
), told AS (SELECT * FROM desired EXCEPT SELECT * FROM known),
gone AS (
    SELECT contact_key, list_name FROM known EXCEPT SELECT contact_key, list_name FROM desired
)
SELECT contact_key, list_name, CASE list_name WHEN '' THEN 'upsert' ELSE 'add' END AS action FROM told
UNION ALL
SELECT contact_key, list_name, 'remove' FROM gone
"""

DIGEST = """
SELECT count(*), count(*) FILTER (WHERE action = 'remove'),
       CAST(sum(hashtextextended(contact_key || list_name || action, 0)) AS text) FROM {items}
"""


def measure_diff(place: Place) -> Step:
    """From segments, consent, vault and ledger to the rows of the plan, inside PostgreSQL."""
    with _changed_town(place):
        mine, hand = run(ours, place), run(limit, place)
    (answer, known, used) = mine.answer
    equal("diff", replace(mine, answer=answer), hand)
    contacts = CONTACTS_PER_BUYER * place.people
    size = f"{contacts:,} contacts, {LISTS} lists, {known:,} known, {answer[0]:,} changes"
    size += f"; server {used.processor_s:.1f} s of a processor, {used.peak_mb:.0f} MB"
    return Step("diff", size, mine, hand, "joins and EXCEPT")


def ours(place: Place, watch: Stopwatch) -> object:
    """What was planned, the rows it was compared with, and what the server took for it."""
    from audience.activation.plan import make_plan

    answer: object = None
    used = ServerUse()
    with opened(place, "diff") as warehouse:
        while watch.again():
            with warehouse.engine.connect() as connection:
                with watch.lap(), used.watched(connection):
                    plan_id = make_plan(connection, "brevo", DAY.day).plan_id
                answer = one(connection, DIGEST.format(items=f"push.item WHERE plan_id = {plan_id}"))
                connection.rollback()
        with warehouse.begin() as connection:
            known = one(connection, "SELECT count(*) FROM push.acknowledged")[0]
    return answer, known, used


def limit(place: Place, watch: Stopwatch) -> object:
    import sqlalchemy as sa

    answer: object = None
    with opened(place, "diff") as warehouse:
        while watch.again():
            with warehouse.engine.connect() as connection:
                connection.execute(sa.text("SET LOCAL work_mem = '256MB'"))
                # The planner takes those who answered for a hundred people, and looks up each: with a million, for minutes.
                connection.execute(sa.text("SET LOCAL enable_nestloop = off"))
                with watch.lap():
                    connection.execute(sa.text(HAND_WRITTEN))
                answer = one(connection, DIGEST.format(items="difference"))
                connection.rollback()
    return answer


@contextmanager
def _changed_town(place: Place) -> Iterator[None]:
    """Everything was acknowledged yesterday; since then about 1 % changed."""
    import sqlalchemy as sa

    with fresh_warehouse(place, "diff") as warehouse:
        settle(warehouse, CONTACTS_PER_BUYER * place.people, lists=LISTS, each=EACH)
        acknowledge(warehouse, "brevo")
        with warehouse.begin() as connection:
            for change in CHANGES:
                connection.execute(sa.text(change))
        tidy(warehouse)
        yield


def acknowledge(warehouse: "Warehouse", platform: str) -> None:
    """Lets the ledger say that a platform has all that is desired now."""
    import sqlalchemy as sa

    from audience.activation.desired import desired
    from audience.core.warehouse.models import Acknowledged

    want = desired(platform).subquery()
    rows = sa.select(
        sa.literal(platform), want.c.contact_key, want.c.list_name, want.c.payload_hash, sa.literal(DAY.day)
    )
    columns = ["destination", "contact_key", "list_name", "payload_hash", "as_of"]
    with warehouse.begin() as connection:
        connection.execute(sa.text("SET LOCAL work_mem = '256MB'"))
        connection.execute(sa.insert(Acknowledged).from_select(columns, rows))
