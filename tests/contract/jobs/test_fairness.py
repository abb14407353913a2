"""Fairness between the parties of a lane, on every engine."""

import asyncio
from collections import Counter

import pytest

from hookyard.adapters.database.port import Database, RawSql, Unit
from hookyard.core.jobs import store_fairness
from hookyard.core.jobs.fairness import FULL_CLAIMS
from hookyard.core.jobs.model import ClaimRequest, Done, Finished, Job, Lane, NewJob, Retry
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import ManualClock
from tests.contract.jobs import steps
from tests.contract.jobs.steps import claim, end

PARTY = RawSql.same("SELECT party, turn FROM jobs WHERE id = $1")
PARTIES = RawSql.same("SELECT lane, party, turn FROM job_parties ORDER BY lane, party")


async def add(db: Database, ledger: Ledger, **values: object) -> str:
    # why: only this lane may fill every slot, so a claim of ten brings ten.
    return await steps.add(db, ledger, **{"lane": Lane.CRITICAL, **values})


async def flood(db: Database, ledger: Ledger, party: str | None, count: int, **values) -> list[str]:
    wanted = {"lane": Lane.CRITICAL, "party": party, **values}
    jobs = [NewJob("work", {"of": party, "n": n}, **wanted) for n in range(count)]
    return list(await db.write(lambda unit: ledger.enqueue_plain(unit, jobs)))


async def done(db: Database, ledger: Ledger, jobs: list[Job]) -> None:
    ended = [Finished(job, Done()) for job in jobs]
    await db.write(lambda unit: ledger.finish_batch(unit, ended))


async def served(db: Database, ledger: Ledger, count: int) -> list[object]:
    """Whose the next jobs are, as one claim takes them."""
    jobs = await claim(db, ledger, count)
    await done(db, ledger, jobs)
    return [job.payload["of"] for job in jobs]


async def test_one_job_does_not_wait_for_anothers_thousand(
    database: Database, ledger: Ledger
) -> None:
    await flood(database, ledger, "campaign", 1000)
    assert await served(database, ledger, 5) == ["campaign"] * 5
    await add(database, ledger, payload={"of": "person"}, party="person")
    assert await served(database, ledger, 2) == ["person", "campaign"]


async def test_parties_with_backlogs_take_turns(database: Database, ledger: Ledger) -> None:
    for party in "abc":
        await flood(database, ledger, party, 12)
    for _ in range(4):
        assert Counter(await served(database, ledger, 9)) == {"a": 3, "b": 3, "c": 3}


async def test_a_latecomer_has_no_credit_for_the_time_it_was_away(
    database: Database, ledger: Ledger
) -> None:
    await flood(database, ledger, "early", 60)
    assert len(await served(database, ledger, 30)) == 30
    await flood(database, ledger, "late", 60)
    shares = Counter(await served(database, ledger, 20))
    assert shares["late"] - shares["early"] in (0, 1, 2)


async def test_a_partys_own_jobs_keep_their_order(database: Database, ledger: Ledger) -> None:
    ids = await flood(database, ledger, "a", 8)
    ids.append(await add(database, ledger, payload={"of": "a"}, party="a"))
    ids += await flood(database, ledger, "a", 3)
    assert [job.id for job in await claim(database, ledger, 20)] == ids


async def test_priority_goes_before_turns(database: Database, ledger: Ledger) -> None:
    await flood(database, ledger, "a", 5)
    await flood(database, ledger, "b", 5, priority=1)
    assert await served(database, ledger, 6) == ["b"] * 5 + ["a"]


async def test_a_job_belongs_to_its_repositorys_owner_unless_it_says_otherwise(
    database: Database, ledger: Ledger
) -> None:
    ids = [
        await add(database, ledger, repository="Octo/Garden"),
        await add(database, ledger, repository="octo/cellar"),
        await add(database, ledger, repository="octo/cellar", party="campaign:7"),
        await add(database, ledger),
    ]
    rows = [(await database.read(lambda unit, i=i: unit.fetch_raw(PARTY, i)))[0] for i in ids]
    assert rows == [("octo", 0), ("octo", 1), ("campaign:7", 0), (None, 0)]


async def test_a_flood_of_nobodys_work_does_not_shut_a_party_out(
    database: Database, ledger: Ledger
) -> None:
    await flood(database, ledger, "a", 6)
    await served(database, ledger, 1)
    await flood(database, ledger, None, 10 * FULL_CLAIMS)
    seen: list[object] = []
    for _ in range(6 * FULL_CLAIMS):
        await flood(database, ledger, None, 10)
        seen += await served(database, ledger, 10)
    assert seen.count("a") >= 4


async def test_work_of_nobody_moves_no_lane_and_leaves_no_row(
    database: Database, ledger: Ledger
) -> None:
    await flood(database, ledger, None, 40)
    await database.write(
        lambda unit: ledger.enqueue_for_deliveries(unit, NewJob("work", {}), ["d" * 26] * 3)
    )
    assert len(await claim(database, ledger, 100)) == 43
    assert await database.read(lambda unit: unit.fetch_raw(PARTIES)) == []


async def test_deliveries_start_at_the_turn_their_lane_is_at(
    database: Database, ledger: Ledger
) -> None:
    await flood(database, ledger, "a", 20)
    await served(database, ledger, 10)
    delivery = NewJob("work", {}, lane=Lane.CRITICAL)
    (plain,) = await database.write(
        lambda unit: ledger.enqueue_for_deliveries(unit, delivery, ["d" * 26])
    )
    (batch,) = await flood(database, ledger, None, 1)
    single = await add(database, ledger)
    assert [job.id for job in await claim(database, ledger, 3)] == [plain, batch, single]


async def test_what_becomes_ready_all_at_once_lines_up_behind_the_present(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    due_ms = clock.now_ms() + 5_000
    for n in range(20):
        key = f"k{n}" if n % 2 else None
        await add(database, ledger, payload={"of": "held"}, party="held", run_at_ms=due_ms, key=key)
    await flood(database, ledger, "present", 100)
    await served(database, ledger, 50)
    clock.advance(5)
    shares = Counter(await served(database, ledger, 20))
    assert abs(shares["held"] - shares["present"]) <= 2


async def test_a_retried_job_comes_after_what_its_party_has_ready(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    await flood(database, ledger, "a", 12)
    first, *others = await claim(database, ledger, 6)
    await done(database, ledger, others)
    await end(database, ledger, first, Retry("x", after_s=1))
    clock.advance(1)
    order = [job.id for job in await claim(database, ledger, 20)]
    assert order[-1] == first.id


async def test_replayed_jobs_do_not_jump_the_line(database: Database, ledger: Ledger) -> None:
    dead = await flood(database, ledger, "a", 10)
    await done(database, ledger, await claim(database, ledger, 10))
    await flood(database, ledger, "b", 40)
    await served(database, ledger, 30)
    for job_id in dead:
        await database.write(lambda unit, j=job_id: ledger.replay(unit, j))
    shares = Counter(await served(database, ledger, 10))
    assert shares["b"] >= 4


async def test_lanes_do_not_share_turns(database: Database, ledger: Ledger) -> None:
    await flood(database, ledger, "a", 50, lane=Lane.BULK)
    await served(database, ledger, 20)
    await add(database, ledger, party="a", payload={"of": "a"}, lane=Lane.HIGH)
    rows = await database.read(lambda unit: unit.fetch_raw(PARTIES))
    assert ("high", "a", 0) in rows


async def test_parties_that_are_served_are_forgotten(database: Database, ledger: Ledger) -> None:
    for n in range(5):
        await add(database, ledger, party=f"p{n}", payload={"of": n})
    await flood(database, ledger, "big", 20)
    await served(database, ledger, 15)
    assert len(await database.read(lambda unit: unit.fetch_raw(PARTIES))) == 7
    assert await database.write(store_fairness.tidy) == 5
    await add(database, ledger, party="p0", payload={"of": "p0"})
    assert "p0" in await served(database, ledger, 2)


async def test_requests_for_one_party_at_once_lose_no_job(
    database: Database, ledger: Ledger
) -> None:
    async def ask(n: int) -> None:
        for _ in range(10):
            await add(database, ledger, party=f"p{n % 2}", payload={"of": n % 2})

    await asyncio.gather(*(ask(n) for n in range(6)))
    shares = Counter(await served(database, ledger, 100))
    assert shares == {0: 30, 1: 30}


async def test_a_rolled_back_claim_leaves_the_lane_where_it_was(
    database: Database, ledger: Ledger
) -> None:
    await flood(database, ledger, "a", 30)
    before = ledger.fairness._seen.copy()

    def fails(unit: Unit) -> None:
        assert ledger.claim(unit, ClaimRequest("boot/a", 10, {}, {})).jobs
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await database.write(fails)
    assert ledger.fairness._seen == before
    assert len(await served(database, ledger, 10)) == 10
    await add(database, ledger, party="b", payload={"of": "b"})
    assert (await served(database, ledger, 1)) == ["b"]
