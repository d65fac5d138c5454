"""One extraction of the sandbox, clean or corrupted, published into a copy of what was good before."""

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.place import DAY, KEY

if TYPE_CHECKING:
    from audience.core.partition import Partition
    from audience.house import House
    from audience.sources.contract import Extraction, Source

DOORS = {"shop": ("shop", "sandbox-shop-key"), "crm": ("crm", "sandbox-crm-token"),
         "newsletter": ("brevo/inbox", "sandbox-inbox-token")}  # fmt: skip

FIRST = {"shop": DAY, "crm": DAY.plus(-120), "newsletter": DAY.plus(-27)}
"""The first day of the extraction that is corrupted: contacts change too rarely for one day to show anything."""

_WEEKS = DAY.plus(-28)
"""The first day of orders that is there before: four weeks, what a distribution is compared with, and four volumes."""

_EVER = DAY.plus(-3650)

PERSON_AT = {"customers": 0, "features": 0, "segments": 1, "answers": 0, "opt_outs": 0}
"""What `downstream` gives, and where the person stands in its rows."""

Key = tuple[Any, ...]

Rows = Mapping[str, Mapping[Key, Any]]
"""Published rows by entity and key, the day in front of the key."""


@dataclass(frozen=True)
class Ran:
    """What became of one extraction.

    Args:
        error: why nothing was published; empty: it was.
        failing: by entity and words, how many rows break each expectation that does not hold.
        rows: what was published.
        taken, kept: rows that came in; rows that were loaded, quarantined or superseded.
        added: fields that nobody declared.
    """

    error: str = ""
    failing: Mapping[tuple[str, str], int] = field(default_factory=dict)
    rows: Rows = field(default_factory=dict)
    taken: int = 0
    kept: int = 0
    added: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Town:
    """What was good before, and who serves the rest.

    Args:
        sandbox: its URL.
        lake: folder of the lake.
        server_url, database: a PostgreSQL server, and the warehouse on it, to which nobody is connected.
        sources: that publish in it.
    """

    sandbox: str
    lake: Path
    server_url: str
    database: str
    sources: tuple[str, ...] = tuple(DOORS)

    @contextmanager
    def copied(self) -> Iterator["House"]:
        """A house with a lake and a warehouse like the town's, for one case."""
        with (
            tempfile.TemporaryDirectory(dir=self.lake.parent) as folder,
            _database(self.server_url, template=self.database) as name,
        ):
            # Files of the lake never change, so a second name is a copy.
            lake = shutil.copytree(self.lake, Path(folder) / "lake", copy_function=os.link)
            with _house(replace(self, lake=lake, database=name)) as house:
                yield house


@contextmanager
def founded(sandbox: str, folder: Path, server_url: str, sources: tuple[str, ...] = tuple(DOORS)) -> Iterator[Town]:
    """A town with every good day before the extractions to come; its warehouse is dropped at the end."""
    from audience.sources.contract import source_named

    with _database(server_url) as name:
        town = Town(sandbox, folder / "lake", server_url, name, sources)
        with _house(town) as house:
            house.warehouse.migrate()
            for source in map(source_named, sources):
                for is_orders, first in ((False, _EVER), (True, _WEEKS)):
                    streams = tuple(s for s in source.streams if (s.name == "orders") is is_orders)
                    if streams:
                        ran = ingest(house, replace(source, streams=streams), first, FIRST[source.name].previous)
                        assert not ran.error, ran.error
        yield town


@contextmanager
def with_others(town: Town, source: str) -> Iterator[Town]:
    """The same town after every other source has published its extraction: only this one is to come. Who was one person the
    day before is decided, as it is on any morning."""
    from audience.sources.contract import source_named
    from audience.steps import identity

    with (
        tempfile.TemporaryDirectory(dir=town.lake.parent) as folder,
        _database(town.server_url, template=town.database) as name,
    ):
        lake = shutil.copytree(town.lake, Path(folder) / "lake", copy_function=os.link)
        here = replace(town, lake=lake, database=name)
        with _house(here) as house:
            for other in town.sources:
                if other != source:
                    ran = ingest(house, source_named(other), FIRST[other])
                    assert not ran.error, ran.error
            identity(house, DAY.previous.key)
        yield here


def ingest(
    house: "House", source: "Source", first: "Partition", last: "Partition" = DAY, *, without: Rows | None = None
) -> Ran:
    """Extracts and publishes days of a source, as its DAG does.

    Args:
        without: rows that are taken out between the two.
    """
    from audience.core.errors import AudienceError
    from audience.quality.audit import Audit
    from audience.quality.publication import publish
    from audience.sources.contract import extract

    audits: list[Audit] = []
    try:
        extraction = extract(source, house.connection(source.name), house.lake, first=first, last=last)
        staged = extraction.rows if without is None else _take_out(house, extraction, without)
        with house.engine() as session:
            published = publish(
                house.lake, session, house.warehouse, key=KEY, source=source.name, folder=extraction.folder,
                staged=staged, last=last, keep_result=audits.append,
            )  # fmt: skip
    except AudienceError as error:
        return Ran(error=str(error), failing=_failing(audits))
    counts = [one.counts for one in published]
    return Ran(
        failing=_failing(audits),
        rows={one.entity: _published(house, source.name, one.entity, first, last) for one in published},
        taken=sum(staged.values()),
        kept=sum(c.loaded + c.quarantined + c.superseded for c in counts),
        added=frozenset(name for names in extraction.added.values() for name in names),
    )


def lay(house: "House", source: str, told: "House") -> None:
    """Writes what another house has published of a source's extraction into the lake, and nothing else of it: no gate, no
    quarantine, no numbers."""
    from audience.core.tables import raw
    from audience.sources.contract import source_named

    first = FIRST[source]
    for entity in source_named(source).entities:
        table = raw(source, entity)
        with told.engine() as session:
            history = told.lake.history(session, table, through=DAY, since=first).rename(_day="partition")
            house.lake.write_days(session, table, history.select("_day", *table.names), always=DAY)


def downstream(house: "House") -> dict[str, Any]:
    """Computes the day from what the house has: all rows of people and features, who is in which segment, and what each
    answered and objected to; an address of nobody stands for itself."""
    import sqlalchemy as sa

    from audience.core.tables import CUSTOMERS, FEATURES, PERSON_KEY
    from audience.models.scoring import score
    from audience.steps import features, identity, segments

    day = DAY.key
    identity(house, day)
    features(house, day)
    with house.engine() as session:
        untrained: Any = _NoModels()
        score(house.lake, session, untrained, DAY)
        found: dict[str, Any] = {}
        for table in (CUSTOMERS, FEATURES):
            rows = session.to_pyarrow(house.lake.read(session, table, DAY).order_by("person_id")).to_pylist()
            found[table.name] = [tuple(row.values()) for row in rows]
        keys = session.to_pyarrow(house.lake.read(session, PERSON_KEY, DAY)).to_pylist()
    segments(house, day, "none")
    person_of = {row["key"]: row["person_id"] for row in keys if row["kind"] == "email"}
    with house.warehouse.begin() as connection:
        members = sa.text("SELECT segment, person_id FROM segments.membership WHERE left_on IS NULL ORDER BY 1, 2")
        found["segments"] = [tuple(row) for row in connection.execute(members)]
        for name, query in _OF_ADDRESSES.items():
            rows = connection.execute(sa.text(query))
            found[name] = sorted((person_of.get(address, address), *answer) for address, *answer in rows)
    return found


_OF_ADDRESSES = {
    "answers": "SELECT contact_key, channel, purpose, status, captured_at FROM privacy.consent",
    "opt_outs": "SELECT contact_key, reason, suppressed_at FROM privacy.suppression",
}
"""Who may be written to: what the consent gate of a push asks."""


class _NoModels:
    """A registry before the first training."""

    def for_day(self, _model: str, _day: "Partition") -> None:
        return None


def _failing(audits: "list[Any]") -> dict[tuple[str, str], int]:
    return {
        (audit.table.rpartition("__")[2], finding.expectation.words): finding.failed
        for audit in audits
        for finding in audit.findings
        if not finding.passed
    }


def _published(
    house: "House", source: str, entity: str, first: "Partition", last: "Partition"
) -> dict[Key, tuple[Any, ...]]:
    from audience.core.tables import raw

    table = raw(source, entity)
    with house.engine() as session:
        history = house.lake.history(session, table, through=last, since=first)
        rows = session.to_pyarrow(history.drop("generation")).to_pylist()
    return {(row["partition"], *(row[k] for k in table.key)): tuple(row.values()) for row in rows}


def _take_out(house: "House", extraction: "Extraction", without: Rows) -> dict[str, int]:
    """Rewrites staged files without some rows. Gives the numbers of rows that are left."""
    from audience.core.tables import ENTITIES

    left = dict.fromkeys(extraction.rows, 0)
    for name in house.lake.staged(extraction.folder):
        place = f"{extraction.folder}/{name}"
        entity = Path(name).stem.split(".", 1)[0]
        lines = Path(house.lake.staging_url(place)).read_bytes().splitlines(keepends=True)
        if entity in ENTITIES:
            gone = {tuple(map(str, key)) for key in without.get(entity, {})}
            keys = ENTITIES[entity].key
            lines = [line for line in lines if _key_of(json.loads(line), keys) not in gone]
        with house.lake.stage(place) as file:
            file.writelines(lines)
        left[entity] += len(lines)
    return left


def _key_of(row: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("_day", *keys))


@contextmanager
def _house(town: Town) -> Iterator["House"]:
    import sqlalchemy as sa

    from audience.core.connection import Connection
    from audience.core.lake import Lake
    from audience.core.masked import Secret
    from audience.core.settings import Settings
    from audience.core.warehouse import Warehouse
    from audience.house import House

    def connection(source: str) -> Connection:
        prefix, key = DOORS[source]
        return Connection(source, url=f"{town.sandbox}/{prefix}", password=Secret(key))

    settings = Settings.read({"AUDIENCE_HOME": str(town.lake.parent), "AUDIENCE_PSEUDONYM_KEY": KEY.reveal()})
    url = sa.make_url(town.server_url).set(database=town.database).render_as_string(hide_password=False)
    house = House(settings, Lake.at(town.lake), Warehouse(url), connection)
    try:
        yield house
    finally:
        house.close()


@contextmanager
def _database(server_url: str, *, template: str = "template1") -> Iterator[str]:
    """The name of a new database, dropped at the end."""
    import sqlalchemy as sa

    name = f"audience_injected_{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(server_url, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        yield name
    finally:
        with admin.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        admin.dispose()
