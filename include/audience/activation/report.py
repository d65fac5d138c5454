"""What a push did, in numbers and without personal data: it travels through XCom and is shown in Airflow."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class ListState:
    """One list after a push, as the platform was read back.

    Args:
        desired: contacts that should be on it.
        on_platform: contacts that are on it.
        ghosts: on it and not desired, known to us.
        unknown: on it, and not known to us at all.
        missing: desired and not on it, without those the platform refused.
        opted_out: on it, and opted out on the platform.
        outdated: on it with other attributes than we told.
    """

    name: str
    desired: int
    on_platform: int
    ghosts: int
    unknown: int
    missing: int
    opted_out: int
    outdated: int

    @property
    def in_sync(self) -> bool:
        return self.ghosts == self.unknown == self.missing == self.opted_out == 0


@dataclass(frozen=True)
class PushReport:
    """What `activate` did.

    Args:
        adds: memberships planned to be added.
        creates, changes: contacts planned to be made, as far as we know; to be made or updated.
        removals: memberships planned to be taken away.
        acknowledged, dead, withheld: what became of the planned items.
        calls: calls made to the platform, reads included; in a dry run, calls that writing would take.
        seconds: in a dry run, how long the calls take at the platform's rate; what it does later comes on top.
        samples: in a dry run, a few payloads with every letter an x.
        withdrawn: memberships taken away before anything else, of people who said no since the last push.
        erased: contacts deleted on the platform.
        waiting_seconds: the platform has not done yet what it accepted; run again after so long. 0 when it has.
        opted_out: addresses that the platform told us to suppress, new to us.
        lists: each list as it was read back at the end; empty in a dry run.
        in_sync: every list is as desired, apart from contacts that the platform refuses.
        skipped: why nothing was even looked at; empty otherwise.
        problems: what the guard has against the plan; in a dry run, or when a person approved it all the same.
        stale: optional sources that are late or were blocked: the segments do not have their newest rows.
    """

    destination: str
    as_of: date
    adds: int = 0
    creates: int = 0
    changes: int = 0
    removals: int = 0
    acknowledged: int = 0
    dead: int = 0
    withheld: int = 0
    calls: int = 0
    seconds: float = 0.0
    samples: tuple[dict[str, Any], ...] = ()
    withdrawn: int = 0
    erased: int = 0
    waiting_seconds: float = 0.0
    opted_out: int = 0
    lists: tuple[ListState, ...] = ()
    in_sync: bool = False
    skipped: str = ""
    problems: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values that JSON takes."""
        return asdict(self) | {"as_of": self.as_of.isoformat(), "lists": [asdict(s) for s in self.lists]}
