"""Jobs that platforms do later, ids that platforms give contacts, and items in the order in which they are claimed.

Revision ID: 0011
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0005'


def upgrade() -> None:
    op.add_column('acknowledged', sa.Column('platform_id', sa.String(), nullable=True, comment="the platform's id of the contact, where its lists need it"), schema='push')
    op.add_column('plan', sa.Column('carried', sa.dialects.postgresql.JSONB(), server_default='{}', nullable=False, comment='list -> contacts added and removed by the unfinished plans this one goes on from'), schema='push')
    op.create_table('job',
    sa.Column('number', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('destination', sa.String(), nullable=False),
    sa.Column('plan_id', sa.Integer(), nullable=False),
    sa.Column('action', sa.String(), nullable=False, comment='upsert, add, remove'),
    sa.Column('list_name', sa.String(), nullable=False),
    sa.Column('job_id', sa.String(), nullable=False, comment='as the platform calls it'),
    sa.Column('submitted_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(), nullable=True, comment='done, or why not'),
    sa.ForeignKeyConstraint(['plan_id'], ['push.plan.plan_id'], name=op.f('job_plan_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('number', name=op.f('job_pkey')),
    schema='push'
    )
    op.create_index('job_open_idx', 'job', ['destination'], unique=False, schema='push', postgresql_where=sa.text('finished_at IS NULL'))
    op.add_column('item', sa.Column('is_new', sa.Boolean(), server_default=sa.text('false'), nullable=False, comment='the platform was never known to have it'), schema='push')
    op.add_column('item', sa.Column('job', sa.Integer(), nullable=True, comment='number of the job that it is part of'), schema='push')
    # Claims walk along the key, so no index has the state and its changes stay on their page.
    op.drop_index('item_state_idx', table_name='item', schema='push')
    op.drop_constraint('item_pkey', 'item', schema='push')
    op.create_primary_key('item_pkey', 'item', ['plan_id', 'list_name', 'contact_key'], schema='push')
    op.execute('ALTER TABLE push.item SET (fillfactor = 60)')


def downgrade() -> None:
    op.execute('ALTER TABLE push.item RESET (fillfactor)')
    op.drop_constraint('item_pkey', 'item', schema='push')
    op.create_primary_key('item_pkey', 'item', ['plan_id', 'contact_key', 'list_name'], schema='push')
    op.create_index('item_state_idx', 'item', ['plan_id', 'state'], unique=False, schema='push')
    op.drop_column('item', 'job', schema='push')
    op.drop_column('item', 'is_new', schema='push')
    op.drop_index('job_open_idx', table_name='job', schema='push', postgresql_where=sa.text('finished_at IS NULL'))
    op.drop_table('job', schema='push')
    op.drop_column('plan', 'carried', schema='push')
    op.drop_column('acknowledged', 'platform_id', schema='push')
