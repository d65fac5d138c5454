"""Views for BI tools about the quality of what came in; sources as declared, which freshness is compared with.

`ops.landing.published_at` now says when a day was published last, and is null where rows only came by a replay.

Revision ID: 0006
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0010'

VIEWS = {
    'quality_check': """
        SELECT CASE WHEN is_raw THEN split_part(substr(table_name, 5), '__', 1) END AS source,
               CASE WHEN is_raw THEN split_part(substr(table_name, 5), '__', 2) ELSE table_name END AS entity,
               partition, position, expectation, severity,
               CASE WHEN NOT passed THEN 'failed' WHEN observed IS NULL THEN 'not judged' ELSE 'held' END AS verdict,
               rows, failed, observed, validated_at AS judged_at
        FROM ops.validation, starts_with(table_name, 'raw_') AS is_raw
    """,
    'quality_day': """
        SELECT source, partition,
               CASE WHEN judged_at IS NULL THEN 'loaded'
                    WHEN coalesce(published_at < judged_at, true) THEN
                         CASE WHEN blocks > 0 THEN 'blocked' ELSE 'unfinished' END
                    WHEN blocks > 0 THEN 'loaded'
                    WHEN warnings > 0 THEN 'warned'
                    ELSE 'passed' END AS verdict,
               coalesce(rows_in, 0) AS rows_in, coalesce(loaded, 0) AS loaded,
               coalesce(quarantined, 0) AS quarantined, coalesce(superseded, 0) AS superseded,
               coalesce(checks, 0) AS checks, coalesce(blocks, 0) AS blocks, coalesce(warnings, 0) AS warnings,
               judged_at, published_at
        FROM (SELECT source, partition, count(*) AS checks,
                     count(*) FILTER (WHERE verdict = 'failed' AND severity = 'block') AS blocks,
                     count(*) FILTER (WHERE verdict = 'failed' AND severity = 'warn') AS warnings,
                     max(judged_at) AS judged_at
              FROM ops.quality_check WHERE source IS NOT NULL GROUP BY source, partition) judged
        FULL JOIN (SELECT source, partition, sum(taken)::bigint AS rows_in, sum(loaded)::bigint AS loaded,
                          sum(quarantined)::bigint AS quarantined, sum(superseded)::bigint AS superseded,
                          max(published_at) AS published_at
                   FROM ops.landing GROUP BY source, partition) landed
        USING (source, partition)
    """,
    'quality_refusal': """
        SELECT source, entity, partition, key AS reason, value::bigint AS rows
        FROM ops.landing, jsonb_each_text(reasons)
    """,
    'quality_decision': """
        SELECT source, entity, partition, decision, count(*) AS rows, max(decided_at) AS decided_at
        FROM ops.quarantine_decision GROUP BY source, entity, partition, decision
    """,
    'quality_freshness': """
        SELECT name AS source, title, is_required, fresh_hours, newest, published_at, due_at,
               coalesce(now() > due_at, is_required) AS is_late
        FROM ops.source
        LEFT JOIN (SELECT source AS name, max(partition) AS newest, max(published_at) AS published_at
                   FROM ops.landing WHERE published_at IS NOT NULL GROUP BY source) published USING (name)
        CROSS JOIN LATERAL (SELECT (newest + 1)::timestamp AT TIME ZONE 'UTC' + fresh_hours * interval '1 hour' AS due_at) due
    """,
}

COMMENTS = {
    'quality_day': {
        '': 'Grain: one source and day that was judged or published.',
        'source': 'name of the source file',
        'partition': 'UTC day',
        'verdict': 'passed; warned: published, something is to be looked at; blocked: nothing was published, older rows stay;'
                   ' unfinished: judged and not published; loaded: published with a longer window that ended later',
        'rows_in': 'of the last publication: loaded + quarantined + superseded',
        'loaded': 'rows published',
        'quarantined': 'rows refused and kept with their reason',
        'superseded': 'older versions of a key within the same window',
        'checks': 'expectations that were judged',
        'blocks': 'expectations that did not hold and stop the source',
        'warnings': 'expectations that did not hold and are shown',
        'judged_at': 'null: it came with a longer window',
        'published_at': 'null: never',
    },
    'quality_check': {
        '': 'Grain: one expectation of a table, as it was judged last for a day.',
        'source': 'name of the source file; null: the table is computed from all of them',
        'entity': 'what its rows are: contact, order; the name of a computed table',
        'partition': 'last day of the judged window',
        'position': 'place in the suite, from 0',
        'expectation': 'in words, with its limits',
        'severity': 'reject: its rows are quarantined; block: nothing is published; warn',
        'verdict': 'held, failed, or not judged: there was too little',
        'rows': 'rows that were asked',
        'failed': 'rows that break it',
        'observed': 'what was compared: a share, hours, rows, an index',
    },
    'quality_refusal': {
        '': 'Grain: one reason for which rows of a source, entity and day were refused and not replayed since.',
        'source': 'name of the source file',
        'entity': 'what its rows are: contact, order',
        'partition': 'UTC day',
        'reason': 'field and what was wrong with it, never its value',
        'rows': 'rows refused for this reason, also those that were discarded',
    },
    'quality_decision': {
        '': 'Grain: one kind of decision about quarantined rows of a source, entity and day.',
        'source': 'name of the source file',
        'entity': 'what its rows are: contact, order',
        'partition': 'UTC day',
        'decision': 'replayed, superseded, refused (again, it waits), discarded',
        'rows': 'quarantined rows that were last decided so',
        'decided_at': 'the last time',
    },
    'quality_freshness': {
        '': 'Grain: one source in use, against what its file promises.',
        'source': 'name of the source file',
        'title': 'of the source, for people',
        'is_required': "whether the day's refresh waits for it",
        'fresh_hours': 'hours after its end that the newest day may stay the newest',
        'newest': 'the newest published day; null: nothing ever was',
        'published_at': 'when anything of it was last published',
        'due_at': 'when a later day has to be there',
        'is_late': 'it is not there at the moment of the query',
    },
    'audit': {
        '': 'Grain: one table and day that was judged.',
        'table_name': 'address in the lake: raw_shop__order',
        'partition': 'last day of the judged window',
        'passed': 'nothing blocks',
        'rows': 'rows that came in',
        'checks': 'expectations that were judged',
        'rejected': 'failures of expectations that reject',
        'warnings': 'expectations that did not hold and are shown',
    },
}

PUBLISHED_AGAIN = """
    UPDATE ops.landing SET published_at = audited_at FROM ops.audit
    WHERE table_name = 'raw_' || source || '__' || entity AND audit.partition = landing.partition
          AND passed AND published_at < audited_at
"""


def upgrade() -> None:
    op.create_table('source',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('is_required', sa.Boolean(), nullable=False, comment="whether the day's refresh waits for it"),
    sa.Column('fresh_hours', sa.Integer(), nullable=False, comment='hours after its end that the newest day may stay the newest'),
    sa.PrimaryKeyConstraint('name', name=op.f('source_pkey')),
    schema='ops'
    )
    op.alter_column('landing', 'published_at', nullable=True, comment='null: its rows only came by a replay', schema='ops')
    op.execute(PUBLISHED_AGAIN)
    for name, query in VIEWS.items():
        op.execute(f'CREATE VIEW ops.{name} AS {query}')
    for view, comments in COMMENTS.items():
        for column, words in comments.items():
            place = f'COLUMN ops.{view}.{column}' if column else f'VIEW ops.{view}'
            quoted = words.replace("'", "''")
            op.execute(f"COMMENT ON {place} IS '{quoted}'")


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f'DROP VIEW ops.{name}')
    op.execute("UPDATE ops.landing SET published_at = now() WHERE published_at IS NULL")
    op.alter_column('landing', 'published_at', nullable=False, comment=None, schema='ops')
    op.drop_table('source', schema='ops')
