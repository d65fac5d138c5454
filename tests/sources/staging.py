"""What an extraction staged, read back."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NotRequired

import pyarrow.parquet as pq
from typing_extensions import TypedDict

from audience.core.connection import Connection
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.sources.contract import Extraction, Row, Source, Stream, bearer, extract, rest

FRIDAY = Partition.parse("2026-11-20")


def staged(lake: Lake, extraction: Extraction, entity: str) -> list[dict[str, Any]]:
    """The staged rows of one entity, all streams together, each in the order of its records."""
    folder = Path(lake.root) / "_staging" / extraction.folder
    rows: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(folder.glob(f"{entity}.*")):
        of_stream = rows.setdefault(file.stem, [])
        if file.suffix == ".parquet":
            of_stream += pq.read_table(file).to_pylist()
        else:
            of_stream += [json.loads(line) for line in file.read_text().splitlines()]
    return [row for stream in rows.values() for row in sorted(stream, key=lambda r: r["_position"])]


class Item(TypedDict):
    id: str
    title: NotRequired[Any]
    at: str


KIOSK = rest("kiosk", "Kiosk", auth=bearer)


def tidy_product(record: Item) -> Iterator[Row]:
    yield "product", {"product_id": record["id"], "title": record["title"], "updated_at": record["at"]}


def a_source(records: Iterable[Any], tidy: Any = tidy_product, entities: tuple[str, ...] = ("product",)) -> Source:
    """A source whose API answers with these records, whatever is asked."""
    stream = Stream("items", lambda _api, _window: iter(records), tidy, entities=entities, cursor="at")
    return Source("kiosk", "Kiosk", system=KIOSK, streams=(stream,))


def extracted(
    lake: Lake, records: Iterable[Any], *, first: Partition = FRIDAY, last: Partition = FRIDAY, **how: Any
) -> Extraction:
    return extract(a_source(records, **how), Connection("kiosk", "http://127.0.0.1:9"), lake, first=first, last=last)
