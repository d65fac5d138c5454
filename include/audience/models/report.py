"""What training did, in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

from audience.core.partition import Partition


@dataclass(frozen=True)
class Outcome:
    """What became of one model.

    Args:
        version: `p_buy_30d/3`; empty when nothing was registered because the incumbent could not be compared with.
        promoted: true when the version replaced the one before.
        champion: the version that scores the days after the training day.
        is_rerun: true when this version was there already: same day, same data, same code. Nothing was fitted.
        reason: why it was promoted or kept back, in words and numbers.
        metrics: what was measured, by name.
    """

    model: str
    version: str
    promoted: bool
    champion: str
    is_rerun: bool
    reason: str
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class TrainingReport:
    """What became of every model on one training day."""

    as_of: Partition
    outcomes: tuple[Outcome, ...]

    def of(self, model: str) -> Outcome:
        return next(o for o in self.outcomes if o.model == model)

    def as_dict(self) -> dict[str, object]:
        """The report as JSON types."""
        return {
            "as_of": self.as_of.key,
            "models": {o.model: vars(o) | {"metrics": dict(o.metrics)} for o in self.outcomes},
        }
