"""How long what is kept, and whose time is over.

People are kept until so long after the last contact that they made themselves (CNIL, referentiel for commercial
management: three years for prospects). A click, an order, a form, an answer is such a contact; an e-mail that was sent, and
an open, is not (CNIL SAN-2020-003).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.errors import AudienceError
from audience.core.lake import Lake
from audience.core.lake_erasing import take_out
from audience.core.partition import Partition
from audience.core.publication import DAY
from audience.core.tables import CUSTOMERS, PERSON_KEY

VISITS = ("click", "form", "login", "add_to_cart", "checkout", "purchase", "download")
"""Web events that are a contact made by the person, when they are known and no robot."""


@dataclass(frozen=True)
class Keep:
    """How long what is kept. Defaults of this project.

    Args:
        people_days: after the last contact that a person made: three years and a leap day.
        quarantine_days: after the day of a refused row: nobody mends it after so long, and it may name anybody.
        staging_days: after it was fetched: what an extraction left that was never published.
        most_share, most_people: more people than both are not forgotten at once without a person's word: a source that
            lost its orders looks like people who never came back.
    """

    people_days: int = 1096
    quarantine_days: int = 90
    staging_days: int = 7
    most_share: float = 0.02
    most_people: int = 50


@dataclass(frozen=True)
class Expired:
    """Pseudonyms of people whose time was over at the end of a day, and how many people there were."""

    as_of: Partition
    person_ids: Sequence[str]
    people: int

    def check(self, keep: Keep) -> None:
        """Raises AudienceError when they are more than may be forgotten without a person's word."""
        most = max(keep.most_people, int(keep.most_share * self.people))
        if len(self.person_ids) > most:
            raise AudienceError(
                f"retention: {len(self.person_ids)} of {self.people} people were last heard of more than"
                f" {keep.people_days} days before {self.as_of}, expected at most {most} at once; when that is right:"
                " audience retention --approve"
            )


def expired(lake: Lake, session: Backend, keep: Keep) -> Expired | None:
    """Whose time is over at the end of the newest computed day; None when no day was computed.

    Who never made a contact counts from their first record. Of whom neither is known nobody is forgotten.
    """
    newest = lake.newest(CUSTOMERS.name)
    if newest is None:
        return None
    customers = lake.read(session, CUSTOMERS, newest).select("person_id", "first_seen_at")
    last = _last_contact(lake, session, newest)
    known = customers.left_join(last, "person_id").select(
        "person_id", seen_at=ibis.greatest(ibis.coalesce(_.last_contact_at, _.first_seen_at), _.first_seen_at)
    )
    over = known.filter(_.seen_at < ibis.literal(newest.as_of - timedelta(days=keep.people_days)))
    ids = session.to_pyarrow(over.select("person_id").order_by("person_id"))["person_id"].to_pylist()
    return Expired(newest, ids, int(session.to_pyarrow(known.count()).as_py()))


def cut_quarantine(lake: Lake, session: Backend, keep: Keep, newest: Partition) -> int:
    """Takes refused rows of days that are over out of the lake. Returns their number."""
    oldest = newest.plus(-keep.quarantine_days).key
    tables = [t for t in lake.tables() if t.startswith("quarantine_")]
    return sum(take_out(lake, session, table, lambda rows: rows[DAY] < oldest) for table in tables)


def cut_staging(lake: Lake, keep: Keep, now: datetime) -> int:
    """Removes staged files that nobody published for so long. Returns their number."""
    place = f"{lake.root}/_staging"
    old = [] if not lake.fs.exists(place) else [
        file for file in lake.fs.find(place) if _utc(lake.fs.modified(file)) < now - timedelta(days=keep.staging_days)
    ]  # fmt: skip
    for file in old:
        lake.fs.rm_file(file)
    return len(old)


def _last_contact(lake: Lake, session: Backend, day: Partition) -> ir.Table:
    """One row per person who made a contact: `person_id`, `last_contact_at`."""
    keys = lake.read(session, PERSON_KEY, day)
    by_email = keys.filter(_.kind == "email").select(email_key="key", email_person="person_id")
    by_record = keys.filter(_.kind == "record").select(record_key="key", record_person="person_id")
    told = _contacts(lake, session, day)
    owned = told.left_join(by_record, "record_key").left_join(by_email, "email_key")
    mine = owned.select(person_id=ibis.coalesce(owned.record_person, owned.email_person), at=owned.at)
    made = mine.filter(mine.person_id.notnull() & (mine.at < day.as_of))
    return made.group_by("person_id").agg(last_contact_at=_.at.max())


def _contacts(lake: Lake, session: Backend, day: Partition) -> ir.Table:
    """Every contact that somebody made: `record_key`, `email_key`, `at`."""

    def of(entity: str, moment: str, *, only: ir.BooleanValue | None = None) -> ir.Table:
        rows = lake.entity(session, entity, through=day)
        chosen = rows if only is None else rows.filter(only)
        has_record = "record_id" in rows.columns
        record = chosen.source + ":" + chosen.record_id if has_record else ibis.null("string")
        return chosen.select(record_key=record, email_key=chosen.email_key, at=chosen[moment])

    return ibis.union(
        of("contact", "created_at"),
        of("order", "ordered_at"),
        of("consent", "captured_at", only=_.status == "granted"),
        of("event", "occurred_at", only=(_.type == "click") & ~_.is_machine),
        of("web_event", "occurred_at", only=_.type.isin(VISITS) & ~_.is_machine),
        of("survey_answer", "answered_at"),
    )


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
