"""The frames to learn from and to judge on, in time order."""

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import pandas as pd
from ibis.backends.duckdb import Backend

from audience.core.errors import ModelError
from audience.core.partition import Partition
from audience.models.frame import fingerprint, people
from audience.models.labels import buyers, paid_before
from audience.models.target import Target

FeaturesAt = Callable[[Partition], ibis.Table]
"""The rows of FEATURES as of the end of a partition, whether or not that partition is stored."""


@dataclass(frozen=True)
class Examples:
    """People at a cut-off and whether each did what is predicted; both indexed alike.

    Somebody who is known at three cut-offs is three examples.
    """

    people: pd.DataFrame
    did: pd.Series

    @property
    def rate(self) -> float:
        """Share of the examples who did: what a model without any feature would answer."""
        return float(self.did.mean())


@dataclass(frozen=True)
class History:
    """What a model may learn from (`past`) and what it is judged on (`hold_out`), strictly later."""

    past: Examples
    hold_out: Examples

    @property
    def fingerprint(self) -> str:
        parts = (self.past, self.hold_out)
        return fingerprint(*(p.people for p in parts), *(p.did.to_frame() for p in parts))


def history(
    session: Backend, target: Target, *, as_of: Partition, features_at: FeaturesAt, orders: ibis.Table
) -> History:
    """Examples at the target's cut-offs, from nothing at or after the end of `as_of`.

    Args:
        orders: one row per order: `person_id`, `ordered_at` (UTC), `status`; only paid ones count.

    Raises:
        ModelError: too few people of either class to learn from or to judge on; says what was found and expected.
    """
    known = paid_before(orders, as_of)

    def examples(cutoff: Partition) -> Examples:
        frame = people(session, features_at(cutoff))
        did = session.to_pyarrow(buyers(known, cutoff=cutoff, horizon_days=target.horizon_days))
        return Examples(frame, pd.Series(frame.index.isin(did["person_id"].to_pylist()), index=frame.index, name="did"))

    by_cutoff = [examples(c) for c in target.learnt_from(as_of)]
    past = Examples(pd.concat([e.people for e in by_cutoff]), pd.concat([e.did for e in by_cutoff]))
    hold_out = examples(target.hold_out(as_of))
    oldest, newest = target.learnt_from(as_of)[-1], target.learnt_from(as_of)[0]
    _expect_both_classes(target, past, f"cut-offs {oldest}..{newest}")
    _expect_both_classes(target, hold_out, f"hold-out {target.hold_out(as_of)}")
    return History(past, hold_out)


def _expect_both_classes(target: Target, examples: Examples, place: str) -> None:
    did, total, fewest = int(examples.did.sum()), len(examples.did), target.fewest_of_each_class
    if min(did, total - did) < fewest:
        raise ModelError(
            f"{target.name}: {place}: found {did} people with a paid order within {target.horizon_days} days and"
            f" {total - did} without, expected at least {fewest} of each"
        )
