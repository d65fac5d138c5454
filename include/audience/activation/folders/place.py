"""Where files are put: a folder of this machine or of an object store (any URL that fsspec opens), and what any place can do."""

import os
import shutil
from pathlib import Path
from typing import Protocol

from audience.core.connection import Connection
from audience.core.folder import open_folder

ASIDE = "_aside-"
"""Before the name of a file that is being written; whoever reads the folder leaves names that begin with `_` alone."""


class Place(Protocol):
    """Files below one folder, by paths with `/`. Everything may be done again without harm.

    Raises OSError for whatever the place does not do: PermissionError where it refuses us.
    """

    def names(self, folder: str) -> list[str]:
        """Names of the files and folders in a folder, sorted; of a folder that does not exist, none."""
        ...

    def fetch(self, path: str, local: Path) -> None:
        """Copies a file to this machine."""
        ...

    def put(self, local: Path, path: str) -> None:
        """Puts a file there as a whole: who looks sees the old one or the new one."""
        ...

    def delete(self, path: str) -> None:
        """A file that is not there is deleted."""
        ...

    def close(self) -> None: ...


class Folder:
    """A folder that fsspec opens. Raises SettingsError as `open_folder` does."""

    def __init__(self, connection: Connection) -> None:
        self._fs, self._root, protocol = open_folder(connection)
        self._is_local = protocol in ("file", "local")

    def names(self, folder: str) -> list[str]:
        try:
            found = self._fs.ls(self._at(folder), detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return sorted(str(name).rstrip("/").rsplit("/", 1)[-1] for name in found)

    def fetch(self, path: str, local: Path) -> None:
        self._fs.get_file(self._at(path), str(local))

    def put(self, local: Path, path: str) -> None:
        if self._is_local:
            _put_here(local, Path(self._at(path)))
        else:  # to an object store a file is there when all of it is
            self._fs.put_file(str(local), self._at(path))

    def delete(self, path: str) -> None:
        try:
            self._fs.rm_file(self._at(path))
        except FileNotFoundError:
            return

    def close(self) -> None:
        """No file stays open."""

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root


def _put_here(local: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(ASIDE + target.name)
    shutil.copyfile(local, aside)
    with aside.open("rb+") as file:
        os.fsync(file.fileno())
    aside.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
