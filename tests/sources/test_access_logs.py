"""Access logs: days that clocks change, logs that are rotated at noon, and what is not kept of a line."""

import time
from pathlib import Path
from typing import Any

import pytest
from staging import FRIDAY, staged

from audience.core.connection import Connection
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.sources.access_logs import COMBINED, SOURCE
from audience.sources.contract import Extraction, extract

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


def line(at: str, asked: str = "GET /cups HTTP/1.1", address: str = "192.0.2.7", agent: str = FIREFOX) -> str:
    return f'{address} - - [{at}] "{asked}" 200 512 "-" "{agent}" "8c1f"\n'


def read(lake: Lake, folder: Path, day: Partition = FRIDAY, **extra: Any) -> Extraction:
    return extract(SOURCE, Connection("access_logs", f"file://{folder}", extra=extra), lake, first=day, last=day)


def days(lake: Lake, extraction: Extraction) -> list[tuple[str, str]]:
    return [(row["event_id"], row["_day"]) for row in staged(lake, extraction, "web_event")]


@pytest.mark.parametrize(
    ("day", "lines", "inside"),
    [
        ("2026-11-20", ["20/Nov/2026:00:59:59 +0100", "20/Nov/2026:01:00:00 +0100"], [2]),
        ("2026-03-29", ["29/Mar/2026:01:59:59 +0100", "29/Mar/2026:03:00:00 +0200", "30/Mar/2026:01:59:59 +0200",
                        "30/Mar/2026:02:00:00 +0200"], [1, 2, 3]),
        ("2026-10-25", ["25/Oct/2026:02:30:00 +0200", "25/Oct/2026:02:30:00 +0100", "26/Oct/2026:00:59:59 +0100",
                        "26/Oct/2026:01:00:00 +0100"], [1, 2, 3]),
    ],
)  # fmt: skip
def test_a_line_is_of_its_day_in_utc_also_when_clocks_change(
    lake: Lake, tmp_path: Path, day: str, lines: list[str], inside: list[int]
) -> None:
    (tmp_path / f"access-{day}.log").write_text("".join(line(at) for at in lines))
    found = days(lake, read(lake, tmp_path, Partition.parse(day)))
    assert [place for place, of in found if of == day] == [f"access-{day}.log:{n}" for n in inside]


def test_a_log_that_is_rotated_at_noon_loses_no_line(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "access-2026-11-20.log").write_text(
        line("19/Nov/2026:13:00:00 +0000") + line("20/Nov/2026:11:00:00 +0000")
    )
    (tmp_path / "access-2026-11-21.log").write_text(
        line("20/Nov/2026:13:00:00 +0000") + line("21/Nov/2026:11:00:00 +0000")
    )
    friday, saturday = (days(lake, read(lake, tmp_path, day)) for day in (FRIDAY, FRIDAY.next))
    assert friday == [("access-2026-11-20.log:1", "2026-11-19"), ("access-2026-11-20.log:2", "2026-11-20")]
    assert saturday == [("access-2026-11-20.log:2", "2026-11-20"), ("access-2026-11-21.log:1", "2026-11-20"),
                        ("access-2026-11-21.log:2", "2026-11-21")]  # fmt: skip


def test_a_log_that_is_packed_meanwhile_gives_the_same_events(lake: Lake, tmp_path: Path) -> None:
    import gzip

    log, content = tmp_path / "access-2026-11-20.log", line("20/Nov/2026:11:00:00 +0000")
    log.write_text(content)
    plain = days(lake, read(lake, tmp_path))
    log.unlink()
    (tmp_path / "access-2026-11-20.log.gz").write_bytes(gzip.compress(content.encode()))
    assert days(lake, read(lake, tmp_path)) == plain


def test_servers_may_have_a_folder_each(lake: Lake, tmp_path: Path) -> None:
    for server in ("web1", "web2"):
        (tmp_path / server).mkdir()
        (tmp_path / server / "access-20261120.log").write_text(line("20/Nov/2026:11:00:00 +0000"))
    found = days(lake, read(lake, tmp_path, files="*/access-{day:%Y%m%d}.log"))
    assert [place for place, _ in found] == ["web1/access-20261120.log:1", "web2/access-20261120.log:1"]


def test_neither_the_network_address_nor_the_query_is_kept_anywhere(lake: Lake, tmp_path: Path) -> None:
    asked = "GET /reset/ana@secret.example?mail=ana@secret.example HTTP/1.1"
    (tmp_path / "access-2026-11-20.log").write_text(line("20/Nov/2026:11:00:00 +0000", asked))
    (row,) = staged(lake, read(lake, tmp_path), "web_event")
    assert row["path"] == "/reset/*"
    assert "192.0.2.7" not in str(row) and "secret" not in str(row)


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("GET http://shop.example/cups HTTP/1.1", "/cups"),
        ("GET //cups HTTP/1.1", "/"),
        ("GET /cups", "/cups"),
        ("GET /caf\\xC3\\xA9 HTTP/1.1", "/caf\\xC3\\xA9"),
        ('GET /a\\"b HTTP/1.1', '/a\\"b'),
    ],
)
def test_requests_as_servers_write_them(lake: Lake, tmp_path: Path, asked: str, path: str) -> None:
    (tmp_path / "access-2026-11-20.log").write_text(line("20/Nov/2026:11:00:00 +0000", asked))
    assert [row["path"] for row in staged(lake, read(lake, tmp_path), "web_event")] == [path]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (line("32/Nov/2026:11:00:00 +0000"), "hits: ValueError"),
        (line("20/Foo/2026:11:00:00 +0000"), "hits: ValueError"),
        (line("20/Nov/2026:11:00:00"), "hits: not of the form of the log"),
        ('192.0.2.7 - - [20/Nov/2026:11:00:00 +0000] "GET / HTTP/1.1" 200 512\n', "hits: not of the form of the log"),
    ],
)
def test_a_line_that_is_not_combined_is_set_aside(lake: Lake, tmp_path: Path, bad: str, reason: str) -> None:
    (tmp_path / "access-2026-11-20.log").write_text(bad)
    assert [row["reason"] for row in staged(lake, read(lake, tmp_path), "_broken")] == [reason]


def test_a_line_of_a_megabyte_that_almost_fits_is_refused_at_once() -> None:
    """The form has one way to read a line, so that a wrong one costs no more than a right one."""
    begun = time.perf_counter()
    for filling in ('\\"' * 500_000, "x" * 1_000_000, '" "' * 300_000, "[" * 1_000_000):
        assert COMBINED.fullmatch(line("20/Nov/2026:11:00:00 +0000", agent=filling)[:-2] + " x") is None
        assert COMBINED.fullmatch(filling) is None
    assert time.perf_counter() - begun < 5
