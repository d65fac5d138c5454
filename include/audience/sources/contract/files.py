"""Files in a folder as a system: which of them belong to a window, and their rows as records."""

import glob
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any

from audience.core.connection import Connection
from audience.core.errors import SettingsError, SourceError, SourceRefused, SourceReplyInvalid, SourceUnavailable
from audience.core.folder import open_folder
from audience.core.partition import Window
from audience.core.system import Field, System
from audience.sources.contract.declaration import Unreadable
from audience.sources.contract.formats import Bad, Format, format_of, log_records

_KEPT = 1 << 19
"""Characters of a bad row that are kept: as JSON they may become six times as many."""

_DAY = re.compile(r"\{day(?::([^{}]*))?\}")


def files(type: str, title: str, *, fields: tuple[Field, ...] = ()) -> System:
    """A folder with files, on this machine or in an object store.

    Args:
        type: Airflow connection type.
        fields: further fields of the connection form, such as the names of the files.
    """
    return System(
        type,
        title,
        Files,
        (
            Field("host", "Folder", "s3://bucket/drops", "a URL; file:///srv/drops is a folder of the machine that runs"
                  " the tasks; s3:// needs the package s3fs, gs:// gcsfs, abfs:// adlfs, sftp:// paramiko"),
            Field("login", "Access key or user", help="empty where the machine itself has access"),
            Field("password", "Secret key or password", is_secret=True),
            Field("storage_options", "Options of the file system", '{"endpoint_url": "https://s3.shop.example"}',
                  "JSON, as fsspec documents them for the kind of folder", is_secret=True),
            *fields,
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class _File:
    """One file: its path, its name below the folder, and its day (of its name, else of its last change in UTC)."""

    path: str
    name: str
    day: date


class Files:
    """The files below one folder, read only.

    The folder is the connection's host, or `path` of its extra: any URL that fsspec opens.

    Each record is given two fields more: `_file`, the name of its file below the folder, and `_offset`, its line or row
    there, from 1; and `_day`, the day of the file, which is a cursor for records that do not say when they changed.
    A row that cannot be read is `Unreadable`, with the same place; it belongs to the day of its file.

    Raises, wherever it reads:
        SourceUnavailable: the folder, or the file of the last day where it is required, is not there (yet); a file is cut
            off or changed while it was read. What was read of it is not staged: the next try reads the whole of it.
        SourceRefused: the file system refuses the credentials.
        SourceReplyInvalid: a file is damaged or not of its format.
        SettingsError: the URL needs a package that is not installed, or a name's pattern does not name single days.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._fs, self._root, _ = open_folder(connection)

    def check(self) -> str:
        self._has_folder()
        return f"{self.connection.name}: the folder is there"

    def close(self) -> None:
        """No file stays open."""

    def records(self, name: str, window: Window, *, required: bool) -> Iterator[Any]:
        """Records of the window's CSV, JSON lines and Parquet files, told by the endings of their names; `.gz` may follow.

        Args:
            name: `{day:%Y-%m-%d}` stands for the day, in any form of strftime, also in folders; `*` for any part of a
                name. Without a day the files are those changed since the window began. A file or folder whose own name
                begins with `.` or `_` is another tool's.
            required: whether it is an error that the last day of the window has no file. Days before it may have none: a
                window begins before the first file that was ever written.
        """
        for file in self._of(name, window, required):
            if (read := format_of(file.name)) is None:
                raise SourceReplyInvalid(f"{self.connection.name}: {file.name}: expected a name that ends in .csv, .jsonl or"
                                         " .parquet")  # fmt: skip
            yield from self._read(file, read)

    def lines(self, name: str, window: Window, form: re.Pattern[str], *, required: bool) -> Iterator[Any]:
        """Records of the window's logs: the named groups of a form that each line has. Arguments as in `records`."""
        for file in self._of(name, window, required):
            yield from self._read(file, log_records(form))

    # -- which files -------------------------------------------------------------------------------------------------------

    def _of(self, name: str, window: Window, required: bool) -> list[_File]:
        self._has_folder()
        first, last = window.start.date(), (window.end - timedelta(microseconds=1)).date()
        if not _DAY.search(name):
            changed = [file for file in self._named(name, None) if file.day >= first]
            if required and not changed:
                raise SourceUnavailable(f"{self.connection.name}: no file {name} changed since {first}")
            return changed
        _check_pattern(self.connection, name)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        found = [file for day in days for file in self._named(_on(name, day), day)]
        if required and not any(file.day == last for file in found):
            raise SourceUnavailable(f"{self.connection.name}: no file {_on(name, last)} yet")
        return found

    def _named(self, pattern: str, day: date | None) -> list[_File]:
        """Files of a pattern, by name."""
        with self._at(pattern), self._asking():
            found = self._fs.glob(f"{glob.escape(self._root)}/{pattern}", detail=True)
            paths = [p for p, about in sorted(found.items()) if about["type"] == "file"]
            names = {path: path.removeprefix(self._root).lstrip("/") for path in paths}
            ours = [p for p in paths if not any(part.startswith((".", "_")) for part in names[p].split("/"))]
            return [_File(p, names[p], day or self._fs.modified(p).astimezone(UTC).date()) for p in ours]

    def _has_folder(self) -> None:
        with self._at("the folder"), self._asking():
            if not self._fs.isdir(self._root):
                raise FileNotFoundError

    # -- what is in them -----------------------------------------------------------------------------------------------------

    def _read(self, file: _File, read: Format) -> Iterator[Any]:
        with self._at(file.name):
            with self._asking():
                before = self._fs.info(file.path)
                raw = self._fs.open(file.path, "rb")
            file_of: dict[str, Any] = {"_file": file.name, "_day": file.day.isoformat()}
            with raw:
                for offset, row in read(io.BufferedReader(_Asked(raw, self._asking))):
                    place = file_of | {"_offset": offset}
                    if isinstance(row, Bad):
                        yield Unreadable(row.reason, place | {"text": row.text[:_KEPT]}, file.day)
                    elif clash := place.keys() & row.keys():
                        yield Unreadable(f"has a field {min(clash)!r} of its own", place | {"record": row}, file.day)
                    else:
                        yield row | place
            with self._asking():
                after = self._fs.info(file.path)
            if after != before:
                raise SourceUnavailable("changed while it was read")

    @contextmanager
    def _at(self, place: str) -> Iterator[None]:
        try:
            yield
        except SourceError as error:
            raise type(error)(f"{self.connection.name}: {place}: {error}") from None

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Around calls of the file system only: each raises what its own library does."""
        try:
            yield
        except FileNotFoundError:
            raise SourceUnavailable("not there") from None
        except Exception as error:
            kind = type(error).__name__
            if isinstance(error, PermissionError) or re.search("Credential|Auth", kind):
                raise SourceRefused(f"found {kind}; check connection {self.connection.name!r}") from None
            raise SourceUnavailable(kind) from None


class _Asked(io.RawIOBase):
    """A file whose failures while it is read are named as all others."""

    def __init__(self, file: Any, asking: Callable[[], Any]) -> None:
        self._file, self._asking = file, asking

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._asking():
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with self._asking():
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())


def _on(name: str, day: date) -> str:
    return _DAY.sub(lambda found: day.strftime(found[1] or "%Y-%m-%d"), name)


def _check_pattern(connection: Connection, name: str) -> None:
    """A file of a month would be read for, and be of, whichever day asks first."""
    days = [date(2000, 1, 1), date(2000, 1, 2), date(2000, 2, 1), date(2001, 1, 1)]
    if len({_on(name, day) for day in days}) < len(days):
        raise SettingsError(f"connection {connection.name!r}: {name} names no single day, expected one such as"
                            " orders-{day:%Y-%m-%d}.csv")  # fmt: skip
