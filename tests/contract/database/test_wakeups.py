"""News between processes: heard by others soon, after every reconnect, and never a burden."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import asyncpg
import pytest

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.backends.postgres_link import read_link
from hookyard.adapters.database.backends.postgres_signals import Signals
from hookyard.adapters.database.port import Database
from tests.support.postgres import PostgresServer

SOON_S = 20


class Ear:
    """Counts what it hears."""

    def __init__(self) -> None:
        self.count = 0
        self.event = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self.event.set()

    async def heard(self) -> None:
        await asyncio.wait_for(self.event.wait(), SOON_S)
        self.event.clear()


@pytest.fixture
async def name(postgres_server: PostgresServer) -> AsyncIterator[str]:
    made = await asyncio.to_thread(postgres_server.create_database)
    yield made
    await asyncio.to_thread(postgres_server.drop_database, made)


@pytest.fixture
async def pair(
    postgres_server: PostgresServer, name: str
) -> AsyncIterator[tuple[PostgresDatabase, PostgresDatabase]]:
    """Two that share a database, as two processes would."""
    both = PostgresDatabase(postgres_server.url(name)), PostgresDatabase(postgres_server.url(name))
    yield both
    for database in both:
        await database.close()


async def test_an_announcement_is_heard_in_the_same_process_at_once(database: Database) -> None:
    ear, other = Ear(), Ear()
    database.listen("news", ear)
    database.listen("weather", other)
    before = ear.count
    database.announce("news")
    assert ear.count == before + 1
    assert other.count == 0


async def test_a_channel_is_a_plain_name(database: Database) -> None:
    with pytest.raises(ValueError, match="not a channel"):
        database.listen('"; DROP TABLE jobs', Ear())


async def test_another_process_hears_within_milliseconds(
    pair: tuple[PostgresDatabase, PostgresDatabase],
) -> None:
    speaker, listener = pair
    ear = Ear()
    listener.listen("news", ear)
    await ear.heard()
    speaker.announce("news")
    await ear.heard()
    loop, took = asyncio.get_running_loop(), []
    for _ in range(20):
        began = loop.time()
        speaker.announce("news")
        await ear.heard()
        took.append(loop.time() - began)
    assert sorted(took)[len(took) // 2] < 0.25


async def test_a_burst_is_one_word(pair: tuple[PostgresDatabase, PostgresDatabase]) -> None:
    speaker, listener = pair
    ear = Ear()
    listener.listen("news", ear)
    await ear.heard()
    speaker.announce("news")
    await ear.heard()
    before = ear.count
    for _ in range(5_000):
        speaker.announce("news")
    await ear.heard()
    speaker.announce("news")
    await ear.heard()
    assert ear.count - before <= 4


async def test_what_it_said_itself_does_not_come_back(
    pair: tuple[PostgresDatabase, PostgresDatabase],
) -> None:
    speaker, listener = pair
    own, others = Ear(), Ear()
    speaker.listen("news", own)
    await own.heard()
    listener.listen("news", others)
    await others.heard()
    before = own.count
    for _ in range(3):
        speaker.announce("news")
        await others.heard()
    assert own.count == before + 3


async def test_a_lost_connection_is_made_again_and_the_ear_told(
    postgres_server: PostgresServer,
    name: str,
    pair: tuple[PostgresDatabase, PostgresDatabase],
) -> None:
    speaker, listener = pair
    ear = Ear()
    listener.listen("news", ear)
    await ear.heard()
    for _ in range(3):
        await asyncio.to_thread(postgres_server.end_sessions, name)
        await ear.heard()
        ear.event.clear()
        speaker.announce("news")
        await ear.heard()


async def test_a_server_that_is_down_for_a_while_is_waited_for(
    own_server: PostgresServer,
) -> None:
    name = await asyncio.to_thread(own_server.create_database)
    listener = PostgresDatabase(own_server.url(name))
    ear = Ear()
    listener.listen("news", ear)
    await ear.heard()
    await asyncio.to_thread(own_server.stop_now)
    listener.announce("news")
    ear.event.clear()
    await asyncio.to_thread(own_server.start_again)
    await ear.heard()
    await listener.close()


async def test_no_announcement_is_part_of_a_writing_transaction(
    postgres_server: PostgresServer, name: str
) -> None:
    database = PostgresDatabase(postgres_server.url(name))
    watcher = await asyncpg.connect(postgres_server.url(name))
    ear = Ear()
    await watcher.add_listener("news", lambda *_: ear())

    def work(unit: object) -> None:
        unit.after_commit(lambda: database.announce("news"))  # type: ignore[attr-defined]
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.write(work)
    assert ear.count == 0
    database.announce("news")
    await ear.heard()
    assert ear.count == 1
    await watcher.close()
    await database.close()


async def test_a_quiet_connection_is_tried_and_kept(
    postgres_server: PostgresServer, name: str
) -> None:
    signals = Signals(read_link(postgres_server.url(name)), Random(1), keep_alive_s=0.01)
    ear = Ear()
    signals.listen("news", ear)
    await ear.heard()
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query = 'SELECT 1'"
    watcher = await asyncpg.connect(postgres_server.url(name))
    while not await watcher.fetchval(asked, name):
        await asyncio.sleep(0)
    await watcher.close()
    await signals.close()
    assert ear.count == 1
