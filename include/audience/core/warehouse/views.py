"""Views of schema `ops` for BI tools and reports: the quality of what came in, in numbers, without row values.

They are made by migrations; a test compares names, types and comments.
"""

import sqlalchemy as sa

VIEWS = sa.MetaData(schema="ops")

_PLACE = {
    "source": "name of the source file",
    "entity": "what its rows are: contact, order",
    "partition": "UTC day",
}


def _place(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(n, sa.Date() if n == "partition" else sa.String(), comment=_PLACE[n]) for n in names]


QUALITY_DAY = sa.Table(
    "quality_day",
    VIEWS,
    sa.Column("source", sa.Text, comment="name of the source file"),
    sa.Column("partition", sa.Date, comment="UTC day"),
    sa.Column(
        "verdict",
        sa.Text,
        comment="passed; warned: published, something is to be looked at; blocked: nothing was published, older rows stay;"
        " unfinished: judged and not published; loaded: published with a longer window that ended later",
    ),
    sa.Column("rows_in", sa.BigInteger, comment="of the last publication: loaded + quarantined + superseded"),
    sa.Column("loaded", sa.BigInteger, comment="rows published"),
    sa.Column("quarantined", sa.BigInteger, comment="rows refused and kept with their reason"),
    sa.Column("superseded", sa.BigInteger, comment="older versions of a key within the same window"),
    sa.Column("checks", sa.BigInteger, comment="expectations that were judged"),
    sa.Column("blocks", sa.BigInteger, comment="expectations that did not hold and stop the source"),
    sa.Column("warnings", sa.BigInteger, comment="expectations that did not hold and are shown"),
    sa.Column("judged_at", sa.DateTime(timezone=True), comment="null: it came with a longer window"),
    sa.Column("published_at", sa.DateTime(timezone=True), comment="null: never"),
    comment="Grain: one source and day that was judged or published.",
)

QUALITY_CHECK = sa.Table(
    "quality_check",
    VIEWS,
    sa.Column("source", sa.Text, comment="name of the source file; null: the table is computed from all of them"),
    sa.Column("entity", sa.String, comment="what its rows are: contact, order; the name of a computed table"),
    sa.Column("partition", sa.Date, comment="last day of the judged window"),
    sa.Column("position", sa.Integer, comment="place in the suite, from 0"),
    sa.Column("expectation", sa.String, comment="in words, with its limits"),
    sa.Column("severity", sa.String, comment="reject: its rows are quarantined; block: nothing is published; warn"),
    sa.Column("verdict", sa.Text, comment="held, failed, or not judged: there was too little"),
    sa.Column("rows", sa.BigInteger, comment="rows that were asked"),
    sa.Column("failed", sa.BigInteger, comment="rows that break it"),
    sa.Column("observed", sa.Double, comment="what was compared: a share, hours, rows, an index"),
    sa.Column("judged_at", sa.DateTime(timezone=True)),
    comment="Grain: one expectation of a table, as it was judged last for a day.",
)

QUALITY_REFUSAL = sa.Table(
    "quality_refusal",
    VIEWS,
    *_place("source", "entity", "partition"),
    sa.Column("reason", sa.Text, comment="field and what was wrong with it, never its value"),
    sa.Column("rows", sa.BigInteger, comment="rows refused for this reason, also those that were discarded"),
    comment="Grain: one reason for which rows of a source, entity and day were refused and not replayed since.",
)

QUALITY_DECISION = sa.Table(
    "quality_decision",
    VIEWS,
    *_place("source", "entity", "partition"),
    sa.Column("decision", sa.String, comment="replayed, superseded, refused (again, it waits), discarded"),
    sa.Column("rows", sa.BigInteger, comment="quarantined rows that were last decided so"),
    sa.Column("decided_at", sa.DateTime(timezone=True), comment="the last time"),
    comment="Grain: one kind of decision about quarantined rows of a source, entity and day.",
)

QUALITY_FRESHNESS = sa.Table(
    "quality_freshness",
    VIEWS,
    sa.Column("source", sa.String, comment="name of the source file"),
    sa.Column("title", sa.String, comment="of the source, for people"),
    sa.Column("is_required", sa.Boolean, comment="whether the day's refresh waits for it"),
    sa.Column("fresh_hours", sa.Integer, comment="hours after its end that the newest day may stay the newest"),
    sa.Column("newest", sa.Date, comment="the newest published day; null: nothing ever was"),
    sa.Column("published_at", sa.DateTime(timezone=True), comment="when anything of it was last published"),
    sa.Column("due_at", sa.DateTime(timezone=True), comment="when a later day has to be there"),
    sa.Column("is_late", sa.Boolean, comment="it is not there at the moment of the query"),
    comment="Grain: one source in use, against what its file promises.",
)

AUDIT = sa.Table(
    "audit",
    VIEWS,
    sa.Column("table_name", sa.String, comment="address in the lake: raw_shop__order"),
    sa.Column("partition", sa.Date, comment="last day of the judged window"),
    sa.Column("passed", sa.Boolean, comment="nothing blocks"),
    sa.Column("rows", sa.BigInteger, comment="rows that came in"),
    sa.Column("checks", sa.BigInteger, comment="expectations that were judged"),
    sa.Column("rejected", sa.BigInteger, comment="failures of expectations that reject"),
    sa.Column("warnings", sa.BigInteger, comment="expectations that did not hold and are shown"),
    sa.Column("audited_at", sa.DateTime(timezone=True)),
    comment="Grain: one table and day that was judged.",
)
