"""A source that reads files of items, and what a test drops for it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from staging import FRIDAY, staged
from typing_extensions import TypedDict

from audience.core.connection import Connection
from audience.core.lake import Lake
from audience.core.partition import Partition, Window
from audience.sources.contract import Extraction, Files, Iso, Row, Source, Stream, Unreadable, extract, files

LINE = re.compile(r"(?P<id>\S+) (?P<title>.*)")


class Item(TypedDict):
    _file: str
    _day: str
    _offset: int
    id: str
    title: str


def fetch_items(folder: Files, window: Window) -> Iterator[Item]:
    return folder.records("items-{day:%Y-%m-%d}*", window, required=True)


def fetch_lines(folder: Files, window: Window) -> Iterator[Item]:
    return folder.lines("items-{day:%Y-%m-%d}.log", window, LINE, required=True)


def tidy_item(record: Item) -> Iterator[Row]:
    yield "product", {"product_id": record["id"], "title": record["title"], "updated_at": "2026-11-20T08:00:00Z"}


KIOSK = Source(
    "kiosk",
    "Kiosk",
    system=files("kiosk", "Kiosk"),
    streams=(Stream("items", fetch_items, tidy_item, entities=("product",), cursor=Iso("_day", zone="UTC")),),
)


@dataclass(frozen=True)
class Drop:
    """A folder, and what is extracted of it."""

    folder: Path
    lake: Lake

    def put(self, name: str, content: bytes | str) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def connection(self, **extra: Any) -> Connection:
        return Connection("kiosk", f"file://{self.folder}", extra=extra)

    def extracted(self, day: Partition = FRIDAY, **stream: Any) -> Extraction:
        source = replace(KIOSK, streams=(replace(KIOSK.streams[0], **stream),))
        return extract(source, self.connection(), self.lake, first=day, last=day)

    def ids(self, extraction: Extraction) -> list[str]:
        return [row["product_id"] for row in staged(self.lake, extraction, "product")]

    def broken(self, extraction: Extraction) -> list[dict[str, Any]]:
        return staged(self.lake, extraction, "_broken")

    def is_empty(self) -> bool:
        """Nothing is staged."""
        return self.lake.staged(f"kiosk/{FRIDAY}_{FRIDAY}") == []


def rows_of(folder: Path, name: str, *, form: re.Pattern[str] | None = None) -> tuple[list[Any], list[Unreadable]]:
    """The records and the unreadable rows of one file of Friday."""
    client = Files(Connection("kiosk", f"file://{folder}"))
    how: dict[str, Any] = {"required": True}
    found = (client.records(name, FRIDAY.window, **how) if form is None
             else client.lines(name, FRIDAY.window, form, **how))  # fmt: skip
    rows = list(found)
    return [r for r in rows if not isinstance(r, Unreadable)], [r for r in rows if isinstance(r, Unreadable)]
