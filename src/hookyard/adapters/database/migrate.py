"""Brings a database to the present schema, forwards only, in one transaction."""

from typing import TYPE_CHECKING

from sqlalchemy import inspect

from hookyard.adapters.database.migrations import HEAD
from hookyard.adapters.database.port import Database, RawSql, Unit
from hookyard.kit.errors import ConfigurationError

if TYPE_CHECKING:
    from alembic.config import Config

# why: those who start together wait for whoever migrates, however long an index takes to build.
_UNLIMITED = tuple(
    RawSql.same(f"SET LOCAL {name} = 0") for name in ("lock_timeout", "statement_timeout")
)
_VERSION = RawSql.same("SELECT version_num FROM alembic_version")


def alembic_config(unit: Unit) -> "Config":
    """Alembic over the unit's connection; nothing is read from files."""
    # why: it knows every dialect there is, and most starts find nothing to migrate.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "hookyard.adapters.database:migrations")
    config.attributes["connection"] = unit.connection
    return config


def version_of(unit: Unit) -> str | None:
    """The schema's revision, or None for an empty database."""
    if not inspect(unit.connection).has_table("alembic_version"):
        return None
    rows = unit.fetch_raw(_VERSION)
    return str(rows[0][0]) if rows else None


async def migrate(database: Database) -> bool:
    """Apply what is missing; whether there was anything. Several processes may start at once.

    ConfigurationError when the database is newer than this program.
    """
    found = await database.read(version_of)
    if found == HEAD:
        return False
    if found is not None and found > HEAD:
        raise ConfigurationError(
            f"the database has schema {found}, newer than this program's {HEAD}; "
            "install the newer Hookyard again"
        )
    await database.write(_upgrade)
    return True


def _upgrade(unit: Unit) -> None:
    if unit.dialect == "postgresql":
        for unlimited in _UNLIMITED:
            unit.run_raw(unlimited)
    unit.lock("migrate")
    if version_of(unit) != HEAD:
        from alembic import command

        command.upgrade(alembic_config(unit), "head")
