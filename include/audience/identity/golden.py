"""The golden record: for each attribute of a person, the newest value that any of their records knows."""

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.normal import canonical_email
from audience.core.partition import Partition
from audience.core.tables import CUSTOMERS


def golden_records(owned: ir.Table, addresses: ir.Table) -> ir.Table:
    """One row per person, the columns of `customers`. Of equally new values the one of the lower record key counts.

    Takes  `owned`: person records with `person_id`; `addresses`: as `ranked_addresses` gives them.
    """
    newest = _newest_first(owned)

    def last_known(column: str) -> ir.Value:
        return owned[column].first(where=owned[column].notnull(), order_by=newest)

    attributes = owned.group_by("person_id").agg(
        first_seen_at=_.seen_at.min(),
        # A person of whom only an address is known counts as one record.
        records=ibis.greatest((~_.record_key.startswith("email:")).sum(), 1),
        birth_year=_plausible(last_known("birth_date").year()),
        gender=last_known("gender"),
        country=last_known("country"),
        region=last_known("postal_code").substr(0, 2),
        household_size=last_known("household_size"),
        kids=last_known("kids"),
        income_band=last_known("income_band"),
        nps=last_known("nps"),
    )
    primary = addresses.filter(_.rank == 0).select("person_id", "email_key")
    return attributes.left_join(primary, "person_id").drop("person_id_right")


def contact_points(owned: ir.Table, addresses: ir.Table, partition: Partition) -> ir.Table:
    """One row per address that is known in clear, the columns of the vault.

    Takes  as `golden_records`.
    """
    newest = _newest_first(owned)

    def last_known(column: str) -> ir.Value:
        return owned[column].first(where=owned[column].notnull(), order_by=newest)

    people = owned.group_by("person_id").agg(
        first_name=last_known("first_name"),
        last_name=last_known("last_name"),
        phone=last_known("phone_e164"),
        city=last_known("city"),
        postal_code=last_known("postal_code"),
    )
    return (
        addresses.filter(_.email.notnull())
        .join(people, "person_id")
        .select(
            "person_id",
            "email",
            "first_name",
            "last_name",
            "phone",
            "city",
            "postal_code",
            contact_key="email_key",
            is_primary=_.rank == 0,
            as_of=ibis.literal(partition.day),
        )
    )


def ranked_addresses(owned: ir.Table, lake: Lake, session: Backend, partition: Partition) -> ir.Table:
    """Each address once, with the person it belongs to (the one known first with it) and its rank among theirs.

    The address to write to, rank 0, is one the person agreed to be written to at, then the newest.
    """
    consents = lake.entity(session, "consent", through=partition).filter(
        (_.purpose == "email_marketing") & (_.channel == "email") & (_.captured_at < partition.as_of)
    )
    agreed = consents.group_by("email_key").agg(
        agreed=_.status.first(order_by=[ibis.desc(_.captured_at), ibis.desc(_.status == "withdrawn")]) == "granted"
    )
    known = owned.filter(_.email_key.notnull())
    first = [known.known_since, known.seen_at, known.record_key]
    once = known.group_by("email_key").agg(
        person_id=known.person_id.first(order_by=first),
        email=canonical_email(known.email.first(where=known.email.notnull(), order_by=first)),
        updated_at=known.updated_at.max(),
    )
    ranked = once.left_join(agreed, "email_key").mutate(agreed=_.agreed.fill_null(False))
    best = ibis.window(
        group_by=ranked.person_id,
        order_by=[ranked.email.isnull(), ibis.desc(ranked.agreed), ibis.desc(ranked.updated_at.notnull()),
                  ibis.desc(ranked.updated_at), ranked.email_key],
    )  # fmt: skip
    return ranked.mutate(rank=ibis.row_number().over(best)).select("email_key", "person_id", "email", "rank")


def _plausible(year: ir.IntegerValue) -> ir.IntegerValue:
    """The year of birth when it is one that `customers` allows: forms send 0001 and 9999 for 'not told'."""
    column = CUSTOMERS.column("birth_year")
    return year.between(column.at_least, column.at_most).ifelse(year, ibis.null("int64"))


def _newest_first(owned: ir.Table) -> list[ir.Value]:
    return [ibis.desc(owned.updated_at), owned.record_key]
