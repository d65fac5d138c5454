"""Who was shown records with their personal values, to decide who is one person.

Revision ID: 0010
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0008'


def upgrade() -> None:
    op.create_table('identity_reveal',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('what', sa.String(), nullable=False, comment='review export, explain'),
    sa.Column('partition', sa.Date(), nullable=False),
    sa.Column('records', sa.Integer(), nullable=False, comment='at most so many'),
    sa.Column('shown_to', sa.String(), nullable=False),
    sa.Column('shown_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('identity_reveal_pkey')),
    schema='ops'
    )


def downgrade() -> None:
    op.drop_table('identity_reveal', schema='ops')
