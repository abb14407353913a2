"""Elections on every engine: one holder at a time, terms that only rise, stale ones refused."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.port import METADATA, Database
from hookyard.core.jobs import store_election
from hookyard.core.jobs.cron import Cron, CronSpec
from hookyard.core.jobs.election import Election, Fence, Poll, Term, may_take
from hookyard.core.jobs.model import JobFilter
from hookyard.core.jobs.scheduler import Duty, Scheduler
from hookyard.core.jobs.service import Ledger
from hookyard.core.jobs.store_election import Seat
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import StaleLease
from tests.support.postgres import PostgresServer

LEASE_S = 15.0
ENDED_BY_THE_SERVER = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
HOURLY = CronSpec("tidy", "0 * * * *", "work", {})


def candidate(name: str, clock: ManualClock) -> Election:
    return Election("office", name, clock, LEASE_S)


async def stand(db: Database, election: Election, before: Poll | None = None) -> Poll:
    return await db.write(lambda unit: election.stand(unit, before))


async def elected(db: Database, election: Election, before: Poll | None = None) -> Term:
    poll = await stand(db, election, before)
    assert poll.term is not None
    return poll.term


@pytest.mark.parametrize(
    ("seat", "unchanged_s", "free"),
    [
        (None, 0, True),
        (Seat("", 4, 0), 0, True),
        (Seat("a", 4, 1_000), 0, True),
        (Seat("a", 4, 1_001), 14.9, False),
        (Seat("a", 4, 99_999_999), 15.0, True),
    ],
    ids=["never held", "given back", "run out", "held", "silent for a lease"],
)
def test_when_an_office_is_free(seat: Seat | None, unchanged_s: float, free: bool) -> None:
    assert may_take(seat, 1_000, unchanged_s, LEASE_S) is free


async def test_one_of_many_is_elected(database: Database, clock: ManualClock) -> None:
    candidates = [candidate(name, clock) for name in "abcdefgh"]
    polls = await asyncio.gather(*(stand(database, election) for election in candidates))
    (term,) = [poll.term for poll in polls if poll.term is not None]
    assert (term.number, term.until_ms) == (1, clock.now_ms() + 15_000)
    assert sum(poll.taken for poll in polls) == 1


async def test_a_holder_that_renews_stays_and_keeps_its_term(
    database: Database, clock: ManualClock
) -> None:
    holder, other = candidate("a", clock), candidate("b", clock)
    mine, theirs = await stand(database, holder), await stand(database, other)
    for _ in range(10):
        clock.advance(LEASE_S / 3)
        mine, theirs = await stand(database, holder, mine), await stand(database, other, theirs)
        assert mine.term is not None
        assert (mine.term.number, mine.taken, theirs.term) == (1, False, None)


async def test_a_silent_holder_is_replaced_when_its_lease_runs_out(
    database: Database, clock: ManualClock
) -> None:
    holder, other = candidate("a", clock), candidate("b", clock)
    mine, theirs = await stand(database, holder), await stand(database, other)
    clock.advance(LEASE_S - 1)
    theirs = await stand(database, other, theirs)
    assert theirs.term is None
    clock.advance(1)
    theirs = await stand(database, other, theirs)
    assert theirs.term is not None
    assert (theirs.term.number, theirs.taken) == (2, True)
    mine = await stand(database, holder, mine)
    assert mine.term is None


async def test_a_holder_that_died_with_a_clock_ahead_is_replaced_within_a_lease(
    database: Database, clock: ManualClock
) -> None:
    ahead = ManualClock(clock.now_ms() + 3_600_000)
    await elected(database, candidate("ahead", ahead))
    other = candidate("b", clock)
    seen = await stand(database, other)
    clock.advance(LEASE_S - 1)
    seen = await stand(database, other, seen)
    assert seen.term is None
    clock.advance(1)
    seen = await stand(database, other, seen)
    assert seen.term is not None


async def test_an_office_given_back_is_free_at_once(database: Database, clock: ManualClock) -> None:
    holder, other = candidate("a", clock), candidate("b", clock)
    term = await elected(database, holder)
    seen = await stand(database, other)
    await database.write(lambda unit: holder.resign(unit, term))
    assert (await elected(database, other, seen)).number == 2
    await database.write(lambda unit: holder.resign(unit, term))
    await database.write(lambda unit: other.require(unit, Term("office", 2, 0)))


async def test_a_stale_term_changes_nothing(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    stalled, other = candidate("a", clock), candidate("b", clock)
    cron = Cron(ledger, [HOURLY], clock)
    await database.write(cron.sync)
    old = Fence(database, stalled, await elected(database, stalled))
    clock.advance(7200)
    with pytest.raises(StaleLease):
        new = Fence(database, other, await elected(database, other))
        await cron.turn(old)
    assert (await database.read(ledger.list)).items == ()
    assert len(list(await cron.turn(new))) == 1


async def test_a_holder_late_with_its_renewal_goes_on_while_nobody_else_stands(
    database: Database, clock: ManualClock
) -> None:
    holder = candidate("a", clock)
    mine = await stand(database, holder)
    assert mine.term is not None
    clock.advance(10 * LEASE_S)
    await Fence(database, holder, mine.term).write(lambda unit: None)
    again = await stand(database, holder, mine)
    assert again.term is not None
    assert again.term.number == 1


async def test_offices_are_apart(database: Database, clock: ManualClock) -> None:
    await elected(database, candidate("a", clock))
    assert (await elected(database, Election("other", "b", clock, LEASE_S))).number == 1


async def test_a_process_that_is_alone_takes_what_a_dead_one_held(
    database: Database, clock: ManualClock
) -> None:
    await elected(database, candidate("a", clock))
    alone = Election("office", "b", clock, LEASE_S, alone=True)
    assert (await elected(database, alone)).number == 2


async def test_a_holder_that_stands_still_inside_its_transaction_loses_the_office(
    postgres_server: PostgresServer,
) -> None:
    """The row is locked by a transaction that says nothing; the server ends it after a lease."""
    name = await asyncio.to_thread(postgres_server.create_database)
    database = PostgresDatabase(postgres_server.url(name))
    stuck = await asyncpg.connect(postgres_server.url(name))
    clock = ManualClock()
    try:
        await database.write(lambda unit: METADATA.create_all(unit.connection))
        holder = Election("office", "a", clock, 0.3)
        await elected(database, holder)
        await stuck.execute("BEGIN")
        held = store_election.HELD_ON_POSTGRES.postgresql
        assert await stuck.fetch(held, "office", 1, "a", "300")
        clock.advance(0.3)
        term = await asyncio.wait_for(elected(database, Election("office", "b", clock, 0.3)), 20)
        assert term.number == 2
        with pytest.raises(ENDED_BY_THE_SERVER):
            await stuck.execute("COMMIT")
    finally:
        stuck.terminate()
        await database.close()
        await asyncio.to_thread(postgres_server.drop_database, name)


class Crew:
    """Schedulers over one database whose turns of one duty are written down."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.turns: list[str] = []
        self.running: dict[str, tuple[Scheduler, asyncio.Task[None]]] = {}

    def start(self, name: str, *more: Duty) -> None:
        async def work(fence: Fence) -> None:
            await fence.write(lambda unit: self.turns.append(name))

        duties = (Duty("note", 1.0, work), *more)
        opening = (lambda unit: self.turns.append(f"{name} begins"),)
        scheduler = Scheduler(self.database, candidate(name, self.clock), duties, opening)
        self.running[name] = (scheduler, asyncio.create_task(scheduler.run()))

    async def until(self, seen: Callable[[], bool], step_s: float = 0.25) -> float:
        """Let time pass until it is seen; how long that took."""
        started = self.clock.monotonic()
        for _ in range(2_000):
            if seen():
                return self.clock.monotonic() - started
            self.clock.advance(step_s)
            # why: candidates need a moment of real time for each step of the clock, as both
            # engines answer from elsewhere; the write waits for what is queued before it.
            await self.database.write(lambda unit: None)
            await asyncio.sleep(0.004)  # why: see above
        raise AssertionError(self.turns)

    async def stop(self) -> None:
        for scheduler, task in self.running.values():
            await scheduler.stop()
            await task


@pytest.fixture
async def crew(database: Database, clock: ManualClock) -> Crew:
    return Crew(database, clock)


async def test_only_the_elected_do_the_duties_and_the_next_takes_over_at_a_stop(crew: Crew) -> None:
    for name in "abc":
        crew.start(name)
    await crew.until(lambda: len(crew.turns) > 8)
    (first,) = {turn[0] for turn in crew.turns}
    assert crew.turns[0] == f"{first} begins"
    scheduler, task = crew.running.pop(first)
    await scheduler.stop()
    await task
    before = len(crew.turns)
    taken_s = await crew.until(lambda: len(crew.turns) > before + 3)
    (second,) = {turn[0] for turn in crew.turns[before:]}
    assert second != first
    # why: three turns of the duty, a second apart, are part of it.
    assert taken_s < LEASE_S / 2 + 3
    await crew.stop()


async def test_a_holder_that_vanished_is_replaced_within_its_lease(crew: Crew) -> None:
    crew.start("a")
    await crew.until(lambda: "a" in crew.turns)
    crew.start("b")
    _, task = crew.running.pop("a")
    task.cancel()
    await asyncio.wait({task})
    taken_s = await crew.until(lambda: "b" in crew.turns)
    assert taken_s <= LEASE_S + 2
    await crew.stop()


async def test_an_error_in_a_duty_ends_the_scheduler(crew: Crew) -> None:
    async def breaks(fence: Fence) -> None:
        raise RuntimeError("no more")

    crew.start("a", Duty("breaks", 1.0, breaks))
    _, task = crew.running.pop("a")
    await crew.until(task.done)
    assert isinstance(task.exception(), RuntimeError)


async def test_a_calendar_kept_by_several_fires_each_due_time_once(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    keepers = []
    for name in "abc":
        cron = Cron(ledger, [HOURLY], clock)
        duties = (Duty("cron", 1.0, cron.turn),)
        keepers.append(Scheduler(database, candidate(name, clock), duties, (cron.sync,)))
    tasks = [asyncio.create_task(keeper.run()) for keeper in keepers]

    async def fired() -> int:
        found = await database.read(lambda unit: ledger.list(unit, JobFilter(kind="work")))
        for job in found.items:
            await database.write(lambda unit, job=job: ledger.cancel(unit, job.id))  # type: ignore[misc]
        return len(found.items)

    began_ms = clock.now_ms()
    while clock.now_ms() < began_ms + 3 * 3_600_000:
        clock.advance(20)
        await fired()
    hours = (clock.now_ms() // 3_600_000) - (began_ms // 3_600_000)
    while await fired() < hours:
        clock.advance(0.5)
    assert await fired() == hours
    for keeper, task in zip(keepers, tasks, strict=True):
        await keeper.stop()
        await task
