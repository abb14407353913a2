"""The data gateway over each engine, with a clock that stands still."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import hookyard.bootstrap  # noqa: F401  every table
from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import METADATA, Database, Unit
from hookyard.adapters.database.walls import ROLE
from hookyard.bootstrap.recording import Records, open_records
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import Actor, ActorKind, Grant, Role, Scope
from hookyard.features.records import store_changes
from hookyard.features.records.gateway import Call, Reply
from hookyard.features.records.schema.applying import Applying, silent
from hookyard.features.records.schema.declare import read_entities
from hookyard.features.records.schema.service import Plan
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker
from tests.support.postgres import PostgresServer


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

    def planned(self, text: str) -> Callable[[Unit], Plan]:
        """What plans a file of declarations."""
        declared = read_entities(text.encode())
        return lambda unit: self.records.schemas.plan_file(unit, declared)

    def applying(self, tell: Callable[[str], None] = silent) -> Applying:
        """Who applies entities here."""
        database = self.owner or self.database
        return Applying(database, self.records.schemas, self.clock, tell)

    async def apply(self, text: str, *, allow_destructive: bool = False) -> Plan:
        """Apply a file of declarations."""
        plan = await self.applying().apply(
            self.planned(text), "test", allow_destructive=allow_destructive
        )
        self.records.catalog.announce()
        if self.owner is not None:
            await self.records.catalog.look()
        return plan


async def feed_head(place: Place) -> int:
    return (await place.database.read(lambda unit: store_changes.head(unit, "acme"))).seq


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
