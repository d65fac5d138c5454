"""Alerts: one open alert per subject, each message once per channel.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    op.create_table('alert',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False, comment='what is not as declared: `source shop`'),
    sa.Column('words', sa.String(), nullable=False, comment='what was found and what was expected; no personal data'),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True, comment='null: it lasts'),
    sa.PrimaryKeyConstraint('id', name=op.f('alert_pkey')),
    schema='ops'
    )
    op.create_index('alert_open_key', 'alert', ['subject'], unique=True, schema='ops', postgresql_where=sa.text('closed_at IS NULL'))
    op.create_table('alert_sent',
    sa.Column('alert_id', sa.BigInteger(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False, comment='log, email, webhook'),
    sa.Column('is_recovery', sa.Boolean(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['alert_id'], ['ops.alert.id'], name=op.f('alert_sent_alert_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('alert_id', 'channel', 'is_recovery', name=op.f('alert_sent_pkey')),
    schema='ops'
    )


def downgrade() -> None:
    op.drop_table('alert_sent', schema='ops')
    op.drop_table('alert', schema='ops')
