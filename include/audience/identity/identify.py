"""Who is who at the end of one partition."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.trust import Trusted
from audience.identity.clusters import Clusters, Decisions, clusters
from audience.identity.matching import Matching
from audience.identity.records import person_records
from audience.identity.set_aside import telling
from audience.privacy.pseudonym import pseudonyms


@dataclass(frozen=True)
class Identified:
    """Everybody of one partition.

    Args:
        owned: person records with `person_id`.
        clusters: what they were put together by.
    """

    owned: ir.Table
    clusters: Clusters


@dataclass(frozen=True)
class Identity:
    """Where records come from, and how they are told apart.

    Args:
        accept: probability from which a similar pair is one person, where it is not that of the match rules.
    """

    lake: Lake
    session: Backend
    key: Secret
    trusted: Trusted
    accept: float | None = None

    def records(self, partition: Partition) -> ir.Table:
        """The person records of a partition."""
        return person_records(self.lake, self.session, partition, self.key, self.trusted)

    @property
    def matching(self) -> Matching:
        return Matching(self.lake, self.session, self.key, self.records)

    def of(self, partition: Partition, decisions: Decisions) -> Identified:
        """Decides who is one person, as of the end of the partition.

        A person's pseudonym is a keyed hash of the record that was known first, so it is the same whatever is computed
        first, and the records that join later do not change it.
        """
        records = self.records(partition)
        likely = self.matching.likely(partition, records, self.accept)
        found = clusters(self.session, telling(records), decisions, likely)
        people = found.people
        named = people.mutate(person_id=pseudonyms(ibis.literal("person:") + people.first_record, self.key))
        owned = keep(self.session, records.join(named.select("record_key", "person_id"), "record_key"))
        return Identified(owned, found)


def person_keys(owned: ir.Table) -> ir.Table:
    """Every identifier of every person: their records and the keyed hashes of their addresses.

    An address on records of two people (more records than a value may have) belongs to the person known first.
    """
    records = owned.filter(~owned.record_key.startswith("email:")).select(
        kind=ibis.literal("record"), key="record_key", person_id="person_id"
    )
    addressed = owned.filter(owned.email_key.notnull())
    first = ibis.window(
        group_by=addressed.email_key, order_by=[addressed.known_since, addressed.seen_at, addressed.record_key]
    )
    placed = addressed.mutate(place=ibis.row_number().over(first))
    emails = placed.filter(placed.place == 0).select(kind=ibis.literal("email"), key="email_key", person_id="person_id")
    return ibis.union(records, emails)
