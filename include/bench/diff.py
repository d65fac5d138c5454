"""What a platform has to be told after 1 % changed: our plan, and plain joins with EXCEPT over the same tables."""

from typing import TYPE_CHECKING

from bench.measure import Step, Stopwatch, equal, run
from bench.place import DAY, Place
from bench.town import LISTS, fresh_warehouse, one, settle, tidy

if TYPE_CHECKING:
    import sqlalchemy as sa

    from audience.core.warehouse import Warehouse

CHANGES = (
    "UPDATE vault.contact_point SET first_name = 'Bea' WHERE abs(hashtext(email)) % 1000 < 5",
    "DELETE FROM segments.membership WHERE abs(hashtext(person_id || segment || 'left')) % 1000 < 5",
    """
    INSERT INTO segments.membership (segment, person_id, entered_on)
    SELECT segment, person_id, '2026-11-20' FROM segments.definition, vault.contact_point
    WHERE abs(hashtext(segment || person_id || 'new')) % 1000 < 1 ON CONFLICT DO NOTHING
    """,
)

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
    mine, hand = run(ours, place), run(limit, place)
    equal("diff", mine, hand)
    size = f"{place.people:,} contacts, {LISTS} lists, {mine.answer[0]:,} changes"
    return Step("diff", size, mine, hand, "joins and EXCEPT")


def ours(place: Place, watch: Stopwatch) -> object:
    from audience.activation.plan import make_plan

    def plan(connection: "sa.Connection") -> str:
        return f"push.item WHERE plan_id = {make_plan(connection, 'brevo', DAY.day).plan_id}"

    with fresh_warehouse(place, "diff") as warehouse:
        _push_and_change(warehouse, place.people)
        answer: object = None
        while watch.again():
            with warehouse.engine.connect() as connection:
                with watch.lap():
                    items = plan(connection)
                answer = one(connection, DIGEST.format(items=items))
                connection.rollback()
        return answer


def limit(place: Place, watch: Stopwatch) -> object:
    import sqlalchemy as sa

    with fresh_warehouse(place, "diff") as warehouse:
        _push_and_change(warehouse, place.people)
        answer: object = None
        while watch.again():
            with warehouse.engine.connect() as connection:
                with watch.lap():
                    connection.execute(sa.text(HAND_WRITTEN))
                answer = one(connection, DIGEST.format(items="difference"))
                connection.rollback()
        return answer


def _push_and_change(warehouse: "Warehouse", people: int) -> None:
    """Everything was acknowledged yesterday; since then about 1 % changed."""
    import sqlalchemy as sa

    from audience.activation.desired import desired
    from audience.core.warehouse.models import Acknowledged

    settle(warehouse, people)
    want = desired("brevo").subquery()
    rows = sa.select(
        sa.literal("brevo"), want.c.contact_key, want.c.list_name, want.c.payload_hash, sa.literal(DAY.day)
    )
    columns = ["destination", "contact_key", "list_name", "payload_hash", "as_of"]
    with warehouse.begin() as connection:
        connection.execute(sa.insert(Acknowledged).from_select(columns, rows))
        for change in CHANGES:
            connection.execute(sa.text(change))
    tidy(warehouse)
