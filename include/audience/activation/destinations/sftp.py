"""Files behind SFTP, for whatever reads files: the same as `file`, in a folder of an SSH server.

The server is known by its host key, which the connection names: a stranger is sent nothing.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from audience.activation.destination import Calls, Platform
from audience.activation.folders import CAPABILITIES
from audience.core.connection import Connection
from audience.core.system import Field


class SftpServer:
    """A folder of an SFTP server.

    Args:
        connection: `url` such as sftp://files.example.com/incoming, `login`, `password` (a password, or a private key
            without a passphrase), and `host_key` of the extra.
    """

    name = "sftp"
    capabilities = CAPABILITIES
    per_second = math.inf
    settings: ClassVar[Mapping[str, str]] = {
        "host_key": "The server's public key, a line as ssh-keyscan prints it.",
    }

    form = (
        Field("host", "Folder", "sftp://files.example.com/incoming", "a URL"),
        Field("port", "Port", "22"),
        Field("login", "User"),
        Field("password", "Password or private key", help="a key in OpenSSH's or PEM's form, without a passphrase", is_secret=True),
    )  # fmt: skip

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def open(self, calls: Calls) -> Iterator[Platform]:
        from audience.activation.folders.session import opened
        from audience.activation.folders.sftp import Sftp

        with opened(self.name, Sftp(self._connection), calls) as lists:
            yield lists


DESTINATION = SftpServer
