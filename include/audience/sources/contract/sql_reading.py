"""How the rows of a query become Arrow batches: PostgreSQL's COPY, or a driver's server-side cursor."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from audience.sources.contract.cursors import wall_clock

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa
    from psycopg import Copy

_BATCH_BYTES, _BATCH_ROWS = 8 << 20, 20_000

_MYSQL_TIMESTAMP, _MYSQL_DATETIME = 7, 12
"""Types of columns in MySQL's protocol: an instant, written in the session's zone (UTC), and a wall clock."""


def copied(connection: "sa.Connection", statement: "sa.TextClause", zone: str | None) -> "Iterator[pa.RecordBatch]":
    """The rows of a query on PostgreSQL through psycopg, parsed by Arrow from the CSV that the server writes."""
    from psycopg.postgres import types

    compiled = statement.compile(connection)
    query, values = str(compiled), compiled.params
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({query}) AS described LIMIT 0", values)  # noqa: S608 - of the source file
        known = {kind.oid: kind.name for kind in types}
        kinds = {column.name: known.get(column.type_code, "") for column in cursor.description}
        with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)", values) as copy:
            for content in _blocks(copy):
                yield _parsed(content, kinds, zone)


def _blocks(copy: "Copy") -> Iterator[bytearray]:
    """Whole rows, some megabytes of them: psycopg gives one row at a time, however it is cut on the wire."""
    block = bytearray()
    while row := copy.read():
        block += row
        if len(block) >= _BATCH_BYTES:
            yield block
            block = bytearray()
    if block:
        yield block


def _parsed(content: bytearray, kinds: dict[str, str], zone: str | None) -> "pa.RecordBatch":
    import pyarrow as pa
    from pyarrow import csv

    numbers = dict.fromkeys(("int2", "int4", "int8"), pa.int64()) | dict.fromkeys(("float4", "float8"), pa.float64())
    types = {name: (numbers | {"bool": pa.bool_()}).get(kind, pa.string()) for name, kind in kinds.items()}
    table = csv.read_csv(
        pa.py_buffer(content),
        read_options=csv.ReadOptions(column_names=list(kinds), block_size=len(content) + 1),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=types, true_values=["t"], false_values=["f"],
            # PostgreSQL writes null as nothing and an empty text as "".
            null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
        ),
    )  # fmt: skip
    (batch,) = table.combine_chunks().to_batches()
    columns = [
        _instants(c, zone) if kind == "timestamp" and zone else c
        for c, kind in zip(batch.columns, kinds.values(), strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=list(kinds))


def streamed(connection: "sa.Connection", statement: "sa.TextClause", zone: str | None) -> "Iterator[pa.RecordBatch]":
    """The rows of a query through any driver, with a server-side cursor where SQLAlchemy knows how to ask for one."""
    import pyarrow as pa

    options = {"stream_results": True, "max_row_buffer": _BATCH_ROWS}
    result = connection.execution_options(**options).execute(statement)
    names = list(result.keys())
    assert result.cursor is not None
    codes = [c[1] if connection.dialect.driver == "pymysql" else None for c in result.cursor.description]
    for rows in result.partitions(_BATCH_ROWS):
        columns = zip(*rows, strict=True)
        yield pa.RecordBatch.from_arrays(
            [_column(c, code, zone) for c, code in zip(columns, codes, strict=True)], names
        )


def _column(values: Sequence[Any], code: Any, zone: str | None) -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = {*map(type, values)} - {type(None)}
    if kinds in ({bool}, {int}, {float}, {int, float}, {str}, set()):
        try:
            column = pa.array(values)
        except (OverflowError, pa.ArrowInvalid):  # a whole number of more than 64 bits
            column = pa.array([None if v is None else str(v) for v in values])
    else:
        column = pa.array([_text(v, zone) for v in values])
    if code == _MYSQL_TIMESTAMP:
        return pc.binary_join_element_wise(column.cast(pa.string()), "Z", "")
    return _instants(column.cast(pa.string()), zone) if code == _MYSQL_DATETIME and zone else column


def _text(value: Any, zone: str | None) -> str | None:
    """A value as ISO 8601 writes it, or as Python does."""
    if isinstance(value, datetime) and value.tzinfo is None and zone:
        return _written(value.replace(tzinfo=ZoneInfo(zone)))
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else None if value is None else str(value)


def _instants(texts: "pa.Array", zone: str) -> "pa.Array":
    """Wall clocks as instants; what is no time (a date of zeros) stays as it is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.replace_substring(wall_clock(texts, zone).cast(pa.string()), ".000000Z", "Z")
    except pa.ArrowInvalid:
        return pa.array([_instant(text, ZoneInfo(zone)) for text in texts.to_pylist()], pa.string())


def _instant(text: str | None, zone: ZoneInfo) -> str | None:
    try:
        return None if text is None else _written(datetime.fromisoformat(text).replace(tzinfo=zone))
    except ValueError:
        return text


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}Z".replace(".000000Z", "Z")
