"""Places under siege: one server and database for a module, fresh tenants for each test, and what
the tables hold of each, looked at behind everybody's back."""

import itertools
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hookyard.adapters.database.backends import postgres
from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.backends.postgres_unit import PostgresUnit
from hookyard.adapters.database.port import METADATA, Database, RawParam, RawSql, Row
from hookyard.adapters.database.walls import ROLE
from hookyard.bootstrap.recording import open_records
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import Role
from hookyard.features.records.schema.model import Entity
from hookyard.kit.ids import IdMaker
from tests.contract.records.attacks import (
    ENTITIES,
    ODD,
    PLANTED,
    Person,
    Said,
    id_of,
    path_of,
    person,
    sample,
)
from tests.contract.records.places import Place, StandingClock
from tests.support import tables
from tests.support.postgres import PostgresServer
from tests.support.prepared import every_record, sqlite_with
from tests.support.tables import Rows

COUNTER = itertools.count(1)
# The column that says whose a row is, for each table that has one.
OWNED: Mapping[str, str] = {
    **{table.name: "tenant" for table in METADATA.sorted_tables if "tenant" in table.c},
    **{entity.table: "_tenant" for entity in ENTITIES.values()},
}
_NAMES_TENANT = re.compile(r"(?:\b\w+\.)?\b_?tenant = \$1\b")


class OpenUnit(PostgresUnit):
    """While it is confined its statements name no tenant: the policies alone are the wall."""

    taken = 0
    _is_confined = False

    def confine(self, tenant: str) -> None:
        super().confine(tenant)
        self._is_confined = True

    def set_free(self) -> None:
        super().set_free()
        self._is_confined = False

    def fetch_raw(self, sql: RawSql, *parameters: RawParam) -> list[Row]:
        return super().fetch_raw(self._opened(sql), *parameters)

    def run_raw(self, sql: RawSql, *parameters: RawParam) -> int:
        return super().run_raw(self._opened(sql), *parameters)

    def _opened(self, sql: RawSql) -> RawSql:
        if not self._is_confined:
            return sql
        text, count = _NAMES_TENANT.subn("$1::text IS NOT NULL", sql.postgresql)
        OpenUnit.taken += count
        return RawSql(sql.sqlite, text)


class BlindUnit(PostgresUnit):
    """No policy holds it up where its login is a superuser: the predicates alone are the wall."""

    def confine(self, tenant: str) -> None:
        """Nothing."""

    def set_free(self) -> None:
        """Nothing."""


class BareUnit(OpenUnit):
    """As an open one, and behind no policies either: there is no wall at all."""

    def confine(self, tenant: str) -> None:
        self._is_confined = True

    def set_free(self) -> None:
        self._is_confined = False


@contextmanager
def units_of(kind: type[PostgresUnit]) -> Iterator[None]:
    """Every unit on Postgres is of this kind meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres, "PostgresUnit", kind)
        yield


@asynccontextmanager
async def on_sqlite(folder: Path) -> AsyncIterator[Place]:
    """A gateway whose only wall is the generated predicate."""
    clock, ids = StandingClock(), IdMaker()
    async with sqlite_with(every_record, folder) as database:
        place = Place(database, open_records(database, Audit(ids), ids, clock), clock, ids)
        await place.apply(ODD)
        yield place


@asynccontextmanager
async def on_postgres(server: PostgresServer) -> AsyncIterator[Place]:
    """A gateway whose login owns nothing and is no superuser; the owner applies entities."""
    clock, ids = StandingClock(), IdMaker()
    name = server.lend(every_record)
    owner = PostgresDatabase(server.url(name))
    login = ""
    try:
        records = open_records(owner, Audit(ids), ids, clock)
        await Place(owner, records, clock, ids).apply(ODD)
        login = await server.make_login(name, ROLE)
        database = PostgresDatabase(server.url(name, login))
        place = Place(database, open_records(database, Audit(ids), ids, clock), clock, ids, owner)
        await place.records.catalog.look()
        yield place
        await database.close()
    finally:
        await owner.close()
        if login:
            await server.drop_login(name, login)
        server.take_back(name)


@dataclass
class Siege:
    """A victim and an attacker, both admins of their tenants, in a database that others use too."""

    place: Place
    victim: Person
    attacker: Person
    kept: Rows | None = None
    others: int = 0

    @property
    def eye(self) -> Database:
        """Sees every row, whoever's it is."""
        return self.place.owner or self.place.database

    def somebody(self, role: Role = Role.ADMIN, name: str = "bot") -> Person:
        """Somebody else of the attacker's tenant."""
        return person(self.place, self.attacker.tenant, role, name)

    async def plant(self, entity: Entity, count: int = 2) -> list[Said]:
        """Records of the victim, which have to stay as they are until the end of the test."""
        made = []
        for number in range(count):
            await self.victim.ask("POST", path_of(entity), sample(entity, PLANTED, number))
            made.append(await self.victim.ask("GET", path_of(entity, id_of(entity, number))))
            assert made[-1].status == 200, made[-1].text
        await self.guard()
        return made

    async def guard(self) -> None:
        """From now on nothing of the victim may change."""
        self.kept = await self.rows_of(self.victim.tenant)

    async def rows_of(self, tenant: str) -> Rows:
        """What each table holds of a tenant, as text."""
        return await tables.rows_of(self.eye, OWNED, tenant)

    async def strangers(self) -> int:
        """How many rows are neither the victim's nor the attacker's."""
        tenants = (self.victim.tenant, self.attacker.tenant)
        return await tables.rows_beside(self.eye, OWNED, tenants)

    async def begin(self) -> None:
        self.others = await self.strangers()

    async def end(self) -> None:
        """Nothing of the victim was changed, nothing of it is with the attacker, and nothing was
        written for anybody else."""
        if self.kept is not None:
            assert await self.rows_of(self.victim.tenant) == self.kept
        for table, rows in (await self.rows_of(self.attacker.tenant)).items():
            assert not any(PLANTED in row or self.victim.tenant in row for row in rows), table
        assert await self.strangers() == self.others


def a_siege(place: Place) -> Siege:
    """Two tenants that nobody has used before."""
    number = next(COUNTER)
    names = (f"victim-{number}", f"attacker-{number}")
    return Siege(place, *(person(place, name) for name in names))
