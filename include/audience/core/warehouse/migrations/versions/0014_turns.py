"""Turns to call an account, shared by every process.

Revision ID: 0014
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0015'


def upgrade() -> None:
    op.create_table('turn',
    sa.Column('account', sa.String(), nullable=False, comment='name of the connection'),
    sa.Column('free_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('account', name=op.f('turn_pkey')),
    schema='ops'
    )


def downgrade() -> None:
    op.drop_table('turn', schema='ops')
