"""Requests of erasure: who is meant while they run, receipts by store, and records that are not published again.

Revision ID: 0015
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0012'


def upgrade() -> None:
    op.create_table('erasure_request',
    sa.Column('request_id', sa.String(), nullable=False, comment='16 random hexadecimal digits'),
    sa.Column('reason', sa.String(), nullable=False, comment='erased: the person asked; expired: kept for as long as declared'),
    sa.Column('requested_by', sa.String(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('people', sa.Integer(), nullable=False),
    sa.Column('addresses', sa.Integer(), nullable=False),
    sa.Column('records', sa.Integer(), nullable=False, comment='records of sources'),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True, comment='null: not in every store yet'),
    sa.PrimaryKeyConstraint('request_id', name=op.f('erasure_request_pkey')),
    schema='privacy'
    )
    op.create_table('erasure_subject',
    sa.Column('request_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False, comment='person, former, address, record, order, visitor'),
    sa.Column('key', sa.String(), nullable=False, comment="pseudonym, keyed hash or a source's own number"),
    sa.ForeignKeyConstraint(['request_id'], ['privacy.erasure_request.request_id'], name=op.f('erasure_subject_request_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('request_id', 'kind', 'key', name=op.f('erasure_subject_pkey')),
    schema='privacy'
    )
    op.create_table('erasure_receipt',
    sa.Column('request_id', sa.String(), nullable=False),
    sa.Column('store', sa.String(), nullable=False, comment='lake, warehouse, vault, or a destination'),
    sa.Column('rows', sa.BigInteger(), nullable=False, comment='rows, or contacts of a destination, that were there'),
    sa.Column('erased_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['request_id'], ['privacy.erasure_request.request_id'], name=op.f('erasure_receipt_request_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('request_id', 'store', name=op.f('erasure_receipt_pkey')),
    schema='privacy'
    )
    op.create_table('erased_record',
    sa.Column('record_key', sa.String(), nullable=False, comment='keyed hash of `<source>:<record_id>`'),
    sa.Column('erased_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('record_key', name=op.f('erased_record_pkey')),
    schema='privacy'
    )


def downgrade() -> None:
    for name in ('erased_record', 'erasure_receipt', 'erasure_subject', 'erasure_request'):
        op.drop_table(name, schema='privacy')
