"""The bytes of a file as records, in constant memory: CSV, JSON lines, Parquet, lines of a log; plain or gzip.

Each format gives every row with its offset (line of a text, row of a Parquet file, from 1), as a record or as `Bad`. A bad
row costs itself and no other: reading goes on with the next line. What makes a whole file unusable is raised:

    SourceUnavailable   it is cut off, as a file is that is still being written: worth another try later
    SourceReplyInvalid  it is damaged, not of its format, or unpacks to far more than a file of records does
"""

import csv
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any, cast

import orjson

from audience.core.errors import SourceReplyInvalid, SourceUnavailable

LONGEST_LINE = 1 << 20
"""Bytes that a line, and a CSV record of several lines, may have."""

DEEPEST = 100
"""Objects and lists that may stand in one another. orjson reads 1,024 and other readers fail below that."""

LARGEST_RATIO = 250
"""Bytes a packed byte may become. Logs and CSV are packed 10 to 50 times, deflate reaches 1,032 on zeros."""

_TRUSTED = 16 << 20
"""Unpacked bytes before the ratio counts: a small file may hold one value over and over."""

_BLOCK = 1 << 18

_LARGEST_GROUP = 1 << 30
"""Bytes a row group of Parquet may unpack to; writers make them of 128 MB to 512 MB."""

_MOST_ROWS, _ROWS_BYTES = 64, 64 << 20
"""Rows of Parquet that are in memory at once. A value of a dictionary counts once in the file and may stand in each of its
rows, so they are fewer where dictionaries are large; a list that repeats a long value within one row is not bounded."""

_DELIMITERS = ",;\t|"

_BLANK = " \t\r\n"
"""White space of JSON; Python's own `strip` takes control characters for blanks too."""


@dataclass(frozen=True)
class Bad:
    """A row that cannot be read.

    Args:
        reason: what is wrong with it, in words that hold no value.
        text: the row; bytes that are no UTF-8 stand as `\\xe9`.
    """

    reason: str
    text: str


Numbered = Iterator[tuple[int, dict[str, Any] | Bad]]
"""The rows of a file with their offsets."""

Format = Callable[["io.BufferedReader"], Numbered]


def format_of(name: str) -> Format | None:
    """By the ending of a file's name, `.gz` aside; None for an unknown one."""
    endings = {".csv": csv_records, ".jsonl": json_records, ".ndjson": json_records, ".json": json_records,
               ".parquet": parquet_records}  # fmt: skip
    stem = name.removesuffix(".gz")
    return next((read for ending, read in endings.items() if stem.endswith(ending)), None)


# -- text ----------------------------------------------------------------------------------------------------------------


def lines(file: "io.BufferedReader") -> Iterator[tuple[int, str | Bad]]:
    """Every line of a UTF-8 text with its end, blank ones too; of one that is too long, its beginning."""
    number = 0
    text = unpacked(file)
    while line := text.readline(LONGEST_LINE + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := text.readline(_BLOCK)) and not rest.endswith(b"\n"):
                pass
            yield number, Bad(f"a line is longer than {LONGEST_LINE} bytes", line.decode("utf-8", "backslashreplace"))
        elif b"\0" in line:
            yield number, Bad("a line holds a NUL", line.decode("utf-8", "backslashreplace"))
        else:
            try:
                yield number, line.decode("utf-8")
            except UnicodeDecodeError:
                yield number, Bad("a line is not UTF-8", line.decode("utf-8", "backslashreplace"))


def csv_records(file: "io.BufferedReader") -> Numbered:
    """Records of a CSV file (RFC 4180) by the names in its first line; values are texts, a blank line is none.

    The delimiter is the one of `, ; tab |` that the first line holds most often. A quote that is never closed costs the row
    it stands in: the lines after it are read as rows of their own.

    Raises:
        SourceReplyInvalid: two columns have the same name, or the first line is no header.
    """
    numbered = lines(file)
    header, delimiter = _header(numbered)
    again: deque[tuple[int, str | Bad]] = deque()
    taken: list[tuple[int, str | Bad]] = []

    def feed() -> Iterator[str]:
        size = 0
        while (line := again.popleft() if again else next(numbered, None)) is not None:
            size = size + len(line[1]) if taken and isinstance(line[1], str) else 0
            taken.append(line)
            if isinstance(line[1], Bad) or size > LONGEST_LINE:
                raise csv.Error
            yield line[1]

    rows = csv.reader(feed(), delimiter=delimiter, strict=True)
    while header:
        taken.clear()
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            (number, first), *others = taken
            yield (
                number,
                first if isinstance(first, Bad) else Bad("not CSV: a quote is open or a field too long", first),
            )
            again.extendleft(reversed(others))
            rows = csv.reader(feed(), delimiter=delimiter, strict=True)
            continue
        number = taken[0][0]
        if len(row) == len(header):
            yield number, dict(zip(header, row, strict=True))
        elif row:
            text = "".join(cast(str, line) for _, line in taken)
            yield number, Bad(f"found {len(row)} fields, expected {len(header)} as in the header", text)


def _header(numbered: Iterator[tuple[int, str | Bad]]) -> tuple[list[str], str]:
    """The names of the columns and what stands between them; no names for a file without a line."""
    first = next((line for _, line in numbered if isinstance(line, Bad) or line.strip(_BLANK)), None)
    if first is None:
        return [], ","
    if isinstance(first, Bad):
        raise SourceReplyInvalid(f"the header: {first.reason}")
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        (names,) = csv.reader([first], delimiter=delimiter, strict=True)
    except csv.Error:
        raise SourceReplyInvalid("the header is not CSV") from None
    _all_different(names)
    return names, delimiter


def _all_different(names: list[str]) -> None:
    """Columns are counted, not named: the first line of a file without a header holds values."""
    for n, name in enumerate(names):
        if name in names[:n]:
            raise SourceReplyInvalid(f"columns {names.index(name) + 1} and {n + 1} have the same name")


def json_records(file: "io.BufferedReader") -> Numbered:
    """One JSON object per line (RFC 8259: no NaN, no Infinity, no number beyond a double); a blank line is none."""
    for number, line in lines(file):
        if isinstance(line, Bad):
            yield number, line
        elif line.strip(_BLANK):
            yield number, _object(line)


def _object(line: str) -> dict[str, Any] | Bad:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return Bad("not JSON", line)
    if not isinstance(found, dict):
        return Bad("expected a JSON object, found another value", line)
    if line.count("{") + line.count("[") > DEEPEST and _depth(found) > DEEPEST:
        return Bad(f"nested deeper than {DEEPEST} levels", line)
    return found


def _depth(value: Any) -> int:
    """1 for an object of plain values. Level by level: recursion would meet Python's own limit."""
    depth, level = 0, [value]
    while level:
        depth += 1
        inner = [v for one in level for v in (one.values() if isinstance(one, dict) else one)]
        level = [v for v in inner if isinstance(v, dict | list)]
    return depth


def log_records(form: re.Pattern[str]) -> Format:
    """Lines of a log: the named groups of a form that each line must have; a blank line is none."""

    def read(file: "io.BufferedReader") -> Numbered:
        for number, line in lines(file):
            if isinstance(line, Bad):
                yield number, line
            elif text := line.strip(_BLANK):
                found = form.fullmatch(text)
                yield number, found.groupdict() if found else Bad("not of the form of the log", line)

    return read


# -- gzip ----------------------------------------------------------------------------------------------------------------


def unpacked(file: "io.BufferedReader") -> "io.BufferedReader":
    """The text of a file, whether it is packed with gzip or not: its first bytes say, its name may not."""
    return io.BufferedReader(_Gunzip(file), _BLOCK) if file.peek(2)[:2] == b"\x1f\x8b" else file


class _Gunzip(io.RawIOBase):
    def __init__(self, packed: "io.BufferedReader") -> None:
        self._packed, self._file, self._given = packed, gzip.GzipFile(fileobj=packed), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except EOFError:
            raise SourceUnavailable("gzip is cut off, its end is missing: it may still be being written") from None
        except (gzip.BadGzipFile, zlib.error):
            raise SourceReplyInvalid("gzip is damaged") from None
        self._given += len(data)
        if self._given > max(_TRUSTED, LARGEST_RATIO * self._packed.tell()):
            raise SourceReplyInvalid(f"gzip unpacks to more than {LARGEST_RATIO} times its size")
        buffer[: len(data)] = data
        return len(data)


# -- Parquet -------------------------------------------------------------------------------------------------------------


def parquet_records(file: "io.BufferedReader") -> Numbered:
    """Rows of a Parquet file with the values that JSON would have: instants and days as ISO 8601, decimals as texts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 4))
    if file.read(4) != b"PAR1":
        raise SourceUnavailable("Parquet without its end: it may still be being written")
    try:
        table = pq.ParquetFile(file, buffer_size=_BLOCK)
        groups = [table.metadata.row_group(n) for n in range(table.metadata.num_row_groups)]
        if any(group.total_byte_size > _LARGEST_GROUP for group in groups):
            raise SourceReplyInvalid(f"a row group of Parquet unpacks to more than {_LARGEST_GROUP} bytes")
        _all_different(table.schema_arrow.names)
        dictionaries = max((_dictionary_bytes(file, group) for group in groups), default=0)
        rows = max(1, min(_MOST_ROWS, _ROWS_BYTES // max(1, dictionaries)))
        number = 0
        for batch in table.iter_batches(rows, use_threads=False):
            for row in _rows(batch):
                number += 1
                yield number, row
    except (pa.ArrowException, OSError):
        raise SourceReplyInvalid("Parquet is damaged") from None


def _dictionary_bytes(file: "io.BufferedReader", group: Any) -> int:
    """What the dictionaries of a row group unpack to, as the headers of their pages say: in parquet.thrift a PageHeader
    begins with its type (2 is a dictionary) and `uncompressed_page_size`, here in Thrift's compact protocol."""
    total = 0
    for column in (group.column(n) for n in range(group.num_columns)):
        if not any("DICTIONARY" in encoding for encoding in column.encodings):
            continue
        file.seek(column.dictionary_page_offset or column.data_page_offset)
        header = file.read(16)
        size = re.match(rb"\x15\x04\x15([\x80-\xff]{0,4}[\x00-\x7f])", header, re.DOTALL)
        if size is None:  # another way to write it: no value is longer than its column
            total += column.total_uncompressed_size
        else:
            total += sum((byte & 0x7F) << (7 * n) for n, byte in enumerate(size[1])) >> 1  # varint, zigzag
    return total


def _rows(batch: Any) -> Iterator[dict[str, Any] | Bad]:
    try:
        found = batch.to_pylist()
    except (ValueError, OverflowError):  # an instant or a day that Python has not
        if batch.num_rows > 1:
            for n in range(batch.num_rows):
                yield from _rows(batch.slice(n, 1))
        else:
            yield Bad("an instant or a day is out of range", str([column.to_string() for column in batch.columns]))
        return
    for row in found:
        try:
            yield {name: _plain(value) for name, value in row.items()}
        except ValueError as error:
            yield Bad(str(error), str(row))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int):  # most are
        return value
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("a number is not finite")
    if isinstance(value, bytes):
        raise ValueError("a value is binary")
    if isinstance(value, date):  # and datetime
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value
