"""Cron jobs on every engine: each due time once, whoever ticks."""

import asyncio

import pytest

from hookyard.adapters.database.port import Database
from hookyard.core.jobs.cron import Cron, CronSpec, next_after
from hookyard.core.jobs.model import ClaimRequest, Done, Finished, Lane
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import ManualClock, from_rfc3339
from hookyard.kit.errors import ConfigurationError

HOURLY = CronSpec("tidy", "0 * * * *", "work", {"days": 30}, Lane.BULK)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(from_rfc3339("2026-03-01T10:30:00Z"))


def test_next_after_is_strictly_later_and_in_utc() -> None:
    ten = from_rfc3339("2026-03-01T10:00:00Z")
    assert next_after("0 * * * *", ten) == from_rfc3339("2026-03-01T11:00:00Z")
    assert next_after("0 0 29 2 *", ten) == from_rfc3339("2028-02-29T00:00:00Z")


@pytest.mark.parametrize("wrong", ["", "* * *", "61 * * * *", "0 0 31 2 *", "every day"])
def test_an_expression_that_never_matches_stops_the_start(wrong: str) -> None:
    with pytest.raises(ConfigurationError):
        next_after(wrong, 0)


def test_names_are_unique(ledger: Ledger, clock: ManualClock) -> None:
    with pytest.raises(ConfigurationError):
        Cron(ledger, [HOURLY, HOURLY], clock)


async def test_due_once_whoever_ticks(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    cron = Cron(ledger, [HOURLY], clock)
    await database.write(cron.sync)
    tick = lambda unit: cron.tick(unit, clock.now_ms())  # noqa: E731
    assert list(await database.write(tick)) == []
    clock.advance(1800)
    fired = await asyncio.gather(*(database.write(tick) for _ in range(5)))
    (job_id,) = [job_id for ids in fired for job_id in ids]
    job = await database.read(lambda unit: ledger.get(unit, job_id))
    assert (job.kind, job.payload, job.lane) == ("work", {"days": 30}, Lane.BULK)


async def test_missed_ticks_collapse_and_an_unfinished_run_takes_the_next_in(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    overlapping = CronSpec("eager", "30 * * * *", "once", overlaps=True)
    cron = Cron(ledger, [HOURLY, overlapping], clock)
    await database.write(cron.sync)
    tick = lambda unit: cron.tick(unit, clock.now_ms())  # noqa: E731
    clock.advance(5 * 3600)
    first = list(await database.write(tick))
    assert len(first) == 2
    clock.advance(3600)
    again = list(await database.write(tick))
    assert first[1] == again[1]
    assert first[0] != again[0]
    request = ClaimRequest("boot/a", 10, {}, {})
    jobs = (await database.write(lambda unit: ledger.claim(unit, request))).jobs
    assert sorted(job.kind for job in jobs) == ["once", "once", "work"]
    ended = [Finished(job, Done()) for job in jobs]
    await database.write(lambda unit: ledger.finish_batch(unit, ended))
    clock.advance(3600)
    assert len(list(await database.write(tick))) == 2


async def test_sync_follows_the_code(
    database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    tick = lambda unit: Cron(ledger, [], clock).tick(unit, clock.now_ms())  # noqa: E731
    await database.write(Cron(ledger, [HOURLY], clock).sync)
    await database.write(Cron(ledger, [HOURLY], clock).sync)
    daily = CronSpec("tidy", "0 0 * * *", "once")
    await database.write(Cron(ledger, [daily], clock).sync)
    clock.advance(3600)
    assert list(await database.write(tick)) == []
    clock.advance(13 * 3600)
    (job_id,) = await database.write(tick)
    assert (await database.read(lambda unit: ledger.get(unit, job_id))).kind == "once"
    await database.write(Cron(ledger, [], clock).sync)
    clock.advance(48 * 3600)
    assert list(await database.write(tick)) == []
