"""A folder on this machine or in an object store, opened from a connection."""

import json
from typing import Any

from audience.core.connection import Connection
from audience.core.errors import SettingsError

_CREDENTIALS = {
    "s3": ("key", "secret"),
    "s3a": ("key", "secret"),
    "abfs": ("account_name", "account_key"),
    "az": ("account_name", "account_key"),
}
"""What file systems of fsspec call login and password; of all others, `username` and `password`."""


def open_folder(connection: Connection) -> tuple[Any, str, str]:
    """The fsspec file system of the connection's host (or `path` of its extra), the folder there, and the URL's protocol.

    Raises:
        SettingsError: the URL needs a package that is not installed, or `storage_options` of the extra are no JSON object.
    """
    import fsspec

    url = str(connection.extra.get("path") or connection.at("").url)
    protocol = url.partition("://")[0] if "://" in url else "file"
    try:
        fs, root = fsspec.core.url_to_fs(url, **_options(connection, protocol))
    except (ImportError, ValueError):
        raise SettingsError(f"connection {connection.name!r}: {protocol}:// cannot be opened; expected a URL such as"
                            " file:///srv/drops, or the package that fsspec needs for it") from None  # fmt: skip
    return fs, root.rstrip("/"), protocol


def _options(connection: Connection, protocol: str) -> dict[str, Any]:
    """What fsspec is told. A listing is never remembered: files come and go while a task looks at them."""
    said = connection.extra.get("storage_options") or {}
    try:
        options = dict(json.loads(said) if isinstance(said, str) else said)
    except (ValueError, TypeError):
        raise SettingsError(f"connection {connection.name!r}: storage_options are no JSON object") from None
    login, password = _CREDENTIALS.get(protocol, ("username", "password"))
    given = {login: connection.login, password: connection.password.reveal()}
    return {k: v for k, v in given.items() if v} | {"use_listings_cache": False, "skip_instance_cache": True} | options
