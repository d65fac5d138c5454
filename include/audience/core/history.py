"""What people did, keyed by person: views over the raw entities and the person keys of a partition.

They are computed, not stored: a merge of two people changes whose their past orders are, so a stored copy of a long
history would have to be written anew every day.
"""

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import CUSTOMERS, PERSON_KEY


def orders(lake: Lake, session: Backend, partition: Partition) -> ir.Table:
    """Orders as they stood at the end of the partition, of people known then.

    Gives  one row per order: `person_id`, `source`, `order_id`, `ordered_at`, `status`, `total_eur`, `discount_eur`,
           `has_coupon`. An order belongs to the person of its account, a guest's to the person of its address.
    """
    known = _of_people(lake, session, "order", partition)
    return known.filter(_.ordered_at < partition.as_of).select(
        "person_id", "source", "order_id", "ordered_at", "status", "total_eur", "discount_eur", "has_coupon"
    )


def email_events(lake: Lake, session: Backend, partition: Partition) -> ir.Table:
    """E-mail events known at the end of the partition, of people known then.

    Gives  one row per event: `person_id`, `type`, `campaign_id`, `occurred_at`, `is_machine`.
    """
    rows = lake.entity(session, "event", through=partition)
    emails = lake.read(session, PERSON_KEY, partition).filter(_.kind == "email")
    joined = rows.join(emails.select(email_key="key", person_id="person_id"), "email_key")
    return joined.filter(_.occurred_at < partition.as_of).select(
        "person_id", "type", "campaign_id", "occurred_at", "is_machine"
    )


def web_events(lake: Lake, session: Backend, partition: Partition) -> ir.Table:
    """Events on the site and in the app known at the end of the partition, of people known then.

    Gives  one row per event: `person_id`, `type`, `occurred_at`, `is_machine`. An event belongs to the person who was signed
           in, or else to the person of its address; one of a visitor whom nobody knows belongs to nobody.
    """
    known = _of_people(lake, session, "web_event", partition)
    return known.filter(_.occurred_at < partition.as_of).select("person_id", "type", "occurred_at", "is_machine")


def addresses(lake: Lake, session: Backend, partition: Partition) -> ir.Table:
    """Where people live, as known at the end of the partition: the newest postal code of any of their records.

    Gives  one row per person with a postal code: `person_id`, `postal_code` (personal: it is joined by, never stored),
           `country`, of the same record or else the person's.
    """
    rows = lake.entity(session, "contact", through=partition).filter(~_.is_deleted & _.postal_code.notnull())
    keys = lake.read(session, PERSON_KEY, partition).filter(_.kind == "record")
    owned = rows.mutate(record_key=rows.source + ":" + rows.record_id).join(
        keys.select(record_key="key", person_id="person_id"), "record_key"
    )
    newest = [ibis.desc(owned.updated_at), owned.record_key]
    told = owned.group_by("person_id").agg(
        postal_code=owned.postal_code.first(order_by=newest),
        told_country=owned.country.first(order_by=newest, include_null=True),
    )
    people = lake.read(session, CUSTOMERS, partition).select("person_id", "country")
    return told.join(people, "person_id").select(
        "person_id", "postal_code", country=ibis.coalesce(_.told_country, _.country)
    )


def _of_people(lake: Lake, session: Backend, entity: str, partition: Partition) -> ir.Table:
    """Rows of an entity with the `person_id` of their record, or else of their address; nobody's rows are left out."""
    rows = lake.entity(session, entity, through=partition)
    keys = lake.read(session, PERSON_KEY, partition)
    records = keys.filter(_.kind == "record").select(record_key="key", record_person="person_id")
    emails = keys.filter(_.kind == "email").select(email_key="key", email_person="person_id")
    joined = (
        rows.mutate(record_key=rows.source + ":" + rows.record_id)
        .left_join(records, "record_key")
        .left_join(emails, "email_key")
        .mutate(person_id=ibis.coalesce(_.record_person, _.email_person))
    )
    return joined.filter(_.person_id.notnull())
