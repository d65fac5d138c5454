"""Who is one person: the components of the evidence, cut where records contradict each other."""

from collections.abc import Iterable
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.identity.components import connected, forget, named, ranked, shared
from audience.identity.cut import Edge, Facts, Label, cut
from audience.identity.declared import LIKELY, MOST_BY_LIKELIHOOD, ONE_OF, REVIEWED

PAIRS = ibis.schema({"left_key": "string", "right_key": "string", "match_weight": "float64"})
"""Pairs of records that a model accepts: their keys, and how much speaks for one person, bits."""

GIVEN_UP = pa.schema({"left": pa.int64(), "right": pa.int64(), "kind": pa.string(), "why": pa.string()})

ADDRESS = "email:"
"""Begins the label of an address, and the key of a record that is an address and nothing else."""


@dataclass(frozen=True)
class Decisions:
    """What reviewers said: pairs of labels that are one person, and pairs that are not.

    A label is the key of a record (`crm:C-1`) or an address (`email:<email_key>`), which stands for every record with it.
    """

    same: tuple[tuple[Label, Label], ...] = ()
    different: tuple[tuple[Label, Label], ...] = ()


@dataclass(frozen=True)
class Clusters:
    """What was found out about records, which are named by `rank`, the order in which they became known.

    Args:
        nodes: one row per record: `record_key`, `rank`, what it was compared by.
        labels: one row per record: `rank`, `label`, the lowest rank of its person.
        shared: `rank`, `hub`, `kind`: records with a value in common, as `components.shared` gives them.
        pairs: `left`, `right`, `kind`, `bits`: reviewed and likely pairs.
        given_up: `left`, `right`, `kind`, `why`: evidence against which something stands.
    """

    nodes: ir.Table
    labels: ir.Table
    shared: ir.Table
    pairs: ir.Table
    given_up: ir.Table

    @property
    def people(self) -> ir.Table:
        """One row per record: `record_key`, `first_record`, the record of its person that was known first."""
        return named(self.nodes, self.labels)

    def only(self, session: Backend, ranks: ir.Table) -> "Clusters":
        """The same of a few records (`rank`) and what is between them."""
        few = keep(session, ranks.distinct())
        both = self.pairs.semi_join(few.select(left="rank"), "left").semi_join(few.select(right="rank"), "right")
        lost = self.given_up.semi_join(few.select(left="rank"), "left").semi_join(few.select(right="rank"), "right")
        return Clusters(
            self.nodes.semi_join(few, "rank"),
            self.labels.semi_join(few, "rank"),
            keep(session, self.shared.semi_join(few, "rank")),
            both,
            lost,
        )

    def links(self) -> ir.Table:
        """All evidence, pair by pair: `left`, `right`, `kind`, `bits`. Quadratic in the records of a value: filter it."""
        other = self.shared.view()
        among = self.shared.join(other, ["hub", "kind"]).filter(_.rank < _.rank_right)
        exact = among.select(left="rank", right="rank_right", kind="kind", bits=ibis.literal(0.0))
        return ibis.union(exact, self.pairs)


def clusters(session: Backend, records: ir.Table, decisions: Decisions, likely: ir.Table | None = None) -> Clusters:
    """Decides which records are one person.

    Order of the rows never matters, and increments give what one batch gives: nothing is read but the arguments.

    Takes  `records`: as `components`, and the columns of ONE_OF; `likely`: the columns of PAIRS.
    """
    nodes = ranked(session, records, *ONE_OF)
    with_values = shared(session, nodes)
    labelled = _labelled(session, nodes, decisions)
    pairs = _pairs(session, nodes, labelled, decisions, likely)
    whole = connected(session, nodes, ibis.union(with_values, _hubs(pairs)))
    found = Clusters(nodes, whole, with_values, pairs, ibis.memtable(GIVEN_UP.empty_table()))
    torn = keep(session, _contradicting(found, _different(labelled, decisions.different)))
    if not session.to_pyarrow(torn.count()).as_py():
        return found
    members = keep(session, whole.semi_join(torn, "label"))
    parts, given_up = _cut(session, found, members, labelled, decisions)
    labels = keep(session, ibis.union(whole.anti_join(members, "rank"), ibis.memtable(parts)))
    forget(session, whole)
    return Clusters(nodes, labels, with_values, pairs, ibis.memtable(given_up))


def _hubs(pairs: ir.Table) -> ir.Table:
    """Pairs as `components.connected` takes them: the left record is the hub, and on its own list."""
    return ibis.union(
        pairs.select(rank="right", hub="left", kind="kind"), pairs.select(rank="left", hub="left", kind="kind")
    )


def _labelled(session: Backend, nodes: ir.Table, decisions: Decisions) -> ir.Table:
    """The records that decisions speak of: `rank`, `label`."""
    spoken_of = sorted({label for pair in decisions.same + decisions.different for label in pair})
    if not spoken_of:
        return ibis.memtable([], schema={"rank": "int64", "label": "string"})
    labels = ibis.memtable(pa.table({"label": pa.array(spoken_of, pa.string())}))
    by_key = nodes.select("rank", label="record_key")
    by_address = nodes.filter(_.email_key.notnull()).select("rank", label=ADDRESS + _.email_key)
    return keep(session, ibis.union(by_key, by_address, distinct=True).semi_join(labels, "label"))


def _pairs(
    session: Backend, nodes: ir.Table, labelled: ir.Table, decisions: Decisions, likely: ir.Table | None
) -> ir.Table:
    """Reviewed and likely pairs: `left`, `right`, `kind`, `bits`."""
    parts = [_same(labelled, decisions.same)] if decisions.same else []
    parts += [_likely(nodes, likely)] if likely is not None else []
    if not parts:
        return ibis.memtable([], schema={"left": "int64", "right": "int64", "kind": "string", "bits": "float64"})
    return keep(session, ibis.union(*parts) if len(parts) > 1 else parts[0])


def _decided(pairs: Iterable[tuple[Label, Label]]) -> ir.Table:
    told = list(pairs)
    columns = {name: pa.array([pair[side] for pair in told], pa.string()) for side, name in enumerate(("one", "other"))}
    return ibis.memtable(pa.table(columns))


def _same(labelled: ir.Table, same: Iterable[tuple[Label, Label]]) -> ir.Table:
    """Reviewed pairs. An address is spoken for by the first record with it: the others share the address with that one."""
    first = labelled.group_by("label").agg(rank=_.rank.min())
    one, other = (first.select(**{side: "label", f"{side}_rank": "rank"}) for side in ("one", "other"))
    both = _decided(same).join(one, "one").join(other, "other").filter(_.one_rank != _.other_rank)
    return both.select(
        left=ibis.least(both.one_rank, both.other_rank),
        right=ibis.greatest(both.one_rank, both.other_rank),
        kind=ibis.literal(REVIEWED),
        bits=ibis.literal(0.0),
    )


def _likely(nodes: ir.Table, likely: ir.Table) -> ir.Table:
    one = nodes.select(left_key="record_key", one="rank")
    other = nodes.select(right_key="record_key", other="rank")
    both = likely.join(one, "left_key").join(other, "right_key")
    return both.select(
        left=ibis.least(both.one, both.other),
        right=ibis.greatest(both.one, both.other),
        kind=ibis.literal(LIKELY),
        bits=both.match_weight.cast("float64"),
    )


def _different(labelled: ir.Table, different: Iterable[tuple[Label, Label]]) -> ir.Table:
    """Records that are not one person: `left`, `right`, in no order."""
    one, other = labelled.select(one="label", left="rank"), labelled.select(other="label", right="rank")
    return _decided(different).join(one, "one").join(other, "other").filter(_.left != _.right)


def _contradicting(found: Clusters, apart: ir.Table) -> ir.Table:
    """The labels of the components that are more than one person."""
    labels = found.labels
    known = labels.join(found.nodes, "rank")
    values = [
        known.group_by("label").having(known[column].nunique() > 1).agg(n=_.count()).select("label")
        for column in ONE_OF
    ]
    one, other = labels.select(left="rank", label="label"), labels.select(right="rank", same="label")
    decided = apart.join(one, "left").join(other, "right").filter(_.label == _.same).select("label")
    likely = found.pairs.filter(_.kind == LIKELY).select(rank="left")
    grown = labels.group_by("label").having(_.count() > MOST_BY_LIKELIHOOD).agg(n=_.count())
    too_many = grown.semi_join(labels.semi_join(likely, "rank"), "label").select("label")
    return ibis.union(*values, decided, too_many, distinct=True)


def _cut(
    session: Backend, found: Clusters, members: ir.Table, labelled: ir.Table, decisions: Decisions
) -> tuple[pa.Table, pa.Table]:
    """The contradicting components as people (`rank`, `label`), and the evidence that was given up."""
    values = session.to_pyarrow(found.nodes.semi_join(members, "rank").select("rank", *ONE_OF)).to_pylist()
    labels: dict[int, set[Label]] = {}
    for row in session.to_pyarrow(labelled.semi_join(members, "rank")).to_pylist():
        labels.setdefault(row["rank"], set()).add(row["label"])
    facts = {
        row["rank"]: Facts(
            {column: row[column] for column in ONE_OF if row[column] is not None},
            frozenset(labels.get(row["rank"], ())),
        )
        for row in values
    }
    here = found.only(session, members.select("rank"))
    edges = [Edge(**row) for row in session.to_pyarrow(here.links()).to_pylist()]
    groups, given_up = cut(facts, edges, _both_ways(decisions.different))
    placed = [{"rank": rank, "label": group[0]} for group in groups for rank in group]
    lost = [{"left": e.left, "right": e.right, "kind": e.kind, "why": why} for e, why in given_up]
    ranks = pa.schema({"rank": pa.int64(), "label": pa.int64()})
    return pa.Table.from_pylist(placed, schema=ranks), pa.Table.from_pylist(lost, schema=GIVEN_UP)


def _both_ways(pairs: Iterable[tuple[Label, Label]]) -> dict[Label, frozenset[Label]]:
    apart: dict[Label, set[Label]] = {}
    for one, other in pairs:
        apart.setdefault(one, set()).add(other)
        apart.setdefault(other, set()).add(one)
    return {label: frozenset(others) for label, others in apart.items()}
