"""What a folder really has, and the levers that make the place of it misbehave: an object store of fsspec, or an SFTP server.

A fault is struck where a file would appear, be read, be listed or be deleted, so the destination cannot know of it before.
"""

import csv
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import asyncssh
import fsspec
from fsspec.implementations.local import LocalFileSystem

from activation.sftp_server import serving
from audience.activation.folders.sheet import REMOVE
from audience.privacy.pseudonym import pseudonym
from key import KEY

WRITE, READ, LIST, DELETE = "WRITE ", "READ ", "LIST ", "DELETE "
REQUESTS = {
    "upsert": r"WRITE lists/audience/_parts/.*",
    "add": r"WRITE lists/(?!audience/)[^/]*/_parts/.*",
    "remove": r"WRITE lists/(?!audience/)[^/]*/_parts/.*",
    "opt_outs": r"LIST opt_outs",
    "read_back": r"READ lists/.*\.csv",
}


class Struck(Exception):
    """Something went wrong on the way."""


@dataclass
class Fault:
    match: str
    kind: str
    times: int | None

    def takes(self, call: str) -> bool:
        if self.times == 0 or not re.fullmatch(self.match, call):
            return False
        self.times = None if self.times is None else self.times - 1
        return True


@dataclass
class Ground:
    """The folder that a place serves, its faults, and the journal of what was put there, which other processes write too."""

    root: Path
    journal: Path
    faults: list[Fault] = field(default_factory=list)

    @contextmanager
    def struck(self, call: str) -> Iterator[bool]:
        """Around the work of one call; true when what is written is to be torn. Raises Struck before or after the work."""
        kind = next((f.kind for f in self.faults if f.takes(call)), "")
        if kind == "slow_body":
            time.sleep(0.05)
        if kind in ("drop_before", "status"):
            raise Struck
        yield kind == "truncate"
        if kind in ("drop_after_accept", "truncate"):
            raise Struck

    def note(self, path: str) -> None:
        """Writes down who is named by a part that was put here."""
        if "/_parts/" not in path:
            return
        rows = _cells(self.root / path)[1:]
        told = {cell for row in rows for cell in row}
        known = {row[0]: row[1] for file in self.root.glob("lists/audience/*[0-9].csv") for row in _cells(file)}
        named = {cell for cell in told if "@" in cell} | {known[key] for key in told if "@" in known.get(key, "")}
        action = "remove" if rows[0][0] == REMOVE else "upsert" if path.startswith("lists/audience/") else "add"
        with self.journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"call": action, "emails": sorted(named)}) + "\n")


def _cells(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.reader(opened))


class FaultyStore(LocalFileSystem):
    """An object store: a file is there when all of it is."""

    protocol = "faulty"
    cachable = False
    grounds: ClassVar[dict[str, Ground]] = {}

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return LocalFileSystem._strip_protocol(str(path).removeprefix("faulty://"))

    def _ground(self, path: str) -> tuple[Ground, str]:
        for root, ground in self.grounds.items():
            if str(path).startswith(root):
                return ground, str(path).removeprefix(root).strip("/")
        root, _, below = str(path).partition("/audiences")  # another process: without faults
        return Ground(Path(root) / "audiences", Path(root) / "journal"), below.strip("/")

    def put_file(self, lpath: Any, rpath: Any, callback: Any = None, **more: Any) -> None:
        ground, path = self._ground(rpath)
        with self._told(ground, WRITE + path) as is_torn:
            if not is_torn:
                aside = ground.journal.with_name("uploading")
                aside.write_bytes(Path(lpath).read_bytes())
                (ground.root / path).parent.mkdir(parents=True, exist_ok=True)
                aside.replace(ground.root / path)
                ground.note(path)

    def get_file(self, rpath: Any, lpath: Any, **more: Any) -> None:
        ground, path = self._ground(rpath)
        with self._told(ground, READ + path) as is_torn:
            super().get_file(rpath, lpath, **more)
            if is_torn:
                os.truncate(lpath, Path(lpath).stat().st_size // 2)

    def ls(self, path: Any, detail: bool = False, **more: Any) -> Any:
        ground, below = self._ground(path)
        with self._told(ground, LIST + below):
            return super().ls(path, detail=detail)

    def rm_file(self, path: Any) -> None:
        ground, below = self._ground(path)
        with self._told(ground, DELETE + below):
            super().rm_file(path)

    @contextmanager
    def _told(self, ground: Ground, call: str) -> Iterator[bool]:
        try:
            with ground.struck(call) as is_torn:
                yield is_torn
        except Struck:
            raise ConnectionResetError("the store went away") from None


fsspec.register_implementation("faulty", FaultyStore, clobber=True)


def faulty_sftp(ground: Ground) -> Any:
    """An SFTP server's own view of the folder, with its faults."""

    class FaultySftp(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=str(ground.root.parent))

        def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
            path = _below(newpath)
            with _told(ground, WRITE + path) as is_torn:
                if is_torn:
                    os.truncate(self.map_path(oldpath), 1)
                    return
                super().posix_rename(oldpath, newpath)
                ground.note(path)

        def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
            if pflags & asyncssh.FXF_WRITE:
                return super().open(path, pflags, attrs)
            opened = super().open(path, pflags, attrs)
            try:
                with _told(ground, READ + _below(path)):
                    return opened
            except asyncssh.SFTPFailure:
                self.close(opened)
                raise

        def stat(self, path: bytes) -> Any:
            with _told(ground, LIST + _below(path)):
                return super().stat(path)

        def remove(self, path: bytes) -> None:
            with _told(ground, DELETE + _below(path)):
                super().remove(path)

    return FaultySftp


@contextmanager
def _told(ground: Ground, call: str) -> Iterator[bool]:
    try:
        with ground.struck(call) as is_torn:
            yield is_torn
    except Struck:
        raise asyncssh.SFTPFailure("the server has a fault") from None


def _below(path: bytes) -> str:
    return path.decode().strip("/").removeprefix("audiences").strip("/")


@dataclass
class FolderDesk:
    """The same levers as `PlatformDesk`; `url` is what a connection to it is made of."""

    url: str
    ground: Ground

    @property
    def root(self) -> Path:
        return self.ground.root

    def fault(self, match: str, kind: str, *, times: int | None = 1, **_: Any) -> None:
        self.ground.faults.append(Fault(match, kind, times))

    def mend(self) -> None:
        self.ground.faults.clear()

    def lists(self) -> dict[str, set[str]]:
        return {
            folder.name: {row["email"].split("@")[0] for row in self.rows(folder.name)} for folder in self._folders()
        }

    def rows(self, list_name: str) -> list[dict[str, str]]:
        """The file that the manifest names."""
        if (file := self._newest(list_name)) is None:
            return []
        with file.open(encoding="utf-8", newline="") as opened:
            return list(csv.DictReader(opened))

    def block(self, name: str) -> None:
        (self.root / "opt_outs").mkdir(exist_ok=True)
        (self.root / "opt_outs" / f"{name}.csv").write_text(f"email\n{name}@mailbox.example\n", encoding="utf-8")

    def blocked(self) -> set[str]:
        return {file.stem for file in self.root.glob("opt_outs/*.csv")}

    def writes(self) -> list[dict[str, Any]]:
        if not self.ground.journal.exists():
            return []
        return [json.loads(line) for line in self.ground.journal.read_text(encoding="utf-8").splitlines()]

    def written_names(self) -> set[str]:
        return {email.split("@")[0] for write in self.writes() for email in write["emails"]}

    def forget_requests(self) -> None:
        self.ground.journal.unlink(missing_ok=True)

    def journal(self) -> dict[str, Any]:
        """A folder knows no statuses and no limits."""
        return {"violations": {"resubscribes": 0, "writes_over_limit": 0, "details": []}}

    # -- what somebody else does there -------------------------------------------------------------------------------

    def attributes(self, email: str) -> dict[str, Any] | None:
        row = next((row for row in self.rows("audience") if row["email"] == email), None)
        return row and {k: v == "true" if k.endswith("TRACKING") else v for k, v in row.items()}

    def join(self, list_name: str, email: str) -> None:
        file = self._newest(list_name)
        assert file is not None
        with file.open("a", encoding="utf-8") as opened:
            opened.write(f"{pseudonym(email, KEY)},{email}\n")

    def delete(self, email: str) -> None:
        for folder in self._folders():
            if (file := self._newest(folder.name)) is not None:
                lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
                file.write_text("".join(line for line in lines if email not in line), encoding="utf-8")

    def _folders(self) -> list[Path]:
        return sorted(path for path in self.root.glob("lists/*") if path.is_dir())

    def _newest(self, list_name: str) -> Path | None:
        manifest = self.root / "lists" / list_name / "manifest.json"
        return manifest.with_name(json.loads(manifest.read_text())["file"]) if manifest.exists() else None


DESKS: dict[str, FolderDesk] = {}
"""Those that are open, by their URL."""


@contextmanager
def file_desk(folder: Path) -> Iterator[FolderDesk]:
    ground = _ground(folder)
    FaultyStore.grounds[str(ground.root)] = ground
    with _open(FolderDesk(f"faulty://{ground.root}", ground)) as desk:
        yield desk
    del FaultyStore.grounds[str(ground.root)]


@contextmanager
def sftp_desk(folder: Path) -> Iterator[FolderDesk]:
    """The server's host key stands in the fragment of the URL, so that one text says all of it."""
    ground = _ground(folder)
    with serving(folder, faulty_sftp(ground)) as server:
        url = f"sftp://127.0.0.1:{server.port}/audiences#{server.host_key}"
        with _open(FolderDesk(url, ground)) as desk:
            yield desk


@contextmanager
def _open(desk: FolderDesk) -> Iterator[FolderDesk]:
    DESKS[desk.url] = desk
    try:
        yield desk
    finally:
        del DESKS[desk.url]


def _ground(folder: Path) -> Ground:
    (folder / "audiences").mkdir(parents=True)
    return Ground(folder / "audiences", folder / "journal")
