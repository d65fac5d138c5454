"""What the keys of this warehouse are keyed hashes of: decided once, because most of what has a key has no address."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from audience.core.errors import SettingsError
from audience.core.masked import PseudonymKey
from audience.core.warehouse.models import KeyForm


def agree(connection: sa.Connection, key: PseudonymKey) -> None:
    """Decides the form of all keys by the first that is used; every later one has to be of the same.

    Orders, consents and events are stored with the keyed hash and without the address, so a key of another form could not be
    found for them again: one person would be two, and an opt-out of one would not be the other's.

    Raises:
        SettingsError: the keys of this warehouse are of another form.
    """
    decided = connection.scalar(sa.select(KeyForm.by_mailbox))
    if decided is None:
        connection.execute(insert(KeyForm).values(by_mailbox=key.by_mailbox).on_conflict_do_nothing())
        decided = connection.scalar(sa.select(KeyForm.by_mailbox))
    if decided != key.by_mailbox:
        told, known = ("yes" if is_so else "no" for is_so in (key.by_mailbox, decided))
        raise SettingsError(
            f"AUDIENCE_EMAIL_MAILBOXES: found {told}, expected {known}, as the keys of this warehouse were made; to change"
            " it, begin with an empty lake and warehouse and load every source again"
        )
