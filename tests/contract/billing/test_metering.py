"""What is used is counted once, with what uses it, for the project of that moment."""

import asyncio

import pytest

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.github.report import CallReport
from hookyard.core.blobs.model import Weighed
from hookyard.core.identity.authenticate import ADMIN
from hookyard.core.jobs.model import Done, Fail, Finished, Retry
from hookyard.core.repositories import store as inventory
from hookyard.core.repositories.model import Repository
from hookyard.core.tokens.model import Mint, MintState, Scope
from hookyard.features.billing.model import Period
from hookyard.features.billing.upkeep import Upkeep
from hookyard.features.billing.usage import UsageQuery
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import StaleLease, Unavailable
from hookyard.kit.ids import IdMaker
from tests.contract.billing.conftest import HERE, Office, make_office

MINUTE = 60_000


def report(repository: str = HERE) -> CallReport:
    return CallReport("GET", "/r", 200, 1.0, None, None, None, "", "", 1, repository)


async def test_jobs_and_minutes_commit_with_the_end_of_the_job(office: Office) -> None:
    project = await office.project()
    await office.work(90)
    await office.work(30, kind="read")
    await office.work(5, repository="other/site")
    await office.work(5, repository=None)
    for period in Period:
        assert await office.totals(project, period) == {"jobs": 2, "minutes": 2 * MINUTE}


async def test_many_ends_in_one_unit_are_counted_each(office: Office) -> None:
    project = await office.project()
    for _ in range(20):
        await office.add()
    jobs = await office.claim()
    office.clock.advance(1)
    finished = [Finished(job, Done()) for job in jobs]
    await office.database.write(lambda unit: office.ledger.finish_batch(unit, finished))
    await office.database.write(lambda unit: office.ledger.finish_batch(unit, finished))
    assert await office.totals(project) == {"jobs": 20, "minutes": 20_000}


async def test_every_attempt_takes_minutes_and_only_the_end_is_a_job(office: Office) -> None:
    project = await office.project()
    await office.add()
    for ending in (Retry("no", 0), Fail("never")):
        (job,) = await office.claim()
        office.clock.advance(60)
        await office.database.write(
            lambda unit, j=job, e=ending: office.ledger.finish(unit, j, e)  # type: ignore[misc]
        )
    assert await office.totals(project) == {"jobs": 1, "minutes": 2 * MINUTE}


async def test_a_lost_attempt_took_its_lease_and_no_more(office: Office) -> None:
    project = await office.project()
    await office.add()
    (job,) = await office.claim("dead/w")
    office.clock.advance(3_600)
    await office.database.write(office.ledger.sweep_expired)
    assert await office.totals(project) == {"minutes": MINUTE}
    with pytest.raises(StaleLease):
        await office.end(job)
    assert await office.totals(project) == {"minutes": MINUTE}


async def test_what_is_not_recorded_is_not_counted(office: Office) -> None:
    project = await office.project()
    await office.add()
    (job,) = await office.claim()
    office.clock.advance(60)

    def broken(unit: Unit) -> None:
        office.ledger.finish(unit, job, Done())
        raise RuntimeError("the unit fails")

    with pytest.raises(RuntimeError):
        await office.database.write(broken)
    assert await office.totals(project) == {}
    await office.end(job)
    assert await office.totals(project) == {"jobs": 1, "minutes": MINUTE}


async def test_ends_at_the_same_moment_are_all_counted(office: Office) -> None:
    project = await office.project()
    for _ in range(30):
        await office.add()
    jobs = await office.claim()
    office.clock.advance(2)
    await asyncio.gather(*(office.end(job) for job in jobs))
    assert await office.totals(project) == {"jobs": 30, "minutes": 60_000}


async def test_use_stays_with_the_project_it_was_for(office: Office) -> None:
    first = await office.project(name="First")
    await office.work()
    (binding,) = (
        await office.database.read(lambda u: office.projects.bindings(u, ADMIN, first.id, None, 9))
    ).items
    await office.database.write(lambda u: office.projects.unbind(u, ADMIN, first.id, binding.id))
    second = await office.project(name="Second")
    await office.work()
    await office.work()
    assert (await office.totals(first))["jobs"] == 1
    assert (await office.totals(second))["jobs"] == 2


async def test_a_repository_keeps_its_project_under_another_name(office: Office) -> None:
    known = Repository(7, HERE, 1, private=False, default_branch="main", archived=False,
                       removed_at_ms=None, updated_at_ms=0)  # fmt: skip
    await office.database.write(lambda unit: inventory.save_repository(unit, None, known))
    project = await office.project()
    renamed = Repository(7, "acme/store", 1, private=False, default_branch="main", archived=False,
                         removed_at_ms=None, updated_at_ms=1)  # fmt: skip
    await office.database.write(lambda unit: inventory.save_repository(unit, known, renamed))
    office.clock.advance(60)
    await office.work(1, repository="ACME/store")
    await office.work(1, repository=HERE)
    assert (await office.totals(project))["jobs"] == 2


async def test_another_process_hears_of_a_binding_or_finds_it_soon(
    office: Office, database: Database, clock: ManualClock, ids: IdMaker
) -> None:
    other = make_office(database, clock, ids)
    await other.work()
    project = await office.project()
    clock.advance(11)
    await other.work(1)
    assert (await office.totals(project))["jobs"] == 1


async def test_calls_are_written_now_and_then(office: Office) -> None:
    project = await office.project()
    for _ in range(3):
        office.metering.called(report())
    office.metering.called(report("other/site"))
    office.metering.called(report(""))
    assert await office.totals(project) == {}
    await office.metering.flush(office.database)
    await office.metering.flush(office.database)
    assert await office.totals(project) == {"api_calls": 3}


class Away:
    """A database that cannot be reached."""

    async def write(self, work: object) -> None:
        raise Unavailable


async def test_calls_that_could_not_be_written_are_kept(office: Office) -> None:
    project = await office.project()
    office.metering.called(report())
    await office.metering.flush(Away())  # type: ignore[arg-type]
    office.metering.called(report())
    await office.metering.flush(office.database)
    assert await office.totals(project) == {"api_calls": 2}


async def test_calls_of_endless_repositories_take_bounded_memory(office: Office) -> None:
    for number in range(20_000):
        office.metering.called(report(f"acme/{number}"))
    assert len(office.metering._calls) == 10_000


async def test_a_mint_counts_once_for_each_project_it_is_for(office: Office) -> None:
    project = await office.project()
    mints = [
        Mint(f"m{number}", "default", MintState.MINTED, "1", 1, "Acme", "system:x", "",
             Scope(repositories=names), "", 0)
        for number, names in enumerate([("shop", "shop"), ("site",), None])
    ]  # fmt: skip

    def minted(unit: Unit) -> None:
        for mint in mints:
            office.metering.minted(unit, mint)

    await office.database.write(minted)
    assert await office.totals(project) == {"mints": 1}


async def test_storage_is_measured_once_a_day_and_its_peak_is_the_months(office: Office) -> None:
    project = await office.project()
    stored = {HERE: 500, "other/site": 70, "": 9}
    asked = 0

    def weigh(unit: Unit, after: str) -> Weighed:
        nonlocal asked
        asked += 1
        return Weighed({HERE: 0}, "more") if not after else Weighed(stored, None)

    upkeep = Upkeep(office.books, office.stops, office.clock, [weigh])
    await upkeep.turn(office.database)
    await upkeep.turn(office.database)
    assert asked == 2
    assert await office.totals(project, Period.DAY) == {"storage": 500}
    office.clock.advance(86_400)
    stored[HERE] = 300
    await upkeep.turn(office.database)
    assert await office.totals(project, Period.MONTH) == {"storage": 500}
    today = UsageQuery(project.id, period=Period.DAY)
    page = await office.database.read(lambda unit: office.usage.page(unit, ADMIN, today, None, 200))
    assert [one.amount for one in page.items] == [500, 300]


async def test_sums_come_in_pages_that_miss_nothing(office: Office) -> None:
    project = await office.project()
    for _ in range(5):
        await office.work(60)
        office.metering.called(report())
        await office.metering.flush(office.database)
        office.clock.advance(86_400)
    asked = UsageQuery(project.id)
    found: list[object] = []
    cursor: str | None = None
    while True:
        page = await office.database.read(
            lambda unit, at=cursor: office.usage.page(unit, ADMIN, asked, at, 4)  # type: ignore[misc]
        )
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(found) == len(set(found)) == 15
