"""A person's current memberships, the items in flight of a plan, and a contact by the platform's id are found without reading all of them.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'

IS_CURRENT, IN_FLIGHT, HAS_ID = sa.text('left_on IS NULL'), sa.text("state = 'in_flight'"), sa.text('platform_id IS NOT NULL')


def upgrade() -> None:
    current_index(['person_id', 'segment'])
    op.create_index('item_in_flight_idx', 'item', ['plan_id', 'list_name', 'action', 'contact_key'], schema='push', postgresql_where=IN_FLIGHT)
    op.create_index('acknowledged_platform_id_idx', 'acknowledged', ['destination', 'platform_id'], schema='push', postgresql_where=HAS_ID)


def downgrade() -> None:
    op.drop_index('acknowledged_platform_id_idx', table_name='acknowledged', schema='push')
    op.drop_index('item_in_flight_idx', table_name='item', schema='push')
    current_index(['segment', 'person_id'])


def current_index(columns: list[str]) -> None:
    op.drop_index('membership_current_idx', table_name='membership', schema='segments')
    op.create_index('membership_current_idx', 'membership', columns, unique=True, schema='segments', postgresql_where=IS_CURRENT)
