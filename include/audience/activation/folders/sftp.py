"""A folder behind SFTP (RFC draft secsh-filexfer-02, as OpenSSH serves it)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from audience.activation.folders.place import ASIDE
from audience.core.connection import Connection
from audience.core.errors import SettingsError

if TYPE_CHECKING:
    import asyncssh

PORT = 22

SILENCE_SECONDS = 15
"""A server that says nothing for four times this is gone."""

Given = TypeVar("Given")


class Sftp:
    """A folder of an SFTP server; the session is opened when it is first needed, and again after it was lost.

    Args:
        connection: `url` such as sftp://files.example.com/incoming, `login`, `password` (a password or a private key), and
            `host_key` of the extra, the server's public key as `ssh-keyscan` prints it, without which a stranger could
            answer in its name.

    Raises:
        SettingsError: one of these is missing or no key.
    """

    def __init__(self, connection: Connection) -> None:
        import asyncssh

        parts = urlsplit(connection.at("").url)
        self._root = PurePosixPath(unquote(parts.path).removeprefix("/") or ".")
        self._options: dict[str, Any] = {
            "host": parts.hostname or "", "port": parts.port or PORT, "username": connection.login or None,
            "known_hosts": ([_host_key(connection)], [], []), "config": None, "agent_path": None,
            **_credentials(connection),
            "keepalive_interval": SILENCE_SECONDS, "keepalive_count_max": 4, "connect_timeout": 4 * SILENCE_SECONDS,
        }  # fmt: skip
        self._runner = asyncio.Runner()
        self._session: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None

    def names(self, folder: str) -> list[str]:
        async def listed(client: "asyncssh.SFTPClient") -> list[str]:
            place = self._at(folder)
            names = await client.listdir(place) if await client.isdir(place) else []
            return sorted(str(n) for n in names if n not in (".", ".."))

        return self._do(listed)

    def fetch(self, path: str, local: Path) -> None:
        self._do(lambda client: client.get(self._at(path), str(local)))

    def put(self, local: Path, path: str) -> None:
        target = PurePosixPath(path)
        aside = self._at(str(target.with_name(ASIDE + target.name)))

        async def placed(client: "asyncssh.SFTPClient") -> None:
            await client.makedirs(self._at(str(target.parent)), exist_ok=True)
            await client.put(str(local), aside)
            await client.posix_rename(aside, self._at(path))

        self._do(placed)

    def delete(self, path: str) -> None:
        async def gone(client: "asyncssh.SFTPClient") -> None:
            if await client.exists(self._at(path)):
                await client.remove(self._at(path))

        self._do(gone)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._runner.run(self._session.wait_closed())
        self._session = self._client = None
        self._runner.close()

    def _at(self, path: str) -> str:
        return str(self._root / path)

    def _do(self, work: Callable[["asyncssh.SFTPClient"], Awaitable[Given]]) -> Given:
        import asyncssh

        async def done() -> Given:
            if self._client is None:
                self._session = await asyncssh.connect(**self._options)
                self._client = await self._session.start_sftp_client()
            return await work(self._client)

        try:
            return self._runner.run(done())
        except (asyncssh.PermissionDenied, asyncssh.HostKeyNotVerifiable, asyncssh.SFTPPermissionDenied) as error:
            raise PermissionError(type(error).__name__) from None
        except asyncssh.SFTPNoSuchFile as error:
            raise FileNotFoundError(type(error).__name__) from None
        except asyncssh.SFTPError as error:
            raise OSError(type(error).__name__) from None
        except (asyncssh.Error, OSError, TimeoutError) as error:
            self._drop()
            raise OSError(type(error).__name__) from None

    def _drop(self) -> None:
        """What is left of a lost session: the next call opens another."""
        session, self._session, self._client = self._session, None, None
        if session is not None:
            session.abort()


def _host_key(connection: Connection) -> "asyncssh.SSHKey":
    import asyncssh

    line = connection.setting("host_key").strip()
    expected = "expected a line such as 'ssh-ed25519 AAAA...', as ssh-keyscan prints it"
    try:
        return asyncssh.import_public_key(line[line.index("ssh-") if "ssh-" in line else line.index("ecdsa-") :])
    except (ValueError, asyncssh.KeyImportError):
        raise SettingsError(f"connection {connection.name!r}: host_key is no public key, {expected}") from None


def _credentials(connection: Connection) -> dict[str, Any]:
    """A password, or a private key in its place."""
    import asyncssh

    secret = connection.password.reveal()
    if not secret.lstrip().startswith("-----BEGIN"):
        return {"password": secret or None, "client_keys": None}
    try:
        return {"password": None, "client_keys": [asyncssh.import_private_key(secret)]}
    except (ValueError, asyncssh.KeyImportError):
        expected = "expected OpenSSH's or PEM's form without a passphrase"
        raise SettingsError(f"connection {connection.name!r}: its password is no private key, {expected}") from None
