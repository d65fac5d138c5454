"""What pushes did: requests, lists as they were read back, erasures; and views of it that BI tools read.

Revision ID: 0012
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0006'

VIEWS = {
    # One row per push: what was planned and what became of it.
    "push.run": """
        SELECT p.plan_id, p.destination, p.as_of, p.state, p.problem, p.planned_at, p.finished_at,
               coalesce((p.counts ->> 'adds')::int, 0) AS adds,
               coalesce((p.counts ->> 'changes')::int, 0) AS changes,
               coalesce((p.counts ->> 'removals')::int, 0) AS removals,
               coalesce((p.counts ->> 'withdrawn')::int, 0) AS withdrawn,
               coalesce((p.counts ->> 'acknowledged')::int, 0) AS acknowledged,
               coalesce((p.counts ->> 'dead')::int, 0) AS dead,
               coalesce((p.counts ->> 'withheld')::int, 0) AS withheld,
               coalesce((p.counts ->> 'calls')::int, 0) AS calls
        FROM push.plan p
    """,
    # One row per (destination, contact, list) we ever told or tried to tell in the newest plan: its last result.
    "push.last_result": """
        SELECT destination, contact_key, list_name,
               CASE payload_hash WHEN 'in doubt' THEN 'in_doubt' ELSE 'acknowledged' END AS state,
               NULL AS reason, as_of, acknowledged_at AS known_at
        FROM push.acknowledged a
        WHERE NOT EXISTS (SELECT FROM push.item i JOIN push.plan p USING (plan_id)
                          WHERE p.destination = a.destination AND i.list_name = a.list_name
                            AND i.contact_key = a.contact_key AND i.state IN ('dead', 'withheld'))
        UNION ALL
        SELECT p.destination, i.contact_key, i.list_name, i.state, i.reason, p.as_of, p.planned_at
        FROM push.item i JOIN push.plan p USING (plan_id)
        WHERE i.state IN ('dead', 'withheld', 'in_flight', 'planned')
    """,
    # One row per (push, list): the share of a list that is as desired, 0..1. The newest row is the truth of now.
    "push.list_truth": """
        SELECT p.destination, r.list_name, r.read_at, p.as_of, r.desired, r.on_platform, r.ghosts, r.unknown, r.missing,
               r.opted_out, r.outdated,
               CASE WHEN r.desired + r.ghosts + r.unknown = 0 THEN 1.0
                    ELSE 1.0 - (r.ghosts + r.unknown + r.missing)::numeric / (r.desired + r.ghosts + r.unknown) END AS truth,
               row_number() OVER (PARTITION BY p.destination, r.list_name ORDER BY r.read_at DESC, p.plan_id DESC) = 1
                   AS is_newest
        FROM push.list_reading r JOIN push.plan p USING (plan_id)
    """,
    # One row per (destination, day): what it cost.
    "push.cost": """
        SELECT destination, (called_at AT TIME ZONE 'UTC')::date AS day, count(*) AS calls,
               count(*) FILTER (WHERE status = 429) AS throttled,
               count(*) FILTER (WHERE status IS NULL OR status >= 500) AS failed, sum(seconds) AS seconds
        FROM push.request GROUP BY 1, 2
    """,
}


def upgrade() -> None:
    op.create_table('erasure',
    sa.Column('destination', sa.String(), nullable=False),
    sa.Column('contact_key', sa.String(), nullable=False),
    sa.Column('erased_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('destination', 'contact_key', name=op.f('erasure_pkey')),
    schema='push'
    )
    op.create_table('request',
    sa.Column('number', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('destination', sa.String(), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False, comment='lease epoch that called'),
    sa.Column('called_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('call', sa.String(), nullable=False, comment='method and path, identifiers as *'),
    sa.Column('status', sa.Integer(), nullable=True, comment='HTTP status; null: no answer'),
    sa.Column('seconds', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('number', name=op.f('request_pkey')),
    schema='push'
    )
    op.create_index('request_called_at_idx', 'request', ['destination', 'called_at'], unique=False, schema='push')
    op.create_table('list_reading',
    sa.Column('plan_id', sa.Integer(), nullable=False),
    sa.Column('list_name', sa.String(), nullable=False),
    sa.Column('desired', sa.Integer(), nullable=False, comment='contacts that should be on it'),
    sa.Column('on_platform', sa.Integer(), nullable=False, comment='contacts that are on it'),
    sa.Column('ghosts', sa.Integer(), nullable=False, comment='on it and not desired, known to us'),
    sa.Column('unknown', sa.Integer(), nullable=False, comment='on it and not known to us at all'),
    sa.Column('missing', sa.Integer(), nullable=False, comment='desired and not on it, without those the platform refused'),
    sa.Column('opted_out', sa.Integer(), nullable=False, comment='on it, and opted out there'),
    sa.Column('outdated', sa.Integer(), nullable=False, comment='on it with other attributes than we told'),
    sa.Column('read_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['plan_id'], ['push.plan.plan_id'], name=op.f('list_reading_plan_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('plan_id', 'list_name', name=op.f('list_reading_pkey')),
    schema='push'
    )
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    op.drop_table('list_reading', schema='push')
    op.drop_index('request_called_at_idx', table_name='request', schema='push')
    op.drop_table('request', schema='push')
    op.drop_table('erasure', schema='push')
