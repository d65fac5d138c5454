"""Addresses that people had before, and the keys that contact keys were made with.

Revision ID: 0013
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0014'


def upgrade() -> None:
    op.create_table('former_address',
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('contact_key', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('person_id', 'contact_key', name=op.f('former_address_pkey')),
    schema='vault'
    )
    op.create_index('former_address_contact_key_idx', 'former_address', ['contact_key'], unique=False, schema='vault')
    op.create_table('pseudonym_key',
    sa.Column('position', sa.Integer(), autoincrement=False, nullable=False, comment='1: the first one, which the lake is keyed with'),
    sa.Column('key_id', sa.String(), nullable=False, comment='tells keys apart; nothing follows from it'),
    sa.Column('since', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('position', name=op.f('pseudonym_key_pkey')),
    schema='privacy'
    )
    op.execute("COMMENT ON COLUMN privacy.erasure_subject.kind IS 'person, former, address, record, label, order, visitor'")


def downgrade() -> None:
    op.execute("COMMENT ON COLUMN privacy.erasure_subject.kind IS 'person, former, address, record, order, visitor'")
    op.drop_table('pseudonym_key', schema='privacy')
    op.drop_index('former_address_contact_key_idx', table_name='former_address', schema='vault')
    op.drop_table('former_address', schema='vault')
