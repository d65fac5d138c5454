"""The steps: what one Airflow task does and what a person can do from the command line, the same functions.

Each takes the house and plain values, and gives back plain values: references and numbers, never rows, never personal
data. Heavy libraries are imported inside, so that this module can be imported by a DAG file.
"""

from audience.steps.days import days_between, days_to_compute, end_of_week, input_fingerprint, stale_days
from audience.steps.facts import Facts
from audience.steps.given import trusted
from audience.steps.keys import key_states, rotate_keys
from audience.steps.landing import extract, publish
from audience.steps.learning import compare_imputing, match_model, train
from audience.steps.people import explain, preview, review_export, review_import
from audience.steps.pushing import activate, is_still_asked
from audience.steps.quarantine import discard, replay, replay_of, show_quarantined
from audience.steps.refreshing import features, identity, review, scores, segments
from audience.steps.watching import watch

__all__ = [
    "Facts",
    "activate",
    "compare_imputing",
    "days_between",
    "days_to_compute",
    "discard",
    "end_of_week",
    "explain",
    "extract",
    "features",
    "identity",
    "input_fingerprint",
    "is_still_asked",
    "key_states",
    "match_model",
    "preview",
    "publish",
    "replay",
    "replay_of",
    "review",
    "review_export",
    "review_import",
    "rotate_keys",
    "scores",
    "segments",
    "show_quarantined",
    "stale_days",
    "train",
    "trusted",
    "watch",
]
