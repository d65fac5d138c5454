"""Which files of a folder belong to a window, and what is raised when they are not there."""

import io
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import fsspec
import pytest
from dropped import KIOSK, Drop, fetch_items
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry
from staging import FRIDAY

from audience.core.connection import Connection
from audience.core.errors import SettingsError, SourceRefused, SourceReplyInvalid, SourceUnavailable
from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.partition import Partition, Window
from audience.sources.contract import Files, extract


@pytest.fixture
def drop(tmp_path: Path, lake: Lake) -> Drop:
    (tmp_path / "drops").mkdir()
    return Drop(tmp_path / "drops", lake)


def read(
    drop: Drop, name: str, day: Partition = FRIDAY, *, required: bool = False, days: int = 1, **how: str
) -> list[str]:
    """Names of the files that a window of days is read from, in the order of their records."""
    window = Window(day.plus(1 - days).window.start, day.window.end)
    records = Files(drop.connection()).records(name, window, required=required)
    return [record["_file"] for record in records]


def test_a_day_is_read_from_the_files_that_are_named_after_it(drop: Drop) -> None:
    for day in ("2026-11-19", "2026-11-20", "2026-11-21"):
        drop.put(f"items-{day}.jsonl", "{}")
    assert read(drop, "items-{day:%Y-%m-%d}.jsonl") == ["items-2026-11-20.jsonl"]
    assert read(drop, "items-{day}.jsonl") == ["items-2026-11-20.jsonl"]
    assert read(drop, "items-{day}.jsonl", days=2) == ["items-2026-11-19.jsonl", "items-2026-11-20.jsonl"]


def test_a_day_may_be_a_folder_and_have_several_files_of_several_formats(drop: Drop) -> None:
    drop.put("2026/11/20/web-2.csv", "id\nA\n")
    drop.put("2026/11/20/web-1.jsonl", "{}")
    drop.put("2026/11/20/other.jsonl", "{}")
    drop.put("2026/11/19/web-1.jsonl", "{}")
    assert read(drop, "{day:%Y/%m/%d}/web-*") == ["2026/11/20/web-1.jsonl", "2026/11/20/web-2.csv"]


def test_files_that_another_tool_is_still_writing_or_keeps_for_itself_are_left_out(drop: Drop) -> None:
    for name in (".items.jsonl", "_SUCCESS", "_temporary/items.jsonl", "items.jsonl"):
        drop.put(f"2026-11-20/{name}", "{}")
    assert read(drop, "{day}/*") == ["2026-11-20/items.jsonl"]
    assert read(drop, "{day}/*/*") == []


def test_the_folders_own_name_is_no_pattern(tmp_path: Path, lake: Lake) -> None:
    drop = Drop(tmp_path / "a[b]*c", lake)
    drop.put("items-2026-11-20.jsonl", "{}")
    assert read(drop, "items-{day}.jsonl") == ["items-2026-11-20.jsonl"]


def test_without_a_day_in_the_name_files_that_changed_since_the_window_began_are_read(drop: Drop) -> None:
    """A record cannot have changed after its file did; what changed after the window is left out by its cursor."""
    for hour, name in ((-1, "before"), (0, "at-the-start"), (30, "after")):
        moment = (FRIDAY.window.start + timedelta(hours=hour)).timestamp()
        os.utime(drop.put(f"{name}.jsonl", "{}"), (moment, moment))
    assert read(drop, "*.jsonl") == ["after.jsonl", "at-the-start.jsonl"]


def test_the_day_of_a_file_without_one_in_its_name_is_that_of_its_last_change(drop: Drop) -> None:
    moment = FRIDAY.window.end.timestamp() - 1
    os.utime(drop.put("all.jsonl", '{"id": "A", "title": "cup"}'), (moment, moment))

    def fetch(folder: Files, window: Window) -> Any:
        return folder.records("all.jsonl", window, required=True)

    assert drop.ids(drop.extracted(fetch=fetch)) == ["A"]
    before = drop.extracted(FRIDAY.previous, fetch=fetch)
    assert (drop.ids(before), before.outside) == ([], 1)
    with pytest.raises(SourceUnavailable, match="^kiosk: no file all.jsonl changed since 2026-11-21$"):
        drop.extracted(FRIDAY.next, fetch=fetch)


def test_a_bad_row_belongs_to_the_day_of_its_file(drop: Drop) -> None:
    """Else it would be set aside again by each day that reads the file."""
    for day in (FRIDAY.previous, FRIDAY):
        drop.put(f"items-{day}.jsonl", "bad")
    assert [row["_day"] for row in drop.broken(drop.extracted(reread_days=1))] == ["2026-11-19", "2026-11-20"]


def test_a_bad_row_of_a_file_that_changed_after_the_window_is_left_to_that_day(drop: Drop) -> None:
    moment = FRIDAY.window.end.timestamp()
    os.utime(drop.put("all.jsonl", "bad"), (moment, moment))

    def fetch(folder: Files, window: Window) -> Any:
        return folder.records("all.jsonl", window, required=True)

    friday, saturday = (drop.extracted(day, fetch=fetch) for day in (FRIDAY, FRIDAY.next))
    assert (friday.rows["_broken"], friday.outside) == (0, 1)
    assert (saturday.rows["_broken"], saturday.outside) == (1, 0)


@pytest.mark.parametrize("name", ["items-{day:%Y-%m}.jsonl", "items-{day:%d}.jsonl", "items-{day:%Y-%d}.jsonl"])
def test_a_name_that_means_more_than_one_day_is_refused(drop: Drop, name: str) -> None:
    with pytest.raises(SettingsError, match=f"connection 'kiosk': {re.escape(name)} names no single day"):
        read(drop, name)


# -- what is not there ----------------------------------------------------------------------------------------------------


def test_a_required_day_without_a_file_is_late(drop: Drop) -> None:
    drop.put("items-2026-11-19.jsonl", "{}")
    with pytest.raises(SourceUnavailable, match=r"^kiosk: no file items-2026-11-20\.jsonl yet$"):
        read(drop, "items-{day}.jsonl", required=True, days=2)


def test_days_before_the_first_file_are_no_error(drop: Drop) -> None:
    drop.put("items-2026-11-20.jsonl", "{}")
    assert read(drop, "items-{day}.jsonl", required=True, days=4) == ["items-2026-11-20.jsonl"]


def test_where_absence_is_no_error_a_day_without_a_file_has_no_records(drop: Drop) -> None:
    assert read(drop, "items-{day}.jsonl") == []
    assert read(drop, "*.jsonl") == []


def test_a_missing_folder_is_unavailable_even_where_no_file_is_required(tmp_path: Path, lake: Lake) -> None:
    nowhere = Drop(tmp_path / "not-mounted", lake)
    with pytest.raises(SourceUnavailable, match="^kiosk: the folder: not there$"):
        read(nowhere, "items-{day}.jsonl")
    with pytest.raises(SourceUnavailable, match="^kiosk: the folder: not there$"):
        Files(nowhere.connection()).check()


def test_a_file_that_goes_on_growing_while_it_is_read_is_read_again_later(drop: Drop) -> None:
    file = drop.put("items-2026-11-20.jsonl", '{"id": "A", "title": "cup"}\n')

    def fetch(folder: Files, window: Window) -> Any:
        for record in fetch_items(folder, window):
            with file.open("a") as growing:
                growing.write("\n")
            yield record

    with pytest.raises(SourceUnavailable, match="^kiosk: items-2026-11-20.jsonl: changed while it was read$"):
        drop.extracted(fetch=fetch)
    assert drop.is_empty()


def test_a_file_of_another_kind_is_invalid(drop: Drop) -> None:
    drop.put("items-2026-11-20.xlsx", "")
    with pytest.raises(SourceReplyInvalid, match=r"^kiosk: items-2026-11-20\.xlsx: expected a name that ends in"):
        drop.extracted()


# -- where the folder is --------------------------------------------------------------------------------------------------


def test_a_folder_may_be_any_url_that_fsspec_opens() -> None:
    with fsspec.open("memory://drops/kiosk/items-2026-11-20.jsonl", "wb") as file:
        file.write(b'{"id": "A"}')
    client = KIOSK.system.open(Connection("kiosk", "memory://drops/kiosk"))
    assert client.check() == "kiosk: the folder is there"
    (record,) = fetch_items(client, FRIDAY.window)
    assert record == {"id": "A", "_file": "items-2026-11-20.jsonl", "_day": "2026-11-20", "_offset": 1}


def test_a_folder_may_stand_in_the_extra(drop: Drop) -> None:
    drop.put("items-2026-11-20.jsonl", "{}")
    client = Files(Connection("kiosk", "", extra={"path": str(drop.folder)}))
    assert len(list(fetch_items(client, FRIDAY.window))) == 1


def test_a_connection_without_a_folder_says_so() -> None:
    with pytest.raises(SettingsError, match="connection 'kiosk': found no host"):
        Files(Connection("kiosk", ""))


@pytest.mark.parametrize("url", ["nosuch://bucket/drops", "smb://server/drops"])
def test_a_url_that_needs_a_package_says_so(url: str) -> None:
    with pytest.raises(
        SettingsError, match=f"connection 'kiosk': {url[:5]}.* cannot be opened; expected a URL such as"
    ):
        Files(Connection("kiosk", url))


class Strict(MemoryFileSystem):
    """An object store that asks who is there."""

    protocol = "strict"
    told: dict[str, Any]
    """What the last one was opened with."""
    error: type[Exception] = PermissionError

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        Strict.told = options

    def isdir(self, path: str) -> bool:
        raise self.error("ana@secret.example")


class Dropping(MemoryFileSystem):
    """An object store whose connection breaks in the middle of each file."""

    protocol = "dropping"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.replace("dropping://", "memory://")))

    def open(self, *_: Any, **__: Any) -> Any:
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                if self.tell():
                    raise ConnectionResetError("ana@secret.example")
                return super().read(size)

        return Broken(b'{"id": "A", "title": "cup"}\n' * 100_000)


class NoCredentialsError(Exception):
    """As botocore names it; it is no OSError."""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """`strict://` and `s3://` ask who is there, `dropping://` breaks off."""
    for protocol, kind in {"strict": Strict, "s3": Strict, "dropping": Dropping}.items():
        monkeypatch.setitem(_registry, protocol, kind)
    return monkeypatch


@pytest.mark.parametrize(
    ("raised", "expected", "said"),
    [
        (PermissionError, SourceRefused, "kiosk: the folder: found PermissionError; check connection 'kiosk'"),
        (NoCredentialsError, SourceRefused, "kiosk: the folder: found NoCredentialsError; check connection 'kiosk'"),
        (ConnectionResetError, SourceUnavailable, "kiosk: the folder: ConnectionResetError"),
        (RuntimeError, SourceUnavailable, "kiosk: the folder: RuntimeError"),
    ],
)
def test_what_the_file_system_raises_is_named_without_its_words(
    store: pytest.MonkeyPatch, raised: type[Exception], expected: type[Exception], said: str
) -> None:
    store.setattr(Strict, "error", raised)
    client = Files(Connection("kiosk", "strict://drops"))
    with pytest.raises(expected, match=f"^{re.escape(said)}$"):
        client.check()


def test_a_connection_that_breaks_in_the_middle_of_a_file_stages_nothing(store: pytest.MonkeyPatch, lake: Lake) -> None:
    with fsspec.open("memory://breaking/items-2026-11-20.jsonl", "wb") as file:
        file.write(b"{}")
    with pytest.raises(SourceUnavailable, match=r"^kiosk: items-2026-11-20\.jsonl: ConnectionResetError$"):
        extract(KIOSK, Connection("kiosk", "dropping://breaking"), lake, first=FRIDAY, last=FRIDAY)
    assert lake.staged(f"kiosk/{FRIDAY}_{FRIDAY}") == []


@pytest.mark.parametrize(
    ("url", "names"), [("s3://drops", ("key", "secret")), ("strict://drops", ("username", "password"))]
)
def test_login_and_password_are_told_under_the_names_of_the_file_system(
    store: pytest.MonkeyPatch, url: str, names: tuple[str, str]
) -> None:
    Files(Connection("kiosk", url, login="somebody", password=Secret("a-key-of-nobody")))
    assert {name: Strict.told.get(name) for name in names} == dict(
        zip(names, ("somebody", "a-key-of-nobody"), strict=True)
    )


@pytest.mark.parametrize(
    "options", ['{"endpoint_url": "https://s3.shop.example"}', {"endpoint_url": "https://s3.shop.example"}]
)
def test_options_of_the_file_system_may_be_json_or_its_text(store: pytest.MonkeyPatch, options: Any) -> None:
    Files(Connection("kiosk", "s3://drops", extra={"storage_options": options}))
    assert Strict.told["endpoint_url"] == "https://s3.shop.example"
    assert "key" not in Strict.told


@pytest.mark.parametrize("options", ["{", "[1]", 7])
def test_options_that_are_no_json_object_are_refused_unshown(options: Any) -> None:
    with pytest.raises(SettingsError, match="^connection 'kiosk': storage_options are no JSON object$"):
        Files(Connection("kiosk", "memory://drops", extra={"storage_options": options}))
