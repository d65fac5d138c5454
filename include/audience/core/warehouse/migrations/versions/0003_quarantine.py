"""Decisions about quarantined rows, and who was shown them.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    op.create_table('quarantine_decision',
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('partition', sa.Date(), nullable=False),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.Column('entity', sa.String(), nullable=False),
    sa.Column('stream', sa.String(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('decision', sa.String(), nullable=False),
    sa.Column('why', sa.String(), nullable=False, comment="refused: the reason of the last replay; discarded: the person's words"),
    sa.Column('decided_by', sa.String(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("decision IN ('replayed', 'superseded', 'refused', 'discarded')", name=op.f('quarantine_decision_decision_check')),
    sa.PrimaryKeyConstraint('source', 'partition', 'generation', 'entity', 'stream', 'position', name=op.f('quarantine_decision_pkey')),
    schema='ops'
    )
    op.create_table('quarantine_reveal',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('first', sa.Date(), nullable=False, comment='first partition of the rows shown'),
    sa.Column('last', sa.Date(), nullable=False, comment='last partition of the rows shown'),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('shown_to', sa.String(), nullable=False),
    sa.Column('shown_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('quarantine_reveal_pkey')),
    schema='ops'
    )


def downgrade() -> None:
    op.drop_table('quarantine_reveal', schema='ops')
    op.drop_table('quarantine_decision', schema='ops')
