"""What another threshold would change: nothing is published."""

from dataclasses import dataclass, replace

import ibis.expr.types as ir
from ibis import _

from audience.core.engine import keep
from audience.core.partition import Partition
from audience.core.tables import CUSTOMERS, PERSON_KEY
from audience.identity.changes import changes
from audience.identity.clusters import Decisions
from audience.identity.declared import LIKELY
from audience.identity.golden import golden_records, ranked_addresses, survived
from audience.identity.identify import Identified, Identity, person_keys


@dataclass(frozen=True)
class Tried:
    """One threshold.

    Args:
        pairs: similar pairs that count as one person.
        given_up: links between records that contradict each other.
        largest: records of the person with most of them.
    """

    accept: float
    people: int
    pairs: int
    given_up: int
    largest: int


@dataclass(frozen=True)
class Preview:
    """The threshold that is declared and another one, on the same records; `changes` are people, by what becomes of them."""

    now: Tried
    then: Tried
    changes: dict[str, int]


def preview(identity: Identity, partition: Partition, decisions: Decisions, accept: float) -> Preview:
    """Decides who is who with another threshold, and writes the person keys and customers of it.

    Args:
        identity: over a lake that may be written to (`LakeOver`).
    """
    declared = identity.matching.rules.accept
    now = replace(identity, accept=declared).of(partition, decisions)
    then = replace(identity, accept=accept).of(partition, decisions)
    session = identity.session
    moved = keep(session, changes(session, person_keys(now.owned), then))
    by_what = session.to_pyarrow(moved.group_by("what").agg(people=_.count()).order_by("what")).to_pylist()
    addresses = keep(session, ranked_addresses(then.owned, identity.lake, session, partition))
    identity.lake.write(session, PERSON_KEY, partition, person_keys(then.owned))
    identity.lake.write(
        session, CUSTOMERS, partition, golden_records(survived(then.owned, identity.trusted), addresses)
    )
    return Preview(
        _tried(identity, now, declared), _tried(identity, then, accept), {r["what"]: r["people"] for r in by_what}
    )


def _tried(identity: Identity, found: Identified, accept: float) -> Tried:
    def number(value: ir.Scalar) -> int:
        return int(identity.session.to_pyarrow(value).as_py() or 0)

    sizes = found.owned.group_by("person_id").agg(n=_.count())
    likely = found.clusters.pairs.filter(_.kind == LIKELY)
    lost = found.clusters.given_up
    return Tried(accept, number(sizes.count()), number(likely.count()), number(lost.count()), number(sizes.n.max()))
