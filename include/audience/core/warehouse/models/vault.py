"""Schema `vault`: the only place in the warehouse with personal data. Everything else carries keys."""

from datetime import date

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from audience.core.warehouse.models.base import Base


class ContactPoint(Base):
    """Grain: one e-mail address ever seen, with the golden record of the person it belongs to.

    `contact_key` is the keyed hash of the canonical address and is what every other table uses.
    Written by identity, only forwards in time (`as_of` never goes back); read by the privacy gate only.
    """

    __tablename__ = "contact_point"
    __table_args__ = {"schema": "vault"}

    contact_key: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(index=True)
    email: Mapped[str] = mapped_column(comment="canonical form")
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    phone: Mapped[str | None] = mapped_column(comment="E.164")
    city: Mapped[str | None]
    postal_code: Mapped[str | None]
    is_primary: Mapped[bool] = mapped_column(comment="the address to write to, one per person")
    as_of: Mapped[date] = mapped_column(comment="partition this row was last computed for")


class FormerAddress(Base):
    """Grain: one (person, address) that a record of the person had before and has not now.

    Who said no at it said no, also when the address is somebody else's by now. As of the newest day that was computed.
    """

    __tablename__ = "former_address"
    __table_args__ = (Index("former_address_contact_key_idx", "contact_key"), {"schema": "vault"})

    person_id: Mapped[str] = mapped_column(primary_key=True)
    contact_key: Mapped[str] = mapped_column(primary_key=True)
