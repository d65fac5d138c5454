"""Deletions that a platform does later are jobs, and are noted before they are asked for.

Revision ID: 0016
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0013'


def upgrade() -> None:
    op.alter_column('job', 'plan_id', nullable=True, comment='null: a deletion, which is in no plan', schema='push')
    op.alter_column('job', 'action', comment='upsert, add, remove, erase', schema='push')
    op.alter_column('erasure', 'erased_at', nullable=True, server_default=None, comment='null: not yet', schema='push')
    op.add_column('erasure', sa.Column('job', sa.Integer(), nullable=True, comment='number of the job that deletes it; null: none does now'), schema='push')


def downgrade() -> None:
    op.execute('DELETE FROM push.erasure WHERE erased_at IS NULL')
    op.execute('DELETE FROM push.job WHERE plan_id IS NULL')
    op.drop_column('erasure', 'job', schema='push')
    op.alter_column('erasure', 'erased_at', nullable=False, server_default=sa.text('now()'), comment=None, schema='push')
    op.alter_column('job', 'action', comment='upsert, add, remove', schema='push')
    op.alter_column('job', 'plan_id', nullable=False, comment=None, schema='push')
