"""How far two distributions are apart."""

from collections.abc import Mapping
from math import log

HALF_A_ROW = 0.5
"""Added to each bucket, so that an empty one has a logarithm."""


def stability_index(found: Mapping[str, int], expected: Mapping[str, float]) -> float:
    """The population stability index: the sum over buckets of (f - e) * ln(f / e), f and e shares of the rows.

    0: the same; 0.1 to 0.25 is commonly read as some shift, above as a large one (N. Siddiqi, Credit Risk Scorecards,
    2006). It is symmetric: the sum of both Kullback-Leibler divergences.

    Args:
        found: rows by bucket.
        expected: rows by bucket, or any other weights.
    """
    buckets = sorted({*found, *expected})
    rows = sum(found.values()) + HALF_A_ROW * len(buckets)
    weight = sum(expected.values()) + HALF_A_ROW * len(buckets)
    index = 0.0
    for bucket in buckets:
        f = (found.get(bucket, 0) + HALF_A_ROW) / rows
        e = (expected.get(bucket, 0) + HALF_A_ROW) / weight
        index += (f - e) * log(f / e)
    return index
