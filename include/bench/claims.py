"""From a planned item to one that may be sent, and from the platform's yes to the ledger; and plain statements for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.diff import CONTACTS_PER_BUYER, EACH, LISTS
from bench.measure import Step, Stopwatch, equal, run
from bench.place import DAY, Place
from bench.town import fresh_warehouse, one, opened, settle, tidy

if TYPE_CHECKING:
    import sqlalchemy as sa

BATCHES = {100: 100, 20_000: 5}
"""Contacts of a batch (Brevo's, HubSpot's) -> batches that are claimed."""

TAKE = """
WITH batch AS (
    SELECT contact_key FROM push.item
    WHERE plan_id = :plan AND list_name = '' AND action = 'upsert' AND state = 'planned' AND contact_key > :after
    ORDER BY contact_key LIMIT :size FOR UPDATE
), can AS (
    SELECT p.contact_key, p.email, p.first_name, p.last_name
    FROM batch JOIN vault.contact_point p USING (contact_key)
    WHERE NOT EXISTS (SELECT FROM privacy.suppression s WHERE s.contact_key = p.contact_key)
      AND (SELECT c.status FROM privacy.consent c
           WHERE c.contact_key = p.contact_key AND c.channel = 'email' AND c.purpose = 'email_marketing'
           ORDER BY c.captured_at DESC, c.status DESC LIMIT 1) = 'granted'
)
UPDATE push.item i SET state = 'in_flight', epoch = 1 FROM can
WHERE i.plan_id = :plan AND i.list_name = '' AND i.contact_key = can.contact_key
RETURNING can.*
"""

NOTE = """
WITH told AS (
    UPDATE push.item SET state = 'acknowledged'
    WHERE plan_id = :plan AND list_name = '' AND state = 'in_flight' AND contact_key > :after AND contact_key <= :last
    RETURNING contact_key, list_name, payload_hash
)
INSERT INTO push.acknowledged (destination, contact_key, list_name, payload_hash, as_of)
SELECT 'brevo', contact_key, list_name, payload_hash, :day FROM told
ON CONFLICT (destination, contact_key, list_name) DO UPDATE SET payload_hash = excluded.payload_hash
"""


def measure_claims(place: Place) -> list[Step]:
    """One step for each size of a batch. The limit's statements are in one transaction; ours commits twice a batch."""
    with _planned_town(place):
        some = CONTACTS_PER_BUYER * place.people // 2
        return [_measured(size, min(batches, -(-some // size)), place) for size, batches in BATCHES.items()]


def _measured(size: int, batches: int, place: Place) -> Step:
    hand, mine = run(partial(limit, size, batches), place), run(partial(ours, size, batches), place)
    equal("claims", mine, hand)
    contacts, told = CONTACTS_PER_BUYER * place.people, mine.answer[0]
    each = f"{1000 * mine.seconds / max(told, 1):.3f} ms a contact"
    what = f"{told:,} of {contacts:,} contacts, {size:,} at once; {each}"
    return Step(f"claims, {size:,}", what, mine, hand, "plain statements")


def ours(size: int, batches: int, place: Place, watch: Stopwatch) -> object:
    from audience.activation.desired import wanted
    from audience.activation.lease import take
    from audience.activation.outcomes import settle as settle_claim
    from audience.privacy.claims import Claim
    from audience.privacy.gate import claim

    keys: list[str] = []
    with opened(place, "claims") as warehouse:
        plan_id = _plan(warehouse.engine)
        lease, after, want = take(warehouse, "brevo", "bench"), "", wanted("brevo")
        with watch.lap():
            for _ in range(batches):
                this = Claim("brevo", lease.epoch, plan_id, "", size, after)
                with warehouse.begin() as connection:
                    lease.renew(connection)
                    claimed = claim(connection, this, action="upsert", wanted=want)
                if not claimed.taken:
                    break
                after = claimed.last
                keys += [r.contact_key for r in claimed.audience]
                with warehouse.begin() as connection:
                    settle_claim(connection, this, "upsert", {})
    return _digest(keys)


def limit(size: int, batches: int, place: Place, watch: Stopwatch) -> object:
    import sqlalchemy as sa

    keys: list[str] = []
    with opened(place, "claims") as warehouse:
        plan_id = _plan(warehouse.engine)
        with warehouse.engine.connect() as connection:
            connection.execute(sa.text("SET LOCAL jit = off"))
            after = ""
            with watch.lap():
                for _ in range(batches):
                    values: dict[str, Any] = {"plan": plan_id, "after": after, "size": size}
                    rows = connection.execute(sa.text(TAKE), values).all()
                    if not rows:
                        break
                    last = max(r.contact_key for r in rows)
                    connection.execute(sa.text(NOTE), {"plan": plan_id, "after": after, "last": last, "day": DAY.day})
                    keys += [r.contact_key for r in rows]
                    after = last
            connection.rollback()
    return _digest(keys)


def _digest(keys: list[str]) -> object:
    return len(keys), hash(tuple(sorted(int(k, 16) for k in keys)))


def _plan(engine: "sa.Engine") -> int:
    with engine.begin() as connection:
        return int(one(connection, "SELECT max(plan_id) FROM push.plan")[0])


@contextmanager
def _planned_town(place: Place) -> Iterator[None]:
    """A first push is planned: everybody's profile and all memberships."""
    from audience.activation.plan import make_plan

    with fresh_warehouse(place, "claims") as warehouse:
        settle(warehouse, CONTACTS_PER_BUYER * place.people, lists=LISTS, each=EACH)
        with warehouse.begin() as connection:
            make_plan(connection, "brevo", DAY.day)
        tidy(warehouse)
        yield
