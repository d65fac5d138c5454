"""Files in a folder of this machine or of an object store, for whatever reads files.

    lists/audience/2026-11-20.csv           everybody we manage: contact_key, email and the attributes
    lists/vip/2026-11-20.csv                a segment: contact_key, email
    lists/vip/2026-11-20.changes.csv        what is different from the list of the day before: added, changed, removed
    lists/vip/manifest.json                 the newest, with rows and SHA-256: read this first
    erased.csv                              contact keys of people to be deleted wherever the lists went
    opt_outs/*.csv                          written by the other side: contact_key or email; reason, at if known

A file appears as a whole or not at all, a push of the same day replaces it, after 30 days it is deleted. CSV in UTF-8 with a
header; a text that a spreadsheet would take for a formula, or that begins with an apostrophe, has an apostrophe before it.
Who is in a file of `opt_outs/` is suppressed before anything is planned; without such files nobody is known to have opted out
there. An opt-out file that cannot be understood ends the push.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from audience.activation.destination import Calls, Platform
from audience.activation.folders import CAPABILITIES
from audience.core.connection import Connection
from audience.core.system import Field


class File:
    """A folder.

    Args:
        connection: `url` of the folder as fsspec opens it, such as file:///srv/audiences or s3://bucket/audiences; login
            and password where it wants them.
    """

    name = "file"
    capabilities = CAPABILITIES
    per_second = math.inf
    settings: ClassVar[Mapping[str, str]] = {}
    form = (
        Field("host", "Folder", "s3://bucket/audiences", "a URL; file:///srv/audiences is a folder of the machine that runs the"
              " tasks; s3:// needs the package s3fs, gs:// gcsfs, abfs:// adlfs"),
        Field("login", "Access key or user", help="empty where the machine itself has access"),
        Field("password", "Secret key or password", is_secret=True),
        Field("storage_options", "Options of the file system", '{"endpoint_url": "https://s3.shop.example"}',
              "JSON, as fsspec documents them for the kind of folder", is_secret=True),
    )  # fmt: skip

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def open(self, calls: Calls) -> Iterator[Platform]:
        from audience.activation.folders.place import Folder
        from audience.activation.folders.session import opened

        with opened(self.name, Folder(self._connection), calls) as lists:
            yield lists


DESTINATION = File
