"""The current memberships of a person, and the items in flight of a plan, are found without reading all of them.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'

IS_CURRENT, IN_FLIGHT = sa.text('left_on IS NULL'), sa.text("state = 'in_flight'")


def upgrade() -> None:
    current_index(['person_id', 'segment'])
    op.create_index('item_in_flight_idx', 'item', ['plan_id', 'list_name', 'action', 'contact_key'], schema='push', postgresql_where=IN_FLIGHT)


def downgrade() -> None:
    op.drop_index('item_in_flight_idx', table_name='item', schema='push')
    current_index(['segment', 'person_id'])


def current_index(columns: list[str]) -> None:
    op.drop_index('membership_current_idx', table_name='membership', schema='segments')
    op.create_index('membership_current_idx', 'membership', columns, unique=True, schema='segments', postgresql_where=IS_CURRENT)
