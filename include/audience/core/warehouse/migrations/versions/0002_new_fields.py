"""Fields that sources send and their files do not know.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    op.create_table('new_field',
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('stream', sa.String(), nullable=False),
    sa.Column('field', sa.String(), nullable=False),
    sa.Column('first_seen', sa.Date(), nullable=False, comment='earliest partition with the field'),
    sa.Column('last_seen', sa.Date(), nullable=False, comment='latest partition with the field'),
    sa.PrimaryKeyConstraint('source', 'stream', 'field', name=op.f('new_field_pkey')),
    schema='ops'
    )


def downgrade() -> None:
    op.drop_table('new_field', schema='ops')
