"""The records that may be people, each with the values it can be matched by."""

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.trust import ALIKE, Trusted
from audience.identity.set_aside import birth_date_of_somebody
from audience.privacy.pseudonym import pseudonyms


@ibis.udf.scalar.builtin(name="strip_accents")
def _strip_accents(text: str) -> str: ...  # type: ignore[empty-body]


def person_records(
    lake: Lake, session: Backend, partition: Partition, key: Secret, trusted: Trusted = ALIKE
) -> ir.Table:
    """Everything known at the end of the partition that stands for a person.

    Gives  one row per record: `record_key`, `known_since` (day of the first partition that told of it), `seen_at` (when
           the record was made), the match values `email_key`, `phone_key` (with `called`) and `customer_ref`,
           `verified_birth_date` (where the source has checked it), and the contact's own columns. An address that
           orders, consents or events told of before any contact did is a record of its own, `email:<email_key>`: a guest
           is a person, and stays the same one after opening an account.
    """
    contacts = lake.entity(session, "contact", through=partition).filter(~_.is_deleted)
    told = lake.entity_history(session, "contact", through=partition).group_by("source", "record_id")
    contacts = contacts.join(told.agg(known_since=_.partition.min()), ["source", "record_id"])
    contacts = contacts.mutate(
        record_key=contacts.source + ":" + contacts.record_id,
        seen_at=ibis.coalesce(contacts.created_at, contacts.updated_at),
        phone_key=pseudonyms(contacts.phone_e164, key),
        called=_folded(contacts.first_name),
        verified_birth_date=contacts.source.isin(
            [name for name, trust in trusted.items() if "birth_date" in trust.verifies]
        ).ifelse(birth_date_of_somebody(contacts.birth_date), ibis.null("date")),
    )
    known = keep(session, contacts)
    owners = known.filter(_.email_key.notnull()).group_by("email_key").agg(owned_since=_.known_since.min())
    bare = _addresses(lake, session, partition).left_join(owners, "email_key")
    bare = bare.filter(_.owned_since.isnull() | (_.known_since < _.owned_since))
    own = {"email_key": bare.email_key, "known_since": bare.known_since, "seen_at": bare.seen_at,
           "record_key": ibis.literal("email:") + bare.email_key}  # fmt: skip
    alone = bare.select(**{n: own.get(n, ibis.null(kind)).cast(kind) for n, kind in known.schema().items()})
    return keep(session, ibis.union(known, alone))


def _addresses(lake: Lake, session: Backend, partition: Partition) -> ir.Table:
    """Every address that orders, consents and events ever told of: `email_key`, `known_since`, `seen_at`."""
    moments = {"order": "ordered_at", "consent": "captured_at", "event": "occurred_at"}
    told = ibis.union(
        *(
            lake.entity_history(session, entity, through=partition).select("email_key", "partition", seen_at=moment)
            for entity, moment in moments.items()
        )
    )
    by_address = told.filter(_.email_key.notnull()).group_by("email_key")
    return by_address.agg(known_since=_.partition.min(), seen_at=_.seen_at.min())


def _folded(name: ir.StringValue) -> ir.StringValue:
    """A given name as it is heard: `Thérèse`, `THERESE` and ` therese ` are the same; null when nothing is left."""
    return _strip_accents(name.lower()).re_replace(r"[^\p{L}]", "").nullif("")
