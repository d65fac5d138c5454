"""Alembic's entry: runs inside the transaction that `Warehouse.migrate` opened."""

from alembic import context

from audience.core.warehouse.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_schemas=True,
    version_table="alembic_version",
)
context.run_migrations()
