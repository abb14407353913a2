"""The data gateway over each engine, with a clock that stands still."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

import hookyard.bootstrap  # noqa: F401  every table
from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.backends.postgres_unit import PostgresUnit
from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import METADATA, Database
from hookyard.adapters.database.walls import ROLE
from hookyard.bootstrap.recording import open_records
from hookyard.core.audit.service import Audit
from hookyard.kit.ids import IdMaker
from tests.contract.records.places import Place, StandingClock
from tests.contract.records.sieges import (
    OpenUnit,
    Siege,
    a_siege,
    on_postgres,
    on_sqlite,
    units_of,
)
from tests.support.postgres import PostgresServer

WALLS = ("sqlite", "postgres", "policies")


@pytest.fixture
async def place(database: Database, ids: IdMaker) -> AsyncIterator[Place]:
    clock = StandingClock()
    records = open_records(database, Audit(ids), ids, clock)
    await database.write(lambda unit: records.schemas.apply_built_in(unit, clock.now_ms()))
    yield Place(database, records, clock, ids)


@pytest.fixture(params=["sqlite", "postgres"])
async def fort(
    request: pytest.FixtureRequest, tmp_path: Path, ids: IdMaker
) -> AsyncIterator[Place]:
    """As `place`; on Postgres the gateway's login is neither the owner of anything nor a superuser,
    and entities are applied by the owner."""
    clock, audit = StandingClock(), Audit(ids)

    async def applied(database: Database) -> None:
        schemas = open_records(database, audit, ids, clock).schemas
        await database.write(lambda unit: schemas.apply_built_in(unit, clock.now_ms()))

    if request.param == "sqlite":
        sqlite = SqliteDatabase(tmp_path / "hookyard.db")
        await sqlite.write(lambda unit: METADATA.create_all(unit.connection))
        await applied(sqlite)
        yield Place(sqlite, open_records(sqlite, audit, ids, clock), clock, ids)
        await sqlite.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = await server.with_tables(METADATA)
    owner = PostgresDatabase(server.url(name))
    await applied(owner)
    login = await server.make_login(name, ROLE)
    database = PostgresDatabase(server.url(name, login))
    yield Place(database, open_records(database, audit, ids, clock), clock, ids, owner)
    await database.close()
    await owner.close()
    await server.drop_login(name, login)
    await asyncio.to_thread(server.drop_database, name)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=WALLS)
async def stronghold(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    """One server for a module. `sqlite` has the generated predicate as its only wall, and there is
    nothing there that could take its place; `postgres` has policies behind the predicate, and
    `policies` has them alone."""
    if request.param == "sqlite":
        async with on_sqlite(tmp_path_factory.mktemp("stronghold")) as place:
            yield place
        return
    kind = OpenUnit if request.param == "policies" else PostgresUnit
    with units_of(kind):
        async with on_postgres(request.getfixturevalue("postgres_server")) as place:
            yield place


@pytest_asyncio.fixture(loop_scope="module")
async def siege(stronghold: Place) -> AsyncIterator[Siege]:
    """A fresh victim and attacker; at the end the tables are looked at."""
    siege = a_siege(stronghold)
    await siege.begin()
    yield siege
    await siege.end()
