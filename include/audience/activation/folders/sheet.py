"""The CSV files of a list: what stands in them, and how they are made of one another, in DuckDB and constant memory.

UTF-8, comma, double quotes, a header. A text that a spreadsheet would take for a formula, and one that begins with an
apostrophe, is written with an apostrophe before it, and read without (CWE-1236, ASVS 1.2.10).
"""

import csv
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from audience.privacy.attributes import FLAGS, TEXTS

Given = TypeVar("Given")

KEY, EMAIL = "contact_key", "email"

MEMBER = (KEY, EMAIL)
"""Columns of a segment's file."""

PROFILE = (KEY, EMAIL, *TEXTS, *FLAGS)
"""Columns of the file of everybody."""

PUT, REMOVE = "put", "remove"

PART = ("told", *PROFILE)
"""Columns of a part: what was told, PUT or REMOVE, and of whom."""

_GUARDED = (EMAIL, *TEXTS)

_FORMULA = "^['=+\\-@\\t\\r\\n\\x00＝＋－＠]"


def columns_of(list_name: str) -> tuple[str, ...]:
    return MEMBER if list_name else PROFILE


def write_part(path: Path, told: Iterable[Sequence[str | bool | None]]) -> Path:
    """What was told, a row each, as a file that nobody but this program reads."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(PART)
        writer.writerows([_cell(value) for value in row] for row in told)
    return path


def _cell(value: str | bool | None) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else value


class Unreadable(Exception):
    """A file that is no list's. Its message names what was found and what was expected, and no value."""


class Sheets:
    """A DuckDB session over files of one scratch folder. Raises Unreadable wherever it reads."""

    def __init__(self, scratch: Path) -> None:
        self._db = duckdb.connect(config={"memory_limit": "1GB", "temp_directory": str(scratch / "spill")})
        self._db.execute("SET TimeZone = 'UTC'")  # an instant without an offset is UTC
        self._run(f"CREATE TABLE opted_out ({KEY} VARCHAR, {EMAIL} VARCHAR, reason VARCHAR, left_at TIMESTAMPTZ)")

    def close(self) -> None:
        self._db.close()

    def fold(self, current: Path | None, parts: Sequence[Path], columns: Sequence[str], target: Path) -> None:
        """The list as it is after its parts were told, in the order of their names; sorted by contact key."""
        names = ", ".join(columns)
        there = _rows(current, columns) if current else _nothing(columns)
        told = _nothing((*PART, "place"))
        if parts:
            told = f"SELECT *, filename AS place FROM {_read(parts, PART, ', filename = true')}"
        self._run(
            f"""
            CREATE OR REPLACE TABLE folded AS
            WITH last AS (
                SELECT * FROM ({told}) QUALIFY row_number() OVER (PARTITION BY {KEY} ORDER BY place DESC) = 1
            )
            SELECT {names} FROM ({there}) ANTI JOIN last USING ({KEY})
            UNION ALL SELECT {names} FROM last WHERE told = '{PUT}'
            """
        )
        self._copy(f"SELECT {_guarded(columns)} FROM folded ORDER BY {KEY}", columns, target)

    def changes(self, before: Path | None, after: Path, columns: Sequence[str], target: Path) -> None:
        """What is different between two files of a list (added, changed, removed), with what a person is now, or was."""
        values = ", ".join(f"coalesce(a.{c}, b.{c}) AS {c}" for c in columns)
        differs = " OR ".join(f"a.{c} IS DISTINCT FROM b.{c}" for c in columns)
        self._run(
            f"""
            CREATE OR REPLACE TABLE changed AS
            SELECT CASE WHEN b.{KEY} IS NULL THEN 'added' WHEN a.{KEY} IS NULL THEN 'removed' ELSE 'changed' END AS change, {values}
            FROM ({_rows(after, columns)}) a
            FULL JOIN ({_rows(before, columns) if before else _nothing(columns)}) b ON a.{KEY} = b.{KEY}
            WHERE {differs}
            """
        )
        wanted = ("change", *columns)
        self._copy(f"SELECT change, {_guarded(columns)} FROM changed ORDER BY change, {KEY}", wanted, target)

    def without(self, path: Path, keys: Collection[str], target: Path) -> int:
        """A copy of any file of a list without these people. Returns how many rows were left out."""
        said = _read([path], _header(path))
        self._run(f"CREATE OR REPLACE TABLE kept AS SELECT * FROM {said}")
        gone = self._run(f"DELETE FROM kept WHERE {KEY} IN (SELECT unnest(?))", [list(keys)]).fetchall()
        self._copy("SELECT * FROM kept", _header(path), target)
        return int(gone[0][0])

    def count(self, path: Path) -> int:
        """Rows of a file."""
        return int(self._run(f"SELECT count(*) FROM {_read([path], _header(path))}").fetchall()[0][0])

    def keys(
        self, paths: Sequence[Path], *, less: Path | None = None, more: Collection[str] = (), target: Path
    ) -> None:
        """A file of contact keys alone: those of some files and more, less those of another."""
        said = (
            " UNION ALL ".join(f"SELECT {KEY} FROM {_read([p], _header(p))}" for p in paths)
            or f"SELECT '' AS {KEY} WHERE false"
        )
        self._run(f"CREATE OR REPLACE TABLE named AS SELECT DISTINCT {KEY} FROM ({said} UNION ALL SELECT unnest(?))",
                         [list(more)])  # fmt: skip
        if less:
            self._run(f"DELETE FROM named WHERE {KEY} IN (SELECT {KEY} FROM {_read([less], _header(less))})")
        self._copy(f"SELECT {KEY} FROM named ORDER BY {KEY}", (KEY,), target)

    def members(self, path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Rows of a list's file as they were told, and `left_at`: when they opted out, by `opt_outs`."""
        first = "SELECT {0}, min(left_at) AS left_at FROM opted_out WHERE {0} IS NOT NULL GROUP BY 1"
        asked = f"""
            SELECT {", ".join(f"m.{c}" for c in columns)}, least(k.left_at, e.left_at) FROM ({_rows(path, columns)}) m
            LEFT JOIN ({first.format(KEY)}) k ON k.{KEY} = m.{KEY}
            LEFT JOIN ({first.format(EMAIL)}) e ON e.{EMAIL} = lower(m.{EMAIL})
            ORDER BY m.{KEY}
            """
        yield from self._fetched(asked, (*columns, "left_at"))

    def opt_outs(self) -> Iterator[dict[str, Any]]:
        """Who left, by the files that were taken: contact_key, email, reason, left_at."""
        yield from self._fetched("SELECT * FROM opted_out", (KEY, EMAIL, "reason", "left_at"))

    def take_opt_outs(self, path: Path) -> None:
        """Takes what the other side says of who left: columns contact_key or email, reason and at (ISO 8601) if there are any.

        Raises:
            Unreadable: the file names nobody: it has neither column, or is no such CSV.
        """
        names = _header(path)
        if not {KEY, EMAIL} & set(names):
            raise Unreadable(f"found columns {', '.join(names) or 'none'}, expected {KEY} or {EMAIL}")
        given = {n: f"nullif(trim(\"{n}\"), '')" if n in names else "NULL" for n in (KEY, EMAIL, "reason", "at")}
        self._run(
            f"""
            INSERT INTO opted_out SELECT {given[KEY]}, lower({_plain(given[EMAIL])}), {given["reason"]},
                coalesce(try_cast({given["at"]} AS TIMESTAMPTZ), TIMESTAMPTZ '1970-01-01 00:00:00+00')
            FROM {_read([path], names)} WHERE coalesce({given[KEY]}, {given[EMAIL]}) IS NOT NULL
            """
        )

    def _fetched(self, query: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        with closing(self._db.cursor()) as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            found = _quietly(lambda: cursor.execute(query))
            while rows := _quietly(lambda: found.fetchmany(10_000)):
                yield from (dict(zip(names, row, strict=True)) for row in rows)

    def _run(self, query: str, values: Sequence[object] = ()) -> duckdb.DuckDBPyConnection:
        return _quietly(lambda: self._db.execute(query, list(values)))

    def _copy(self, query: str, names: Sequence[str], target: Path) -> None:
        quoted = ", ".join(names)
        self._run(f"COPY ({query}) TO {_text(target)} (FORMAT csv, HEADER, FORCE_QUOTE ({quoted}))")


def _quietly(work: Callable[[], Given]) -> Given:
    """Raises Unreadable for what DuckDB does not read: its own message quotes the line, and so a person."""
    try:
        return work()
    except duckdb.Error as error:
        raise Unreadable(f"found {type(error).__name__}, expected CSV in UTF-8") from None


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rows(path: Path, columns: Sequence[str]) -> str:
    """A list's file, its texts as they were told."""
    names = ", ".join(f"{_plain(c)} AS {c}" if c in _GUARDED else c for c in columns)
    return f"SELECT {names} FROM {_read([path], columns)}"


def _nothing(columns: Sequence[str]) -> str:
    return f"SELECT {', '.join(f'CAST(NULL AS VARCHAR) AS {c}' for c in columns)} WHERE false"


def _read(paths: Sequence[Path], columns: Sequence[str], more: str = "") -> str:
    types = ", ".join(f"{_text(c)}: 'VARCHAR'" for c in columns)
    files = ", ".join(_text(p) for p in paths)
    return (
        f"read_csv([{files}], header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '',"
        f" columns = {{{types}}}, parallel = false, max_line_size = 10000000{more})"
    )


def _guarded(columns: Sequence[str]) -> str:
    return ", ".join(
        f"CASE WHEN regexp_matches({c}, {_text(_FORMULA)}) THEN '''' || {c} ELSE {c} END AS {c}" if c in _GUARDED else c
        for c in columns
    )


def _plain(name: str) -> str:
    return f"CASE WHEN {name} LIKE '''%' THEN substr({name}, 2) ELSE {name} END"


def _header(path: Path) -> tuple[str, ...]:
    """Names of a file's columns, in any case; Unreadable for one that is no plain name."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = tuple(name.strip() for name in next(csv.reader(file), []))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"found {type(error).__name__}, expected CSV in UTF-8") from None
    if not all(name.isidentifier() and name.isascii() for name in names):
        raise Unreadable("found a column without a plain name")
    return tuple(name.lower() if name.lower() in (KEY, EMAIL, "reason", "at") else name for name in names)


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
