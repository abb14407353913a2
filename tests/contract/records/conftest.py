"""The data gateway over each engine, with a clock that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

import hookyard.bootstrap  # noqa: F401  every table
from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.backends.postgres_unit import PostgresUnit
from hookyard.adapters.database.port import Database
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
from tests.support.engines import ENGINES, database_with
from tests.support.postgres import PostgresServer
from tests.support.prepared import every_record, sqlite_with

WALLS = ("sqlite", "postgres", "policies")


@pytest.fixture(params=ENGINES)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """As elsewhere, with the tables of the built-in entities."""
    async with database_with(every_record, request, tmp_path) as made:
        yield made


@pytest.fixture
async def place(database: Database, ids: IdMaker) -> Place:
    clock = StandingClock()
    return Place(database, open_records(database, Audit(ids), ids, clock), clock, ids)


@pytest.fixture(params=["sqlite", "postgres"])
async def fort(
    request: pytest.FixtureRequest, tmp_path: Path, ids: IdMaker
) -> AsyncIterator[Place]:
    """As `place`; on Postgres the gateway's login is neither the owner of anything nor a superuser,
    and entities are applied by the owner."""
    clock, audit = StandingClock(), Audit(ids)
    if request.param == "sqlite":
        async with sqlite_with(every_record, tmp_path) as sqlite:
            yield Place(sqlite, open_records(sqlite, audit, ids, clock), clock, ids)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.lend(every_record)
    owner = PostgresDatabase(server.url(name))
    login = await server.make_login(name, ROLE)
    database = PostgresDatabase(server.url(name, login))
    yield Place(database, open_records(database, audit, ids, clock), clock, ids, owner)
    await database.close()
    await owner.close()
    await server.drop_login(name, login)
    server.take_back(name)


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
