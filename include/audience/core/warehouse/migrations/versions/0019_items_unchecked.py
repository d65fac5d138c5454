"""Items of a plan are written in one statement with it, and no plan is ever deleted: a check per row was a third of a first plan.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = '0019'
down_revision = '0018'


def upgrade() -> None:
    op.drop_constraint('item_plan_id_fkey', 'item', schema='push', type_='foreignkey')


def downgrade() -> None:
    op.create_foreign_key(
        'item_plan_id_fkey', 'item', 'plan', ['plan_id'], ['plan_id'],
        source_schema='push', referent_schema='push', ondelete='CASCADE',
    )
