"""Migrations arrive at exactly the schema that the tables declare, on each engine."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import MetaData, Table

import hookyard.bootstrap
import hookyard.registry  # noqa: F401
from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.migrate import migrate
from hookyard.adapters.database.migrations import HEAD
from hookyard.adapters.database.port import METADATA, Database, RawSql, Unit
from hookyard.kit.errors import ConfigurationError
from tests.support.postgres import PostgresServer

DESCRIBE = {
    "sqlite": [
        """SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL
           AND name <> 'alembic_version' AND name NOT LIKE 'test_%' ORDER BY name"""
    ],
    "postgresql": [
        """SELECT indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
           AND tablename <> 'alembic_version' ORDER BY indexname""",
        """SELECT table_name::text, concat_ws(' ', column_name, data_type, is_nullable,
           column_default) FROM information_schema.columns WHERE table_schema = 'public'
           AND table_name <> 'alembic_version' ORDER BY table_name, column_name""",
        r"""SELECT c.relname::text, concat_ws(' ', a.attname, a.attstorage) FROM pg_attribute a
           JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
           WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
           AND c.relname <> 'alembic_version' AND c.relname NOT LIKE 'test\_%'
           ORDER BY c.relname, a.attname""",
        """SELECT relname::text, array_to_string(reloptions, ' ') FROM pg_class
           WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
           ORDER BY relname""",
        """SELECT t.tgname::text, pg_get_triggerdef(t.oid) || p.prosrc FROM pg_trigger t
           JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal ORDER BY t.tgname""",
    ],
}


@pytest.fixture(params=["sqlite", "postgres"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[Database]]:
    """Two empty databases of one engine."""
    if request.param == "sqlite":
        found: list[Database] = []
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            found.append(SqliteDatabase(tmp_path / name / "h.db"))
        yield found
        for database in found:
            await database.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    names = [await asyncio.to_thread(server.create_database) for _ in range(2)]
    opened = [PostgresDatabase(server.url(name)) for name in names]
    yield list(opened)
    for name, database in zip(names, opened, strict=True):
        await database.close()
        await asyncio.to_thread(server.drop_database, name)


def our_tables() -> list[Table]:
    return [table for name, table in METADATA.tables.items() if not name.startswith("test_")]


async def described(database: Database) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for query in DESCRIBE[database.dialect]:
        rows = await database.read(lambda unit, q=query: unit.fetch_raw(RawSql.same(q)))  # type: ignore[misc]
        found += [(str(name), "".join(str(text).replace('"', "").split())) for name, text in rows]
    return found


async def test_migrations_and_tables_agree(empty: list[Database]) -> None:
    migrated, made = empty
    assert await migrate(migrated)

    def create(unit: Unit) -> None:
        MetaData.create_all(METADATA, unit.connection, tables=our_tables())

    await made.write(create)
    assert await described(migrated) == await described(made)


async def test_bodies_are_not_compressed_a_second_time(empty: list[Database]) -> None:
    database = empty[0]
    if database.dialect == "sqlite":
        pytest.skip("SQLite compresses nothing by itself")
    await migrate(database)
    how = RawSql.same(
        """SELECT attstorage::text FROM pg_attribute
           WHERE attrelid = 'deliveries'::regclass AND attname = 'payload'"""
    )
    assert await database.read(lambda unit: unit.fetch_raw(how)) == [("e",)]


async def test_jobs_are_vacuumed_however_long_the_history(empty: list[Database]) -> None:
    database = empty[0]
    if database.dialect == "sqlite":
        pytest.skip("SQLite removes rows as they go")
    await migrate(database)
    how = RawSql.same("SELECT unnest(reloptions) FROM pg_class WHERE oid = 'jobs'::regclass")
    found = {str(option) for (option,) in await database.read(lambda unit: unit.fetch_raw(how))}
    assert {"autovacuum_vacuum_scale_factor=0", "vacuum_index_cleanup=on"} <= found


async def test_migrating_again_changes_nothing(empty: list[Database]) -> None:
    database = empty[0]
    assert await migrate(database)
    assert not await migrate(database)


async def test_processes_that_start_together_migrate_once(empty: list[Database]) -> None:
    database = empty[0]
    await asyncio.gather(*(migrate(database) for _ in range(4)))
    rows = await database.read(
        lambda unit: unit.fetch_raw(RawSql.same("SELECT version_num FROM alembic_version"))
    )
    assert rows == [(HEAD,)]


async def test_a_newer_database_is_refused(empty: list[Database]) -> None:
    database = empty[0]
    await migrate(database)
    newer = RawSql.same("UPDATE alembic_version SET version_num = '9999'")
    await database.write(lambda unit: unit.run_raw(newer))
    with pytest.raises(ConfigurationError, match="newer"):
        await migrate(database)
