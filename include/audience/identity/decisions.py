"""What reviewers decided, remembered in the warehouse: an input of identity like any other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from audience.core.partition import Partition
from audience.core.warehouse.models import IdentityDecision, IdentityReveal
from audience.identity.clusters import Decisions
from audience.identity.cut import Label


@dataclass(frozen=True)
class Decision:
    """One decision about two labels, given in any order.

    Args:
        decision: `same`, `different`, or `undecided`, which takes an earlier one back.
        since: the first day that it counts for; earlier days stay as they were.
        why: in the reviewer's words.
    """

    one: Label
    other: Label
    decision: str
    since: date
    why: str | None = None

    @property
    def pair(self) -> tuple[Label, Label]:
        return (min(self.one, self.other), max(self.one, self.other))


def decisions_of(connection: sa.Connection, partition: Partition) -> Decisions:
    """What counts for a partition: of each pair the newest decision that is not for later days only."""
    told = IdentityDecision
    newest = (
        sa.select(told.left_label, told.right_label, told.decision)
        .where(told.since <= partition.day)
        .ext(distinct_on(told.left_label, told.right_label))
        .order_by(told.left_label, told.right_label, told.id.desc())
    )
    rows = connection.execute(newest).all()

    def pairs(decision: str) -> tuple[tuple[Label, Label], ...]:
        return tuple((r.left_label, r.right_label) for r in rows if r.decision == decision)

    return Decisions(same=pairs("same"), different=pairs("different"))


def remember(connection: sa.Connection, decided: Sequence[Decision], by: str) -> int:
    """Adds decisions; one that repeats what counts already is not added again. Gives the number of new ones."""
    rows = []
    for decision in decided:
        left, right = decision.pair
        known = connection.execute(
            sa.select(IdentityDecision.decision, IdentityDecision.since, IdentityDecision.why)
            .where(IdentityDecision.left_label == left, IdentityDecision.right_label == right)
            .order_by(IdentityDecision.id.desc())
            .limit(1)
        ).one_or_none()
        if known is None or tuple(known) != (decision.decision, decision.since, decision.why):
            rows.append({"left_label": left, "right_label": right, "decision": decision.decision,
                         "since": decision.since, "why": decision.why, "decided_by": by})  # fmt: skip
    if rows:
        connection.execute(sa.insert(IdentityDecision), rows)
    return len(rows)


def record_reveal(connection: sa.Connection, what: str, partition: Partition, *, records: int, to: str) -> None:
    """Remembers that somebody was shown personal values."""
    values = {"what": what, "partition": partition.day, "records": records, "shown_to": to}
    connection.execute(sa.insert(IdentityReveal).values(values))
