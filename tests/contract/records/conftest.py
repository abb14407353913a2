"""The data gateway over each engine, with a clock that stands still."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import hookyard.bootstrap  # noqa: F401  every table
from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.database.walls import ROLE
from hookyard.bootstrap.recording import Records, open_records
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import Actor, ActorKind, Grant, Role, Scope
from hookyard.features.records import store_changes
from hookyard.features.records.gateway import Call, Reply
from hookyard.features.records.schema.declare import read_entities
from hookyard.features.records.schema.service import Plan
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker
from tests.support.engines import ENGINES, database_with
from tests.support.postgres import PostgresServer
from tests.support.prepared import every_record, sqlite_with


class StandingClock(ManualClock):
    """Stands still, and lets whoever waits for a moment go on with the next turn of the loop."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def an_actor(tenant: str = "acme", role: Role = Role.ADMIN, name: str = "bot") -> Actor:
    return Actor(
        ActorKind.SERVICE, f"jwt/{name}", tenant, (Grant(role, Scope(tenant=tenant)),), name
    )


@dataclass
class Place:
    """A gateway, and how the tests speak to it."""

    database: Database
    records: Records
    clock: StandingClock
    ids: IdMaker
    owner: Database | None = None

    async def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        actor: Actor | None = None,
        key: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> Reply:
        """One call; refusals are raised."""
        at, _, query = path.partition("?")
        return await self.records.gateway.answer(
            Call(
                method, tuple(at.removeprefix("/v1/").split("/")), query.encode(),
                actor or an_actor(), key, if_match, if_none_match, body,
            )
        )  # fmt: skip

    async def apply(self, text: str, *, allow_destructive: bool = False) -> Plan:
        """Apply a file of declarations."""
        declared = read_entities(text.encode())

        def work(unit: Unit) -> Plan:
            plan = self.records.schemas.plan_file(unit, declared)
            self.records.schemas.apply(
                unit, plan, "test", self.clock.now_ms(), allow_destructive=allow_destructive
            )
            return plan

        plan = await (self.owner or self.database).write(work)
        self.records.catalog.announce()
        if self.owner is not None:
            await self.records.catalog.look()
        return plan


async def feed_head(place: Place) -> int:
    return (await place.database.read(lambda unit: store_changes.head(unit, "acme"))).seq


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
