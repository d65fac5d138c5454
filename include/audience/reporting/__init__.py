"""What people ask about the runs, answered from the warehouse alone: numbers only, read only, no personal data.

sources    what came in, from `ops.landing`
source_day one source on one day: checks, rows, quarantine, the days before
segments   sizes and movements of the newest evaluated partition
pushes     the last plans
lists      how true the platforms' lists are, what pushes cost, what is wrong with them
freshness  how old it is, against what source files promise
blocked    days of which a gate let nothing be published
declared   what source files promise, for views
ready      whether there is anything to read
list_history   how true lists were over 30 days
pages      all of it as HTML, for Airflow's UI and for files; also requests of erasure, which `privacy` knows
"""

from audience.reporting.blocked import Blocked, blocked_required, read_blocked
from audience.reporting.declared import record_declared
from audience.reporting.freshness import Freshness, late_required, read_freshness
from audience.reporting.list_history import ListHistory, read_list_history
from audience.reporting.lists import Cost, ListTruth, push_problems, read_costs, read_lists
from audience.reporting.pages import (
    audience_page,
    days_page,
    erasure_page,
    lists_page,
    problem_page,
    source_day_page,
)
from audience.reporting.pushes import Push, read_pushes
from audience.reporting.ready import check_migrated
from audience.reporting.segments import SegmentNumbers, read_segments
from audience.reporting.source_day import DayNumbers, SourceDay, newest_day, read_days, read_source_day
from audience.reporting.sources import SourceNumbers, read_sources

__all__ = [
    "Blocked",
    "Cost",
    "DayNumbers",
    "Freshness",
    "ListHistory",
    "ListTruth",
    "Push",
    "SegmentNumbers",
    "SourceDay",
    "SourceNumbers",
    "audience_page",
    "blocked_required",
    "check_migrated",
    "days_page",
    "erasure_page",
    "late_required",
    "lists_page",
    "newest_day",
    "problem_page",
    "push_problems",
    "read_blocked",
    "read_costs",
    "read_days",
    "read_freshness",
    "read_list_history",
    "read_lists",
    "read_pushes",
    "read_segments",
    "read_source_day",
    "read_sources",
    "record_declared",
    "source_day_page",
]
