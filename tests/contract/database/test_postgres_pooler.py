"""Everything works through a real PgBouncer in transaction mode that discards every session."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import insert, select

import hookyard.registry  # noqa: F401
from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.migrate import migrate
from hookyard.adapters.database.migrations import HEAD
from hookyard.adapters.database.port import RawSql, Unit
from hookyard.kit.errors import Unavailable
from tests.contract.database.test_units import NOTES
from tests.support.pgbouncer import pooler
from tests.support.postgres import PostgresServer

ADD = RawSql.same("INSERT INTO test_notes (id, number) VALUES ($1, $2)")
ALL = RawSql.same("SELECT id, number FROM test_notes ORDER BY id")
LIMIT = RawSql.same("SELECT current_setting('statement_timeout')")


@pytest.fixture
async def name(postgres_server: PostgresServer) -> AsyncIterator[str]:
    made = await asyncio.to_thread(postgres_server.create_database)
    yield made
    await asyncio.to_thread(postgres_server.drop_database, made)


@pytest.fixture
async def pooled(postgres_server: PostgresServer, name: str) -> AsyncIterator[PostgresDatabase]:
    """Ten sessions of ours over three of the server's."""
    with pooler(postgres_server.base_url) as at:
        database = PostgresDatabase(f"postgresql://postgres@{at}/{name}", pooled=True)
        await database.write(lambda unit: NOTES.create(unit.connection))
        try:
            yield database
        finally:
            await database.close()


def both_ways(unit: Unit, number: int) -> list[tuple[object, ...]]:
    """Statements by hand and by SQLAlchemy, the same text in every session."""
    unit.run_raw(ADD, f"raw {number}", number)
    unit.run(insert(NOTES), [{"id": f"core {number}", "number": number}])
    unit.run_raw_many(ADD, [(f"many {number} {n}", number) for n in range(3)])
    rows = unit.fetch(select(NOTES).where(NOTES.c.number == number).order_by(NOTES.c.id))
    return [(row["id"],) for row in rows]


async def test_units_of_many_sessions_share_a_few(pooled: PostgresDatabase) -> None:
    found = await asyncio.gather(
        *(pooled.write(lambda unit, n=n: both_ways(unit, n)) for n in range(100))  # type: ignore[misc]
    )
    assert all(len(rows) == 5 for rows in found)
    assert len(await pooled.read(lambda unit: unit.fetch_raw(ALL))) == 500


async def test_statements_at_once_are_whole_transactions(pooled: PostgresDatabase) -> None:
    once = RawSql.same(f"{ADD.postgresql} RETURNING id")
    await asyncio.gather(
        *(
            pooled.write(lambda unit, n=n: unit.fetch_at_once(once, f"n{n:03}", n))  # type: ignore[misc]
            for n in range(100)
        )
    )
    assert len(await pooled.read(lambda unit: unit.fetch_raw(ALL))) == 100


async def test_limits_hold_inside_and_stay_nowhere(
    pooled: PostgresDatabase, postgres_server: PostgresServer, name: str
) -> None:
    assert await pooled.read(lambda unit: unit.fetch_raw(LIMIT)) == [("30s",)]
    direct = await asyncpg.connect(postgres_server.url(name))
    assert await direct.fetchval(LIMIT.postgresql) == "0"
    await direct.close()


async def test_locks_end_with_their_transaction(pooled: PostgresDatabase) -> None:
    def increment(unit: Unit) -> None:
        unit.lock("counter")
        row = unit.first(select(NOTES).where(NOTES.c.id == "n"))
        if row is None:
            unit.run_raw(ADD, "n", 1)
            return
        unit.run(NOTES.update().where(NOTES.c.id == "n").values(number=row["number"] + 1))

    await asyncio.gather(*(pooled.write(increment) for _ in range(30)))
    assert await pooled.read(lambda unit: unit.fetch_raw(ALL)) == [("n", 30)]


async def test_the_schema_can_be_made_through_it(pooled: PostgresDatabase) -> None:
    await asyncio.gather(*(migrate(pooled) for _ in range(3)))
    version = RawSql.same("SELECT version_num FROM alembic_version")
    assert await pooled.read(lambda unit: unit.fetch_raw(version)) == [(HEAD,)]


async def test_batches_go_through_it(pooled: PostgresDatabase) -> None:
    def work(unit: Unit, items: "list[int]") -> list[int]:
        unit.run_raw_many(ADD, [(f"n{item:03}", item) for item in items])
        return items

    batcher = pooled.batcher(work)  # type: ignore[arg-type]
    answers = await asyncio.gather(*(batcher.submit(n) for n in range(200)))
    assert answers == list(range(200))


async def test_it_speaks_and_does_not_hear(
    pooled: PostgresDatabase, postgres_server: PostgresServer, name: str
) -> None:
    assert not pooled.hears
    heard = asyncio.Event()
    listener = PostgresDatabase(postgres_server.url(name))
    first = asyncio.Event()
    listener.listen("news", first.set)
    await asyncio.wait_for(first.wait(), 20)
    listener.listen("news", heard.set)
    pooled.announce("news")
    await asyncio.wait_for(heard.wait(), 20)
    await listener.close()


async def test_it_hears_where_a_way_around_is_set(
    pooled: PostgresDatabase, postgres_server: PostgresServer, name: str
) -> None:
    direct = postgres_server.url(name)
    with pooler(postgres_server.base_url) as at:
        database = PostgresDatabase(
            f"postgresql://postgres@{at}/{name}", pooled=True, direct_url=direct
        )
        assert database.hears
        heard = asyncio.Event()
        database.listen("news", heard.set)
        await asyncio.wait_for(heard.wait(), 20)
        heard.clear()
        pooled.announce("news")
        await asyncio.wait_for(heard.wait(), 20)
        await database.close()


async def test_a_pooler_that_nobody_mentioned_is_named(
    postgres_server: PostgresServer, name: str
) -> None:
    with pooler(postgres_server.base_url) as at:
        database = PostgresDatabase(f"postgresql://postgres@{at}/{name}")
        with pytest.raises(Unavailable, match="HOOKYARD_DATABASE_POOLED=true"):
            await database.probe()
        await database.close()
