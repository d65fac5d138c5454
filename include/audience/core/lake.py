"""The lake: immutable Parquet, the same on a local folder and on any fsspec URL.

A publication is one file, `<table>/partition=<days>/<sequence>-<content hash>.parquet`. It appears whole (written aside,
fsynced, renamed; on object stores a put is whole by nature), so a reader sees all of it or none, and two writers at once
never mix rows.

- A *replaced* table (features, customers) shows the file of a day with the highest sequence; a rerun with equal content
  writes nothing, so names and hashes stay.
- A *generational* table (raw_*) shows every file: re-extracting an old window adds what it was told and erases
  nothing; what its day knows already writes nothing. State as of a day is the newest version of each key in partitions
  up to that day. Each row carries its partition in `_day`, so that days published together share a file,
  `partition=<first>_<last>`: the first load of a year is one file to write and to open, not hundreds.
"""

import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

import fsspec
import ibis
import ibis.expr.types as ir
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core import reading
from audience.core.errors import NotPublished
from audience.core.partition import Partition
from audience.core.publication import (
    DAY,
    Content,
    Publication,
    contents,
    days_of,
    no_content,
    of_several,
    sequence_and_hash,
)
from audience.core.table import Table
from audience.core.tables import ENTITIES, raw

_KEPT = 2  # A reader that listed the folder just before a replacement still finds its file.


@dataclass(frozen=True)
class Written:
    """What a write did with the rows of one day.

    Args:
        publication: the file that shows them.
        content_hash: of these rows, whatever their order and whatever else the file holds.
        changed: false when the same content was there already; the file is the one that was there, then.
    """

    publication: Publication
    content_hash: str
    rows: int
    changed: bool


class Lake:
    """The tables below one URL."""

    def __init__(self, url: str) -> None:
        self.fs, root = fsspec.core.url_to_fs(url)
        self.root = root.rstrip("/")
        self.is_local = isinstance(self.fs, LocalFileSystem)

    @classmethod
    def at(cls, place: Path | str) -> Self:
        return cls(str(place))

    # -- what is there ---------------------------------------------------------------------------------------------

    def tables(self) -> list[str]:
        """Names of the tables with at least one partition folder, sorted."""
        return sorted(n for n in self._names("") if not n.startswith(("_", ".")))

    def partitions(self, table: str, *, since: Partition | None = None) -> list[Partition]:
        """Published partitions of a table, oldest first."""
        found = self._published(table, since=since)
        days = {day for file in found for day in (file.first, file.last)}
        for file in found:
            if not file.is_of_one_day:
                with self.fs.open(f"{self.root}/{file.path}", "rb") as opened:
                    days |= {
                        Partition.parse(day) for day in pq.read_table(opened, columns=[DAY])[DAY].unique().to_pylist()
                    }
        return sorted(day for day in days if since is None or since <= day)

    def publications(self, table: Table, *, through: Partition, since: Partition | None = None) -> list[Publication]:
        """The files a reader of `table` opens for partitions since..through, oldest day first."""
        found = self._published(table.name, since=since, through=through)
        return sorted(found if table.keeps_generations else {file.first: file for file in found}.values())

    def files(self, table: str, partition: Partition) -> list[Publication]:
        """Every file that may hold rows of a partition, in the order they were published."""
        return self._published(table, since=partition, through=partition)

    def newest(self, table: str, *, through: Partition | None = None) -> Partition | None:
        """The last published partition of a table, not after `through`."""
        found = self._published(table, through=through)
        return max((file.last if through is None else min(file.last, through) for file in found), default=None)

    def fingerprint(self, tables: Iterable[Table], *, through: Partition, extra: str = "") -> str:
        """A hash that changes exactly when a file that a computation reads changes; `extra` adds other inputs."""
        names = [p.path for t in sorted(tables, key=lambda t: t.name) for p in self.publications(t, through=through)]
        return hashlib.sha256("\n".join([*names, extra]).encode()).hexdigest()[:32]

    def sources_of(self, entity: str) -> list[str]:
        """The sources that ever published this entity, sorted."""
        suffix = f"__{entity}"
        names = [t for t in self.tables() if t.startswith("raw_") and t.endswith(suffix)]
        return [n.removeprefix("raw_").removesuffix(suffix) for n in names]

    # -- reading ---------------------------------------------------------------------------------------------------

    def read(self, session: Backend, table: Table, partition: Partition) -> ibis.Table:
        """The rows of one partition, of all its generations. Raises NotPublished when there is none."""
        files = self.publications(table, through=partition, since=partition)
        if not files:
            raise NotPublished(f"{table.name}: partition {partition} is not published")
        query = reading.rows_of(table, self._urls(files), partition if table.keeps_generations else None)
        return self._view(session, query, table.schema)

    def history(
        self, session: Backend, table: Table, *, through: Partition, since: Partition | None = None
    ) -> ibis.Table:
        """Every version of every row in partitions since..through, with its `partition` and `generation`."""
        query = self._versions(table, through=through, since=since)
        return self._view(session, query, dict(table.schema) | reading.VERSION)

    def state(self, session: Backend, table: Table, *, through: Partition) -> ibis.Table:
        """The newest version of each key known in partitions up to `through`: the table as it stood at that day's end."""
        return self._view(session, reading.newest(table, self._versions(table, through=through)), table.schema)

    def entity_history(self, session: Backend, entity: str, *, through: Partition) -> ibis.Table:
        """History of one entity over all its sources, with the column `source` in front."""
        told = {s: self._versions(raw(s, entity), through=through) for s in self.sources_of(entity)}
        every = reading.of_sources(told or {"": reading.versions(ENTITIES[entity], [], None, through)})
        return self._view(session, every, {"source": "string"} | dict(ENTITIES[entity].schema) | reading.VERSION)

    def entity(self, session: Backend, entity: str, *, through: Partition) -> ibis.Table:
        """State of one entity over all its sources, with the column `source` in front."""
        table = ENTITIES[entity]
        told = {s: self._versions(raw(s, entity), through=through) for s in self.sources_of(entity)}
        told = told or {"": reading.versions(table, [], None, through)}
        every = reading.of_sources({source: reading.newest(table, versions) for source, versions in told.items()})
        return self._view(session, every, {"source": "string"} | dict(table.schema))

    def attach(self, session: Backend) -> None:
        """Lets a session read this lake's URLs; a local folder needs nothing."""
        protocol = self.fs.protocol if isinstance(self.fs.protocol, str) else self.fs.protocol[0]
        if not self.is_local and not session.con.filesystem_is_registered(protocol):
            session.con.register_filesystem(self.fs)

    def _versions(self, table: Table, *, through: Partition, since: Partition | None = None) -> str:
        files = self.publications(table, through=through, since=since)
        return reading.versions(table, self._urls(files), since, through)

    def _view(self, session: Backend, query: str, columns: Mapping[str, object]) -> ibis.Table:
        self.attach(session)
        return reading.view(session, query, ibis.schema(columns))

    def _urls(self, files: Iterable[Publication]) -> list[str]:
        return [self._url(file.path) for file in files]

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(self, session: Backend, table: Table, partition: Partition, rows: ibis.Table) -> Written:
        """Publishes the rows as this partition of the table, whole or not at all.

        The rows are stored sorted by key. Equal content is not written again.

        Raises:
            NotOfTheTable: columns differ from the declaration, or a key stands in two rows.
        """
        if table.keeps_generations:
            of_the_day = rows.mutate(**{DAY: ibis.literal(partition.key)})
            return self.write_days(session, table, of_the_day, always=partition)[partition]
        aside = self._aside()
        try:
            session.to_parquet(table.conform(rows).order_by(list(table.key)), aside, compression="zstd")
            content = contents(session, table, f"{aside}").get("", no_content(table))
            before = self.files(table.name, partition)
            if before and before[-1].content_hash == content.hash:
                return Written(before[-1], content.hash, content.rows, changed=False)
            publication = self._publish(table, {partition: content.hash}, aside)
            for old in before[: 1 - _KEPT]:
                self.fs.rm_file(f"{self.root}/{old.path}")
            return Written(publication, content.hash, content.rows, changed=True)
        finally:
            aside.unlink(missing_ok=True)

    def write_days(
        self, session: Backend, table: Table, rows: ibis.Table, *, always: Partition | None = None
    ) -> dict[Partition, Written]:
        """Publishes rows of many days of a generational table: those of new and changed days, as one file.

        Args:
            rows: the declared columns and `_day`, the key of the partition.
            always: a day that is published even when it has no rows, in a file of its own then.

        Raises:
            NotOfTheTable: as `write`; nothing is published then.
        """
        aside = self._aside()
        try:
            in_order = table.conform(rows, beside=(DAY,)).order_by([DAY, *table.key])
            session.to_parquet(in_order, aside, compression="zstd")
            told = {Partition.parse(day): c for day, c in contents(session, table, f"{aside}", by=DAY).items()}
            if not told and always is not None:
                told = {always: no_content(table)}
            written = self._publish_changed(session, table, told, aside)
        finally:
            aside.unlink(missing_ok=True)
        if always is not None and always not in written:
            none = ibis.memtable([], schema=table.schema).mutate(**{DAY: ibis.literal("")})
            written |= self.write_days(session, table, none, always=always)
        return written

    def _publish_changed(
        self, session: Backend, table: Table, told: Mapping[Partition, Content], aside: Path
    ) -> dict[Partition, Written]:
        """Publishes, of the days that a file holds, those of which it tells what is not known."""
        known = self._newest(session, table, told)
        differing = {day for day, c in told.items() if day in known and known[day][1] != c.hash}
        news = (told.keys() - known.keys()) | self._with_news(session, table, differing, aside)
        changed = {day: c.hash for day, c in told.items() if day in news}
        written = {day: Written(known[day][0], c.hash, c.rows, changed=False)
                   for day, c in told.items() if day not in news}  # fmt: skip
        if not changed:
            return written
        part = aside
        try:
            if written:
                part = aside.with_suffix(".part")
                days = ", ".join(f"'{day}'" for day in changed)
                session.raw_sql(
                    f"COPY (SELECT * FROM read_parquet('{aside}') WHERE {DAY} IN ({days})) TO '{part}'"
                    " (FORMAT parquet, COMPRESSION zstd)"
                )
            publication = self._publish(table, changed, part)
        finally:
            part.unlink(missing_ok=True)
        return written | {
            day: Written(publication, content_hash, told[day].rows, changed=True)
            for day, content_hash in changed.items()
        }

    def _with_news(self, session: Backend, table: Table, days: Collection[Partition], aside: Path) -> set[Partition]:
        """Of some days, those of which a file holds a row that is not known, or a group of rows without a known one.

        A window that is read again rarely gives what it gave at first: records that have changed since are of a later
        day now. What is left of them is nothing new.
        """
        if not days:
            return set()
        file = session.read_parquet(f"{aside}", hive_partitioning=False)
        told = table.conform(file.filter(file[DAY].isin([day.key for day in days])), beside=(DAY,))
        rows = self.history(session, table, since=min(days), through=max(days)).rename({DAY: "partition"})
        group = [DAY, *table.version_of]
        held = _first_versions(rows, group, [ibis.desc(rows.generation)]).select(*table.names, DAY)
        gone = held.semi_join(told, group).difference(told)
        news = told.difference(held).select(DAY).union(gone.select(DAY), distinct=True)
        return {Partition.parse(day) for day in session.to_pyarrow(news)[DAY].to_pylist()}

    def _newest(
        self, session: Backend, table: Table, days: Collection[Partition]
    ) -> dict[Partition, tuple[Publication, str]]:
        """For each of the days that has rows: the last published file with them, and their content hash."""
        newest: dict[Partition, tuple[Publication, str]] = {}
        if not days:
            return newest
        self.attach(session)
        for file in self._published(table.name, since=min(days), through=max(days)):
            if file.is_of_one_day:
                newest[file.first] = (file, file.content_hash)
                continue
            for day, content in contents(session, table, self._url(file.path), by=DAY).items():
                newest[Partition.parse(day)] = (file, content.hash)
        return newest

    def _publish(self, table: Table, days: Mapping[Partition, str], file: Path) -> Publication:
        """Makes a file appear that holds these days, each given with its content hash."""
        first, last = min(days), max(days)
        before = self._published(table.name, since=first, through=last)
        sequence = before[-1].sequence + 1 if before else 1
        content_hash = days[first] if len(days) == 1 else of_several(days)
        publication = Publication(table.name, first, last, sequence, content_hash)
        self._appear(file, publication.path)
        return publication

    def note(self, name: str, partition: Partition, facts: dict[str, object] | None = None) -> dict[str, object]:
        """Reads or, with `facts`, replaces a small JSON note beside the tables (`_notes/<name>/<partition>.json`)."""
        return self._note(f"_notes/{name}/{partition}.json", facts)

    def remember(self, name: str, facts: dict[str, object] | None = None) -> dict[str, object]:
        """The same of what holds for the whole lake, whatever the day (`_notes/<name>.json`)."""
        return self._note(f"_notes/{name}.json", facts)

    def _note(self, path: str, facts: dict[str, object] | None) -> dict[str, object]:
        if facts is not None:
            aside = self._aside()
            try:
                aside.write_text(json.dumps(facts, sort_keys=True), encoding="utf-8")
                self._appear(aside, path)
            finally:
                aside.unlink(missing_ok=True)
            return facts
        if not self.fs.exists(f"{self.root}/{path}"):
            return {}
        with self.fs.open(f"{self.root}/{path}", "rb") as file:
            noted: dict[str, object] = json.load(file)
        return noted

    def notes(self, name: str) -> dict[Partition, dict[str, object]]:
        """All notes of one name, oldest day first."""
        days = sorted(n.removesuffix(".json") for n in self._names(f"_notes/{name}") if n.endswith(".json"))
        return {Partition.parse(day): self.note(name, Partition.parse(day)) for day in days}

    # -- staging: what was extracted and not yet audited -------------------------------------------------------------

    def staging_url(self, path: str) -> str:
        return self._url(f"_staging/{path}")

    def stage(self, path: str) -> "Staged":
        """A file under `_staging/` that appears when it is closed without an error."""
        return Staged(self, f"_staging/{path}")

    def staged(self, folder: str) -> list[str]:
        """Names of the files staged in a folder, sorted."""
        return sorted(self._names(f"_staging/{folder}"))

    def unstage(self, folder: str) -> None:
        """Removes a staging folder; a missing one is fine."""
        place = f"{self.root}/_staging/{folder}"
        if self.fs.exists(place):
            self.fs.rm(place, recursive=True)

    # -- how files are named and moved -------------------------------------------------------------------------------

    def _url(self, path: str) -> str:
        place = f"{self.root}/{path}"
        return place if self.is_local else str(self.fs.unstrip_protocol(place))

    def _names(self, folder: str) -> list[str]:
        place = f"{self.root}/{folder}".rstrip("/")
        if self.is_local:
            try:
                return [entry.name for entry in os.scandir(place)]
            except (FileNotFoundError, NotADirectoryError):
                return []
        try:
            return [str(n).rstrip("/").rsplit("/", 1)[-1] for n in self.fs.ls(place, detail=False, refresh=True)]
        except FileNotFoundError:
            return []

    def _published(
        self, table: str, *, since: Partition | None = None, through: Partition | None = None
    ) -> list[Publication]:
        """Every file of a table that may hold rows of the days since..through; of one day in the order of publication."""
        found = []
        for folder in self._names(table):
            days = days_of(folder)
            if days is None or (through and through < days[0]) or (since and days[1] < since):
                continue
            names = (sequence_and_hash(name) for name in self._names(f"{table}/{folder}"))
            found += [Publication(table, *days, *name) for name in names if name]
        return sorted(found, key=lambda file: (file.sequence, file.first, file.last, file.content_hash))

    def _aside(self) -> Path:
        if not self.is_local:
            return Path(tempfile.gettempdir()) / f"audience-{uuid.uuid4().hex}.parquet"
        folder = Path(self.root) / ".aside"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{uuid.uuid4().hex}.parquet"

    def _appear(self, aside: Path, path: str) -> None:
        if not self.is_local:
            self.fs.put_file(str(aside), f"{self.root}/{path}")
            return
        target = Path(self.root) / path
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(aside, target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _first_versions(rows: ibis.Table, group: list[str], order: list[ir.Value]) -> ibis.Table:
    """Of each group of rows those that come first; equal ones all do."""
    ranked = rows.mutate(version_rank=ibis.rank().over(ibis.window(group_by=group, order_by=order)))
    return ranked.filter(_.version_rank == 0)


class Staged:
    """A staging file being written: `with lake.stage("crm/2026-11-20/contact.ndjson") as file: file.write(...)`."""

    def __init__(self, lake: Lake, path: str) -> None:
        self._lake, self._path = lake, path
        self._aside = lake._aside()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> IO[bytes]:
        self._file = self._aside.open("wb")
        return self._file

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        assert self._file is not None
        try:
            self._file.close()
            if kind is None:
                self._lake._appear(self._aside, self._path)
        finally:
            self._aside.unlink(missing_ok=True)
