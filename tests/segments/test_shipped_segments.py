"""The segments that come with the installation can be used as they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audience.core.tables import SCORES
from audience.segments.check import check, declared
from audience.segments.rule import All, Any, Condition, Not, Rule, windows_of

FOLDER = Path(__file__).parents[2] / "include" / "segments"
SEGMENTS = {s.name: s for s in declared(FOLDER, ["brevo"])}


def columns(rule: Rule) -> Iterator[str]:
    match rule:
        case All(rules) | Any(rules):
            for part in rules:
                yield from columns(part)
        case Not(part):
            yield from columns(part)
        case Condition(column):
            yield column


def test_they_have_no_problem() -> None:
    assert check(FOLDER, ["brevo"]) == []


def test_they_show_features_a_probability_a_cluster_and_a_count_of_events() -> None:
    asked = {c for s in SEGMENTS.values() for c in columns(s.members)}
    assert {"p_buy_30d", "cluster"} <= asked
    assert asked - set(SCORES.names)
    assert windows_of(s.members for s in SEGMENTS.values())


@pytest.mark.parametrize("name", sorted(SEGMENTS))
def test_each_is_delivered_with_consent_to_marketing(name: str) -> None:
    assert SEGMENTS[name].consent == "email_marketing"
    assert SEGMENTS[name].deliver_to == ("brevo",)
