"""The golden record: for each attribute of a person, the value that the declared preferences choose, and who told it."""

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.normal import canonical_email
from audience.core.partition import Partition
from audience.core.tables import CUSTOMERS
from audience.core.trust import ALIKE, Trusted
from audience.identity.set_aside import birth_date_of_somebody
from audience.identity.survivorship import givers, survivors


def survived(owned: ir.Table, trusted: Trusted = ALIKE) -> ir.Table:
    """One row per person: `first_seen_at`, `records`, and the value of each column of SURVIVES that counts.

    Takes  `owned`: person records with `person_id`.
    """
    known = _plausible(owned)
    several = known.group_by("person_id").having(_.count() > 1).agg(n=_.count())
    theirs = known.semi_join(several, "person_id")
    chosen = theirs.group_by("person_id").agg(
        first_seen_at=_.seen_at.min(),
        # A person of whom only an address is known counts as one record.
        records=ibis.greatest((~_.record_key.startswith("email:")).sum(), 1),
        **survivors(theirs, trusted),
    )
    # Most people are one record, which told everything: to choose among records is most of the work.
    alone = known.anti_join(several, "person_id").mutate(first_seen_at=_.seen_at, records=ibis.literal(1, "int64"))
    return ibis.union(chosen, alone.select(chosen.columns))


def golden_records(people: ir.Table, addresses: ir.Table) -> ir.Table:
    """One row per person, the columns of `customers`.

    Takes  `people`: as `survived` gives them; `addresses`: as `ranked_addresses` gives them.
    """
    primary = addresses.filter(_.rank == 0).select("person_id", "email_key")
    known = people.mutate(birth_year=_.birth_date.year(), region=_.postal_code.substr(0, 2))
    return known.left_join(primary, "person_id").select(CUSTOMERS.names)


def contact_points(people: ir.Table, addresses: ir.Table, partition: Partition) -> ir.Table:
    """One row per address that is known in clear, the columns of the vault.

    Takes  as `golden_records`.
    """
    return (
        addresses.filter(_.email.notnull())
        .join(people, "person_id")
        .select(
            "person_id",
            "email",
            "first_name",
            "last_name",
            "city",
            "postal_code",
            phone="phone_e164",
            contact_key="email_key",
            is_primary=_.rank == 0,
            as_of=ibis.literal(partition.day),
        )
    )


def former_addresses(owned: ir.Table, lake: Lake, session: Backend, partition: Partition) -> ir.Table:
    """Addresses that records had in versions before the newest one, each once per person that has not got it now.

    Gives  `person_id`, `email_key`, `email` (canonical), `is_last`: no other former holder had it later.

    A record that was deleted since is nobody's, so what it told is not here.
    """
    told = lake.entity_history(session, "contact", through=partition).filter(_.email_key.notnull())
    told = told.mutate(record_key=told.source + ":" + told.record_id).select(
        "record_key", "email_key", "email", "partition", "generation"
    )
    held = told.join(owned.select("record_key", "person_id"), "record_key")
    latest = [ibis.desc(held.partition), ibis.desc(held.generation), held.record_key]
    once = held.group_by("person_id", "email_key").agg(
        email=canonical_email(held.email.first(where=held.email.notnull(), order_by=latest)),
        held_until=held.partition.max(),
    )
    former = once.anti_join(owned.filter(_.email_key.notnull()), ["person_id", "email_key"])
    last = ibis.window(group_by=former.email_key, order_by=[ibis.desc(former.held_until), former.person_id])
    return former.mutate(is_last=ibis.row_number().over(last) == 0).drop("held_until")


def with_former(addresses: ir.Table, former: ir.Table) -> ir.Table:
    """Ranked addresses that are known in clear, and those that only a record of earlier had, which are never rank 0."""
    known = addresses.filter(_.email.notnull())
    gone = former.filter(_.is_last & _.email.notnull()).anti_join(known, "email_key")
    return known.union(gone.select("email_key", "person_id", "email", rank=ibis.literal(-1, type=known.rank.type())))


def provenance(owned: ir.Table, addresses: ir.Table, trusted: Trusted = ALIKE) -> ir.Table:
    """Who told each value of a golden record, the columns of `golden_source`.

    People of one record are left out: it told everything.

    Takes  as `survived`, and `addresses` as `ranked_addresses` gives them.
    """
    records = owned.filter(~owned.record_key.startswith("email:"))
    several = records.group_by("person_id").having(_.count() > 1).agg(n=_.count())
    theirs = _plausible(records.semi_join(several, "person_id"))
    wide = theirs.group_by("person_id").agg(**givers(theirs, trusted))
    told = wide.pivot_longer(~ibis.selectors.cols("person_id"), names_to="attribute", values_to="record_key")
    primary = addresses.filter(_.rank == 0).select("person_id", "email_key")
    writes = theirs.join(primary, ["person_id", "email_key"]).group_by("person_id")
    email = writes.agg(record_key=_.record_key.first(order_by=[ibis.desc(_.updated_at), _.record_key]))
    every = ibis.union(
        told.filter(_.record_key.notnull()),
        email.select("person_id", attribute=ibis.literal("email_key"), record_key="record_key"),
    )
    return every.join(theirs.select("record_key", "source", "updated_at"), "record_key").select(
        "person_id", "attribute", "record_key", "source", "updated_at"
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


def _plausible(owned: ir.Table) -> ir.Table:
    """Records without the dates of birth that nobody has: forms send 0001 and 9999 for 'not told'."""
    return owned.mutate(birth_date=birth_date_of_somebody(owned.birth_date))
