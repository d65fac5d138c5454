"""Imputers in the lake. They are learned with the models, and a day uses the newest ones of an earlier day, so that a
past day can be computed again to the same content."""

import base64
import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from audience.core.errors import ModelError
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.features.imputing.declaration import DECLARED, Impute, fingerprint

if TYPE_CHECKING:
    from audience.features.imputing.learning import Imputer

TRUSTED = (
    "numpy.dtype",
    "sklearn.impute._iterative.IterativeImputer",  # skops knows it only where it was imported after scikit-learn's switch
    "sklearn.impute._iterative._ImputerTriplet",
)
"""Types that skops does not trust by itself and that imputers hold."""

_VERSIONS, _FILES = "imputers", "imputer_files"


@dataclass(frozen=True)
class Version:
    """Imputers of one day.

    Args:
        content: a hash of the rules and of the people that they were learned from, the same wherever and whenever that was:
            the stored file holds the time of its making, and the last digits of another processor.
    """

    learned_as_of: Partition
    content: str

    def __str__(self) -> str:
        return f"{self.learned_as_of}/{self.content}"


def learn(
    lake: Lake, session: Backend, as_of: Partition, rows: ir.Table, rules: Sequence[Impute] = DECLARED
) -> Version:
    """Fits and keeps the imputers of a day, unless that was done already for these rules: what days were computed with
    stays.

    Args:
        rows: FEATURES as of the end of the day.
    """
    # pandas, scikit-learn and skops are imported late, here and below: every step asks for versions.
    import pandas as pd

    from audience.features.imputing.learning import MOST, fit_frame, known

    if found := _version(lake, as_of, rules):
        return found
    people = [known(session, rows, (rule,), most=MOST[rule.strategy]) for rule in rules]
    told = b"".join(pd.util.hash_pandas_object(some).to_numpy().tobytes() for some in people)
    content = _hash(fingerprint(tuple(rules)).encode() + told)
    fitted = [fit_frame(some, rule) for some, rule in zip(people, rules, strict=True)]
    return _keep(lake, Version(as_of, content), rules, fitted)


def for_day(lake: Lake, partition: Partition, rules: Sequence[Impute] = DECLARED) -> Version | None:
    """The version that a day uses: the newest one learned as of an earlier day; None when there is none."""
    earlier = [day for day in versions(lake) if day < partition]
    found = (_version(lake, day, rules) for day in reversed(earlier))
    return next((version for version in found if version), None)


def versions(lake: Lake) -> dict[Partition, str]:
    """What was learned when, oldest first."""
    return {day: str(note["content"]) for day, note in lake.notes(_VERSIONS).items()}


def load(lake: Lake, version: Version, rules: Sequence[Impute] = DECLARED) -> "list[Imputer]":
    """Raises ModelError when they are gone, damaged, or hold a type nobody trusts."""
    import skops.io

    from audience.features.imputing.learning import Imputer

    try:
        dumped = base64.b64decode(str(lake.note(_FILES, version.learned_as_of)["skops"]))
        if _hash(dumped) != lake.note(_VERSIONS, version.learned_as_of)["file"]:
            raise ValueError("other content")
        stored = skops.io.loads(dumped, trusted=list(TRUSTED))
        return [
            Imputer(rule, tuple(one["values"]), one["low"], one["high"], one["everybody"], one["of_group"])
            for rule in rules
            if (one := stored.get(rule.column))
        ]
    except Exception as error:  # whatever the store, the file or the format raises: they are not to be had
        raise ModelError(
            f"imputers {version}: found none that load ({type(error).__name__}), expected the stored ones"
        ) from error


def _keep(lake: Lake, version: Version, rules: Sequence[Impute], fitted: "Sequence[Imputer | None]") -> Version:
    import skops.io

    told = {
        one.rule.column: {"values": list(one.values), "low": one.low, "high": one.high, "everybody": one.everybody,
                          "of_group": dict(one.of_group)}
        for one in fitted if one
    }  # fmt: skip
    dumped = skops.io.dumps(told, compression=zipfile.ZIP_DEFLATED)
    lake.note(_FILES, version.learned_as_of, {"skops": base64.b64encode(dumped).decode()})
    noted: dict[str, object] = {
        "content": version.content, "file": _hash(dumped), "rules": fingerprint(tuple(rules)), "columns": sorted(told)
    }  # fmt: skip
    lake.note(_VERSIONS, version.learned_as_of, noted)
    return version


def _version(lake: Lake, as_of: Partition, rules: Sequence[Impute]) -> Version | None:
    noted = lake.note(_VERSIONS, as_of)
    return Version(as_of, str(noted["content"])) if noted.get("rules") == fingerprint(tuple(rules)) else None


def _hash(dumped: bytes) -> str:
    return hashlib.sha256(dumped).hexdigest()[:12]
