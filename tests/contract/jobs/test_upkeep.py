"""Cancel, replay, lists, counts, logs and purges, on every engine."""

import pytest

from hookyard.adapters.database.port import Database
from hookyard.core.jobs.model import (
    ClaimRequest,
    Done,
    Ending,
    Fail,
    Hold,
    JobFilter,
    JobKind,
    JobState,
    Lane,
    NewJob,
    Retry,
    Stopped,
    WaitingFor,
)
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import NotFound
from tests.contract.jobs.steps import add, claim, end, get


async def test_other_boots_are_recovered_at_once_on_sqlite_only(
    database: Database, ledger: Ledger
) -> None:
    mine = await add(database, ledger)
    await claim(database, ledger, worker="boot-2/a")
    theirs = await add(database, ledger, key="k")
    await claim(database, ledger, worker="boot-1/a")
    behind = await add(database, ledger, key="k")
    lost = await database.write(lambda unit: ledger.recover_worker_loss(unit, "boot-2"))
    if database.dialect != "sqlite":
        assert lost == []
        return
    assert lost == [theirs]
    assert (await get(database, ledger, mine)).state is JobState.RUNNING
    assert [job.id for job in await claim(database, ledger)] == [theirs]
    assert (await get(database, ledger, behind)).state is JobState.WAITING


async def test_cancel_by_state(database: Database, ledger: Ledger, clock: ManualClock) -> None:
    queued = await add(database, ledger)
    delayed = await add(database, ledger, run_at_ms=clock.now_ms() + 1000)
    for job_id in (queued, delayed):
        job = await database.write(lambda unit, j=job_id: ledger.cancel(unit, j, "not needed"))
        assert job.state is JobState.CANCELLED
        assert job.error == {"code": "cancelled", "reason": "not needed"}
    running = await add(database, ledger)
    (job,) = await claim(database, ledger)
    asked = await database.write(lambda unit: ledger.cancel(unit, running))
    assert (asked.state, asked.cancel_requested) == (JobState.RUNNING, True)
    assert ledger.stop_requests == 3
    notices = await database.read(lambda unit: ledger.stop_notices(unit, "boot/a"))
    assert notices == {(running, 1)}
    await end(database, ledger, job, Stopped())
    assert (await get(database, ledger, running)).state is JobState.CANCELLED
    again = await database.write(lambda unit: ledger.cancel(unit, running))
    assert again.state is JobState.CANCELLED


async def test_work_done_before_the_cancel_arrived_stays_done(
    database: Database, ledger: Ledger
) -> None:
    job_id = await add(database, ledger)
    (job,) = await claim(database, ledger)
    await database.write(lambda unit: ledger.cancel(unit, job_id))
    await end(database, ledger, job, Done())
    assert (await get(database, ledger, job_id)).state is JobState.SUCCEEDED


@pytest.mark.parametrize("ending", [Retry("x"), Hold(WaitingFor("limit", "x"))])
async def test_a_cancelled_job_is_not_tried_again(
    database: Database, ledger: Ledger, ending: Ending
) -> None:
    job_id = await add(database, ledger)
    (job,) = await claim(database, ledger)
    await database.write(lambda unit: ledger.cancel(unit, job_id))
    await end(database, ledger, job, ending)
    assert (await get(database, ledger, job_id)).state is JobState.CANCELLED


async def test_replay_is_the_same_job_with_fresh_attempts(
    database: Database, ledger: Ledger
) -> None:
    job_id = await add(database, ledger, kind="once")
    (job,) = await claim(database, ledger)
    await end(database, ledger, job, Retry("broken"))
    assert (await get(database, ledger, job_id)).state is JobState.DEAD
    again = await database.write(lambda unit: ledger.replay(unit, job_id))
    assert (again.state, again.attempt, again.error) == (JobState.QUEUED, 0, None)
    (job,) = await claim(database, ledger)
    assert (job.id, job.attempt, job.lease) == (job_id, 1, 2)
    unchanged = await database.write(lambda unit: ledger.replay(unit, job_id))
    assert unchanged.state is JobState.RUNNING
    await end(database, ledger, job, Done())
    history = await database.read(lambda unit: ledger.attempts(unit, job_id))
    assert [a.outcome for a in history] == ["failed", "succeeded"]


async def test_replay_many_by_filter(database: Database, ledger: Ledger) -> None:
    ids = [
        await add(database, ledger, repository=r, key=f"k{n}")
        for n, r in enumerate(["o/a", "o/a", "o/b"])
    ]
    for job in await claim(database, ledger):
        await end(database, ledger, job, Fail("x"))
    replayed = await database.write(
        lambda unit: ledger.replay_many(unit, JobFilter(repository="o/a"))
    )
    assert list(replayed) == ids[:2]
    dead = await database.read(lambda unit: ledger.list(unit, JobFilter(state=JobState.DEAD)))
    assert [job.id for job in dead.items] == ids[2:]


async def test_unknown_kinds_wait_are_counted_and_start_with_a_newer_worker(
    database: Database, ledger: Ledger, clock: ManualClock, ids, bell
) -> None:
    strange = await add(database, ledger, kind="strange", lane=Lane.CRITICAL)
    newer = await add(database, ledger, kind="versioned")
    known = await add(database, ledger)
    old = Ledger(
        clock, ids, [JobKind("work"), JobKind("versioned", version=1)], ledger._random, bell
    )
    assert [job.id for job in await claim(database, old, capacity=1)] == [known]
    assert await claim(database, old) == []
    for job_id in (strange, newer):
        held = await get(database, ledger, job_id)
        assert held.attempt == 0
        assert held.waiting_for is not None
        assert held.waiting_for.what == "kind"
    assert await database.read(old.unknown_kinds) == {("strange", 1): 1, ("versioned", 2): 1}
    await database.write(ledger.sweep_expired)
    assert [job.id for job in await claim(database, ledger)] == [newer]
    assert await database.read(ledger.unknown_kinds) == {("strange", 1): 1}


async def test_a_gate_parks_without_counting(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    until_ms = clock.now_ms() + 2_000

    def gate(kind: JobKind) -> WaitingFor | None:
        return WaitingFor("breaker", "github", until_ms) if kind.name == "once" else None

    jobs = [NewJob("once", {}, lane=Lane.HIGH) for _ in range(6)]
    await database.write(lambda unit: ledger.enqueue_plain(unit, jobs))
    free = await add(database, ledger)
    request = ClaimRequest("boot/a", 3, {}, {})
    got = await database.write(lambda unit: ledger.claim(unit, request, gate))
    assert [job.id for job in got.jobs] == [free]
    assert got.next_due_ms == until_ms
    clock.advance(2)
    again = await claim(database, ledger, 10)
    assert {job.attempt for job in again} == {1}
    assert len(again) == 6


async def test_list_pages_and_filters(database: Database, ledger: Ledger) -> None:
    ids = [
        await add(database, ledger, kind=kind, lane=lane, delivery_id=d, repository=r)
        for kind, lane, d, r in (
            ("work", Lane.HIGH, "d1", "o/a"),
            ("once", Lane.BULK, "d1", "o/b"),
            ("work", Lane.HIGH, "d2", "o/a"),
        )
    ]
    first = await database.read(lambda unit: ledger.list(unit, limit=2))
    assert [job.id for job in first.items] == [ids[2], ids[1]]
    second = await database.read(lambda unit: ledger.list(unit, cursor=first.next_cursor, limit=2))
    assert [job.id for job in second.items] == [ids[0]]
    assert second.next_cursor is None
    for wanted, expected in (
        (JobFilter(kind="once"), [ids[1]]),
        (JobFilter(lane=Lane.HIGH), [ids[2], ids[0]]),
        (JobFilter(delivery_id="d1"), [ids[1], ids[0]]),
        (JobFilter(repository="o/a", delivery_id="d2"), [ids[2]]),
        (JobFilter(state=JobState.QUEUED), ids[::-1]),
        (JobFilter(state=JobState.RUNNING), []),
        (JobFilter(key="k"), []),
    ):
        page = await database.read(lambda unit, w=wanted: ledger.list(unit, w))
        assert [job.id for job in page.items] == expected
    with pytest.raises(NotFound):
        await get(database, ledger, "nothing")


async def test_counts_see_every_unfinished_state_once(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    await add(database, ledger, key="k")
    await add(database, ledger, key="k")
    await add(database, ledger, run_at_ms=clock.now_ms() + 9000)
    await add(database, ledger, lane=Lane.BULK)
    await add(database, ledger, lane=Lane.CRITICAL)
    await add(database, ledger, lane=Lane.HIGH)
    claimed = {job.lane: job for job in await claim(database, ledger)}
    await end(database, ledger, claimed[Lane.CRITICAL], Fail("x"))
    await end(database, ledger, claimed[Lane.HIGH], Hold(WaitingFor("pause", "x")))
    await add(database, ledger, lane=Lane.HIGH)
    counts = await database.read(ledger.counts)
    assert {key: count for key, count in counts.items() if count} == {
        (JobState.RUNNING, Lane.DEFAULT): 1,
        (JobState.RUNNING, Lane.BULK): 1,
        (JobState.WAITING, Lane.DEFAULT): 2,
        (JobState.WAITING, Lane.HIGH): 1,
        (JobState.QUEUED, Lane.HIGH): 1,
        (JobState.DEAD, Lane.CRITICAL): 1,
    }


async def test_log_lines_are_ordered_paged_and_bounded(
    database: Database, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hookyard.core.jobs import store_cold

    monkeypatch.setattr(store_cold, "MAX_LINES", 5)
    await add(database, ledger)
    (job,) = await claim(database, ledger)
    messages = ["one", "é" * 4096, "nul \x00", "four", "five", "six"]
    for message in messages:
        await database.write(
            lambda unit, m=message: ledger.log(unit, job, m, {"n": 1, "big": "x" * len(m) * 3})
        )
    first = await database.read(lambda unit: ledger.logs(unit, job.id, limit=3))
    assert [line.message for line in first.items][::2] == ["one", "nul \ufffd"]
    assert len(first.items[1].message.encode()) <= 4096
    rest = await database.read(lambda unit: ledger.logs(unit, job.id, first.next_cursor))
    assert [line.seq for line in rest.items] == [4, 5]
    assert rest.items[-1].message.startswith("the log is full")


async def test_purge_takes_only_old_ended_jobs_with_all_they_left(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    old = [await add(database, ledger) for _ in range(3)]
    stuck = await add(database, ledger, run_at_ms=clock.now_ms() + 10**9)
    for job in await claim(database, ledger):
        await database.write(lambda unit, j=job: ledger.log(unit, j, "hello", {}))
        await end(database, ledger, job, Done())
    clock.advance(100)
    cut_ms = clock.now_ms()
    young = await add(database, ledger)
    for job in await claim(database, ledger):
        await end(database, ledger, job, Done())
    first = await database.write(lambda unit: ledger.purge(unit, cut_ms, 2))
    second = await database.write(lambda unit: ledger.purge(unit, cut_ms, 2))
    assert [*first, *second] == old
    assert await database.write(lambda unit: ledger.purge(unit, cut_ms, 2)) == []
    left = await database.read(ledger.list)
    assert [job.id for job in left.items] == [young, stuck]
    assert (await database.read(lambda unit: ledger.logs(unit, old[0]))).items == ()
    assert list(await database.read(lambda unit: ledger.attempts(unit, old[0]))) == []
