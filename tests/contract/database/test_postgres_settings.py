"""Settings of a transaction: when they are sent, how long they last, what a refusal leaves."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.port import RawSql, Unit
from tests.support.postgres import PostgresServer

ONE = RawSql.same("SELECT 1")


@pytest.fixture
async def name(postgres_server: PostgresServer) -> AsyncIterator[str]:
    made = await asyncio.to_thread(postgres_server.create_database)
    yield made
    await asyncio.to_thread(postgres_server.drop_database, made)


async def test_a_unit_whose_beginning_is_refused_leaves_its_session_as_it_was(
    postgres_server: PostgresServer, name: str
) -> None:
    login = await postgres_server.make_login(name, "pg_read_all_stats")
    database = PostgresDatabase(postgres_server.url(name, login), pool_size=1)

    def confined(unit: Unit) -> None:
        unit.confine("acme")
        unit.fetch_raw(ONE)

    for _ in range(3):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await database.read(confined)
        assert not isinstance(refused.value, asyncpg.InFailedSQLTransactionError)
    assert await database.read(lambda unit: unit.fetch_raw(ONE)) == [(1,)]
    await database.close()
    await postgres_server.drop_login(name, login)


async def test_settings_of_a_unit_go_with_its_next_statement_and_end_with_it(
    postgres_server: PostgresServer, name: str
) -> None:
    database = PostgresDatabase(postgres_server.url(name), pool_size=1)
    sort = RawSql.same("SELECT current_setting('enable_sort')")

    def work(unit: Unit) -> list[object]:
        said = [unit.fetch_raw(sort)[0][0]]
        unit.in_order()
        said.append(unit.fetch_raw(sort)[0][0])
        unit.as_ever()
        said.append(unit.fetch_raw(sort)[0][0])
        unit.in_order()
        return said

    assert await database.read(work) == ["on", "off", "on"]
    assert await database.write(work) == ["on", "off", "on"]
    begun: list[object] = []

    def begin(unit: Unit) -> None:
        unit.in_order()
        begun.extend(unit.fetch_at_once(sort)[0])

    await database.write(begin)
    assert begun == ["off"]
    await database.close()
