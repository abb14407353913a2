"""Pauses, on every engine: what they hold, and that they let all of it go."""

import asyncio
import logging

import pytest

from hookyard.adapters.database.port import Database, RawSql
from hookyard.core.jobs import pauses as pausing
from hookyard.core.jobs.model import Done, JobFilter, JobState, Lane, NewJob, Retry, WaitingFor
from hookyard.core.jobs.pauses_model import NewPause, Pause, PauseOf
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Conflict, Invalid, NotFound
from tests.contract.jobs.steps import add, claim, end, get

ROWS = RawSql.same("SELECT count(*) FROM job_pauses")


async def pause(
    db: Database, ledger: Ledger, what: str, name: str, until_ms: int | None = None
) -> Pause:
    wanted = NewPause(PauseOf(what), name, "CI is broken", until_ms)
    return await db.write(lambda unit: ledger.pauses.start(unit, wanted, "user:ann"))


async def gather(db: Database, ledger: Ledger, it: Pause) -> int:
    held, place = 0, ledger.pauses.first_place(it)
    while place is not None:
        count, place = await db.write(lambda unit, at=place: ledger.pauses.gather(unit, it, at))
        held += count
    return held


async def resume(db: Database, ledger: Ledger, it: Pause) -> int:
    await db.write(lambda unit: ledger.pauses.end(unit, it.id))
    released, more = 0, True
    while more:
        count, more = await db.write(lambda unit: ledger.pauses.let_go(unit, it))
        released += count
    return released


MEANT = [
    ("kind", "once", {"kind": "once"}),
    ("lane", "bulk", {"lane": Lane.BULK}),
    ("repository", "Octo/Garden", {"repository": "octo/GARDEN"}),
    ("installation", "octo", {"repository": "Octo/cellar"}),
]


@pytest.mark.parametrize(("what", "name", "values"), MEANT)
async def test_new_ready_and_retried_work_waits_and_what_runs_ends(
    database: Database, ledger: Ledger, clock: ManualClock, what: str, name: str, values: dict
) -> None:
    tried = {"max_attempts": 5, **values}
    runs = await add(database, ledger, **tried)
    (running,) = await claim(database, ledger)
    retried = await add(database, ledger, **tried)
    (failing,) = await claim(database, ledger)
    ready = await add(database, ledger, **values)
    it = await pause(database, ledger, what, name)
    new = await add(database, ledger, **values)
    other = await add(database, ledger, repository="octopus/garden")
    assert [job.id for job in await claim(database, ledger)] == [other]
    await end(database, ledger, failing, Retry("x", after_s=1))
    clock.advance(1)
    assert await claim(database, ledger) == []
    for job_id, attempts in ((ready, 0), (new, 0), (retried, 1)):
        job = await get(database, ledger, job_id)
        assert job.state is JobState.WAITING
        assert job.waiting_for == WaitingFor("pause", it.words, None)
        assert job.attempt == attempts
        assert f"{what} {name.lower()}, by user:ann: CI is broken" in ledger.why_waiting(job)
    await end(database, ledger, running, Done())
    assert (await get(database, ledger, runs)).state is JobState.SUCCEEDED
    assert await database.read(lambda unit: ledger.pauses.held(unit, it)) == 3
    assert await resume(database, ledger, it) == 3
    assert {job.id for job in await claim(database, ledger)} == {ready, new, retried}
    assert await database.read(lambda unit: unit.fetch_raw(ROWS)) == [(0,)]


@pytest.mark.parametrize(("what", "name", "values"), MEANT)
async def test_a_pause_moves_what_is_ready_chunk_by_chunk(
    database: Database,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    name: str,
    values: dict,
) -> None:
    monkeypatch.setattr(pausing, "CHUNK", 3)
    for priority in (5, 0, -7):
        lanes = [Lane.BULK] if what == "lane" else [Lane.HIGH, Lane.BULK]
        for lane in lanes:
            jobs = [
                NewJob(
                    **{"kind": "work", "payload": {}, "priority": priority, **values, "lane": lane}
                )
                for _ in range(4)
            ]
            await database.write(lambda unit, j=jobs: ledger.enqueue_plain(unit, j))
    meant = 12 * len(lanes)
    others = [NewJob("work", {}, lane=Lane.DEFAULT) for _ in range(5)]
    await database.write(lambda unit: ledger.enqueue_plain(unit, others))
    it = await pause(database, ledger, what, name)
    assert await gather(database, ledger, it) == meant
    counts = await database.read(ledger.counts)
    assert sum(n for (state, _), n in counts.items() if state is JobState.WAITING) == meant
    assert len(await claim(database, ledger, 100)) == 5
    assert await resume(database, ledger, it) == meant
    assert len(await claim(database, ledger, 100)) == meant


async def test_what_is_let_go_keeps_its_order(database: Database, ledger: Ledger) -> None:
    jobs = [NewJob("work", {}, repository="octo/garden") for _ in range(30)]
    ids = await database.write(lambda unit: ledger.enqueue_plain(unit, jobs))
    it = await pause(database, ledger, "installation", "octo")
    await gather(database, ledger, it)
    await resume(database, ledger, it)
    assert [job.id for job in await claim(database, ledger, 100)] == list(ids)


async def test_a_pause_with_an_end_resumes_by_itself(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    job_id = await add(database, ledger, lane=Lane.BULK)
    until_ms = clock.now_ms() + 60_000
    it = await pause(database, ledger, "lane", "bulk", until_ms)
    assert await claim(database, ledger) == []
    assert (await get(database, ledger, job_id)).waiting_for == WaitingFor(
        "pause", it.words, until_ms
    )
    clock.advance(60)
    assert await database.read(ledger.pauses.active) == []
    assert [job.id for job in await claim(database, ledger)] == [job_id]
    await database.write(ledger.sweep_expired)
    assert await database.read(lambda unit: unit.fetch_raw(ROWS)) == [(0,)]


async def test_the_sweep_finishes_what_a_dead_process_left(
    database: Database, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pausing, "CHUNK", 4)
    jobs = [NewJob("work", {}, lane=Lane.BULK) for _ in range(10)]
    await database.write(lambda unit: ledger.enqueue_plain(unit, jobs))
    it = await pause(database, ledger, "lane", "bulk")
    await gather(database, ledger, it)
    await database.write(lambda unit: ledger.pauses.end(unit, it.id))
    with pytest.raises(NotFound):
        await database.write(lambda unit: ledger.pauses.end(unit, it.id))
    assert await claim(database, ledger, 50) == []
    for _ in range(3):
        await database.write(ledger.sweep_expired)
    assert len(await claim(database, ledger, 50)) == 10
    assert await database.read(lambda unit: unit.fetch_raw(ROWS)) == [(0,)]


async def test_of_two_pauses_the_longer_holds_and_either_is_enough(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    job_id = await add(database, ledger, repository="octo/garden")
    short = await pause(database, ledger, "lane", "default", clock.now_ms() + 1_000)
    long = await pause(database, ledger, "repository", "octo/garden")
    await claim(database, ledger)
    held = (await get(database, ledger, job_id)).waiting_for
    assert held == WaitingFor("pause", long.words)
    assert await resume(database, ledger, long) == 1
    assert await claim(database, ledger) == []
    held = (await get(database, ledger, job_id)).waiting_for
    assert held == WaitingFor("pause", short.words, short.until_ms)


async def test_a_paused_job_keeps_its_turn_in_a_strict_line_only(
    database: Database, ledger: Ledger
) -> None:
    it = await pause(database, ledger, "kind", "once")
    strict = await add(database, ledger, kind="once", key="strict")
    behind = await add(database, ledger, key="strict")
    assert await gather(database, ledger, it) == 1
    assert await claim(database, ledger) == []
    polite_pause = await pause(database, ledger, "kind", "polite")
    polite = await add(database, ledger, kind="polite", key="polite")
    passes = await add(database, ledger, key="polite")
    assert await gather(database, ledger, polite_pause) == 0
    await claim(database, ledger)
    assert (await get(database, ledger, passes)).state is not JobState.WAITING
    assert (await get(database, ledger, behind)).waiting_for == WaitingFor("key", strict)
    assert (await get(database, ledger, polite)).state is JobState.WAITING
    await resume(database, ledger, it)
    assert strict in [job.id for job in await claim(database, ledger)]


async def test_paused_jobs_can_be_cancelled(database: Database, ledger: Ledger) -> None:
    job_id = await add(database, ledger, lane=Lane.BULK)
    it = await pause(database, ledger, "lane", "bulk")
    await gather(database, ledger, it)
    job = await database.write(lambda unit: ledger.cancel(unit, job_id))
    assert job.state is JobState.CANCELLED
    assert await resume(database, ledger, it) == 0


async def test_a_hold_of_a_handler_is_not_ours_to_end(database: Database, ledger: Ledger) -> None:
    from hookyard.core.jobs.model import Hold

    job_id = await add(database, ledger)
    (job,) = await claim(database, ledger)
    await end(database, ledger, job, Hold(WaitingFor("pause", "campaign 7")))
    await database.write(ledger.sweep_expired)
    assert await claim(database, ledger) == []
    assert await database.write(lambda unit: ledger.release(unit, "pause", "campaign 7")) == 1
    assert [job.id for job in await claim(database, ledger)] == [job_id]


async def test_pauses_that_make_no_sense_are_refused(
    database: Database, ledger: Ledger, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Invalid, match="future"):
        await pause(database, ledger, "lane", "bulk", clock.now_ms())
    blank = NewPause(PauseOf.LANE, "bulk", " \x00 ")
    with pytest.raises(Invalid, match="reason"):
        await database.write(lambda unit: ledger.pauses.start(unit, blank, "user:ann"))
    monkeypatch.setattr(pausing, "MOST_PAUSES", 1)
    await pause(database, ledger, "lane", "bulk")
    with pytest.raises(Conflict):
        await pause(database, ledger, "lane", "bulk")


async def test_nothing_is_left_behind_when_claims_and_the_end_of_a_pause_race(
    database: Database, ledger: Ledger
) -> None:
    for _ in range(6):
        jobs = [NewJob("work", {}, lane=Lane.BULK) for _ in range(60)]
        await database.write(lambda unit, j=jobs: ledger.enqueue_plain(unit, j))
        it = await pause(database, ledger, "lane", "bulk")
        taken: list[str] = []

        async def work(name: str, taken: list[str]) -> None:
            for _ in range(4):
                for job in await claim(database, ledger, 8, f"boot/{name}"):
                    taken.append(job.id)
                    await end(database, ledger, job, Done())

        await asyncio.gather(
            work("a", taken), work("b", taken), resume(database, ledger, it), work("c", taken)
        )
        await database.write(ledger.sweep_expired)
        while got := await claim(database, ledger, 100):
            for job in got:
                taken.append(job.id)
                await end(database, ledger, job, Done())
        assert len(taken) == len(set(taken)) == 60
        held = await database.read(
            lambda unit: ledger.list(unit, JobFilter(state=JobState.WAITING))
        )
        assert held.items == ()


async def test_unknown_kinds_are_warned_of_once_an_hour(
    database: Database, ledger: Ledger, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "hookyard.core.jobs.strangers")

    async def said(**values: object) -> int:
        caplog.clear()
        for _ in range(3):
            await add(database, ledger, **values)
        assert await claim(database, ledger) == []
        return len(caplog.records)

    assert await said(kind="strange") == 1
    assert "strange (version 1)" in caplog.text
    assert await said(kind="strange") == 0
    assert await said(kind="stranger") == 1
    clock.advance(3_600)
    assert await said(kind="strange") == 1
