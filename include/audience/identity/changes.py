"""Who became one person and who became two, from one day to the next, and by what evidence."""

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.tables import IDENTITY_CHANGE
from audience.identity.declared import STRENGTH
from audience.identity.identify import Identified

NO_EVIDENCE = {
    "merged": "no link between the records that are left",
    "moved": "no link between the records that are left",
    "split": "nothing connects them any more",
    "renamed": "the record that was known first is gone",
}
"""What is told where no two records are evidence."""


def changes(session: Backend, before: ir.Table, now: Identified) -> ir.Table:
    """Whose records are another person's than the day before, the columns of `identity_change`.

    The evidence of a merge or move is the strongest link between the records that came and the others of the person.
    That of a split is the strongest link between the parts that was given up.

    Takes  `before`: the person keys of the day before, `kind`, `key`, `person_id`.
    """
    was = before.filter(_.kind == "record").select(record_key="key", was="person_id")
    nodes = now.clusters.nodes.select("record_key", "rank")
    placed = now.owned.select("record_key", person="person_id").join(nodes, "record_key")
    everyone = keep(session, placed.left_join(was, "record_key").drop("record_key_right"))
    moved = everyone.filter(_.was.notnull() & (_.was != _.person))
    grouped = moved.group_by(person_before="was", person_after="person").agg(records=_.count())
    is_there = grouped.person_before.isin(everyone.person)
    was_there = grouped.person_after.isin(was.was)
    what = ibis.cases((is_there & was_there, "moved"), (is_there, "split"), (was_there, "merged"), else_="renamed")
    told = keep(session, grouped.mutate(what=what))
    if not session.to_pyarrow(told.count()).as_py():
        return ibis.memtable([], schema=IDENTITY_CHANGE.schema)
    found = told.left_join(_evidence(session, everyone, told, now), ["person_before", "person_after"])
    nothing = ibis.cases(*((told.what == kind, words) for kind, words in NO_EVIDENCE.items()))
    return found.select(
        "person_before",
        "person_after",
        "what",
        "records",
        "left_key",
        "right_key",
        "bits",
        evidence=ibis.coalesce(found.evidence, nothing),
    )


def _evidence(session: Backend, everyone: ir.Table, told: ir.Table, now: Identified) -> ir.Table:
    """The strongest link of each change that has one: `person_before`, `person_after`, `evidence`, its keys, `bits`."""
    touched = ibis.union(told.select(person="person_before"), told.select(person="person_after"), distinct=True)
    records = keep(session, everyone.semi_join(touched, "person"))
    few = now.clusters.only(session, records.select("rank"))
    joining = told.filter(_.what.isin(["merged", "moved"]))
    joined = _of(joining, few.links().mutate(evidence=_.kind), records).filter(
        (_.other_person == _.person_after) & (_.other_was.isnull() | (_.other_was != _.person_before))
    )
    given_up = few.given_up.mutate(evidence=_.kind + " given up: " + _.why, bits=ibis.null("float64")).drop("why")
    parted = _of(told.filter(_.what == "split"), given_up, records).filter(
        (_.other_was == _.person_before) & (_.other_person != _.person_after)
    )
    links = ibis.union(joined, parted)
    strength = ibis.cases(*((links.kind == kind, place) for kind, place in STRENGTH.items()), else_=len(STRENGTH))
    best = ibis.window(
        group_by=[links.person_before, links.person_after],
        order_by=[strength, ibis.desc(links.bits), links.left_key, links.right_key],
    )
    ranked = links.mutate(place=ibis.row_number().over(best)).filter(_.place == 0)
    return ranked.select("person_before", "person_after", "evidence", "left_key", "right_key", "bits")


def _of(told: ir.Table, links: ir.Table, records: ir.Table) -> ir.Table:
    """Each change with the links that begin at a record that moved, and whose the other record is and was."""
    directed = ibis.union(
        links.select("kind", "evidence", "bits", own="left", other="right"),
        links.select("kind", "evidence", "bits", own="right", other="left"),
    )
    own = records.select(own="rank", person_before="was", person_after="person", own_key="record_key")
    other = records.select(other="rank", other_was="was", other_person="person", other_key="record_key")
    both = directed.join(own, "own").join(other, "other")
    return both.semi_join(told, ["person_before", "person_after"]).select(
        "person_before",
        "person_after",
        "kind",
        "evidence",
        "bits",
        "other_was",
        "other_person",
        left_key=ibis.least(both.own_key, both.other_key),
        right_key=ibis.greatest(both.own_key, both.other_key),
    )
