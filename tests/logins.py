"""Logins of the database server, made for a test."""

from collections.abc import Callable

Logins = Callable[..., str]
"""Makes a login of some roles and gives the URL by which it reaches the warehouse."""
