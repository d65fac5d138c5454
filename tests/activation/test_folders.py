"""Lists as files: whole or not at all, the same again when told again, and gone when somebody has to be forgotten."""

import csv
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.sftp_server import CLIENT_KEY, SftpServer, serving
from activation.stands import Stand
from activation.town import Town, key_of
from audience.activation.destination import Calls, Results
from audience.activation.folders import sheet
from audience.activation.folders.sheet import PUT, Sheets, Unreadable
from audience.core.connection import Connection
from audience.core.errors import DestinationRefused, DestinationUnavailable, SettingsError
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.privacy.gate import Leaver
from little_room import little_room

SATURDAY = Partition.parse("2026-11-21")
JANUARY = Partition.parse("2027-01-15")

CALLS = Calls(before=lambda _: None, after=lambda _: None, pause=lambda _: None)


class Folder:
    """What the other side sees."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def files(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.root)): p.read_bytes() for p in sorted(self.root.rglob("*")) if p.is_file()}

    def rows(self, path: str) -> list[dict[str, str]]:
        with (self.root / path).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def names(self, path: str) -> list[str]:
        return [row["email"].split("@")[0] for row in self.rows(path)]

    def newest(self, list_name: str) -> set[str]:
        """Names of the people in the file that the manifest names."""
        return set(self.names(f"lists/{list_name}/{self.manifest(list_name)['file']}"))

    def manifest(self, list_name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / f"lists/{list_name}/manifest.json").read_text())
        return found

    def opt_outs(self, text: str, name: str = "november.csv") -> None:
        (self.root / "opt_outs").mkdir(exist_ok=True)
        (self.root / "opt_outs" / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    with serving(tmp_path_factory.mktemp("sftp")) as server:
        yield server


@pytest.fixture
def kind() -> str:
    return "file"


both = pytest.mark.parametrize("kind", ["file", "sftp"])
over_sftp = pytest.mark.parametrize("kind", ["sftp"])


@pytest.fixture
def connection(kind: str, tmp_path: Path, server: SftpServer) -> Connection:
    if kind == "file":
        return Connection("file", url=f"file://{tmp_path}/audiences")
    return Connection("sftp", url=f"sftp://127.0.0.1:{server.port}/{tmp_path.name}/audiences", login="shop",
                      password=Secret("sandbox-sftp"), extra={"host_key": server.host_key})  # fmt: skip


@pytest.fixture
def folder(kind: str, tmp_path: Path, server: SftpServer) -> Folder:
    root = (tmp_path if kind == "file" else server.root / tmp_path.name) / "audiences"
    root.mkdir(parents=True)
    return Folder(root)


@pytest.fixture
def town(warehouse: Warehouse, connection: Connection, kind: str) -> Town:
    """Ana and Bob are VIPs, Cam is nobody's; Eve consented to nothing."""
    nobody: Any = lambda *_: None  # noqa: E731 - nobody else changes a folder here
    town = Town(warehouse, "", Stand(kind, lambda _: connection, {}, attributes=nobody, delete=nobody, join=nobody))
    town.people("ana", "bob", "cam")
    town.people("eve", consent=False)
    town.segment("vip", ["ana", "bob", "eve"])
    return town


@both
def test_a_push_puts_whole_lists_there_and_a_second_one_changes_no_byte(town: Town, folder: Folder) -> None:
    assert town.push().in_sync
    assert sorted(folder.files()) == [
        f"lists/{name}/{file}"
        for name in ("audience", "vip")
        for file in ("2026-11-20.changes.csv", "2026-11-20.csv", "manifest.json")
    ]
    assert folder.rows("lists/audience/2026-11-20.csv") == [
        {"contact_key": key, "email": f"{name}@mailbox.example", "FIRSTNAME": name.title(), "LASTNAME": "",
         "OPEN_TRACKING": "false", "CLICK_TRACKING": "false"}
        for key, name in sorted((key_of(name), name) for name in ("ana", "bob"))
    ]  # fmt: skip
    assert folder.newest("vip") == {"ana", "bob"}
    there = folder.files()
    assert town.push(holder="run-2").in_sync
    assert folder.files() == there


def test_the_next_day_has_a_file_of_its_own_and_says_what_changed(town: Town, folder: Folder) -> None:
    town.push()
    town.segment("vip", ["bob", "cam"], day=SATURDAY)
    town.rename("bob", "Robert")
    town.push(as_of=SATURDAY)
    assert folder.newest("vip") == {"bob", "cam"} and set(folder.names("lists/vip/2026-11-20.csv")) == {"ana", "bob"}
    changes = folder.rows("lists/vip/2026-11-21.changes.csv")
    assert [(row["change"], row["email"][:3]) for row in changes] == [("added", "cam"), ("removed", "ana")]
    changes = folder.rows("lists/audience/2026-11-21.changes.csv")
    assert ("changed", "Robert") in [(row["change"], row["FIRSTNAME"]) for row in changes]
    manifest = folder.manifest("vip")
    assert (manifest["as_of"], manifest["rows"], manifest["changes"]["since"]) == ("2026-11-21", 2, "2026-11-20")
    assert manifest["sha256"] == sheet.digest(folder.root / "lists/vip/2026-11-21.csv")


def test_who_is_in_an_opt_out_file_leaves_every_list(town: Town, folder: Folder) -> None:
    town.push()
    folder.opt_outs(f"email,reason,at\nAna@mailbox.example,complaint,2026-11-20T10:00:00+01:00\n,{key_of('cam')},\n")
    folder.opt_outs(f"contact_key\n{key_of('bob')}\n", "more.csv")
    assert town.push(approved=True).opted_out == 2
    assert folder.newest("vip") == folder.newest("audience") == set()


def test_an_opt_out_file_that_cannot_be_understood_ends_the_push(town: Town, folder: Folder) -> None:
    folder.opt_outs("address\nana@mailbox.example\n")
    with pytest.raises(
        DestinationRefused, match="opt_outs/november.csv: found columns address, expected contact_key or email"
    ):
        town.push()
    assert list(folder.files()) == ["opt_outs/november.csv"]


@both
def test_a_push_that_dies_before_the_file_appears_leaves_the_old_one_and_the_next_ends_the_same(
    town: Town, folder: Folder
) -> None:
    town.push()
    town.segment("vip", ["bob", "cam"], day=SATURDAY)

    def die(call: str) -> None:
        if call == "before WRITE lists/vip/2026-11-21.csv":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        town.push(as_of=SATURDAY, at_call=die)
    assert folder.newest("vip") == {"ana", "bob"}
    assert town.push(as_of=SATURDAY, holder="run-1").in_sync
    assert folder.newest("vip") == {"bob", "cam"} and town.desired() == town.acknowledged()
    assert not [name for name in folder.files() if "_parts" in name or "_aside" in name]


def test_an_erased_person_is_in_no_file_of_any_day(town: Town, folder: Folder) -> None:
    town.push()
    town.segment("vip", ["bob", "cam"], day=SATURDAY)
    town.push(as_of=SATURDAY)
    with town.destination().open(CALLS) as platform:
        for _ in range(2):
            assert platform.erase([Leaver(key_of("ana"), None)]) == Results()
    holding = [
        name for name, content in folder.files().items() if b"ana@" in content or key_of("ana").encode() in content
    ]
    assert holding == ["erased.csv"] and folder.rows("erased.csv") == [{"contact_key": key_of("ana")}]
    assert folder.manifest("vip")["sha256"] == sheet.digest(folder.root / "lists/vip/2026-11-21.csv")


def test_what_somebody_else_did_to_the_files_is_put_right(town: Town, folder: Folder) -> None:
    town.push()
    (folder.root / "lists/audience/2026-11-20.csv").unlink()
    with (folder.root / "lists/vip/2026-11-20.csv").open("a", encoding="utf-8") as file:
        file.write(f"{key_of('cam')},cam@mailbox.example\n")
    assert town.push().in_sync
    assert folder.newest("vip") == folder.newest("audience") == {"ana", "bob"}
    (folder.root / "lists/vip/manifest.json").write_text('{"name": "an app"}')
    with pytest.raises(DestinationRefused, match="lists/vip/manifest.json: found another program's"):
        town.push()


def test_files_of_more_than_thirty_days_ago_are_deleted(town: Town, folder: Folder) -> None:
    town.push()
    town.segment("vip", ["bob"], day=JANUARY)
    town.push(as_of=JANUARY, approved=True)
    assert not [name for name in folder.files() if "2026-11" in name]
    assert folder.newest("vip") == {"bob"}


def test_a_full_disk_tears_no_file_and_the_ledger_stays_as_the_files_are(
    warehouse: Warehouse, town: Town, tmp_path: Path
) -> None:
    with little_room(tmp_path / "disk", kilobytes=200) as fill:
        folder = Folder(tmp_path / "disk" / "audiences")
        town.connection = Connection("file", url=f"file://{folder.root}")
        town.push()
        there = folder.files()
        town.segment("vip", ["bob", "cam"], day=SATURDAY)
        make_room = fill()
        try:
            with pytest.raises(
                DestinationUnavailable, match=r"WRITE lists/\S+: (No space left|File too large).* after 6 tries"
            ):
                town.push(as_of=SATURDAY)
        finally:
            make_room()
        assert {name: content for name, content in folder.files().items() if name in there} == there
        assert town.push(as_of=SATURDAY).in_sync and folder.newest("vip") == {"bob", "cam"}
        assert town.desired() == town.acknowledged() and town.items("in_flight") == []
        assert not [name for name in folder.files() if "_aside" in name or "_parts" in name]


@over_sftp
def test_a_line_that_breaks_is_dialled_again(town: Town, folder: Folder, server: SftpServer) -> None:
    town.push()
    town.segment("vip", ["bob", "cam"], day=SATURDAY)
    broken: list[str] = []

    def cut(call: str) -> None:
        if "WRITE lists/vip" in call and len(broken) < 2:
            broken.append(call)
            server.cut()

    assert town.push(as_of=SATURDAY, at_call=cut).in_sync
    assert len(broken) == 2 and folder.newest("vip") == {"bob", "cam"}


@over_sftp
def test_a_private_key_opens_as_a_password_does(town: Town, folder: Folder) -> None:
    secret = Secret(CLIENT_KEY.export_private_key().decode())
    town.connection = replace(town.connection, password=secret)
    assert town.push().in_sync and folder.newest("vip") == {"ana", "bob"}


@over_sftp
def test_who_refuses_us_and_who_is_a_stranger_are_told_nothing(town: Town, folder: Folder, server: SftpServer) -> None:
    good = town.connection
    town.connection = replace(good, password=Secret("a-wrong-key"))
    with pytest.raises(DestinationRefused, match="PermissionDenied") as refused:
        town.push()
    assert "a-wrong-key" not in str(refused.value)
    stranger = CLIENT_KEY.export_public_key().decode()
    town.connection = replace(good, extra={"host_key": stranger})
    with pytest.raises(DestinationRefused, match="HostKeyNotVerifiable"):
        town.push()
    for extra in ({}, {"host_key": "nonsense"}):
        town.connection = replace(good, extra=extra)
        with pytest.raises(SettingsError, match="host_key"):
            town.push()
    assert folder.files() == {}


def test_what_a_killed_push_left_on_this_machine_is_removed_by_the_next(
    town: Town, folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    over = subprocess.Popen(["true"])
    over.wait()
    left, running = tmp_path / f"audience-lists-{over.pid}-x", tmp_path / f"audience-lists-{os.getpid()}-x"
    for scratch in (left, running):
        scratch.mkdir()
        (scratch / "1.csv").write_text("ana@mailbox.example")
    town.push()
    assert [path.name for path in tmp_path.glob("audience-lists-*")] == [running.name]


def test_opt_outs_are_told_since_an_instant_and_those_without_one_always(town: Town, folder: Folder) -> None:
    told = [
        "ana@mailbox.example,2026-11-20 09:00:00",
        "bob@mailbox.example,2026-11-19T09:00:00Z",
        "cam@mailbox.example,soon",
    ]
    folder.opt_outs("\n".join(["email,at", *told]))
    with town.destination().open(CALLS) as platform:
        found = list(platform.pull_opt_outs(datetime(2026, 11, 20, tzinfo=UTC)))
    names = [one.who.email.reveal().split("@")[0] for one in found if one.who.email]
    assert names == ["ana", "cam"] and {one.reason for one in found} == {"unsubscribe"}
    assert list(folder.files()) == ["opt_outs/november.csv"]  # who only reads changes nothing


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=30))
def test_any_text_comes_back_as_it_was_and_no_cell_begins_as_a_formula(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = tmp_path_factory.mktemp("sheet")
    texts += ["=1+1", "'", "\r", "＝x", '"']
    told = [(PUT, f"k{n:03}", f"p{n}@mailbox.example", text or None, None, True, False) for n, text in enumerate(texts)]
    with closing(Sheets(scratch)) as sheets:
        sheets.fold(None, [sheet.write_part(scratch / "part.csv", told)], sheet.PROFILE, scratch / "full.csv")
        back = [row["FIRSTNAME"] for row in sheets.members(scratch / "full.csv", sheet.PROFILE)]
    assert back == [text or None for text in texts]
    with (scratch / "full.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r\n＝＋－＠")]


def test_what_cannot_be_read_is_named_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "torn.csv").write_text("contact_key,email\nk1,ana@mailbox.example,x\n")
    with closing(Sheets(tmp_path)) as sheets, pytest.raises(Unreadable, match="found InvalidInputException") as torn:
        sheets.take_opt_outs(tmp_path / "torn.csv")
    assert "mailbox" not in str(torn.value) and torn.value.__cause__ is None
