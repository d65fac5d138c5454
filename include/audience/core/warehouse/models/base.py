"""The declarative base and the schemas it knows."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

SCHEMAS = ("ops", "privacy", "vault", "segments", "push")
"""One PostgreSQL schema per concern, so that roles can be granted by schema (`vault` most of all)."""


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "ix": "%(table_name)s_%(column_0_name)s_idx",
            "uq": "%(table_name)s_%(column_0_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
        }
    )
