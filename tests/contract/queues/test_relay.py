"""From a ready row to a claimed one over a broker: told, told again, and never depended on."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest

from hookyard.adapters.database.port import Database
from hookyard.adapters.queues.backends.memory import MemoryBroker
from hookyard.adapters.queues.port import Pointer
from hookyard.core.jobs import relay as relay_module
from hookyard.core.jobs.model import (
    ClaimRequest,
    Done,
    Job,
    JobContext,
    JobFilter,
    JobKind,
    JobState,
    Lane,
    NewJob,
    Outcome,
    Retry,
)
from hookyard.core.jobs.pointers import PointerReader
from hookyard.core.jobs.relay import Relay
from hookyard.core.jobs.runner import Runner
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import ManualClock, SystemClock
from hookyard.kit.errors import Unavailable
from hookyard.kit.ids import IdMaker
from hookyard.settings import LANES

KIND = JobKind("test.work", max_attempts=3)


@pytest.fixture
def broker(clock: ManualClock) -> MemoryBroker:
    return MemoryBroker(clock)


@pytest.fixture
def ledger(clock: ManualClock, ids: IdMaker) -> Ledger:
    return Ledger(clock, ids, [KIND], Random(1), lambda: None)


@pytest.fixture
def relay(database: Database, ledger: Ledger, broker: MemoryBroker, clock: ManualClock) -> Relay:
    return Relay(database, ledger, broker, clock, Random(2))


async def add(database: Database, ledger: Ledger, count: int = 1, **given: object) -> list[str]:
    """Jobs of the kind, committed."""
    new = NewJob(KIND.name, {}, **given)  # type: ignore[arg-type]
    found = await database.write(lambda unit: [ledger.enqueue(unit, new) for _ in range(count)])
    return [one.job_id for one in found]


async def told(broker: MemoryBroker) -> list[str]:
    """The ids in the broker, taken out and acknowledged."""
    found = await broker.receive(LANES, 10_000, 0.0)
    await broker.acknowledge(found)
    return [item.pointer.job_id for item in found]


async def test_a_ready_job_is_told_of_once(
    database: Database, ledger: Ledger, relay: Relay, broker: MemoryBroker, clock: ManualClock
) -> None:
    ids = await add(database, ledger, 3)
    await relay.look()
    await relay.look()
    assert sorted(await told(broker)) == sorted(ids)
    assert (relay.tally.published, relay.tally.swept, relay.tally.failed) == (3, 0, 0)


async def test_a_job_is_told_of_in_its_lane_when_it_is_due(
    database: Database, ledger: Ledger, relay: Relay, broker: MemoryBroker, clock: ManualClock
) -> None:
    await add(database, ledger, lane=Lane.BULK, run_at_ms=clock.now_ms() + 150)
    pause_s = await relay.look()
    assert await told(broker) == []
    assert pause_s == pytest.approx(0.15)
    clock.advance(0.15)
    await relay.look()
    [found] = await broker.receive(("bulk",), 9, 0.0)
    assert found.pointer.run_at_ms == clock.now_ms()


async def test_a_job_that_stays_ready_is_told_of_again_ever_later(
    database: Database, ledger: Ledger, relay: Relay, broker: MemoryBroker, clock: ManualClock
) -> None:
    await add(database, ledger)
    await relay.look()
    broker.flush()
    instants: list[int] = []
    begun = clock.now_ms()
    for _ in range(60 * 4):
        clock.advance(0.25)
        await relay.look()
        instants += [clock.now_ms() - begun for _ in await told(broker)]
    assert relay.tally.swept == len(instants) >= 3
    assert 5_000 <= instants[0] <= 7_750
    gaps = [b - a for a, b in zip([0, *instants], instants, strict=False)]
    assert gaps == sorted(gaps)


async def test_a_new_relay_tells_of_what_a_dead_one_may_have_forgotten(
    database: Database, ledger: Ledger, relay: Relay, broker: MemoryBroker, clock: ManualClock
) -> None:
    ids = await add(database, ledger, 2)
    await relay.look()
    broker.flush()
    await Relay(database, ledger, broker, clock, Random(3)).look()
    assert sorted(await told(broker)) == sorted(ids)


async def test_a_job_that_was_claimed_and_is_ready_again_is_told_of_at_once(
    database: Database, ledger: Ledger, relay: Relay, broker: MemoryBroker, clock: ManualClock
) -> None:
    [job_id] = await add(database, ledger)
    await relay.look()
    await told(broker)
    request = ClaimRequest("w", 4, {}, {})
    claimed = await database.write(lambda unit: ledger.claim(unit, request))
    again = Retry("not yet", after_s=0.0)
    await database.write(lambda unit: ledger.finish(unit, claimed.jobs[0], again))
    clock.advance(0.01)
    await relay.look()
    assert await told(broker) == [job_id]
    assert relay.tally.swept == 0


async def test_a_broker_that_is_down_is_counted_and_told_later(
    database: Database, ledger: Ledger, relay: Relay, broker: MemoryBroker, clock: ManualClock
) -> None:
    ids = await add(database, ledger, 2)
    broker.is_down = True
    with pytest.raises(Unavailable):
        await relay.look()
    assert (relay.tally.published, relay.tally.failed) == (0, 2)
    broker.is_down = False
    await relay.look()
    assert sorted(await told(broker)) == sorted(ids)


async def test_a_backlog_is_told_of_up_to_a_depth(
    database: Database, ledger: Ledger, relay: Relay, broker: MemoryBroker, clock: ManualClock
) -> None:
    new = [NewJob(KIND.name, {}) for _ in range(relay_module.HEAD + 10)]
    await database.write(lambda unit: ledger.enqueue_plain(unit, new))
    for _ in range(3):
        looking = asyncio.create_task(relay.look())
        while not looking.done():
            clock.advance(0.1)
            await asyncio.wait({looking}, timeout=0.01)
    assert await broker.depth("default") == relay_module.ENOUGH
    await told(broker)
    looking = asyncio.create_task(relay.look())
    while not looking.done():
        clock.advance(0.1)
        await asyncio.wait({looking}, timeout=0.01)
    assert await broker.depth("default") == relay_module.ENOUGH


class Work:
    """Succeeds at once."""

    kind = KIND

    async def __call__(self, ctx: JobContext) -> Outcome:
        return Done()


class Plant:
    """A relay, a broker and a worker that hears of work only by pointers or its own poll."""

    def __init__(self, database: Database, poll_s: float) -> None:
        clock = SystemClock()
        self.database = database
        self.broker = MemoryBroker(clock, visible_after_s=0.2)
        self.ledger = Ledger(clock, IdMaker(), [KIND], Random(1), self._wake)
        self.relay = Relay(database, self.ledger, self.broker, clock, Random(2), sweep_after_s=0.2)
        self.ended = asyncio.Event()
        self.runner = Runner(
            database, self.ledger, [Work()], clock, "boot/w", capacity=4, poll_s=poll_s,
            observe=self._ended,
        )  # fmt: skip
        self.reader = PointerReader(
            self.broker, self._look, lambda: 4 - self.runner.running, clock, Random(3)
        )
        self.tasks: list[asyncio.Task[None]] = []

    def _ended(self, job: Job, step: object) -> None:
        self.reader.freed()
        self.ended.set()

    def _wake(self) -> None:
        self.relay.wake()

    def _look(self) -> "asyncio.Future[None]":
        over = self.runner.rounds.ask()
        self.runner.wake()
        return over

    async def done(self, count: int) -> None:
        """Until so many jobs have succeeded."""
        wanted = JobFilter(state=JobState.SUCCEEDED)
        async with asyncio.timeout(20):
            while True:
                self.ended.clear()
                page = await self.database.read(
                    lambda unit: self.ledger.list(unit, wanted, limit=200)
                )
                if len(page.items) >= count:
                    return
                await self.ended.wait()


@pytest.fixture
async def plant(database: Database) -> AsyncIterator[Plant]:
    """Runner, reader and relay at work; the runner's own poll is far away."""
    made = Plant(database, poll_s=600.0)
    made.tasks = [
        asyncio.create_task(part.run()) for part in (made.runner, made.reader, made.relay)
    ]
    await made._look()
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)


async def test_pointers_start_work_and_are_let_go(plant: Plant) -> None:
    await add(plant.database, plant.ledger, 10)
    await plant.done(10)
    async with asyncio.timeout(10):
        while await plant.broker.depth("default"):
            await plant.broker.receive((), 0, 0.01)
    assert plant.relay.tally.published >= 1
    assert plant.reader.received >= 1


async def test_lost_pointers_are_healed_by_the_sweep(plant: Plant) -> None:
    published = plant.broker.publish
    dropped: list[object] = []

    async def lose(pointers: object) -> None:
        dropped.append(pointers)
        plant.broker.publish = published  # type: ignore[method-assign]

    await add(plant.database, plant.ledger)
    await plant.done(1)
    plant.broker.publish = lose  # type: ignore[method-assign,assignment]
    await add(plant.database, plant.ledger)
    await plant.done(2)
    assert dropped
    assert plant.relay.tally.swept >= 1


async def test_doubled_and_stale_pointers_start_nothing_twice(plant: Plant) -> None:
    await add(plant.database, plant.ledger, 3)
    await plant.done(3)
    jobs = await plant.database.read(lambda unit: plant.ledger.list(unit, limit=10))
    await plant.broker.publish([Pointer(job.id, "default", 0) for job in jobs.items] * 3)
    async with asyncio.timeout(10):
        while await plant.broker.depth("default"):
            await plant.broker.receive((), 0, 0.01)
    after = await plant.database.read(lambda unit: plant.ledger.list(unit, limit=10))
    assert [(job.state, job.attempt) for job in after.items] == [(JobState.SUCCEEDED, 1)] * 3


async def test_work_goes_on_when_the_broker_is_back(plant: Plant) -> None:
    plant.broker.is_down = True
    await add(plant.database, plant.ledger, 2)
    async with asyncio.timeout(10):
        while not plant.relay.tally.failed:
            await asyncio.sleep(0)
    plant.broker.is_down = False
    await plant.done(2)


async def test_without_a_broker_the_poll_finds_the_work(database: Database) -> None:
    plant = Plant(database, poll_s=0.05)
    plant.broker.is_down = True
    plant.tasks = [
        asyncio.create_task(part.run()) for part in (plant.runner, plant.reader, plant.relay)
    ]
    try:
        await add(database, plant.ledger, 3)
        await plant.done(3)
        assert plant.relay.tally.published == 0
    finally:
        for task in plant.tasks:
            task.cancel()
        await asyncio.gather(*plant.tasks, return_exceptions=True)
