"""The second wall between tenants on Postgres: row level security under a role that owns nothing.

A unit that is confined to a tenant runs as ROLE, and the policies show that role only rows whose
tenant is the one of SETTING. Both last until the transaction ends. SQLite has no such thing: there
the generated predicate and keys that begin with the tenant are the wall.

# spec: PostgreSQL, Row Security Policies: superusers and, without FORCE, owners pass them by;
# policies are judged as the current role.
"""

import re
from collections.abc import Iterator
from typing import Protocol

from sqlalchemy import Connection, event

ROLE = "hookyard_records"
SETTING = "hookyard.tenant"
POLICY = "tenant"
RIGHTS = "rights_of_the_records_role"
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# why: roles belong to the whole server, so another database's migration may make it meanwhile;
# who may not make roles is told by the first confined unit, with what to do.
MAKE_ROLE = (
    f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN"
    f" CREATE ROLE {ROLE} NOLOGIN; END IF;"
    " EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;"
    " END $$"
)
JOIN_ROLE = (
    f"DO $$ BEGIN IF NOT pg_has_role(current_user, '{ROLE}', 'MEMBER') THEN"
    f" EXECUTE format('GRANT {ROLE} TO %I', current_user); END IF;"
    " EXCEPTION WHEN undefined_object OR insufficient_privilege THEN NULL; END $$"
)


def confinement(tenant: str) -> str:
    """What confines a transaction to a tenant; ValueError for what is no name of one."""
    if _TENANT.fullmatch(tenant) is None:
        raise ValueError("not the name of a tenant")
    return f"SET LOCAL ROLE {ROLE}; SET LOCAL {SETTING} = '{tenant}'"


FREEDOM = f"SET LOCAL ROLE NONE; SET LOCAL {SETTING} = ''"


def policies(table: str, column: str, *, forced: bool, rights: str) -> Iterator[str]:
    """What puts a table behind the wall; `forced` keeps out its owner, too."""
    mine = f"{column} = (SELECT current_setting('{SETTING}', true))"
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    if forced:
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY {POLICY} ON {table} USING ({mine}) WITH CHECK ({mine})"
    yield (
        f"DO $$ BEGIN GRANT {rights} ON {table} TO {ROLE};"
        " EXCEPTION WHEN undefined_object THEN NULL; END $$"
    )


class Named(Protocol):
    """The part of a table that is used."""

    name: str

    @property
    def info(self) -> dict[str, str]:
        """What others noted of it."""
        ...


def wall(table: Named, column: str, *, rights: str) -> None:
    """Have the table's policies made with it, on Postgres. Its owner passes them by: housekeeping
    and other rooms are not confined. `table.info[RIGHTS]` keeps what the role may do."""
    table.info[RIGHTS] = rights

    def make(target: Named, connection: Connection, **_: object) -> None:
        if connection.dialect.name != "postgresql":
            return
        for statement in (
            MAKE_ROLE,
            JOIN_ROLE,
            *policies(target.name, column, forced=False, rights=rights),
        ):
            connection.exec_driver_sql(statement)

    event.listen(table, "after_create", make)
