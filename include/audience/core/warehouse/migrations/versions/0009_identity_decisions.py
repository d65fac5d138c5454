"""What reviewers decided about who is one person.

Revision ID: 0009
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0011'


def upgrade() -> None:
    op.create_table('identity_decision',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('left_label', sa.String(), nullable=False),
    sa.Column('right_label', sa.String(), nullable=False),
    sa.Column('decision', sa.String(), nullable=False, comment='same, different; undecided takes an earlier one back'),
    sa.Column('since', sa.Date(), nullable=False, comment='first partition that it counts for'),
    sa.Column('why', sa.String(), nullable=True, comment="in the reviewer's words; no personal data"),
    sa.Column('decided_by', sa.String(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('identity_decision_pkey')),
    schema='ops'
    )
    op.create_index('identity_decision_pair_idx', 'identity_decision', ['left_label', 'right_label'], schema='ops')


def downgrade() -> None:
    op.drop_table('identity_decision', schema='ops')
