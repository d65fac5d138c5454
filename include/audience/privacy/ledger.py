"""The consent ledger: every answer that any source ever reported, append-only, with its proof."""

import ibis
import sqlalchemy as sa
from ibis import _
from ibis.backends.duckdb import Backend
from sqlalchemy.dialects.postgresql import insert

from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.core.warehouse.load import stage_rows
from audience.core.warehouse.models import Consent
from audience.privacy.keys import hold
from audience.privacy.pseudonym import contact_key_of

_ANSWER = [c.name for c in sa.inspect(Consent).primary_key]


def record_consents(lake: Lake, session: Backend, warehouse: Warehouse, partition: Partition, key: Secret) -> int:
    """Adds every answer known in partitions up to this one to `privacy.consent`.

    Versions count, not states: an answer that a source later corrected stays in the ledger beside its correction. So
    partitions may come in any order and any number of times, and the ledger ends the same. Where several partitions
    bring the same answer, the first of them gives `recorded_in`, `proof` and `text_version`.

    Returns:
        How many answers were new.

    Raises:
        KeysChanged: the pseudonym key was rotated meanwhile.
    """
    answers = session.to_pyarrow(_answers(lake, session, partition, key))
    with warehouse.begin() as connection:
        hold(connection, key)
        stage_rows(connection, "told", answers, like="privacy.consent")
        told = sa.table("told", *(sa.column(c) for c in answers.schema.names))
        adding = insert(Consent).from_select(answers.schema.names, sa.select(*told.c))
        earliest = {c: adding.excluded[c] for c in ("recorded_in", "proof", "text_version")}
        is_new = sa.literal_column("xmax = 0", sa.Boolean)
        added = connection.execute(
            adding.on_conflict_do_update(
                index_elements=_ANSWER, set_=earliest, where=adding.excluded.recorded_in < Consent.recorded_in
            ).returning(is_new)
        )
        return sum(1 for new in added.scalars() if new)


def _answers(lake: Lake, session: Backend, partition: Partition, key: Secret) -> ibis.Table:
    """One row per answer: the columns of `privacy.consent`, from the earliest partition that brought it."""
    told = lake.entity_history(session, "consent", through=partition)
    keyed = told.mutate(contact_key=contact_key_of(told.email_key, key), recorded_in=_.partition.cast("date"))
    first = ibis.window(
        group_by=[keyed[c] for c in _ANSWER],
        order_by=[keyed.partition, keyed.generation, keyed.proof, keyed.text_version],
    )
    ranked = keyed.mutate(place=ibis.row_number().over(first))
    return ranked.filter(_.place == 0).select(*_ANSWER, "proof", "text_version", "recorded_in")
