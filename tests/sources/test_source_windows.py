"""Each source is read in half-open windows of days: nothing is lost, nothing comes twice."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from staging import FRIDAY, extracted, staged

from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.sources.contract import Extraction, extract, source_named
from small_sandbox import SmallSandbox

WEDNESDAY = FRIDAY.plus(-2)

STREAMS = [
    ("crm", "contacts", "contact", "record_id"),
    ("crm", "consents", "consent", "consent_id"),
    ("shop", "customers", "contact", "record_id"),
    ("shop", "orders", "order", "order_id"),
    ("newsletter", "signups", "contact", "record_id"),
    ("newsletter", "events", "event", "event_id"),
]


def everything(sandbox: SmallSandbox, source: str, stream: str) -> list[dict[str, Any]]:
    """Every record of a stream, read in one window of many years by another client than ours."""
    connection = sandbox.connection(source)
    key = connection.password.reveal()
    names = ("from", "to") if source == "newsletter" else ("updated_from", "updated_to")
    query: dict[str, str | int] = dict(zip(names, ("2000-01-01T00:00:00Z", "2027-01-01T00:00:00Z"), strict=True))
    records: list[dict[str, Any]] = []
    with httpx.Client(headers={"Authorization": f"Bearer {key}", "X-Api-Key": key}, params=query) as client:
        while True:
            reply = client.get(f"{connection.url}/{stream}", params={"limit": 1000, "per_page": 1000, **query}).json()
            records += reply[stream if source == "shop" else "items"]
            if not reply.get("next_cursor") and reply.get("page", 1) >= reply.get("pages", 1):
                return records
            query |= {"page": reply.get("page", 0) + 1, "cursor": reply.get("next_cursor") or ""}


def fetched(
    lake: Lake, sandbox: SmallSandbox, source: str, stream: str, first: Partition, last: Partition
) -> Extraction:
    declared = source_named(source)
    only = replace(declared, streams=tuple(s for s in declared.streams if s.name == stream))
    return extract(only, sandbox.connection(source), lake, first=first, last=last)


@pytest.mark.parametrize(("source", "stream", "entity", "identifier"), STREAMS)
def test_the_extraction_of_a_day_has_exactly_the_records_of_its_half_open_window(
    lake: Lake, small_sandbox: SmallSandbox, source: str, stream: str, entity: str, identifier: str
) -> None:
    cursor = "received_at" if source == "newsletter" else "updated_at"
    day = next(  # the newest day with records
        Partition(max(datetime.fromisoformat(r[cursor]).astimezone(UTC) for r in records).date())
        for records in [everything(small_sandbox, source, stream)]
    )
    expected = Counter(
        r["id"]
        for r in everything(small_sandbox, source, stream)
        if day.window.start <= datetime.fromisoformat(r[cursor]) < day.window.end
    )
    extraction = fetched(lake, small_sandbox, source, stream, day, day)
    broken = [r for r in staged(lake, extraction, "_broken") if r["entity"] == entity]
    assert (
        Counter(r[identifier] for r in staged(lake, extraction, entity)).total() == expected.total() - len(broken) > 0
    )
    assert {r[identifier] for r in staged(lake, extraction, entity)} <= set(expected)
    assert {r["_day"] for r in staged(lake, extraction, entity)} == {day.key}


@pytest.mark.parametrize(("source", "stream", "entity", "identifier"), STREAMS)
def test_a_first_load_is_the_sum_of_its_days_each_row_in_the_day_of_its_change(
    lake: Lake, small_sandbox: SmallSandbox, source: str, stream: str, entity: str, identifier: str
) -> None:
    def rows(first: Partition, last: Partition) -> Counter[tuple[str, str]]:
        extraction = fetched(lake, small_sandbox, source, stream, first, last)
        return Counter((r["_day"], r[identifier]) for r in staged(lake, extraction, entity))

    by_day = [rows(day, day) for day in Partition.between(WEDNESDAY, FRIDAY)]
    assert rows(WEDNESDAY, FRIDAY) == sum(by_day, Counter())


def test_a_record_at_midnight_is_of_the_day_that_begins(lake: Lake) -> None:
    records = [{"id": "p", "title": "cup", "at": at} for at in ("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z")]
    extraction = extracted(lake, records)
    assert [r["updated_at"] for r in staged(lake, extraction, "product")] == ["2026-11-20T00:00:00Z"]
    assert (extraction.outside, extraction.rows["_broken"]) == (1, 0)


def test_an_order_gives_its_lines_and_a_sign_up_its_consents(lake: Lake, small_sandbox: SmallSandbox) -> None:
    shop = fetched(lake, small_sandbox, "shop", "orders", WEDNESDAY, FRIDAY)
    orders = {r["order_id"] for r in staged(lake, shop, "order")}
    assert {r["order_id"] for r in staged(lake, shop, "order_line")} == orders
    newsletter = fetched(lake, small_sandbox, "newsletter", "signups", Partition.parse("2025-11-20"), FRIDAY)
    consents = staged(lake, newsletter, "consent")
    assert {r["record_id"] for r in consents} == {r["record_id"] for r in staged(lake, newsletter, "contact")}
    assert {r["purpose"] for r in consents} == {"email_marketing", "open_tracking", "profiling"}


def test_opens_by_privacy_proxies_and_clicks_by_scanners_are_told_from_those_of_people(
    lake: Lake, small_sandbox: SmallSandbox
) -> None:
    extraction = fetched(lake, small_sandbox, "newsletter", "events", Partition.parse("2025-01-01"), FRIDAY)
    known = {r["event_id"] for r in staged(lake, extraction, "event") if r["is_machine"]}
    assert known == set(small_sandbox.truth()["machine_events"])


def test_extracting_again_replaces_what_was_staged(lake: Lake, small_sandbox: SmallSandbox) -> None:
    first = fetched(lake, small_sandbox, "shop", "orders", FRIDAY, FRIDAY)
    before = staged(lake, first, "order")
    again = fetched(lake, small_sandbox, "shop", "orders", FRIDAY, FRIDAY)
    assert again == first and staged(lake, again, "order") == before
