"""Bad input in files: a row that cannot be read is set aside with its place and its reason, and costs no other row."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dropped import LINE, Drop, fetch_lines, rows_of
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from staging import FRIDAY

from audience.core.errors import SchemaChanged, SourceReplyInvalid, SourceUnavailable
from audience.core.lake import Lake
from audience.sources.contract import Extraction

CSV, JSON, LOG, PARQUET = (f"items-{FRIDAY}.{ending}" for ending in ("csv", "jsonl", "log", "parquet"))
MB = 1 << 20


@pytest.fixture
def drop(tmp_path: Path, lake: Lake) -> Drop:
    return Drop(tmp_path / "drops", lake)


def reasons(drop: Drop, extraction: Extraction) -> list[tuple[int, str]]:
    """Line and reason of each row that was set aside."""
    return [(json.loads(r["row"])["_offset"], r["reason"]) for r in drop.broken(extraction)]


# -- one bad row --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "bad", "reason"),
    [
        (CSV, "B,caf\xe9".encode("latin-1"), "a line is not UTF-8"),
        (CSV, b"B,a\0b", "a line holds a NUL"),
        (CSV, b"B", "found 1 fields, expected 2 as in the header"),
        (CSV, b"B,bowl,ana@secret.example", "found 3 fields, expected 2 as in the header"),
        (CSV, b'B,"bowl" and more', "not CSV: a quote is open or a field too long"),
        (CSV, b'B,"bowl', "not CSV: a quote is open or a field too long"),
        (CSV, b"B,bow\rl", "not CSV: a quote is open or a field too long"),
        (CSV, b"B," + b"x" * 10 * MB, "a line is longer than 1048576 bytes"),
        (JSON, b'{"id": "B", "title": "caf\xe9"}', "a line is not UTF-8"),
        (JSON, b'{"id": "B", "title": "a\0b"}', "a line holds a NUL"),
        (JSON, b'{"id": "B", "title": ', "not JSON"),
        (JSON, b"{'id': 'B'}", "not JSON"),
        (JSON, b'{"id": "B", "title": "bowl"} {}', "not JSON"),
        (JSON, b'{"id": "B", "title": NaN}', "not JSON"),
        (JSON, b'{"id": "B", "title": -Infinity}', "not JSON"),
        (JSON, b'{"id": "B", "title": 1e400}', "not JSON"),
        (JSON, b'{"id": "B", "title": "\\ud800"}', "not JSON"),
        (JSON, b'{"id": "B", "title": ' + b"[" * 5000 + b"]" * 5000 + b"}", "not JSON"),
        (JSON, b'{"id": "B", "title": ' + b"[" * 900 + b"]" * 900 + b"}", "nested deeper than 100 levels"),
        (JSON, b'{"id": "B", "title": "' + b"x" * 10 * MB + b'"}', "a line is longer than 1048576 bytes"),
        (JSON, b'["ana@secret.example"]', "expected a JSON object, found another value"),
        (JSON, b'"ana@secret.example"', "expected a JSON object, found another value"),
        (JSON, b'{"id": "B", "title": "bowl", "_offset": 7}', "has a field '_offset' of its own"),
        (LOG, b"B", "not of the form of the log"),
        (LOG, b"B a\0b", "a line holds a NUL"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_a_bad_row_is_set_aside_with_its_line_and_reason_and_costs_no_other(
    drop: Drop, name: str, bad: bytes, reason: str
) -> None:
    first, last = {CSV: (b"id,title\nA,cup\n", b"C,plate"), LOG: (b"\nA cup\n", b"C plate"),
                   JSON: (b'\n{"id": "A", "title": "cup"}\n', b'{"id": "C", "title": "plate"}')}[name]  # fmt: skip
    drop.put(name, first + bad + b"\n" + last)
    extraction = drop.extracted(**{"fetch": fetch_lines} if name == LOG else {})
    assert drop.ids(extraction) == ["A", "C"]
    assert reasons(drop, extraction) == [(3, f"items: {reason}")]
    assert extraction.rows == {"product": 2, "_broken": 1}


def test_a_bad_row_is_kept_as_it_came_with_its_file(drop: Drop) -> None:
    drop.put(CSV, b"id,title\nA,caf\xe9\n")
    (broken,) = drop.broken(drop.extracted())
    assert broken["_day"] == "2026-11-20"
    assert json.loads(broken["row"]) == {"_file": CSV, "_day": "2026-11-20", "_offset": 2, "text": "A,caf\\xe9\n"}


@pytest.mark.parametrize("character", [b"x", b"\0", b"\xff", "é".encode()])
def test_of_a_line_that_is_too_long_the_beginning_is_kept_as_json(drop: Drop, character: bytes) -> None:
    drop.put(JSON, character * 10 * MB)
    (broken,) = drop.broken(drop.extracted())
    assert len(json.loads(broken["row"])["text"]) == 512 * 1024


def test_a_byte_order_mark_is_no_part_of_the_first_column(drop: Drop) -> None:
    drop.put(CSV, b"\xef\xbb\xbfid,title\nA,cup\n")
    assert drop.ids(drop.extracted()) == ["A"]


def test_a_quote_that_is_never_closed_costs_its_own_row_only(drop: Drop) -> None:
    drop.put(CSV, 'id,title\nA,"cup\nB,bowl\n' + "C,plate\n" * 3)
    extraction = drop.extracted()
    assert reasons(drop, extraction) == [(2, "items: not CSV: a quote is open or a field too long")]
    assert drop.ids(extraction) == ["B", "C", "C", "C"]


def test_an_open_quote_does_not_hide_a_bad_line_after_it(drop: Drop) -> None:
    drop.put(CSV, b'id,title\nA,"cup\nB,caf\xe9\nC,plate\n')
    extraction = drop.extracted()
    assert [line for line, _ in reasons(drop, extraction)] == [2, 3]
    assert drop.ids(extraction) == ["C"]


def test_a_field_may_hold_line_breaks_delimiters_quotes_and_blank_lines(tmp_path: Path) -> None:
    (tmp_path / CSV).write_bytes(b'id;title\r\nA;"two\r\n\r\nlines; ""quoted"""\r\n\r\nB;"cup"\r\n')
    records, unreadable = rows_of(tmp_path, "items-{day}.csv")
    assert [(r["_offset"], r["id"], r["title"]) for r in records] == [
        (2, "A", 'two\r\n\r\nlines; "quoted"'),
        (6, "B", "cup"),
    ]
    assert unreadable == []


# -- a file that is bad as a whole: nothing of it is staged ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (b"id,title,id", "columns 1 and 3 have the same name"),
        (b"ana@secret.example,cup,cup", "columns 2 and 3 have the same name"),
        (b"id,caf\xe9", "the header: a line is not UTF-8"),
        ("id,title".encode("utf-16"), "the header: a line holds a NUL"),
        (b"id," + b"x" * 2 * MB, "the header: a line is longer than 1048576 bytes"),
        (b'id,"title', "the header is not CSV"),
    ],
)
def test_a_header_that_cannot_be_one_makes_the_file_invalid(drop: Drop, header: bytes, problem: str) -> None:
    drop.put(CSV, header + b"\nA,cup,cup\n")
    with pytest.raises(SourceReplyInvalid, match=f"^kiosk: {CSV}: {problem}$"):
        drop.extracted()
    assert drop.is_empty()


def test_a_file_of_which_most_rows_are_bad_in_the_same_way_has_changed(drop: Drop) -> None:
    drop.put(CSV, b"id,title\n" + b"A,cup\n" * 10 + "B,th\xe9i\xe8re\n".encode("latin-1") * 11)
    with pytest.raises(SchemaChanged, match=r"items: a line is not UTF-8 \(11 of 21 records\)"):
        drop.extracted()
    assert drop.is_empty()


def test_a_column_that_is_gone_is_a_changed_schema(drop: Drop) -> None:
    drop.put(CSV, "id,name\n" + "A,cup\n" * 10)
    with pytest.raises(SchemaChanged, match=r"items: no field 'title' \(10 of 10 records\)"):
        drop.extracted()


def test_gzip_that_is_cut_off_stages_nothing_and_is_whole_at_the_next_try(drop: Drop) -> None:
    """It is what an upload looks like that still runs: its rows so far would be published as the day's, and the rest of
    them would come as late data; so the day waits."""
    whole = gzip.compress(b"".join(b'{"id": "%d", "title": "cup"}\n' % n for n in range(5_000)))
    file = drop.put(f"{JSON}.gz", whole[: len(whole) // 2])
    with pytest.raises(SourceUnavailable, match=rf"^kiosk: {JSON}.gz: gzip is cut off, its end is missing"):
        drop.extracted()
    assert drop.is_empty()
    file.write_bytes(whole)
    assert drop.extracted().rows == {"product": 5_000, "_broken": 0}


@pytest.mark.parametrize("at", [15, -6], ids=["its data", "its checksum"])
def test_damaged_gzip_stages_nothing(drop: Drop, at: int) -> None:
    packed = bytearray(gzip.compress(b'{"id": "A", "title": "cup"}\n' * 1000))
    packed[at] ^= 0xFF
    drop.put(f"{JSON}.gz", bytes(packed))
    with pytest.raises(SourceReplyInvalid, match=f"^kiosk: {JSON}.gz: gzip is damaged$"):
        drop.extracted()
    assert drop.is_empty()


def test_gzip_is_known_by_its_first_bytes_and_may_have_several_members(drop: Drop) -> None:
    one, two = (gzip.compress(b'{"id": "%s", "title": "cup"}\n' % n) for n in (b"A", b"B"))
    drop.put(JSON, one + two)
    assert drop.ids(drop.extracted()) == ["A", "B"]


def test_gzip_that_unpacks_to_more_than_250_times_its_size_stages_nothing(drop: Drop) -> None:
    drop.put(f"{JSON}.gz", gzip.compress(b'{"id": "A", "title": "%s"}\n' % (b"x" * 10_000) * 3_000))
    with pytest.raises(SourceReplyInvalid, match=f"^kiosk: {JSON}.gz: gzip unpacks to more than 250 times its size$"):
        drop.extracted()
    assert drop.is_empty()


def test_small_gzip_may_unpack_far(drop: Drop) -> None:
    drop.put(f"{JSON}.gz", gzip.compress(b'{"id": "A", "title": "%s"}\n' % (b"x" * 10_000) * 1_000))
    assert drop.extracted().rows["product"] == 1_000


# -- Parquet --------------------------------------------------------------------------------------------------------------


def parquet(drop: Drop, **columns: Any) -> Path:
    file = drop.put(PARQUET, b"")
    pq.write_table(pa.table(columns), file)
    return file


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "a number is not finite"),
        (float("inf"), "a number is not finite"),
        ([float("-inf")], "a number is not finite"),
        ({"deep": b"\xff"}, "a value is binary"),
        (pa.scalar(10**18, pa.timestamp("us", "UTC")), "an instant or a day is out of range"),
        (pa.scalar(10**9, pa.date32()), "an instant or a day is out of range"),
    ],
)
def test_a_value_of_parquet_that_json_cannot_hold_sets_its_row_aside(drop: Drop, value: Any, reason: str) -> None:
    parquet(drop, id=["A", "B", "C"], title=["cup"] * 3, more=pa.array([None, value, None]))
    extraction = drop.extracted()
    assert drop.ids(extraction) == ["A", "C"]
    assert reasons(drop, extraction) == [(2, f"items: {reason}")]


def test_instants_days_and_decimals_of_parquet_are_texts(tmp_path: Path) -> None:
    from datetime import UTC, date, datetime
    from decimal import Decimal

    at = datetime(2026, 11, 20, 8, tzinfo=UTC)
    table = pa.table({"at": [at], "day": [date(2026, 11, 20)], "total": [Decimal("12.50")], "lines": [[{"at": at}]]})
    pq.write_table(table, tmp_path / PARQUET)
    ((record,), _) = rows_of(tmp_path, "items-{day}.parquet")
    assert record == {
        "at": "2026-11-20T08:00:00+00:00", "day": "2026-11-20", "total": "12.50",
        "lines": [{"at": "2026-11-20T08:00:00+00:00"}], "_file": PARQUET, "_day": "2026-11-20", "_offset": 1,
    }  # fmt: skip


def test_parquet_without_its_end_is_not_there_yet(drop: Drop) -> None:
    file = parquet(drop, id=["A"], title=["cup"])
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(SourceUnavailable, match=f"^kiosk: {PARQUET}: Parquet without its end"):
        drop.extracted()
    assert drop.is_empty()


@pytest.mark.parametrize("damage", [slice(4, 40), slice(-40, -8)], ids=["its data", "its footer"])
def test_damaged_parquet_stages_nothing(drop: Drop, damage: slice) -> None:
    file = parquet(drop, id=[str(n) for n in range(1000)], title=["cup"] * 1000)
    content = bytearray(file.read_bytes())
    content[damage] = b"\xff" * len(content[damage])
    file.write_bytes(bytes(content))
    with pytest.raises(SourceReplyInvalid, match=f"^kiosk: {PARQUET}: Parquet is damaged$"):
        drop.extracted()
    assert drop.is_empty()


def test_parquet_with_two_columns_of_one_name_is_invalid(drop: Drop) -> None:
    file = drop.put(PARQUET, b"")
    pq.write_table(pa.Table.from_arrays([pa.array(["A"]), pa.array(["cup"])], names=["id", "id"]), file)
    with pytest.raises(SourceReplyInvalid, match="columns 1 and 2 have the same name"):
        drop.extracted()


# -- nothing is lost, nothing is counted twice ----------------------------------------------------------------------------

PIECES = (b"\n", b"\r\n", b",", b'"', b"A,cup", b"\0", b"\xe9", "é".encode(), b"{}", b'{"id": "A"}', b"[", b"1e400", b" ",
          b"\xef\xbb\xbf")  # fmt: skip
ANY_BYTES = st.binary(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)
TEXT = ANY_BYTES.filter(lambda content: not content.startswith(b"\x1f\x8b"))
"""Gzip is known by its first two bytes."""


@given(TEXT)
@example(b'"\n\n"\n"')
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_line_of_any_bytes_is_a_record_or_unreadable(tmp_path: Path, content: bytes) -> None:
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    not_blank = [n for n, line in enumerate(lines, 1) if line.strip(b" \t\r")]
    for name, form in ((JSON, None), (LOG, LINE)):
        (tmp_path / name).write_bytes(content)
        records, unreadable = rows_of(tmp_path, name.replace(str(FRIDAY), "{day}"), form=form)
        offsets = [r["_offset"] for r in records] + [u.as_it_came["_offset"] for u in unreadable]
        assert sorted(offsets) == not_blank


@given(TEXT)
@example(b'A,"\n\nB,b\n"C"x\n')
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_line_of_any_csv_stands_in_exactly_one_row(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CSV).write_bytes(b"id,title\n" + content)
    records, unreadable = rows_of(tmp_path, "items-{day}.csv")
    lines_of = [(r["_offset"], (r["id"] + r["title"]).count("\n")) for r in records]
    lines_of += [(u.as_it_came["_offset"], u.as_it_came["text"].rstrip("\n").count("\n")) for u in unreadable]
    stand = sorted(line for first, more in lines_of for line in range(first, first + more + 1))
    assert len(stand) == len(set(stand))
    not_blank = {n for n, line in enumerate(content.split(b"\n"), 2) if line.strip(b"\r")}
    assert not_blank <= set(stand)


@given(TEXT)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_in_are_rows_staged_and_set_aside(tmp_path: Path, lake: Lake, content: bytes) -> None:
    drop = Drop(tmp_path / "drops", lake)
    drop.put(JSON, content)
    records, unreadable = rows_of(drop.folder, "items-{day}.jsonl")
    try:
        extraction = drop.extracted()
    except SchemaChanged:
        assert len(unreadable) + len(records) >= 10
        return
    assert sum(extraction.rows.values()) == len(records) + len(unreadable)
    assert len(drop.broken(extraction)) + len(drop.ids(extraction)) == len(records) + len(unreadable)


# -- memory ---------------------------------------------------------------------------------------------------------------

GROWTH = """
import sys
from dropped import FRIDAY, KIOSK, Connection, Unreadable

def peak():
    # Of this process alone: ru_maxrss begins with what its parent had.
    (line,) = [l for l in open("/proc/self/status") if l.startswith("VmHWM")]
    return int(line.split()[1]) // 1024

def read(folder):
    counts = [0, 0]
    client = KIOSK.system.open(Connection("kiosk", "file://" + folder))
    for row in KIOSK.streams[0].fetch(client, FRIDAY.window):
        counts[isinstance(row, Unreadable)] += 1
    return counts

small, large = sys.argv[1:]
read(small)  # imports what reading takes
before = peak()
try:
    print(*read(large), peak() - before)
except Exception as error:
    print(type(error).__name__, 0, peak() - before)
"""


def growth(tmp_path: Path, small: bytes) -> tuple[str, int, int]:
    """How many records a file has (or its error), how many unreadable rows, and the MB that reading it takes."""
    (file,) = (tmp_path / "large").iterdir()
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / file.name).write_bytes(small)
    argv = [sys.executable, "-c", GROWTH, str(tmp_path / "small"), str(tmp_path / "large")]
    said = subprocess.run(argv, capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)})
    found, unreadable, megabytes = said.stdout.split()
    return found, int(unreadable), int(megabytes)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    (tmp_path / "large").mkdir()
    return tmp_path / "large"


def test_a_line_of_a_gigabyte_takes_no_memory(tmp_path: Path, large: Path) -> None:
    with (large / JSON).open("wb") as file:
        file.truncate(1 << 30)
    found, unreadable, megabytes = growth(tmp_path, b"{}")
    assert (found, unreadable) == ("0", 1)
    assert megabytes < 20


def test_a_bomb_of_a_gigabyte_takes_no_memory(tmp_path: Path, large: Path) -> None:
    with gzip.open(large / f"{JSON}.gz", "wb") as file:
        for _ in range(1024):
            file.write(bytes(MB))
    found, _, megabytes = growth(tmp_path, gzip.compress(b"{}"))
    assert found == "SourceReplyInvalid"
    assert megabytes < 20


def test_a_quote_that_is_open_for_a_hundred_megabytes_takes_no_memory(tmp_path: Path, large: Path) -> None:
    (large / CSV).write_text('id,title\nA,"cup\n' + f"{'x' * 100_000},bowl\n" * 1000)
    found, unreadable, megabytes = growth(tmp_path, b"id,title\nA,cup\n")
    assert (found, unreadable) == ("1000", 1)
    assert megabytes < 20


def test_a_value_of_ten_megabytes_in_each_row_of_parquet_is_not_unpacked_for_all_of_them_at_once(
    tmp_path: Path, large: Path
) -> None:
    """500 rows share it in a file of half a megabyte; unpacked at once they would take 5 GB."""
    title = pa.DictionaryArray.from_arrays(pa.array([0] * 500), pa.array(["x" * 10_000_000]))
    table = pa.table({"id": [str(n) for n in range(500)], "title": title})
    pq.write_table(table, large / PARQUET, dictionary_pagesize_limit=1 << 30, store_schema=False)
    assert (large / PARQUET).stat().st_size < MB
    small = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": ["A"], "title": ["cup"]}), small)
    found, unreadable, megabytes = growth(tmp_path, small.getvalue().to_pybytes())
    assert (found, unreadable) == ("500", 0)
    assert megabytes < 400


def test_a_million_records_take_no_more_memory_than_one(tmp_path: Path, large: Path) -> None:
    (large / CSV).write_text("id,title\n" + "A,cup\n" * 1_000_000)
    found, unreadable, megabytes = growth(tmp_path, b"id,title\nA,cup\n")
    assert (found, unreadable) == ("1000000", 0)
    assert megabytes < 20
