"""Whether addresses are keyed by their mailbox; a warehouse that has keys already was not.

Revision ID: 0008
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0009'

AS_BEFORE = """
    INSERT INTO privacy.key_form (by_mailbox)
    SELECT false WHERE EXISTS (SELECT FROM ops.landing) OR EXISTS (SELECT FROM privacy.suppression)
"""


def upgrade() -> None:
    op.create_table('key_form',
    sa.Column('is_decided', sa.Boolean(), server_default=sa.text('true'), nullable=False, comment='always true: there is one row'),
    sa.Column('by_mailbox', sa.Boolean(), nullable=False, comment='the setting AUDIENCE_EMAIL_MAILBOXES when the first key was made'),
    sa.Column('decided_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('is_decided', name=op.f('key_form_one_row_check')),
    sa.PrimaryKeyConstraint('is_decided', name=op.f('key_form_pkey')),
    schema='privacy'
    )
    op.execute(AS_BEFORE)


def downgrade() -> None:
    op.drop_table('key_form', schema='privacy')
