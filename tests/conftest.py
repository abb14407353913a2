"""Fixtures every test may use: real engines, a clock that stands still, fresh ids."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import METADATA, Database
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker
from tests.support.postgres import PostgresServer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ids() -> IdMaker:
    return IdMaker()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    # why: not under pytest's own folder, which other runs on the machine tidy away.
    server = PostgresServer.start(Path(tempfile.mkdtemp(prefix="hookyard-pytest-")))
    try:
        yield server
    finally:
        server.drop_templates()
        server.stop()


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database with every table that has been imported, on each engine in turn."""
    if request.param == "sqlite":
        sqlite = SqliteDatabase(tmp_path / "hookyard.db")
        await sqlite.write(lambda unit: METADATA.create_all(unit.connection))
        try:
            yield sqlite
        finally:
            await sqlite.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = await server.with_tables(METADATA)
    postgres = PostgresDatabase(server.url(name))
    try:
        yield postgres
    finally:
        await postgres.close()
        await asyncio.to_thread(server.drop_database, name)


@pytest.fixture
async def sqlite_database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """The embedded engine alone, for tests about it."""
    sqlite = SqliteDatabase(tmp_path / "hookyard.db")
    await sqlite.write(lambda unit: METADATA.create_all(unit.connection))
    try:
        yield sqlite
    finally:
        await sqlite.close()


def running_in_ci() -> bool:
    return os.environ.get("CI") == "true"
