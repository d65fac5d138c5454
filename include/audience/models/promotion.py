"""When a challenger replaces the incumbent: the model that would score the next day without it."""

from dataclasses import dataclass

SILHOUETTE_MAY_LOSE = 0.10
"""Share of the incumbent's silhouette: newer clusters describe today's customers, even when a little less sharply."""


@dataclass(frozen=True)
class Verdict:
    promoted: bool
    reason: str


FIRST = Verdict(True, "there was no model before")


def by_ranking(*, challenger: float, incumbent: float) -> Verdict:
    """Promoted only when the area under the curve is higher; both are taken on the same hold-out."""
    better = challenger > incumbent
    return Verdict(better, f"ROC-AUC {challenger:.4f} against {incumbent:.4f} on the same hold-out")


def by_silhouette(*, challenger: float, incumbent: float, is_rerun: bool) -> Verdict:
    """Promoted unless clearly less sharp, both on the same customers.

    A rerun for a day that has clusters already must be sharper: it is not newer.
    """
    floor = incumbent if is_rerun else incumbent - SILHOUETTE_MAY_LOSE * abs(incumbent)
    enough = challenger > floor if is_rerun else challenger >= floor
    return Verdict(
        enough, f"silhouette {challenger:.4f} against {incumbent:.4f} on the same customers, floor {floor:.4f}"
    )
