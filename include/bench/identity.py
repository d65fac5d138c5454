"""Who is one person: exact values, and records that are only similar."""

from bench.identity_exact import measure_exact
from bench.identity_fuzzy import measure_fuzzy
from bench.measure import Step
from bench.place import Place


def measure_identity(place: Place) -> list[Step]:
    return [measure_exact(place), *measure_fuzzy(place)]
