"""Who may open the vault: three roles of the server, whose rights are put right after each migration.

    audience_reader   reads every schema but the vault: for BI tools and analysts
    audience_app      owns every schema but the vault: what the product does without names and addresses
    audience_vault    owns the vault, and is audience_app besides: fills the vault, and pushes

A connection of the product acts as one of the last two, whatever its login may do besides. A view belongs to the role of
its schema, so a view outside the vault that asks the vault is refused to everybody.
"""

from typing import Any

import psycopg
import sqlalchemy as sa

from audience.core.errors import SettingsError
from audience.core.warehouse.models import SCHEMAS

APP, VAULT, READER = "audience_app", "audience_vault", "audience_reader"

OPEN = tuple(schema for schema in SCHEMAS if schema != "vault")
"""The schemas that hold no personal data."""


def act_as(connection: Any, role: str) -> None:
    """Lets a connection act as a role from now on, once the database has them; before, it stays what its login is.

    A login that is not of `audience_app` stays what it is, too, and may do what somebody granted it.

    Args:
        connection: of the driver, just opened.

    Raises:
        SettingsError: the login may not open the vault.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"role": role, "vault": VAULT})
        taken = cursor.fetchone()
    connection.commit()
    if taken is not None and taken[1] is None and role == VAULT:
        raise SettingsError(
            f"the vault: found login {taken[0]!r}, which is not of the role {VAULT}; set AUDIENCE_VAULT_URL where people"
            f' are identified and pushed, or let an administrator run: GRANT {VAULT} TO "{taken[0]}"'
        )


_TAKE = """
    SELECT session_user, CASE WHEN pg_has_role(session_user, %(role)s, 'MEMBER')
                         THEN set_config('role', %(role)s, false) END
    FROM pg_namespace JOIN pg_roles ON pg_roles.oid = nspowner WHERE nspname = 'vault' AND rolname = %(vault)s
"""


def settle(connection: sa.Connection) -> None:
    """Makes the roles where they are missing, and gives every table and view to the role of its schema.

    Args:
        connection: of the login that migrates, in its transaction.

    Raises:
        SettingsError: the login may not do that; the message has the statements for who may.
    """
    if missing := _missing(connection):
        _make(connection, missing)
    for schema in SCHEMAS:
        owner = VAULT if schema == "vault" else APP
        for statement in connection.execute(sa.text(_TO_OWN), {"schema": schema, "owner": owner}).scalars().all():
            connection.execute(sa.text(statement))
    for schema in OPEN:
        connection.execute(sa.text(f"GRANT USAGE ON SCHEMA {schema} TO {READER}"))
        connection.execute(sa.text(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {READER}"))
        connection.execute(
            sa.text(f"ALTER DEFAULT PRIVILEGES FOR ROLE {APP} IN SCHEMA {schema} GRANT SELECT ON TABLES TO {READER}")
        )
    if not connection.scalar(sa.text(f"SELECT has_table_privilege('{APP}', 'alembic_version', 'UPDATE')")):
        connection.execute(sa.text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON alembic_version TO {APP}"))
    others = f"PUBLIC, {READER}, {APP}"
    connection.execute(sa.text(f"REVOKE ALL ON SCHEMA vault FROM {others}"))
    connection.execute(sa.text(f"REVOKE ALL ON ALL TABLES IN SCHEMA vault FROM {others}"))


_TO_OWN = """
    SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, CAST(:owner AS text)) FROM pg_namespace
    WHERE nspname = :schema AND pg_get_userbyid(nspowner) <> :owner
    UNION ALL
    SELECT format('ALTER TABLE %I.%I OWNER TO %I', nspname, relname, CAST(:owner AS text))
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = :schema AND relkind IN ('r', 'p', 'v', 'm') AND pg_get_userbyid(relowner) <> :owner
"""
"""A sequence follows the table that it counts for."""


def _missing(connection: sa.Connection) -> list[str]:
    """The statements that are still to be run for the roles to be there, and to be ours."""
    know = "SELECT rolname FROM pg_roles WHERE rolname IN (:app, :vault, :reader)"
    names = {"app": APP, "vault": VAULT, "reader": READER}
    known = set(connection.execute(sa.text(know), names).scalars())
    login, database = connection.execute(sa.text("SELECT session_user, current_database()")).one()
    statements = [f"CREATE ROLE {role} NOLOGIN" for role in (APP, VAULT, READER) if role not in known]

    def is_of(member: str, role: str) -> bool:
        if role not in known or (member == VAULT and VAULT not in known):
            return False
        asked = sa.text("SELECT pg_has_role(CAST(:member AS name), CAST(:role AS name), 'MEMBER')")
        return bool(connection.scalar(asked, {"member": member, "role": role}))

    if not is_of(VAULT, APP):
        statements.append(f"GRANT {APP} TO {VAULT}")
    if not is_of(login, VAULT):
        statements.append(f'GRANT {VAULT} TO "{login}"')
    may = sa.text(
        "SELECT has_database_privilege(CAST(:role AS name), current_database(), 'CREATE')"
        " AND has_database_privilege(CAST(:role AS name), current_database(), 'TEMPORARY')"
    )
    if APP not in known or not connection.scalar(may, {"role": APP}):
        statements.append(f'GRANT CREATE, TEMPORARY ON DATABASE "{database}" TO {APP}')
    return statements


def _make(connection: sa.Connection, statements: list[str]) -> None:
    """Runs what is missing; another database of the server may be faster, since roles are the server's."""
    for statement in statements:
        try:
            with connection.begin_nested():
                connection.execute(sa.text(statement))
        except sa.exc.DBAPIError as error:
            if isinstance(error.orig, psycopg.errors.DuplicateObject | psycopg.errors.UniqueViolation):
                continue
            if not isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
                raise
            login = connection.scalar(sa.text("SELECT session_user"))
            raise SettingsError(
                f"AUDIENCE_WAREHOUSE_URL: found login {login!r}, which may not make the roles that keep the vault shut;"
                f" expected an administrator to run, once: {'; '.join(statements)}; then: audience migrate"
            ) from None
