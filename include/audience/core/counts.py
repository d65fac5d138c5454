"""Every step hands back its numbers: rows in = rows loaded + rows set aside, by reason."""

from dataclasses import dataclass, field
from typing import Self

from audience.core.errors import AudienceError


@dataclass(frozen=True)
class Counts:
    """What became of the rows of one step.

    `taken` rows came in; `loaded` went on; `quarantined` were refused and kept with their reason; `superseded` were
    replaced by a newer version of the same key within the same window. Raises AudienceError when they do not add up.
    """

    taken: int
    loaded: int
    quarantined: int = 0
    superseded: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.taken != self.loaded + self.quarantined + self.superseded:
            raise AudienceError(
                f"counts: {self.taken} rows came in, but {self.loaded} loaded + {self.quarantined} quarantined"
                f" + {self.superseded} superseded are {self.loaded + self.quarantined + self.superseded}"
            )
        if self.quarantined != (told := sum(self.reasons.values())):
            raise AudienceError(f"counts: {self.quarantined} rows are quarantined, but the reasons are of {told}")

    @classmethod
    def none(cls) -> Self:
        return cls(taken=0, loaded=0)

    def __add__(self, other: "Counts") -> "Counts":
        reasons = {r: self.reasons.get(r, 0) + other.reasons.get(r, 0) for r in {*self.reasons, *other.reasons}}
        return Counts(
            taken=self.taken + other.taken,
            loaded=self.loaded + other.loaded,
            quarantined=self.quarantined + other.quarantined,
            superseded=self.superseded + other.superseded,
            reasons=dict(sorted(reasons.items())),
        )

    def as_dict(self) -> dict[str, int | dict[str, int]]:
        return {
            "taken": self.taken,
            "loaded": self.loaded,
            "quarantined": self.quarantined,
            "superseded": self.superseded,
            "reasons": dict(self.reasons),
        }
