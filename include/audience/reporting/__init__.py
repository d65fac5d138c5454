"""What people ask about the runs, answered from the warehouse alone: numbers only, read only, no personal data.

sources   what came in, from `ops.landing`
segments  sizes and movements of the newest evaluated partition
pushes    the last plans
freshness how old it is, against what source files promise
ready     whether there is anything to read
"""

from audience.reporting.freshness import Freshness, late_required, read_freshness
from audience.reporting.pushes import Push, read_pushes
from audience.reporting.ready import check_migrated
from audience.reporting.segments import SegmentNumbers, read_segments
from audience.reporting.sources import SourceNumbers, read_sources

__all__ = [
    "Freshness",
    "Push",
    "SegmentNumbers",
    "SourceNumbers",
    "check_migrated",
    "late_required",
    "read_freshness",
    "read_pushes",
    "read_segments",
    "read_sources",
]
