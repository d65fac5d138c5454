"""What is predicted, over which horizon, and at which cut-offs it is learnt and judged."""

from dataclasses import dataclass

from audience.core.partition import Partition


@dataclass(frozen=True)
class Target:
    """A paid order within a horizon, as a probability.

    A cut-off is a partition: features are as of its end, the label looks at the `horizon_days` that follow. With
    training as of day D and a horizon of 30 days:

        judged on     D-30        labels in [D-30, D)
        learnt from   D-60        labels in [D-60, D-30), and D-90, D-120

    so every label that is learnt from was known before the hold-out begins. Random cross-validation would promise more
    than the future keeps: it lets a model see other people's future.

    Args:
        name: the column of SCORES and the name of the registered model.
        training_cutoffs: how many cut-offs are learnt from, one horizon apart.
        fewest_of_each_class: people who did, and people who did not, that learning and judging need at least: an area
            under the curve from fewer than ten of a class moves by a tenth when one person changes their mind.
    """

    name: str
    horizon_days: int
    training_cutoffs: int = 3
    fewest_of_each_class: int = 10

    def hold_out(self, as_of: Partition) -> Partition:
        """The cut-off that models are judged on: the last one whose labels are complete."""
        return as_of.plus(-self.horizon_days)

    def learnt_from(self, as_of: Partition) -> tuple[Partition, ...]:
        """The cut-offs that models learn from, newest first; their labels end at or before the hold-out begins."""
        return tuple(as_of.plus(-self.horizon_days * (2 + i)) for i in range(self.training_cutoffs))


P_BUY_30D = Target("p_buy_30d", horizon_days=30)

TARGETS: tuple[Target, ...] = (P_BUY_30D,)
"""Every probability that is learnt; each has its column in SCORES."""

CLUSTER = "cluster"
"""Name of the clustering: its column in SCORES and its registered model."""

MODELS: tuple[str, ...] = (*(t.name for t in TARGETS), CLUSTER)
"""Names of all registered models, in the order they are trained."""
