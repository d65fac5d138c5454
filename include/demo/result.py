"""What the demo ends with: numbers per source, segments, and whether the platform's lists are the segment tables."""

from collections import defaultdict
from dataclasses import dataclass

import httpx
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from audience.house import House
from audience.reporting.pushes import Push, read_pushes
from audience.reporting.segments import SegmentNumbers, read_segments
from audience.reporting.sources import SourceNumbers, read_sources
from demo.place import Place


@dataclass(frozen=True)
class ListResult:
    """One segment beside its list on the platform."""

    segment: SegmentNumbers
    sendable: int
    on_platform: int
    agrees: bool


@dataclass(frozen=True)
class Result:
    """Everything the last table shows. `writes` counts calls that changed something on the platform."""

    sources: list[SourceNumbers]
    records: int
    people: int
    segments: list[ListResult]
    pushes: list[Push]
    writes: int

    @property
    def agrees(self) -> bool:
        return bool(self.segments) and all(s.agrees for s in self.segments)


def read_result(house: House, place: Place) -> Result:
    """Reads the warehouse and, as an outsider would, the platform."""
    lists = httpx.get(f"{place.sandbox_url}/_control/brevo/lists", timeout=60).json()
    requests = httpx.get(f"{place.sandbox_url}/_control/requests", timeout=60).json()
    with house.warehouse.vault.begin() as connection:
        sendable = may_be_written_to(connection)
        people = connection.execute(sa.text("SELECT count(DISTINCT person_id) FROM vault.contact_point")).scalar()
        records = connection.execute(
            sa.text("SELECT coalesce(sum(loaded), 0) FROM ops.landing WHERE entity = 'contact'")
        ).scalar()
    compared = []
    for segment in read_segments(house.warehouse):
        wanted, found = sendable.get(segment.segment, set()), set(lists.get(segment.segment, []))
        compared.append(ListResult(segment, len(wanted), len(found), agrees=wanted == found))
    return Result(
        sources=read_sources(house.warehouse),
        records=int(records or 0),
        people=int(people or 0),
        segments=compared,
        pushes=read_pushes(house.warehouse),
        writes=len(requests["brevo_writes"]),
    )


def may_be_written_to(connection: sa.Connection) -> dict[str, set[str]]:
    """The addresses of each segment's members who may be written to.

    Said once more than in the gate, in another language and person by person: the demo checks, it does not trust. The
    main address has agreed to the segment's purpose; no address that the person has or had withdrew it or is suppressed.
    """
    answers = {
        (key, purpose): status
        for key, purpose, status in connection.execute(
            sa.text("SELECT contact_key, purpose, status FROM privacy.current_consent WHERE channel = 'email'")
        )
    }
    suppressed = set(connection.execute(sa.text("SELECT contact_key FROM privacy.suppression")).scalars())
    keys: dict[str, set[str]] = defaultdict(set)
    main: dict[str, tuple[str, str]] = {}
    for person, key, email, is_primary in connection.execute(
        sa.text("SELECT person_id, contact_key, email, is_primary FROM vault.contact_point")
    ):
        keys[person].add(key)
        if is_primary:
            main[person] = (key, email)
    for person, key in connection.execute(sa.text("SELECT person_id, contact_key FROM vault.former_address")):
        keys[person].add(key)
    sendable: dict[str, set[str]] = defaultdict(set)
    for segment, purpose, person in connection.execute(
        sa.text(
            "SELECT segment, purpose, person_id FROM segments.current_member JOIN segments.definition USING (segment)"
        )
    ):
        key, email = main.get(person, ("", ""))
        refused = any(answers.get((own, purpose)) == "withdrawn" or own in suppressed for own in keys[person])
        if answers.get((key, purpose)) == "granted" and not refused:
            sendable[segment].add(email)
    return sendable


def show(console: Console, result: Result, place: Place) -> None:
    sources = Table(title=f"What came in, until {place.until}", title_justify="left")
    for heading in ("source", "rows in", "loaded", "quarantined", "superseded"):
        sources.add_column(heading, justify="left" if heading == "source" else "right")
    for source in result.sources:
        numbers = (source.taken, source.loaded, source.quarantined, source.superseded)
        sources.add_row(source.source, *(f"{n:,}" for n in numbers))
    console.print(sources)
    console.print(f"{result.records:,} contact records -> {result.people:,} people with an address\n", highlight=False)
    table = Table(title=f"Segments on {place.until}", title_justify="left")
    for heading in ("segment", "members", "entered", "left", "may be written to", "on the platform", ""):
        table.add_column(heading, justify="left" if heading in ("segment", "") else "right")
    for one in result.segments:
        sizes = (one.segment.members, one.segment.entered, one.segment.left, one.sendable, one.on_platform)
        verdict = "[green]agrees[/green]" if one.agrees else "[red]differs[/red]"
        table.add_row(one.segment.title, *(f"{n:,}" for n in sizes), verdict)
    console.print(table)
    for push in result.pushes[:1]:
        console.print(
            f"Last push: {push.adds:,} added, {push.changes:,} created or updated, {push.removals:,} removed,"
            f" {push.acknowledged:,} acknowledged, {push.dead:,} refused by the platform",
            highlight=False,
        )
    console.print(f"Calls that wrote to the platform since it was started: {result.writes:,}", highlight=False)


def show_times(console: Console, took: list[tuple[str, float]]) -> None:
    """The chapters with their seconds, as measured."""
    table = Table(title="How long it took", title_justify="left", show_footer=True)
    table.add_column("chapter", footer="together")
    table.add_column("seconds", footer=f"{sum(seconds for _, seconds in took):.0f}", justify="right")
    for chapter, seconds in took:
        table.add_row(chapter, f"{seconds:.0f}")
    console.print(table)
