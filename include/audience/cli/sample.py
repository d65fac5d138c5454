"""A look at what a source gives, before anything is deployed: nothing is stored."""

import io
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audience.core.connection import Connection
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.tables import ENTITIES
from audience.sources.contract import Source, Stream

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

_UNKEPT = Secret("-" * 32)
"""Keys the hashes of a sample, which nobody keeps."""


@dataclass(frozen=True)
class Sample:
    """The first records of one stream: what they become, and why some would be quarantined.

    Args:
        rows: by entity, without nulls; personal values are `***`.
        reasons: why rows or records would be refused.
        added: fields that the records have and the source file does not know.
    """

    stream: str
    rows: dict[str, list[dict[str, Any]]]
    reasons: list[str]
    added: list[str]


def samples(
    source: Source, connection: Connection, day: Partition, records: int, session: "Backend"
) -> Iterator[Sample]:
    """At most so many records of each stream of a day. Raises as an extraction does."""
    from audience.sources.contract.extraction import BROKEN, Reading

    client = source.system.open(connection)
    try:
        for stream in source.streams:
            files = {entity: io.BytesIO() for entity in (*stream.entities, BROKEN)}
            reading = Reading(source.name, _first(stream, records), day, day, dict(files))
            reading.run(client)
            staged = {e: [json.loads(line) for line in file.getvalue().splitlines()] for e, file in files.items()}
            broken = [f"{row['entity']}: {row['reason']}" for row in staged.pop(BROKEN)]
            refused = [f"{e}: {reason}" for e, rows in staged.items() if rows for reason in _refusals(session, e, rows)]
            shown = {e: [_masked(e, row) for row in rows] for e, rows in staged.items()}
            yield Sample(stream.name, shown, broken + refused, sorted(reading.added))
    finally:
        client.close()


def _first(stream: Stream, records: int) -> Stream:
    return replace(stream, fetch=lambda client, window: itertools.islice(stream.records(client, window), records))


def _refusals(session: "Backend", entity: str, rows: list[dict[str, Any]]) -> list[str]:
    """The reasons for which admission would refuse rows."""
    import ibis

    from audience.quality.admission import PLACE, judge, refused

    names = (*PLACE, *ENTITIES[entity].staged_names)
    texts = [{n: _text({**row, "_stream": "sample"}.get(n)) for n in names} for row in rows]
    judged = judge(ibis.memtable(texts, schema=dict.fromkeys(names, "string")), ENTITIES[entity], _UNKEPT)
    return [row["reason"] for row in session.to_pyarrow(refused(judged, entity)).to_pylist()]


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _masked(entity: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row as a person may see it on a screen."""
    table = ENTITIES[entity]
    personal = {c.name for c in table.columns if c.personal} | {c.keyed_hash_of for c in table.columns}
    known = {k: v for k, v in row.items() if v is not None and not k.startswith("_")}
    return {k: "***" if k in personal else v for k, v in known.items()}
