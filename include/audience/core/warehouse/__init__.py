"""The warehouse: what is served and what must be transactional. PostgreSQL through SQLAlchemy 2, migrated by Alembic."""

from audience.core.warehouse.engine import Warehouse
from audience.core.warehouse.models import Base

__all__ = ["Base", "Warehouse"]
