"""Matching against the demo town, where it is known who is who."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.tables import PERSON_KEY
from audience.core.warehouse import Warehouse
from audience.identity.resolve import resolve
from audience.quality.publication import publish
from audience.sources.contract import extract, source_named
from small_sandbox import SmallSandbox

KEY = Secret("a-pseudonym-key-for-tests-only-0123456789")
STREAMS = {"crm": ("contacts",), "shop": ("customers",), "newsletter": ("signups",)}


def pairs(groups: Mapping[Any, Any]) -> int:
    """Pairs of records with the same group."""
    return sum(n * (n - 1) // 2 for n in Counter(groups.values()).values())


def test_who_is_matched_is_one_person_and_most_who_are_one_person_are_matched(
    lake: Lake, duck: Backend, warehouse: Warehouse, small_sandbox: SmallSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    health = httpx.get(f"{small_sandbox.url}/health").json()
    first, last = Partition.parse(health["earliest"][:10]), Partition.parse(health["until"])
    for name, streams in STREAMS.items():
        source = source_named(name)
        only = replace(source, streams=tuple(s for s in source.streams if s.name in streams))
        extraction = extract(only, small_sandbox.connection(name), lake, first=first, last=last)
        publish(
            lake, duck, warehouse, key=KEY, source=name, folder=extraction.folder, staged=extraction.rows, last=last,
            keep_result=lambda audit: None,
        )  # fmt: skip
    counts = resolve(lake, duck, warehouse, last, KEY).counts

    keys = duck.to_pyarrow(lake.read(duck, PERSON_KEY, last)).to_pylist()
    found = {k["key"]: k["person_id"] for k in keys if k["kind"] == "record"}
    truth = {k.replace("brevo:", "newsletter:"): person for k, person in small_sandbox.truth()["contacts"].items()}
    assert found.keys() == truth.keys()
    right = pairs({k: (found[k], truth[k]) for k in truth})
    precision, recall = right / pairs(found), right / pairs(truth)
    with capsys.disabled():
        print(f"\nmatching, {counts.taken} records: precision {precision:.3f}, recall {recall:.3f}")  # noqa: T201 - asked for
    assert precision >= 0.99
    assert recall >= 0.98
