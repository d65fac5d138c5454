"""What the gates found by expectation, and histograms; `ops.audit` becomes a view of it.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'

AUDIT = """
    CREATE VIEW ops.audit AS
    SELECT table_name, partition,
           bool_and(passed OR severity <> 'block') AS passed,
           max(rows) AS rows,
           count(*) AS checks,
           coalesce(sum(failed) FILTER (WHERE severity = 'reject'), 0)::bigint AS rejected,
           count(*) FILTER (WHERE NOT passed AND severity = 'warn') AS warnings,
           max(validated_at) AS audited_at
    FROM ops.validation GROUP BY table_name, partition
"""


def upgrade() -> None:
    op.create_table('validation',
    sa.Column('table_name', sa.String(), nullable=False),
    sa.Column('partition', sa.Date(), nullable=False, comment='last day of the audited window'),
    sa.Column('expectation', sa.String(), nullable=False, comment='in words, with its limits'),
    sa.Column('position', sa.Integer(), nullable=False, comment='place in the suite, from 0'),
    sa.Column('severity', sa.String(), nullable=False, comment='reject: its rows are quarantined; block: nothing of the source is published; warn: it is shown'),
    sa.Column('rows', sa.BigInteger(), nullable=False, comment='rows that were asked'),
    sa.Column('failed', sa.BigInteger(), nullable=False, comment='rows that break it'),
    sa.Column('observed', sa.Float(), nullable=True, comment='what was compared: a share, hours, rows, an index; null: too little to judge'),
    sa.Column('passed', sa.Boolean(), nullable=False),
    sa.Column('validated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("severity IN ('reject', 'block', 'warn')", name=op.f('validation_severity_check')),
    sa.PrimaryKeyConstraint('table_name', 'partition', 'expectation', name=op.f('validation_pkey')),
    schema='ops'
    )
    op.create_table('histogram',
    sa.Column('table_name', sa.String(), nullable=False),
    sa.Column('partition', sa.Date(), nullable=False),
    sa.Column('column_name', sa.String(), nullable=False),
    sa.Column('bucket', sa.String(), nullable=False, comment='a declared value, or the bound of a number'),
    sa.Column('rows', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('table_name', 'partition', 'column_name', 'bucket', name=op.f('histogram_pkey')),
    schema='ops'
    )
    # A rerun of a partition fills it again; words of old failures have no numbers to become.
    op.drop_table('audit', schema='ops')
    op.execute(AUDIT)


def downgrade() -> None:
    op.execute("DROP VIEW ops.audit")
    op.create_table('audit',
    sa.Column('table_name', sa.String(), nullable=False),
    sa.Column('partition', sa.Date(), nullable=False, comment='last day of the audited window'),
    sa.Column('passed', sa.Boolean(), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('checks', sa.Integer(), nullable=False, comment='expectations evaluated'),
    sa.Column('failed', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='expectations that did not hold, in words'),
    sa.Column('audited_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('table_name', 'partition', name=op.f('audit_pkey')),
    schema='ops'
    )
    op.drop_table('histogram', schema='ops')
    op.drop_table('validation', schema='ops')
