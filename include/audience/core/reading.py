"""Views over published files, as SQL: written as expressions, they would be most of what a small day costs."""

from collections.abc import Mapping, Sequence

import ibis
from ibis.backends.duckdb import Backend

from audience.core.engine import new_name
from audience.core.partition import Partition
from audience.core.publication import DAY
from audience.core.table import Table, Type

_TYPES: dict[Type, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(18, 2)",
    "real": "DOUBLE",
    "boolean": "BOOLEAN",
    "instant": "TIMESTAMPTZ",
    "day": "DATE",
}

VERSION = {"partition": "string", "generation": "string"}
"""Beside the columns of a row: the day that told of it, and which file of that day."""


def view(session: Backend, query: str, schema: ibis.Schema) -> ibis.Table:
    """A query as a table of the session."""
    name = new_name(session, "view")
    session.raw_sql(f"CREATE TEMPORARY VIEW {name} AS {query}")
    return ibis.table(schema, name=name)


def rows_of(table: Table, urls: Sequence[str], day: Partition | None = None) -> str:
    """The rows of files, only those of a day where files hold several."""
    of_day = f" WHERE {DAY} = '{day}'" if day else ""
    return f"SELECT {_typed(table)} FROM {_files(urls)}{of_day}"


def versions(table: Table, urls: Sequence[str], since: Partition | None, through: Partition) -> str:
    """Every version of every row that files tell of the days since..through, with the columns of VERSION."""
    if not urls:
        nothing = ", ".join(f'CAST(NULL AS {_TYPES[c.type]}) AS "{c.name}"' for c in table.columns)
        return f"SELECT {nothing}, '' AS partition, '' AS generation WHERE false"
    sequence = r"regexp_extract(filename, '/(\d+)-[0-9a-f]+\.parquet$', 1)"
    return (
        f"SELECT {_typed(table)}, {DAY} AS partition, {sequence} AS generation"
        f" FROM {_files(urls, 'filename = true')} WHERE {DAY} BETWEEN '{since or ''}' AND '{through}'"
    )


def newest(table: Table, told: str) -> str:
    """Of versions those that count: the newest of each key; equally new ones all do."""
    key = ", ".join(f'"{name}"' for name in table.version_of)
    newest_first = f"rank() OVER (PARTITION BY {key} ORDER BY partition DESC, generation DESC)"
    return f"SELECT {_names(table)} FROM ({told}) QUALIFY {newest_first} = 1"


def of_sources(queries: Mapping[str, str]) -> str:
    """The rows of several queries, by the source that each is of, with the column `source` in front."""
    return " UNION ALL ".join(f"SELECT '{source}' AS source, * FROM ({query})" for source, query in queries.items())


def _names(table: Table) -> str:
    return ", ".join(f'"{name}"' for name in table.names)


def _typed(table: Table) -> str:
    return ", ".join(f'CAST("{c.name}" AS {_TYPES[c.type]}) AS "{c.name}"' for c in table.columns)


def _files(urls: Sequence[str], *options: str) -> str:
    places = ", ".join("'" + url.replace("'", "''") + "'" for url in urls)
    return f"read_parquet({', '.join((f'[{places}]', *options, 'hive_partitioning = false'))})"
