"""Connected components: records that share a value, directly or over others, are one person."""

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.identity.declared import SHARED, Shared


def components(session: Backend, records: ir.Table) -> ir.Table:
    """The records that exact values connect, contradictions or not.

    Takes  `record_key`, `known_since`, `seen_at` and the columns of SHARED.
    Gives  one row per record: `record_key`, `first_record`, the record of its component that was known first (then: made
           first, then: by key). It is the same whatever the order of the rows, and unchanged when records join that
           become known later; when two people turn out to be one, the one known first stays.
    """
    nodes = ranked(session, records)
    return named(nodes, connected(session, nodes, shared(session, nodes)))


def ranked(session: Backend, records: ir.Table, *more: str) -> ir.Table:
    """Records with their `rank`: the order in which they became known. Everything below speaks of records by rank."""
    columns = dict.fromkeys(c for rule in SHARED for c in (rule.column, rule.beside) if c)
    order = [records.known_since, records.seen_at, records.record_key]
    rank = ibis.row_number().over(ibis.window(order_by=order))
    return keep(session, records.select("record_key", *columns, *more, rank=rank))


def shared(session: Backend, nodes: ir.Table) -> ir.Table:
    """Who has a value that others have too, and not too many: `rank`, `hub`, `kind`.

    The hub is the first record with the value: with the kind, the column, it names the value.
    """
    return keep(session, ibis.union(*(_hubs(nodes, rule) for rule in SHARED)))


def connected(session: Backend, nodes: ir.Table, edges: ir.Table) -> ir.Table:
    """The lowest rank that each record reaches: `rank`, `label`.

    Takes  `edges` as `shared` gives them: records with the same hub are connected, and a hub is on its own list.
    """
    labels = keep(session, edges.select("rank").distinct().mutate(label="rank"))
    near = keep(session, labels)
    lower, followed = session.compile(_lower(labels, edges)), session.compile(_followed(near))
    total, lower_total = None, _total(session, labels)
    while lower_total != total:
        session.raw_sql(f"CREATE OR REPLACE TEMPORARY TABLE {near.get_name()} AS {lower}")
        session.raw_sql(f"CREATE OR REPLACE TEMPORARY TABLE {labels.get_name()} AS {followed}")
        total, lower_total = lower_total, _total(session, labels)
    alone = nodes.anti_join(labels, "rank").select("rank", label="rank")
    whole = keep(session, labels.union(alone))
    forget(session, labels)
    forget(session, near)
    return whole


def named(nodes: ir.Table, labels: ir.Table) -> ir.Table:
    """Labels as the keys of records: `record_key`, `first_record`."""
    first = nodes.select(first_record="record_key", label="rank")
    return (
        labels.join(nodes.select("rank", "record_key"), "rank")
        .join(first, "label")
        .select("record_key", "first_record")
    )


def forget(session: Backend, kept: ir.Table) -> None:
    """Drops what `keep` kept."""
    # ibis 12's drop_table writes a statement that DuckDB 2 does not parse.
    session.raw_sql(f"DROP TABLE {kept.get_name()}")


def _total(session: Backend, labels: ir.Table) -> int:
    """The sum of the labels, which only ever get lower: an equal sum means that none did."""
    return int(session.raw_sql(f"SELECT coalesce(sum(label), 0) FROM {labels.get_name()}").fetchone()[0])


def _hubs(nodes: ir.Table, rule: Shared) -> ir.Table:
    rows = nodes.filter(nodes[rule.column].notnull())
    number = rows.count().over(ibis.window(group_by=rows[rule.column]))
    counted = rows.mutate(n=number).filter(_.n.between(2, rule.most_records))
    columns = [c for c in (rule.column, rule.beside) if c]
    comparable = counted.filter(*(counted[c].notnull() for c in columns))
    same = ibis.window(group_by=[comparable[c] for c in columns])
    return comparable.select("rank", hub=comparable["rank"].min().over(same), kind=ibis.literal(rule.column))


def _lower(labels: ir.Table, edges: ir.Table) -> ir.Table:
    """Each record with the lowest label among the records it shares a hub with."""
    by_hub = edges.join(labels, "rank").group_by("hub").agg(low=_.label.min())
    by_record = edges.join(by_hub, "hub").group_by("rank").agg(low=_.low.min())
    return labels.join(by_record, "rank").select("rank", label=ibis.least(_.label, _.low))


def _followed(labels: ir.Table) -> ir.Table:
    """Each record with the label of the record that its own label names.

    It halves the distances each round, so a chain of n records needs about log2(n) rounds.
    """
    further = labels.view().select(label="rank", further="label")
    return labels.join(further, "label").select("rank", label=ibis.least(_.label, _.further))
