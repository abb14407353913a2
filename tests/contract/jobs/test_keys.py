"""Jobs that share a key, on every engine: never two at once, order and policies as declared."""

import asyncio
from random import Random

import pytest

from hookyard.adapters.database.port import Database
from hookyard.core.jobs.model import (
    ClaimRequest,
    Done,
    Ending,
    Enqueued,
    Fail,
    Finished,
    Job,
    JobFilter,
    JobState,
    KeyPolicy,
    NewJob,
    Retry,
    Stopped,
    WaitingFor,
)
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import ManualClock

KEY = "o/r#1"


async def add(db: Database, ledger: Ledger, **values: object) -> Enqueued:
    job = NewJob(**{"kind": "work", "payload": {}, "key": KEY, **values})
    return await db.write(lambda unit: ledger.enqueue(unit, job))


async def claim(db: Database, ledger: Ledger, worker: str = "boot/a") -> list[Job]:
    request = ClaimRequest(worker, 10, {}, {}, 60)
    return list((await db.write(lambda unit: ledger.claim(unit, request))).jobs)


async def end(db: Database, ledger: Ledger, job: Job, ending: Ending) -> None:
    settled = await db.write(lambda unit: ledger.finish_batch(unit, [Finished(job, ending)]))
    assert not settled.stale


async def get(db: Database, ledger: Ledger, job_id: str) -> Job:
    return await db.read(lambda unit: ledger.get(unit, job_id))


@pytest.mark.parametrize("ending", [Done(), Fail("x"), Stopped()], ids=lambda e: type(e).__name__)
async def test_the_next_of_a_key_starts_when_the_one_in_front_ends(
    database: Database, ledger: Ledger, ending: Ending
) -> None:
    ids = [(await add(database, ledger)).job_id for _ in range(3)]
    other = (await add(database, ledger, key="o/r#2")).job_id
    assert {job.id for job in await claim(database, ledger)} == {ids[0], other}
    second = await get(database, ledger, ids[1])
    assert second.waiting_for == WaitingFor("key", ids[0])
    assert ids[0] in ledger.why_waiting(second)
    assert (await get(database, ledger, ids[2])).waiting_for == WaitingFor("key", ids[1])
    await end(database, ledger, await get(database, ledger, ids[0]), ending)
    (job,) = await claim(database, ledger)
    assert job.id == ids[1]


async def test_strict_order_waits_for_a_delayed_head(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    first = (await add(database, ledger)).job_id
    second = (await add(database, ledger)).job_id
    (job,) = await claim(database, ledger)
    await end(database, ledger, job, Retry("x", after_s=30))
    assert await claim(database, ledger) == []
    clock.advance(30)
    assert [job.id for job in await claim(database, ledger)] == [first]
    assert (await get(database, ledger, second)).waiting_for == WaitingFor("key", first)


async def test_a_polite_head_lets_others_pass_while_delayed(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    first = (await add(database, ledger, kind="polite")).job_id
    second = (await add(database, ledger, kind="polite")).job_id
    (job,) = await claim(database, ledger)
    await end(database, ledger, job, Retry("x", after_s=30))
    (passing,) = await claim(database, ledger)
    assert passing.id == second
    clock.advance(30)
    assert await claim(database, ledger) == []
    assert (await get(database, ledger, first)).waiting_for == WaitingFor("key", second)
    await end(database, ledger, passing, Done())
    assert [job.id for job in await claim(database, ledger)] == [first]


async def test_a_delayed_job_keeps_its_time_at_the_head_of_the_line(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    await add(database, ledger)
    later_ms = clock.now_ms() + 60_000
    later = (await add(database, ledger, run_at_ms=later_ms)).job_id
    (job,) = await claim(database, ledger)
    await end(database, ledger, job, Done())
    assert (await get(database, ledger, later)).waiting_for == WaitingFor("time", None, later_ms)
    clock.advance(60)
    assert [job.id for job in await claim(database, ledger)] == [later]


async def test_drop_new_folds_into_the_one_that_is_there_and_says_so(
    database: Database, ledger: Ledger
) -> None:
    first = await add(database, ledger, payload={"n": 1})
    second = await add(
        database, ledger, payload={"n": 2}, policy=KeyPolicy.DROP_NEW, delivery_id="d2"
    )
    assert second == Enqueued(first.job_id, folded=True)
    assert (await get(database, ledger, first.job_id)).payload == {"n": 1}
    (line,) = (await database.read(lambda unit: ledger.logs(unit, first.job_id))).items
    assert line.message == "folded: a request was dropped"
    assert line.fields == {"kind": "work", "delivery_id": "d2"}
    (job,) = await claim(database, ledger)
    await end(database, ledger, job, Done())
    third = await add(database, ledger, policy=KeyPolicy.DROP_NEW)
    assert not third.folded


async def test_cancel_running_displaces_all_that_is_there(
    database: Database, ledger: Ledger
) -> None:
    first = (await add(database, ledger)).job_id
    second = (await add(database, ledger)).job_id
    (running,) = await claim(database, ledger)
    third = (await add(database, ledger, policy=KeyPolicy.CANCEL_RUNNING)).job_id
    assert (await get(database, ledger, first)).cancel_requested
    displaced = await get(database, ledger, second)
    assert displaced.state is JobState.CANCELLED
    assert displaced.error == {"code": "cancelled", "reason": "superseded by a newer job"}
    assert (await get(database, ledger, third)).waiting_for == WaitingFor("key", first)
    assert ledger.stop_requests == 1
    await end(database, ledger, running, Stopped())
    assert [job.id for job in await claim(database, ledger)] == [third]


async def test_cancel_running_takes_the_turn_of_one_that_only_waits(
    database: Database, ledger: Ledger
) -> None:
    first = (await add(database, ledger)).job_id
    second = (await add(database, ledger, policy=KeyPolicy.CANCEL_RUNNING)).job_id
    assert (await get(database, ledger, first)).state is JobState.CANCELLED
    assert [job.id for job in await claim(database, ledger)] == [second]


async def test_debounce_waits_for_quiet_and_keeps_the_newest(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    start_ms = clock.now_ms()
    first = await add(database, ledger, payload={"n": 0}, policy=KeyPolicy.DEBOUNCE, debounce_s=5)
    assert not first.folded
    held = await get(database, ledger, first.job_id)
    assert held.waiting_for == WaitingFor("time", "debounce", start_ms + 5_000)
    for n in range(1, 4):
        clock.advance(3)
        again = await add(
            database, ledger, payload={"n": n}, policy=KeyPolicy.DEBOUNCE, debounce_s=5
        )
        assert again == Enqueued(first.job_id, folded=True)
    clock.advance(4.9)
    assert await claim(database, ledger) == []
    clock.advance(0.1)
    (job,) = await claim(database, ledger)
    assert job.payload == {"n": 3}
    lines = (await database.read(lambda unit: ledger.logs(unit, first.job_id))).items
    assert len(lines) == 3
    fresh = await add(database, ledger, policy=KeyPolicy.DEBOUNCE, debounce_s=5)
    assert not fresh.folded


async def test_debounce_never_waits_longer_than_its_limit(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    for _ in range(4):
        await add(database, ledger, policy=KeyPolicy.DEBOUNCE, debounce_s=5, debounce_max_s=12)
        assert await claim(database, ledger) == []
        clock.advance(3)
    assert len(await claim(database, ledger)) == 1


async def test_cancelling_in_the_middle_names_the_new_one_in_front(
    database: Database, ledger: Ledger
) -> None:
    ids = [(await add(database, ledger)).job_id for _ in range(3)]
    await database.write(lambda unit: ledger.cancel(unit, ids[1]))
    assert (await get(database, ledger, ids[2])).waiting_for == WaitingFor("key", ids[0])
    await database.write(lambda unit: ledger.cancel(unit, ids[0]))
    assert [job.id for job in await claim(database, ledger)] == [ids[2]]


async def test_a_replayed_job_joins_the_line_again(database: Database, ledger: Ledger) -> None:
    first = (await add(database, ledger)).job_id
    (job,) = await claim(database, ledger)
    await end(database, ledger, job, Fail("x"))
    second = (await add(database, ledger)).job_id
    (running,) = await claim(database, ledger)
    replayed = await database.write(lambda unit: ledger.replay(unit, first))
    assert replayed.waiting_for == WaitingFor("key", second)
    await end(database, ledger, running, Done())
    assert [job.id for job in await claim(database, ledger)] == [first]


async def test_a_lost_job_is_first_in_its_line_again(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    first = (await add(database, ledger)).job_id
    await add(database, ledger)
    await claim(database, ledger)
    clock.advance(61)
    assert await database.write(ledger.sweep_expired) == [first]
    assert [job.id for job in await claim(database, ledger)] == [first]


async def test_a_long_line_is_served_in_order(database: Database, ledger: Ledger) -> None:
    ids = [(await add(database, ledger)).job_id for _ in range(230)]
    assert ids == sorted(ids)
    for expected in ids:
        (job,) = await claim(database, ledger)
        assert job.id == expected
        await end(database, ledger, job, Done())


async def test_the_line_keeps_order_when_a_clock_is_behind(
    database: Database, ledger: Ledger, ids, bell
) -> None:
    first = (await add(database, ledger)).job_id
    from hookyard.kit.ids import IdMaker

    late = Ledger(
        ManualClock(1_600_000_000_000), IdMaker(), tuple(ledger.kinds.values()), Random(1), bell
    )
    second = (await add(database, late)).job_id
    assert first < second
    assert [job.id for job in await claim(database, ledger)] == [first]


class Crowd:
    """Workers that note whenever two of them hold one key."""

    def __init__(self, database: Database, ledger: Ledger, random: Random) -> None:
        self.database = database
        self.ledger = ledger
        self.random = random
        self.held: set[str] = set()
        self.overlaps: list[str] = []
        self.finished = 0

    async def ask(self, policies: list[KeyPolicy]) -> None:
        for _ in range(25):
            await add(
                self.database,
                self.ledger,
                kind=self.random.choice(["work", "polite"]),
                key=f"k{self.random.randrange(4)}",
                policy=self.random.choice(policies),
            )

    async def work(self, name: str) -> None:
        empty = 0
        while empty < 4:
            jobs = await claim(self.database, self.ledger, f"boot/{name}")
            empty = 0 if jobs else empty + 1
            keys = [str(job.key) for job in jobs]
            self.overlaps.extend(key for key in keys if key in self.held)
            self.held.update(keys)
            await asyncio.sleep(0)
            for job in jobs:
                self.held.discard(str(job.key))
                ending = self.random.choice([Done(), Done(), Retry("again", after_s=0)])
                await end(self.database, self.ledger, job, ending)
                self.finished += 1


@pytest.mark.parametrize("seed", [11, 12])
async def test_keys_never_overlap_under_concurrency(
    database: Database, ledger: Ledger, seed: int
) -> None:
    policies = [KeyPolicy.QUEUE, KeyPolicy.QUEUE, KeyPolicy.CANCEL_RUNNING, KeyPolicy.DEBOUNCE]
    crowd = Crowd(database, ledger, Random(seed))
    await asyncio.gather(
        *(crowd.ask(policies) for _ in range(4)), *(crowd.work(str(n)) for n in range(4))
    )
    while jobs := await claim(database, ledger):
        for job in jobs:
            await end(database, ledger, job, Done())
    assert crowd.overlaps == []
    assert crowd.finished > 0
    for state in (JobState.QUEUED, JobState.RUNNING, JobState.WAITING):
        left = await database.read(lambda unit, s=state: ledger.list(unit, JobFilter(state=s)))
        assert left.items == ()
