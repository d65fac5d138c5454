"""The first schema: tables of every room, and the views that say what is current.

Revision ID: 0001
Revises: 
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None


SCHEMAS = ("ops", "privacy", "vault", "segments", "push")

VIEWS = {
    # The newest answer per (address, channel, purpose); of two at the same instant, the withdrawal counts.
    "privacy.current_consent": """
        SELECT DISTINCT ON (contact_key, channel, purpose)
               contact_key, channel, purpose, status, captured_at, proof, source
        FROM privacy.consent
        ORDER BY contact_key, channel, purpose, captured_at DESC, (status = 'withdrawn') DESC, source, consent_id
    """,
    # Who is in which segment now.
    "segments.current_member": """
        SELECT segment, person_id, entered_on FROM segments.membership WHERE left_on IS NULL
    """,
}


def upgrade() -> None:
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    op.create_table('audit',
    sa.Column('table_name', sa.String(), nullable=False),
    sa.Column('partition', sa.Date(), nullable=False, comment='last day of the audited window'),
    sa.Column('passed', sa.Boolean(), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('checks', sa.Integer(), nullable=False, comment='expectations evaluated'),
    sa.Column('failed', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='expectations that did not hold, in words'),
    sa.Column('audited_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('table_name', 'partition', name=op.f('audit_pkey')),
    schema='ops'
    )
    op.create_table('landing',
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('entity', sa.String(), nullable=False),
    sa.Column('partition', sa.Date(), nullable=False),
    sa.Column('taken', sa.Integer(), nullable=False, comment='rows that came in'),
    sa.Column('loaded', sa.Integer(), nullable=False, comment='rows published'),
    sa.Column('quarantined', sa.Integer(), nullable=False, comment='rows refused and kept with their reason'),
    sa.Column('superseded', sa.Integer(), nullable=False, comment='older versions of a key within the same window'),
    sa.Column('reasons', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='quarantined rows by reason'),
    sa.Column('content_hash', sa.String(), nullable=False, comment='hash of the published rows'),
    sa.Column('published_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('source', 'entity', 'partition', name=op.f('landing_pkey')),
    schema='ops'
    )
    op.create_table('consent',
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('consent_id', sa.String(), nullable=False),
    sa.Column('contact_key', sa.String(), nullable=False, comment='keyed hash of the canonical address'),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('purpose', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False, comment='granted or withdrawn'),
    sa.Column('captured_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('proof', sa.String(), nullable=False, comment='reference of the evidence (GDPR article 7(1))'),
    sa.Column('text_version', sa.String(), nullable=True),
    sa.Column('recorded_in', sa.Date(), nullable=False, comment='partition that brought the answer first'),
    sa.PrimaryKeyConstraint('source', 'consent_id', 'contact_key', 'channel', 'purpose', 'status', 'captured_at', name=op.f('consent_pkey')),
    schema='privacy'
    )
    op.create_index('consent_contact_key_idx', 'consent', ['contact_key', 'channel', 'purpose', 'captured_at'], unique=False, schema='privacy')
    op.create_table('suppression',
    sa.Column('contact_key', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False, comment='unsubscribe, complaint, hard_bounce, blocklist, erased, objection'),
    sa.Column('source', sa.String(), nullable=False, comment='who told us: brevo, crm, a person'),
    sa.Column('suppressed_at', sa.DateTime(timezone=True), nullable=False, comment='when it happened'),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('contact_key', 'reason', name=op.f('suppression_pkey')),
    schema='privacy'
    )
    op.create_table('acknowledged',
    sa.Column('destination', sa.String(), nullable=False),
    sa.Column('contact_key', sa.String(), nullable=False),
    sa.Column('list_name', sa.String(), nullable=False),
    sa.Column('payload_hash', sa.String(), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('acknowledged_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('destination', 'contact_key', 'list_name', name=op.f('acknowledged_pkey')),
    schema='push'
    )
    op.create_table('lease',
    sa.Column('destination', sa.String(), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False, comment='grows by one each time the lease is taken'),
    sa.Column('holder', sa.String(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('destination', name=op.f('lease_pkey')),
    schema='push'
    )
    op.create_table('plan',
    sa.Column('plan_id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('destination', sa.String(), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False, comment='partition of the segments that are pushed'),
    sa.Column('state', sa.String(), nullable=False, comment='planned, held, pushing, done, superseded'),
    sa.Column('counts', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='adds, changes, removals, acknowledged, dead, calls'),
    sa.Column('problem', sa.String(), nullable=True, comment='why it was held'),
    sa.Column('planned_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('plan_id', name=op.f('plan_pkey')),
    schema='push'
    )
    op.create_table('definition',
    sa.Column('segment', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.Column('purpose', sa.String(), nullable=False, comment='consent a member must have given to be written to'),
    sa.Column('objective', sa.String(), nullable=False),
    sa.Column('deliver_to', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='destinations'),
    sa.Column('definition_hash', sa.String(), nullable=False, comment='hash of the rule'),
    sa.PrimaryKeyConstraint('segment', name=op.f('definition_pkey')),
    schema='segments'
    )
    op.create_table('evaluation',
    sa.Column('segment', sa.String(), nullable=False),
    sa.Column('partition', sa.Date(), nullable=False),
    sa.Column('definition_hash', sa.String(), nullable=False, comment='hash of the rule that was evaluated'),
    sa.Column('members', sa.Integer(), nullable=False),
    sa.Column('people', sa.Integer(), nullable=False, comment='everybody who was looked at'),
    sa.Column('evaluated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('segment', 'partition', name=op.f('evaluation_pkey')),
    schema='segments'
    )
    op.create_table('membership',
    sa.Column('segment', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('entered_on', sa.Date(), nullable=False, comment='first evaluated partition of the stay'),
    sa.Column('left_on', sa.Date(), nullable=True, comment='first evaluated partition after the stay'),
    sa.PrimaryKeyConstraint('segment', 'person_id', 'entered_on', name=op.f('membership_pkey')),
    schema='segments'
    )
    op.create_index('membership_current_idx', 'membership', ['segment', 'person_id'], unique=True, schema='segments', postgresql_where=sa.text('left_on IS NULL'))
    op.create_index('membership_left_on_idx', 'membership', ['segment', 'left_on'], unique=False, schema='segments')
    op.create_table('contact_point',
    sa.Column('contact_key', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('email', sa.String(), nullable=False, comment='canonical form'),
    sa.Column('first_name', sa.String(), nullable=True),
    sa.Column('last_name', sa.String(), nullable=True),
    sa.Column('phone', sa.String(), nullable=True, comment='E.164'),
    sa.Column('city', sa.String(), nullable=True),
    sa.Column('postal_code', sa.String(), nullable=True),
    sa.Column('is_primary', sa.Boolean(), nullable=False, comment='the address to write to, one per person'),
    sa.Column('as_of', sa.Date(), nullable=False, comment='partition this row was last computed for'),
    sa.PrimaryKeyConstraint('contact_key', name=op.f('contact_point_pkey')),
    schema='vault'
    )
    op.create_index(op.f('contact_point_person_id_idx'), 'contact_point', ['person_id'], unique=False, schema='vault')
    op.create_table('item',
    sa.Column('plan_id', sa.Integer(), nullable=False),
    sa.Column('contact_key', sa.String(), nullable=False),
    sa.Column('list_name', sa.String(), nullable=False),
    sa.Column('action', sa.String(), nullable=False, comment='upsert, add, remove'),
    sa.Column('payload_hash', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False, comment='planned, in_flight, acknowledged, dead, withheld, in_doubt'),
    sa.Column('reason', sa.String(), nullable=True, comment='why it is dead or withheld; no personal data'),
    sa.Column('epoch', sa.Integer(), nullable=True, comment='lease epoch that sent it'),
    sa.ForeignKeyConstraint(['plan_id'], ['push.plan.plan_id'], name=op.f('item_plan_id_fkey'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('plan_id', 'contact_key', 'list_name', name=op.f('item_pkey')),
    schema='push'
    )
    op.create_index('item_state_idx', 'item', ['plan_id', 'state'], unique=False, schema='push')
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW {name}")
    op.drop_index('item_state_idx', table_name='item', schema='push')
    op.drop_table('item', schema='push')
    op.drop_index(op.f('contact_point_person_id_idx'), table_name='contact_point', schema='vault')
    op.drop_table('contact_point', schema='vault')
    op.drop_index('membership_left_on_idx', table_name='membership', schema='segments')
    op.drop_index('membership_current_idx', table_name='membership', schema='segments', postgresql_where=sa.text('left_on IS NULL'))
    op.drop_table('membership', schema='segments')
    op.drop_table('evaluation', schema='segments')
    op.drop_table('definition', schema='segments')
    op.drop_table('plan', schema='push')
    op.drop_table('lease', schema='push')
    op.drop_table('acknowledged', schema='push')
    op.drop_table('suppression', schema='privacy')
    op.drop_index('consent_contact_key_idx', table_name='consent', schema='privacy')
    op.drop_table('consent', schema='privacy')
    op.drop_table('landing', schema='ops')
    op.drop_table('audit', schema='ops')
