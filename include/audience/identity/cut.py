"""Where records contradict each other: which evidence holds, and which is given up."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from audience.identity.declared import LIKELY, MOST_BY_LIKELIHOOD, REVIEWED, STRENGTH

DECIDED, TOO_MANY = "decided", "too_many"
"""Reasons for giving up evidence, beside the columns of ONE_OF: a reviewer said 'different'; a chain of similar records."""

Label = str
"""What a reviewer's decision names: the key of a record, or an address."""


@dataclass(frozen=True)
class Edge:
    """Evidence that two records, named by rank, are one person. `bits` counts among edges of equal kind."""

    left: int
    right: int
    kind: str
    bits: float = 0.0

    @property
    def order(self) -> tuple[int, float, int, int]:
        return (STRENGTH[self.kind], -self.bits, self.left, self.right)


@dataclass(frozen=True)
class Facts:
    """What is known of one record: the values of ONE_OF by column, and the labels that decisions speak of."""

    values: Mapping[str, Hashable] = field(default_factory=dict)
    labels: frozenset[Label] = frozenset()


@dataclass
class _Cluster:
    records: list[int]
    values: dict[str, set[Hashable]]
    labels: set[Label]

    @classmethod
    def of(cls, record: int, facts: Facts) -> Self:
        return cls([record], {column: {value} for column, value in facts.values.items()}, set(facts.labels))

    def take(self, other: Self) -> None:
        self.records += other.records
        for column, values in other.values.items():
            self.values.setdefault(column, set()).update(values)
        self.labels |= other.labels


def cut(
    facts: Mapping[int, Facts], edges: Iterable[Edge], apart: Mapping[Label, frozenset[Label]]
) -> tuple[list[list[int]], list[tuple[Edge, str]]]:
    """Joins records by the strongest evidence first, and never two groups that contradict each other.

    This is Kruskal's algorithm with one more condition. Edges come in one order, by strength and then by rank, so the
    result depends on the records only. It is sequential by nature and walks record by record: it is meant for the
    components that hold a contradiction.

    Two groups contradict each other when
    - a reviewer said that a record or address of one is another person than a record or address of the other, or
    - both know a column of ONE_OF and have no value of it in common. A reviewer who looked at both is believed.
    - Together they would be more than MOST_BY_LIKELIHOOD records, and similarity is all that connects them.

    Args:
        facts: of every record, by rank.
        apart: both ways, which labels are different people.

    Returns:
        the groups; the edges that were given up, each with the reason.
    """
    cluster = {record: _Cluster.of(record, known) for record, known in facts.items()}
    refused = []
    for edge in sorted(edges, key=lambda e: e.order):
        one, other = cluster[edge.left], cluster[edge.right]
        if one is other:
            continue
        if why := _contradiction(one, other, edge, apart):
            refused.append((edge, why))
            continue
        large, small = (one, other) if len(one.records) >= len(other.records) else (other, one)
        large.take(small)
        for record in small.records:
            cluster[record] = large
    groups = {id(c): c.records for c in cluster.values()}
    apart_now = [(edge, why) for edge, why in refused if cluster[edge.left] is not cluster[edge.right]]
    return [sorted(group) for group in groups.values()], apart_now


def _contradiction(one: _Cluster, other: _Cluster, edge: Edge, apart: Mapping[Label, frozenset[Label]]) -> str | None:
    few, many = sorted((one.labels, other.labels), key=len)
    if any(not apart[label].isdisjoint(many) for label in few if label in apart):
        return DECIDED
    if edge.kind == REVIEWED:
        return None
    for column in one.values.keys() & other.values.keys():
        if one.values[column].isdisjoint(other.values[column]):
            return column
    if edge.kind == LIKELY and len(one.records) + len(other.records) > MOST_BY_LIKELIHOOD:
        return TOO_MANY
    return None
