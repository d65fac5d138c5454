"""What the keys of this lake and warehouse are keyed hashes of: decided once, because most of what has a key has no address."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from audience.core.errors import SettingsError
from audience.core.lake import Lake
from audience.core.masked import PseudonymKey
from audience.core.warehouse.models import KeyForm

_NOTE = "key_form"
_TO_CHANGE = "to change it, begin with an empty lake and warehouse and load every source again"


def agree(connection: sa.Connection, lake: Lake, key: PseudonymKey) -> None:
    """Decides the form of all keys by the first that is used; every later one has to be of the same, in both stores.

    Orders, consents and events are stored with the keyed hash and without the address, so a key of another form could not be
    found for them again: one person would be two, and an opt-out of one would not be the other's. A store that is new takes
    the form of the other.

    Raises:
        SettingsError: the keys of the lake or of the warehouse are of another form; names both.
    """
    in_warehouse = connection.scalar(sa.select(KeyForm.by_mailbox))
    in_lake = _of_lake(lake, otherwise=in_warehouse or False)
    if in_warehouse is None and in_lake in (None, key.by_mailbox):
        connection.execute(insert(KeyForm).values(by_mailbox=key.by_mailbox).on_conflict_do_nothing())
        in_warehouse = connection.scalar(sa.select(KeyForm.by_mailbox))
    if {in_warehouse, in_lake} - {None} != {key.by_mailbox}:
        raise SettingsError(_differ(connection, lake, key, in_warehouse, in_lake))
    if not lake.remember(_NOTE):
        lake.remember(_NOTE, {"by_mailbox": key.by_mailbox})


def _of_lake(lake: Lake, *, otherwise: bool) -> bool | None:
    """The form of a lake's keys; None: it has no keys. `otherwise`: of a lake from before it remembered the form."""
    if noted := lake.remember(_NOTE):
        return bool(noted["by_mailbox"])
    return otherwise if lake.tables() else None


def _differ(
    connection: sa.Connection, lake: Lake, key: PseudonymKey, in_warehouse: bool | None, in_lake: bool | None
) -> str:
    url = connection.engine.url.render_as_string(hide_password=True)
    places = {f"the lake {lake.root}": in_lake, f"the warehouse {url}": in_warehouse}
    decided = {place: form for place, form in places.items() if form is not None}
    if len(set(decided.values())) > 1:
        forms = ", those of ".join(f"{place} with {_word(form)}" for place, form in decided.items())
        return f"AUDIENCE_EMAIL_MAILBOXES: the keys of {forms} were made: they do not belong together; {_TO_CHANGE}"
    (form,) = set(decided.values())
    told = f"found {_word(key.by_mailbox)}, expected {_word(form)}"
    others = [f"; {place} has none yet" for place in places if place not in decided]
    return f"AUDIENCE_EMAIL_MAILBOXES: {told}, as the keys of {' and '.join(decided)} were made{''.join(others)}; {_TO_CHANGE}"


def _word(by_mailbox: bool) -> str:
    return "yes" if by_mailbox else "no"
