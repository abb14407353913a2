"""What Postgres may do to us: every fault is `Unavailable` or unseen, and heals by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from hookyard.adapters.database.backends import postgres_pool
from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.port import RawSql, Unit
from hookyard.kit.errors import Unavailable
from tests.support.postgres import PostgresServer

MAKE = RawSql.same("CREATE TABLE IF NOT EXISTS notes (id text PRIMARY KEY)")
ADD = RawSql.same("INSERT INTO notes VALUES ($1)")
ADD_ONCE = RawSql.same("INSERT INTO notes VALUES ($1) ON CONFLICT DO NOTHING RETURNING id")
ALL = RawSql.same("SELECT id FROM notes ORDER BY id")
ONE = RawSql.same("SELECT 1")


@pytest.fixture
async def name(own_server: PostgresServer) -> AsyncIterator[str]:
    made = await asyncio.to_thread(own_server.create_database)
    yield made
    await asyncio.to_thread(own_server.drop_database, made)


@pytest.fixture
async def opened(
    own_server: PostgresServer, name: str
) -> AsyncIterator[Callable[..., PostgresDatabase]]:
    """Opens databases with a table of notes; closes them all."""
    made: list[PostgresDatabase] = []

    def make(query: str = "", **options: int) -> PostgresDatabase:
        made.append(PostgresDatabase(own_server.url(name) + query, **options))  # type: ignore[arg-type]
        return made[-1]

    await make().write(lambda unit: unit.run_raw(MAKE))
    yield make
    for database in made:
        await database.close()


def add(database: PostgresDatabase, note: str) -> "asyncio.Future[int]":
    return asyncio.ensure_future(database.write(lambda unit: unit.run_raw(ADD, note)))


async def notes(database: PostgresDatabase) -> list[str]:
    return [str(row[0]) for row in await database.read(lambda unit: unit.fetch_raw(ALL))]


async def fill_pool(database: PostgresDatabase, count: int) -> None:
    """As many sessions as there can be, all idle."""
    pause = RawSql.same("SELECT pg_sleep(0.02)")
    await asyncio.gather(*(database.read(lambda unit: unit.fetch_raw(pause)) for _ in range(count)))


async def test_killed_backends_are_not_noticed_by_the_next_units(
    own_server: PostgresServer, name: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened(pool_size=5)
    for turn in range(5):
        await fill_pool(database, 5)
        await asyncio.to_thread(own_server.end_sessions, name)
        await asyncio.gather(*(add(database, f"{turn}{n}") for n in range(10)))
    assert len(await notes(database)) == 50


async def test_a_unit_whose_backend_is_killed_runs_again(
    own_server: PostgresServer, name: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened()
    runs: list[int] = []

    def work(unit: Unit) -> None:
        runs.append(1)
        unit.run_raw(ADD, f"run {len(runs)}")
        if len(runs) == 1:
            own_server.end_sessions(name)
        unit.fetch_raw(ALL)

    await database.write(work)
    assert len(runs) == 2
    assert await notes(database) == ["run 2"]


async def test_a_commit_whose_answer_is_lost_is_not_run_again(
    own_server: PostgresServer, name: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened()
    slow = RawSql.same(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$"
    )
    trigger = RawSql.same(
        "CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION slow()"
    )
    await database.write(lambda unit: [unit.run_raw(slow), unit.run_raw(trigger)])
    runs: list[int] = []

    def work(unit: Unit) -> None:
        runs.append(1)
        unit.run_raw(ADD, "in doubt")

    writing = asyncio.ensure_future(database.write(work))
    watcher = await asyncpg.connect(own_server.url(name))
    committing = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query = 'COMMIT' \
        AND state = 'active'"
    while not await watcher.fetchval(committing, name):
        await asyncio.sleep(0)
    await watcher.close()
    await asyncio.to_thread(own_server.end_sessions, name)
    with pytest.raises(Unavailable):
        await writing
    assert runs == [1]


async def test_a_statement_at_once_is_run_again_and_counts_once(
    own_server: PostgresServer, name: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened()
    runs: list[list[object]] = []

    def work(unit: Unit) -> None:
        runs.append(list(unit.fetch_at_once(ADD_ONCE, "mine")))
        if len(runs) == 1:
            own_server.end_sessions(name)
        unit.fetch_raw(ONE)

    await database.write(work)
    assert runs == [[("mine",)], []]
    assert await notes(database) == ["mine"]


async def test_what_follows_a_statement_at_once_is_a_transaction_of_its_own(
    opened: Callable[..., PostgresDatabase],
) -> None:
    database = opened()

    def work(unit: Unit) -> None:
        unit.fetch_at_once(ADD_ONCE, "first")
        unit.run_raw(ADD, "second")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.write(work)
    assert await notes(database) == ["first"]


async def test_a_restart_is_unavailable_while_it_lasts_and_over_when_it_ends(
    own_server: PostgresServer, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened(pool_size=4)
    await fill_pool(database, 4)
    await asyncio.to_thread(own_server.stop_now)
    for _ in range(10):
        with pytest.raises(Unavailable) as refused:
            await add(database, "lost")
        assert refused.value.retry_after_s >= 1
    with pytest.raises(Unavailable):
        await database.probe()
    await asyncio.to_thread(own_server.start_again)
    await asyncio.gather(*(add(database, f"{n}") for n in range(20)))
    assert len(await notes(database)) == 20


async def test_batches_fail_while_it_is_down_and_go_on_when_it_is_back(
    own_server: PostgresServer, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened()

    def work(unit: Unit, items: "list[str]") -> list[str]:
        unit.run_raw_many(ADD, [(item,) for item in items])
        return items

    batcher = database.batcher(work)  # type: ignore[arg-type]
    await batcher.submit("before")
    await asyncio.to_thread(own_server.stop_now)
    failed = await asyncio.gather(
        *(batcher.submit(f"no {n}") for n in range(5)), return_exceptions=True
    )
    assert {type(error) for error in failed} == {Unavailable}
    await asyncio.to_thread(own_server.start_again)
    await asyncio.gather(*(batcher.submit(f"yes {n}") for n in range(5)))
    assert await notes(database) == ["before", *(f"yes {n}" for n in range(5))]


async def test_items_that_come_one_by_one_are_never_forgotten(
    opened: Callable[..., PostgresDatabase],
) -> None:
    """What arrives in the very turn in which a batch finds nothing left starts the next one."""
    database = opened()
    batcher = database.batcher(lambda unit, items: list(items))

    async def stream(first: int) -> None:
        for number in range(first, 2_000, 32):
            assert await batcher.submit(number) == number

    await asyncio.wait_for(asyncio.gather(*(stream(first) for first in range(32))), 60)


async def test_a_pool_in_use_is_unavailable_after_a_while_and_free_again_later(
    opened: Callable[..., PostgresDatabase], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = opened(pool_size=2)
    monkeypatch.setattr(database._sessions, "_wait_s", 0.05)
    hold = RawSql.same("SELECT pg_sleep(1)")
    holding = [
        asyncio.ensure_future(database.write(lambda unit: unit.fetch_raw(hold))) for _ in range(2)
    ]
    await asyncio.sleep(0)
    answers = await asyncio.gather(
        *(add(database, str(n)) for n in range(5)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {Unavailable}
    assert "all 2 Postgres connections were busy" in str(answers[0])
    await asyncio.gather(*holding)
    await add(database, "later")
    assert await notes(database) == ["later"]


async def test_a_server_without_room_for_us_is_unavailable(
    own_server: PostgresServer, name: str, opened: Callable[..., PostgresDatabase]
) -> None:
    database = opened()
    limit = f"ALTER DATABASE {name} CONNECTION LIMIT 0"
    await asyncio.to_thread(own_server._admin, "CREATE ROLE poor LOGIN")
    await asyncio.to_thread(own_server._admin, limit)
    poor = PostgresDatabase(own_server.url(name).replace("postgres@", "poor@"))
    with pytest.raises(Unavailable, match="TooManyConnections"):
        await poor.probe()
    await asyncio.to_thread(own_server._admin, f"ALTER DATABASE {name} CONNECTION LIMIT -1")
    assert (await poor.probe()).engine == "postgres"
    await poor.close()
    await asyncio.to_thread(own_server._admin, "DROP ROLE poor")
    assert (await database.probe()).engine == "postgres"


async def test_a_slow_statement_ends_and_the_session_lives_on(
    opened: Callable[..., PostgresDatabase],
) -> None:
    database = opened("?statement_timeout=50ms", pool_size=1)
    slow = RawSql.same("SELECT pg_sleep(20)")
    with pytest.raises(Unavailable, match="QueryCanceled"):
        await database.write(lambda unit: unit.fetch_raw(slow))
    await add(database, "after")
    assert await notes(database) == ["after"]


async def test_a_lock_that_is_never_free_is_given_up(
    opened: Callable[..., PostgresDatabase],
) -> None:
    holder, waiter = opened(), opened("?lock_timeout=50")
    pause = RawSql.same("SELECT pg_sleep(0.5)")

    def hold(unit: Unit) -> None:
        unit.lock("one")
        unit.fetch_raw(pause)

    holding = asyncio.ensure_future(holder.write(hold))
    refused = 0
    while not refused and not holding.done():
        try:
            await waiter.write(lambda unit: unit.lock("one"))
        except Unavailable as error:
            assert "LockNotAvailable" in str(error)
            refused += 1
    await holding
    assert refused == 1
    await waiter.write(lambda unit: unit.lock("one"))


async def test_units_that_block_each_other_are_run_again(
    opened: Callable[..., PostgresDatabase],
) -> None:
    database = opened()
    await asyncio.gather(add(database, "a"), add(database, "b"))
    touch = RawSql.same("UPDATE notes SET id = id WHERE id = $1")
    pause = RawSql.same("SELECT pg_sleep(0.1)")

    def cross(unit: Unit, first: str, second: str) -> None:
        unit.run_raw(touch, first)
        unit.fetch_raw(pause)
        unit.run_raw(touch, second)

    await asyncio.gather(
        database.write(lambda unit: cross(unit, "a", "b")),
        database.write(lambda unit: cross(unit, "b", "a")),
    )


async def test_a_cancelled_unit_leaves_nothing_behind(
    opened: Callable[..., PostgresDatabase],
) -> None:
    database = opened(pool_size=1)
    begun = asyncio.Event()
    pause = RawSql.same("SELECT pg_sleep(20)")

    def work(unit: Unit) -> None:
        unit.run_raw(ADD, "never")
        begun.set()
        unit.fetch_raw(pause)

    writing = asyncio.ensure_future(database.write(work))
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await notes(database) == []


async def test_a_failure_that_a_unit_hides_is_not_taken_for_a_commit(
    opened: Callable[..., PostgresDatabase],
) -> None:
    database = opened()

    def work(unit: Unit) -> None:
        unit.run_raw(ADD, "mine")
        try:
            unit.run_raw(ADD, "mine")
        except asyncpg.UniqueViolationError:
            return

    with pytest.raises(RuntimeError, match="went on after a statement"):
        await database.write(work)
    assert await notes(database) == []


async def test_a_former_primary_is_left(opened: Callable[..., PostgresDatabase]) -> None:
    """After a fail-over the old server answers, and only reads."""
    database = opened(pool_size=1)
    only_read = RawSql.same("SET default_transaction_read_only = on")
    await database.write(lambda unit: unit.run_raw(only_read))
    await add(database, "after")
    assert await notes(database) == ["after"]


async def test_a_session_that_was_quiet_long_is_asked_before_it_is_used(
    opened: Callable[..., PostgresDatabase], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = opened(pool_size=1)
    await add(database, "a")
    monkeypatch.setattr(postgres_pool, "ASK_AFTER_QUIET_S", 0.0)
    await add(database, "b")
    assert await notes(database) == ["a", "b"]


async def test_a_reading_unit_sees_one_moment(opened: Callable[..., PostgresDatabase]) -> None:
    database, other = opened(), opened()
    seen: list[list[object]] = []
    wrote = asyncio.Event()

    def look(unit: Unit) -> None:
        seen.append(list(unit.fetch_raw(ALL)))
        unit.fetch_raw(RawSql.same("SELECT pg_sleep(0.2)"))
        seen.append(list(unit.fetch_raw(ALL)))

    async def write() -> None:
        while not seen:
            await asyncio.sleep(0)
        await add(other, "meanwhile")
        wrote.set()

    await asyncio.gather(database.read(look), write())
    assert wrote.is_set()
    assert seen == [[], []]
