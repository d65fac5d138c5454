"""How well people were found where it is known who is who: precision, recall and F1."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import keep


@dataclass(frozen=True)
class Score:
    """What was found, what there is to find, and what of it is right."""

    found: int
    expected: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.expected if self.expected else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.right / (self.found + self.expected) if self.found + self.expected else 1.0


def score_pairs(session: Backend, pairs: ir.Table, truth: ir.Table) -> Score:
    """Of pairs of records, each once.

    Takes  `pairs`: `left_key`, `right_key`; `truth`: `record_key`, `truth` (rows without it are left out).
    """
    known = truth.filter(truth.truth.notnull())
    left, right = known.select(left_key="record_key", one="truth"), known.select(right_key="record_key", other="truth")
    both = pairs.select("left_key", "right_key").join(left, "left_key").join(right, "right_key")
    counted = both.aggregate(found=both.count(), right=(both.one == both.other).sum())
    row = session.to_pyarrow(counted).to_pylist()[0]
    expected = _pairs_of(session, known.group_by("truth").agg(n=_.count()))
    return Score(int(row["found"]), expected, int(row["right"] or 0))


def score_clusters(session: Backend, clusters: ir.Table, truth: ir.Table) -> tuple[Score, Score]:
    """Of the pairs within clusters, and of whole clusters: one is right when it is exactly the records of one person.

    Takes  `clusters`: `record_key`, `cluster`; `truth`: as `score_pairs`.
    """
    placed = keep(session, clusters.join(truth.filter(truth.truth.notnull()), "record_key"))
    # Sizes by window: joined by size, clusters and people would meet in their millions.
    sized = placed.mutate(
        of_cluster=placed.count().over(group_by=placed.cluster), of_person=placed.count().over(group_by=placed.truth)
    )
    by_cluster = placed.group_by("cluster").agg(n=_.count())
    by_person = placed.group_by("truth").agg(n=_.count())
    both = sized.group_by("cluster", "truth").agg(
        n=_.count(), of_cluster=_.of_cluster.max(), of_person=_.of_person.max()
    )
    pairs = Score(_pairs_of(session, by_cluster), _pairs_of(session, by_person), _pairs_of(session, both))
    whole = both.filter((both.n == both.of_cluster) & (both.n == both.of_person))
    sizes = [int(session.to_pyarrow(t.count()).as_py()) for t in (by_cluster, by_person, whole)]
    return pairs, Score(*sizes)


def _pairs_of(session: Backend, sizes: ir.Table) -> int:
    return int(session.to_pyarrow((sizes.n * (sizes.n - 1) // 2).sum()).as_py() or 0)


def grouped(session: Backend, records: ir.Table, pairs: ir.Table) -> ir.Table:
    """Records with the cluster that accepted pairs put them into: `record_key`, `cluster`, the first record's key."""
    from audience.identity.clusters import Decisions, clusters

    unknown = {name: ibis.null("string") for name in ("email_key", "phone_key", "called", "customer_ref")}
    nodes = records.select(
        "record_key",
        **unknown,
        known_since=ibis.literal(""),
        seen_at=ibis.null("timestamp"),
        verified_birth_date=ibis.null("date"),
    )
    found = clusters(session, nodes, Decisions(), pairs.select("left_key", "right_key", "match_weight"))
    return found.people.select("record_key", cluster="first_record")
