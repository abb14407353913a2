"""Outside agents on each engine: what they are given, in which order, under which limits."""

import asyncio
from collections.abc import Mapping

import pytest

from hookyard.adapters.database.port import Database
from hookyard.core.identity.model import Scope
from hookyard.core.jobs import store_leases
from hookyard.core.jobs.leases import Leases
from hookyard.core.jobs.leases_model import Agent, Ask, LeaseLimits, Taken
from hookyard.core.jobs.model import JobState, KeyPolicy, Lane, Retry, WaitingFor
from hookyard.core.jobs.pauses_model import NewPause, PauseOf
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Forbidden, NotFound, StaleLease
from tests.contract.jobs.steps import add, claim, get

assert store_leases.SLOTS is not None
AGENT = Agent("k1", "one", (Scope(),))
OTHER = Agent("k2", "two", (Scope(),))


@pytest.fixture
def leases(ledger: Ledger) -> Leases:
    return Leases(ledger, LeaseLimits(per_key=5, per_owner=3), frozenset({"once"}))


async def lease(
    db: Database,
    leases: Leases,
    count: int = 10,
    agent: Agent = AGENT,
    kinds: tuple[str, ...] = ("paint",),
    lanes: tuple[Lane, ...] = tuple(Lane),
    credit: Mapping[Lane, int] | None = None,
) -> Taken:
    ask = Ask(kinds, lanes, count, 60.0)
    return await db.write(lambda unit: leases.claim(unit, agent, ask, credit or {}))


async def test_a_job_nobody_parked_and_one_that_was_are_both_leased(
    database: Database, ledger: Ledger, leases: Leases
) -> None:
    parked = await add(database, ledger, kind="paint")
    assert await claim(database, ledger) == []
    assert (await get(database, ledger, parked)).waiting_for == WaitingFor("kind", "paint")
    fresh = await add(database, ledger, kind="paint")
    taken = await lease(database, leases)
    assert {job.id for job in taken.jobs} == {parked, fresh}
    for job in taken.jobs:
        assert (job.state, job.attempt, job.worker) == (JobState.RUNNING, 1, "agent:k1/one")
        assert job.waiting_for is None
    assert next(job.lease for job in taken.jobs if job.id == parked) == 2
    assert (await lease(database, leases, agent=OTHER)).jobs == ()


async def test_other_kinds_and_lanes_are_left_alone(
    database: Database, ledger: Ledger, leases: Leases
) -> None:
    await add(database, ledger, kind="dig")
    await add(database, ledger, kind="paint", lane=Lane.BULK)
    assert (await lease(database, leases, lanes=(Lane.HIGH, Lane.DEFAULT))).jobs == ()
    assert [job.kind for job in (await lease(database, leases)).jobs] == ["paint"]


async def test_lanes_come_by_weight_and_priority_goes_first(
    database: Database, ledger: Ledger, leases: Leases
) -> None:
    for lane in (Lane.BULK, Lane.CRITICAL):
        for _ in range(12):
            await add(database, ledger, kind="paint", lane=lane)
    urgent = await add(database, ledger, kind="paint", lane=Lane.CRITICAL, priority=9)
    roomy = Leases(ledger, LeaseLimits(per_key=100, per_owner=100))
    credit: Mapping[Lane, int] = {}
    lanes: list[Lane] = []
    for turn in range(10):
        taken = await lease(database, roomy, 1, credit=credit)
        credit = taken.credit
        lanes.append(taken.jobs[0].lane)
        assert turn or taken.jobs[0].id == urgent
    assert lanes.count(Lane.BULK) == 1
    many = await lease(database, roomy, 9, credit={})
    assert [job.lane for job in many.jobs].count(Lane.BULK) == 5


async def test_a_party_with_many_jobs_does_not_shut_out_one_with_few(
    database: Database, ledger: Ledger
) -> None:
    roomy = Leases(ledger, LeaseLimits(per_key=100, per_owner=100))
    for _ in range(20):
        await add(database, ledger, kind="paint", repository="many/a")
    await lease(database, roomy, 5)
    few = await add(database, ledger, kind="paint", repository="few/b")
    assert few in {job.id for job in (await lease(database, roomy, 2)).jobs}


async def test_jobs_of_one_key_never_overlap(
    database: Database, ledger: Ledger, leases: Leases, clock: ManualClock
) -> None:
    first = await add(database, ledger, kind="paint", key="r#1")
    second = await add(database, ledger, kind="paint", key="r#1")
    taken = await lease(database, leases)
    assert [job.id for job in taken.jobs] == [first]
    held = (await get(database, ledger, second)).waiting_for
    assert held is not None
    assert held.what == "key"
    job = taken.jobs[0]
    await database.write(lambda unit: leases.fail(unit, AGENT, job.id, job.lease, Retry("no", 5)))
    assert (await lease(database, leases)).jobs == ()
    clock.advance(6)
    await claim(database, ledger)
    assert [job.id for job in (await lease(database, leases)).jobs] == [first]


async def test_parked_job_is_not_taken_while_another_has_the_turn_of_its_key(
    database: Database, ledger: Ledger, leases: Leases, clock: ManualClock
) -> None:
    earlier = await add(
        database, ledger, kind="polite", key="r#1", run_at_ms=clock.now_ms() + 10_000
    )
    parked = await add(database, ledger, kind="paint", key="r#1")
    assert await claim(database, ledger) == []
    assert (await get(database, ledger, parked)).waiting_for == WaitingFor("kind", "paint")
    clock.advance(11)
    assert [job.id for job in await claim(database, ledger)] == [earlier]
    assert (await lease(database, leases)).jobs == ()


async def test_newest_supersedes_what_an_agent_runs(
    database: Database, ledger: Ledger, leases: Leases
) -> None:
    await add(database, ledger, kind="paint", key="r#1", policy=KeyPolicy.CANCEL_RUNNING)
    (old,) = (await lease(database, leases)).jobs
    await add(database, ledger, kind="paint", key="r#1", policy=KeyPolicy.CANCEL_RUNNING)
    beat = await database.write(lambda unit: leases.heartbeat(unit, AGENT, old.id, old.lease))
    assert beat.cancel_requested
    assert (await lease(database, leases)).jobs == ()
    ended = await database.write(
        lambda unit: leases.fail(unit, AGENT, old.id, old.lease, Retry("stopped"))
    )
    assert ended.job.state is JobState.CANCELLED
    assert len((await lease(database, leases)).jobs) == 1


async def test_key_has_so_many_leases_and_a_slot_comes_back(
    database: Database, ledger: Ledger, leases: Leases
) -> None:
    for _ in range(7):
        await add(database, ledger, kind="paint")
    taken = await lease(database, leases)
    assert len(taken.jobs) == 5
    assert taken.held_by == "this key has 5 of 5 leases"
    assert (await lease(database, leases)).jobs == ()
    own = Agent("k3", "own", (Scope(),), max_leases=1)
    assert len((await lease(database, leases, agent=own)).jobs) == 1
    job = taken.jobs[2]
    await database.write(lambda unit: leases.fail(unit, AGENT, job.id, job.lease, Retry("x", 99)))
    assert len((await lease(database, leases)).jobs) == 1


async def test_lost_leases_give_their_slots_back(
    database: Database, ledger: Ledger, leases: Leases, clock: ManualClock
) -> None:
    for _ in range(5):
        await add(database, ledger, kind="paint", max_attempts=2)
    first = await lease(database, leases)
    assert len(first.jobs) == 5
    clock.advance(61)
    assert len(await database.write(ledger.sweep_expired)) == 5
    again = await lease(database, leases)
    assert [job.attempt for job in again.jobs] == [2] * 5
    old = first.jobs[0]
    with pytest.raises(StaleLease):
        await database.write(lambda unit: leases.heartbeat(unit, AGENT, old.id, old.lease))
    clock.advance(61)
    await database.write(ledger.sweep_expired)
    assert (await get(database, ledger, old.id)).state is JobState.DEAD


async def test_owner_over_its_limit_lets_others_go_and_says_what_it_waits_for(
    database: Database, ledger: Ledger, leases: Leases
) -> None:
    busy = [await add(database, ledger, kind="paint", repository="Octo/a") for _ in range(30)]
    other = await add(database, ledger, kind="paint", repository="acme/b")
    taken = await lease(database, leases, 5)
    assert [job.repository for job in taken.jobs].count("Octo/a") == 3
    assert other in {job.id for job in taken.jobs}
    waiting = [(await get(database, ledger, job_id)).waiting_for for job_id in busy]
    assert WaitingFor("limit", "agents of octo") in waiting
    mine = next(job for job in taken.jobs if job.repository == "Octo/a")
    await database.write(lambda unit: leases.fail(unit, AGENT, mine.id, mine.lease, Retry("x", 9)))
    await claim(database, ledger)
    assert [job.repository for job in (await lease(database, leases)).jobs] == ["Octo/a"]


async def test_slots_lost_unseen_are_mended(
    database: Database, ledger: Ledger, leases: Leases, clock: ManualClock
) -> None:
    for _ in range(4):
        await add(database, ledger, kind="paint", repository="octo/a", max_attempts=1)
    assert len((await lease(database, leases)).jobs) == 3
    clock.advance(61)
    await database.write(ledger.sweep_expired)
    assert (await lease(database, leases)).jobs == ()
    await database.write(leases.mend)
    await claim(database, ledger)
    assert len((await lease(database, leases)).jobs) == 1


async def test_pauses_hold_agents_too(database: Database, ledger: Ledger, leases: Leases) -> None:
    paused = await add(database, ledger, kind="paint", repository="octo/a")
    free = await add(database, ledger, kind="paint", repository="acme/b")
    wanted = NewPause(PauseOf.REPOSITORY, "octo/a", "maintenance")
    pause = await database.write(lambda unit: ledger.pauses.start(unit, wanted, "test"))
    assert [job.id for job in (await lease(database, leases)).jobs] == [free]
    held = (await get(database, ledger, paused)).waiting_for
    assert held is not None
    assert held.what == "pause"
    await database.write(lambda unit: ledger.pauses.end(unit, pause.id))
    await database.write(lambda unit: ledger.pauses.let_go(unit, pause))
    await claim(database, ledger)
    assert [job.id for job in (await lease(database, leases)).jobs] == [paused]


async def test_narrow_key_gets_and_sees_its_scope_only(
    database: Database, ledger: Ledger, leases: Leases
) -> None:
    theirs = await add(database, ledger, kind="paint", repository="octo-x/a")
    await add(database, ledger, kind="paint")
    ours = await add(database, ledger, kind="paint", repository="Octo/Garden")
    repo = Agent("k4", "repo", (Scope.of_repository("octo/garden"),))
    org = Agent("k5", "org", (Scope.of_org("octo-x"),))
    (job,) = (await lease(database, leases, agent=repo)).jobs
    assert job.id == ours
    assert [job.id for job in (await lease(database, leases, agent=org)).jobs] == [theirs]
    with pytest.raises(NotFound):
        await database.write(lambda unit: leases.heartbeat(unit, org, ours, job.lease))
    with pytest.raises(StaleLease):
        await database.write(lambda unit: leases.heartbeat(unit, AGENT, ours, job.lease))


async def test_restrictions_are_refused_with_a_reason(leases: Leases) -> None:
    made = Agent("k6", "made", (Scope(),), ("paint", "work"), (Lane.BULK,))
    leases.check(made, Ask(("paint", "work"), (Lane.BULK,), 1, 60))
    for agent, kind, lane, reason in (
        (AGENT, "once", Lane.BULK, "never leased out"),
        (AGENT, "work", Lane.BULK, "workers here do work"),
        (made, "dig", Lane.BULK, "leases only paint, work"),
        (made, "paint", Lane.HIGH, "from the lanes bulk"),
    ):
        with pytest.raises(Forbidden, match=reason):
            leases.check(agent, Ask((kind,), (lane,), 1, 60))


async def test_attempt_ends_when_its_time_is_over(
    database: Database, ledger: Ledger, leases: Leases, clock: ManualClock
) -> None:
    job_id = await add(database, ledger, kind="paint", timeout_s=90.0)
    (job,) = (await lease(database, leases)).jobs
    start = clock.now_ms()
    clock.advance(50)
    beat = await database.write(lambda unit: leases.heartbeat(unit, AGENT, job_id, job.lease))
    assert beat.heartbeat_by_ms == start + 90_000
    clock.advance(40)
    beat = await database.write(lambda unit: leases.heartbeat(unit, AGENT, job_id, job.lease))
    assert beat.ended is not None
    now = await get(database, ledger, job_id)
    assert now.state is JobState.WAITING
    assert now.error == {"code": "timeout", "reason": "it ran longer than 90 s", "attempt": 1}


async def test_restart_of_the_server_leaves_agents_alone(
    database: Database, ledger: Ledger, leases: Leases
) -> None:
    await add(database, ledger, kind="paint")
    await add(database, ledger)
    await claim(database, ledger, worker="old-boot/a")
    (job,) = (await lease(database, leases)).jobs
    lost = await database.write(lambda unit: ledger.recover_worker_loss(unit, "new-boot"))
    assert job.id not in lost
    assert len(lost) == (1 if database.dialect == "sqlite" else 0)
    await database.write(lambda unit: leases.heartbeat(unit, AGENT, job.id, job.lease))


async def test_many_agents_at_once_share_without_overlap(
    database: Database, ledger: Ledger
) -> None:
    roomy = Leases(ledger, LeaseLimits(per_key=7, per_owner=9))
    for number in range(60):
        await add(
            database, ledger, kind="paint", repository=f"o{number % 4}/r", key=f"k{number % 30}"
        )
    agents = [Agent(f"a{number}", "many", (Scope(),)) for number in range(8)]
    taken = await asyncio.gather(
        *(lease(database, roomy, 2, agent) for agent in agents for _ in range(6))
    )
    jobs = [job for batch in taken for job in batch.jobs]
    assert len({job.id for job in jobs}) == len(jobs) > 0
    assert len({job.key for job in jobs}) == len(jobs)
    for agent in agents:
        assert sum(job.worker == agent.worker for job in jobs) <= 7
    for number in range(4):
        assert sum(job.repository == f"o{number}/r" for job in jobs) <= 9


async def test_claim_walks_the_offers_of_its_kind_alone(database: Database, ledger: Ledger) -> None:
    if database.dialect != "sqlite":
        pytest.skip("the plan of SQLite")
    for kind, query in store_leases._FIND.items():
        name = () if kind.value == "tenant" else ("octo",)
        rows = await database.read(
            lambda unit, q=query, n=name: unit.fetch_raw(  # type: ignore[misc]
                type(q).same(f"EXPLAIN QUERY PLAN {q.sqlite}"), "paint", "high", 5, *n
            )
        )
        plan = " | ".join(str(row[-1]) for row in rows)
        assert "ix_jobs_offer (kind=? AND lane=?)" in plan
        assert "TEMP B-TREE" not in plan
