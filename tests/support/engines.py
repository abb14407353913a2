"""A prepared database on the engine that a test's parameter names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.port import Database
from tests.support.postgres import PostgresServer
from tests.support.prepared import Make, sqlite_with

ENGINES = ["sqlite", "postgres"]


@asynccontextmanager
async def database_with(
    make: Make, request: pytest.FixtureRequest, folder: Path
) -> AsyncIterator[Database]:
    """As `make` leaves an empty one; on the engine of `request.param`."""
    if request.param == "sqlite":
        async with sqlite_with(make, folder) as sqlite:
            yield sqlite
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.lend(make)
    postgres = PostgresDatabase(server.url(name))
    try:
        yield postgres
    finally:
        await postgres.close()
        server.take_back(name)
