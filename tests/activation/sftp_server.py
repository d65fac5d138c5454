"""A real SFTP server on the loopback interface, in a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
CLIENT_KEY = asyncssh.generate_private_key("ssh-ed25519")


@dataclass
class SftpServer:
    """`root` is what it serves; `cut` ends every session as a broken line does."""

    root: Path
    port: int = 0
    sessions: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def cut(self) -> None:
        done = threading.Event()

        def cut_all() -> None:
            while self.sessions:
                self.sessions.pop().abort()
            done.set()

        self.loop.call_soon_threadsafe(cut_all)
        done.wait(10)

    @property
    def host_key(self) -> str:
        return f"[127.0.0.1]:{self.port} {HOST_KEY.export_public_key().decode()}"


@contextmanager
def serving(root: Path, files: Any = None) -> Iterator[SftpServer]:
    """Lets `shop` in, with the password `sandbox-sftp` or CLIENT_KEY. `files` makes what serves them, told the channel."""
    server = SftpServer(root)

    class Door(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            server.sessions.append(conn)

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("shop", "sandbox-sftp")

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return username == "shop" and key.public_data == CLIENT_KEY.public_data

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[HOST_KEY], server_factory=Door,
            sftp_factory=files or (lambda channel: asyncssh.SFTPServer(channel, chroot=str(root))),
        )  # fmt: skip

    async def close(listener: Any) -> None:
        listener.close()
        await listener.wait_closed()
        await server.loop.shutdown_default_executor()

    thread = threading.Thread(target=server.loop.run_forever)
    thread.start()
    listener = asyncio.run_coroutine_threadsafe(listen(), server.loop).result(20)
    server.port = listener.get_port()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(close(listener), server.loop).result(20)
        server.loop.call_soon_threadsafe(server.loop.stop)
        thread.join()
        server.loop.close()
