"""Contacts that are on no list of ours any more and that a platform still has.

Who left before this revision is not known any more.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'


def upgrade() -> None:
    op.create_table(
        'remaining',
        sa.Column('destination', sa.String(), nullable=False),
        sa.Column('contact_key', sa.String(), nullable=False),
        sa.Column('platform_id', sa.String(), nullable=True, comment='as of `acknowledged`'),
        sa.PrimaryKeyConstraint('destination', 'contact_key', name=op.f('remaining_pkey')),
        schema='push',
    )


def downgrade() -> None:
    op.drop_table('remaining', schema='push')
