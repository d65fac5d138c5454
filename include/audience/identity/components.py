"""Connected components: records that share a value, directly or over others, are one person."""

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import keep

MOST_RECORDS_PER_VALUE = {"email_key": 50, "phone_key": 6, "customer_ref": 20}
"""A value on more records than this says little about who someone is (a company's telephone)."""

SAME_BESIDE = {"phone_key": "called"}
"""A telephone is a household's: two records with the same one are one person when they are called the same, too."""


def components(session: Backend, records: ir.Table) -> ir.Table:
    """The person each record belongs to.

    Takes  `record_key`, `known_since`, `seen_at` and the columns of MOST_RECORDS_PER_VALUE and SAME_BESIDE.
    Gives  one row per record: `record_key`, `first_record`, the record of its component that was known first (then: made
           first, then: by key). It is the same whatever the order of the rows, and unchanged when records join that
           become known later; when two people turn out to be one, the one known first stays.
    """
    ranked = records.select(
        "record_key",
        *MOST_RECORDS_PER_VALUE,
        *SAME_BESIDE.values(),
        rank=ibis.row_number().over(ibis.window(order_by=[records.known_since, records.seen_at, records.record_key])),
    )
    nodes = keep(session, ranked)
    edges = keep(session, ibis.union(*(_shared(nodes, c, most) for c, most in MOST_RECORDS_PER_VALUE.items())))
    labels, total = _labelled(session, nodes.select("rank", label="rank"))
    while True:
        near = keep(session, _lower(labels, edges))
        _forget(session, labels)
        labels, lower_total = _labelled(session, _followed(near))
        _forget(session, near)
        if lower_total == total:
            break
        total = lower_total
    named = labels.join(nodes.select("rank", "record_key"), "rank")
    first = nodes.select(first_record="record_key", label="rank")
    return named.join(first, "label").select("record_key", "first_record")


def _labelled(session: Backend, labels: ir.Table) -> tuple[ir.Table, int]:
    """The labels, computed, and their sum: labels only ever get lower, so an equal sum means that none did."""
    kept = keep(session, labels)
    return kept, int(session.to_pyarrow(kept.label.sum()).as_py() or 0)


def _forget(session: Backend, kept: ir.Table) -> None:
    # ibis 12's drop_table writes a statement that DuckDB 2 does not parse.
    session.raw_sql(f"DROP TABLE {kept.get_name()}")


def _shared(nodes: ir.Table, column: str, most: int) -> ir.Table:
    """Record and hub, the first record with the same value, for values that at least two and not too many records have."""
    rows = nodes.filter(nodes[column].notnull())
    counted = rows.mutate(n=rows.count().over(ibis.window(group_by=rows[column]))).filter(_.n.between(2, most))
    columns = [column, *([SAME_BESIDE[column]] if column in SAME_BESIDE else [])]
    comparable = counted.filter(*(counted[c].notnull() for c in columns))
    same = ibis.window(group_by=[comparable[c] for c in columns])
    return comparable.select("rank", hub=comparable["rank"].min().over(same))


def _lower(labels: ir.Table, edges: ir.Table) -> ir.Table:
    """Each record with the lowest label among the records it shares a hub with."""
    by_hub = edges.join(labels, "rank").group_by("hub").agg(low=_.label.min())
    by_record = edges.join(by_hub, "hub").group_by("rank").agg(low=_.low.min())
    return labels.left_join(by_record, "rank").select("rank", label=ibis.least(_.label, ibis.coalesce(_.low, _.label)))


def _followed(labels: ir.Table) -> ir.Table:
    """Each record with the label of the record that its own label names.

    It halves the distances each round, so a chain of n records needs about log2(n) rounds.
    """
    named = labels.view().select(label="rank", further="label")
    return labels.join(named, "label").select("rank", label=ibis.least(_.label, _.further))
