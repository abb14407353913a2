"""Triggers that keep the audit trail append-only, whoever holds the database's password.

# why: they stop accidents and plain SQL. Who may drop a trigger can pass them by; that the chain
# then no longer verifies is what tells.
"""

from collections.abc import Iterator
from typing import Protocol

from sqlalchemy import Connection, event

WHY = "the audit trail is append-only"
_PURGED = (
    "EXISTS (SELECT 1 FROM audit_checkpoints AS c WHERE c.tenant = OLD.tenant"
    " AND c.kind = 'purge' AND c.seq >= OLD.seq)"
)
_REFUSE = f"BEGIN RAISE EXCEPTION '{WHY}'; END"
_UNLESS_PURGED = f"BEGIN IF NOT {_PURGED} THEN RAISE EXCEPTION '{WHY}'; END IF; RETURN OLD; END"
_KEPT: dict[str, tuple[tuple[str, str], ...]] = {
    "audit": (("UPDATE", ""), ("DELETE", f"NOT {_PURGED}")),
    "audit_heads": (("UPDATE", "NEW.seq <= OLD.seq"), ("DELETE", "")),
    "audit_checkpoints": (("UPDATE", ""), ("DELETE", "")),
}


def statements(dialect: str, table: str) -> Iterator[str]:
    """What makes the triggers of a table."""
    if dialect == "postgresql":
        yield _function("audit_refuse", _REFUSE)
        yield _function("audit_refuse_unpurged", _UNLESS_PURGED)
        yield (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
        )
    for verb, when in _KEPT[table]:
        head = f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
        if dialect == "sqlite":
            only = f" WHEN {when}" if when else ""
            yield f"{head}{only} BEGIN SELECT RAISE(ABORT, '{WHY}'); END"
        elif "audit_checkpoints" in when:
            yield f"{head} FOR EACH ROW EXECUTE FUNCTION audit_refuse_unpurged()"
        else:
            only = f" WHEN ({when})" if when else ""
            yield f"{head} FOR EACH ROW{only} EXECUTE FUNCTION audit_refuse()"


class Named(Protocol):
    """The part of a table that is used."""

    name: str


def guard(table: Named) -> None:
    """Have the table's triggers made with it."""

    def make(target: Named, connection: Connection, **_: object) -> None:
        for statement in statements(connection.dialect.name, target.name):
            connection.exec_driver_sql(statement)

    event.listen(table, "after_create", make)


def _function(name: str, body: str) -> str:
    return f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
