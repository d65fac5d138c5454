"""Whom the people are compared with: the shares of a population by age, region and country. A shop puts its own here.

A share is of all of the population; what is left out is not compared. Published figures: for France, INSEE's population
estimates by region, sex and age; for Europe, Eurostat's table `demo_pjan`. The shares that are shipped are those of the
sandbox's invented town, no statistics of any real country.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from audience.core.errors import nearest
from audience.core.table import Table
from audience.core.tables import FEATURES

COMPARED = ("age_years", "region", "country")
"""The columns of `features` that a reference may name."""


@dataclass(frozen=True)
class Reference:
    """A population.

    Args:
        name: what is compared with, for people.
        shares: by column and group, the share of the population, 0..1. A group of `age_years` is written `25-34` or `65+`,
            whole years, both ends included; a group of another column is its value.
        within: how far off the share of the people may be: a share too.
    """

    name: str
    shares: Mapping[str, Mapping[str, float]]
    within: float = 0.1
    compared: Table = field(default=FEATURES, repr=False)


SANDBOX_TOWN = Reference(
    name="the sandbox's town",
    shares={
        # The households of completejourney that told their age.
        "age_years": {"19-24": 0.06, "25-34": 0.18, "35-44": 0.24, "45-54": 0.36, "55-64": 0.07, "65+": 0.09},
        # The weights of its places (sandbox/world/names.py).
        "country": {"FR": 0.79, "BE": 0.07, "DE": 0.06, "AT": 0.04, "ES": 0.04},
        "region": {"75": 0.21, "69": 0.09, "13": 0.05, "31": 0.05},
    },
)  # fmt: skip

REFERENCE = SANDBOX_TOWN
"""What the people of each day are compared with."""


def years(group: str) -> tuple[int, int | None]:
    """The first and the last age of a group; None: no last. Raises ValueError when it is no group of ages."""
    if group.endswith("+"):
        return int(group[:-1]), None
    first, last = group.split("-")
    return int(first), int(last)


def problems(reference: Reference = REFERENCE) -> list[str]:
    """What is wrong in a reference: columns that are not compared, groups that are none, shares that cannot be."""
    found = []
    if not 0 < reference.within < 1:
        found.append(f"within: found {reference.within:g}, expected a share above 0 and below 1")
    for column, shares in reference.shares.items():
        if column not in COMPARED:
            found.append(f"no column {column!r} to compare{nearest(column, COMPARED)}")
            continue
        found += [
            f"{column}: {g}: found {s:g}, expected a share from 0 to 1" for g, s in shares.items() if not 0 <= s <= 1
        ]
        if (total := sum(shares.values())) > 1.005:  # shares are written rounded
            found.append(f"{column}: found shares that sum to {total:.3f}, expected at most 1")
        if column == "age_years":
            found += _problems_of_ages(tuple(shares))
    return [f"reference: {reference.name}: {problem}" for problem in found]


def _problems_of_ages(groups: tuple[str, ...]) -> list[str]:
    bands = []
    for group in groups:
        try:
            first, last = years(group)
        except ValueError:
            return [f"age_years: found {group!r}, expected ages such as 25-34 or 65+"]
        bands.append((first, 200 if last is None else last, group))
    found = [f"age_years: found {group!r}, expected its first age before its last" for a, b, group in bands if a > b]
    for (_, last, one), (first, _, other) in zip(sorted(bands), sorted(bands)[1:], strict=False):
        if first <= last:
            found.append(f"age_years: found {one!r} and {other!r}, expected each age in one group")
    return found
