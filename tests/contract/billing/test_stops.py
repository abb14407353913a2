"""A used up budget holds new work of agents, says so, and lets it go again."""

import asyncio
from dataclasses import replace

import pytest

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.authenticate import ADMIN
from hookyard.core.jobs.explain import explain
from hookyard.core.jobs.model import JobState
from hookyard.core.jobs.pauses_model import NewPause, PauseOf
from hookyard.features.billing.model import Mark, Meter, Period, ProjectChange
from hookyard.features.billing.upkeep import Upkeep
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Conflict, Invalid
from hookyard.kit.ids import IdMaker
from tests.contract.billing.conftest import HERE, Office, budget, make_office


async def raise_to(office: Office, project_id: str, *budgets: object) -> None:
    change = ProjectChange(budgets=budgets)  # type: ignore[arg-type]
    await office.database.write(lambda u: office.projects.change(u, ADMIN, project_id, change))


async def settled(office: Office) -> None:
    """What the worker's loop does each second."""
    await office.database.write(office.ledger.sweep_expired)


async def test_new_work_waits_by_name_and_goes_on_when_raised(office: Office) -> None:
    project = await office.project(budget(2))
    for _ in range(2):
        await office.work()
    held = await office.add()
    assert await office.claim() == []
    job = await office.shown(held)
    assert job.state is JobState.WAITING
    assert job.attempt == 0
    waiting = job.waiting_for
    assert waiting is not None
    assert waiting.what == "budget"
    words = "budget: project Shop has used 2 of 2 jobs in November; until 2023-12-01 or raise it"
    assert waiting.holder is not None
    assert waiting.holder.startswith(words)
    assert waiting.until_ms == 1_701_388_800_000
    told = await office.database.read(lambda u: explain(u, job, office.clock.now_ms()))
    assert told.why.startswith(f"It waits until 2023-12-01T00:00:00.000Z, held by a {words}")
    await raise_to(office, project.id, budget(3))
    (again,) = await office.claim()
    assert (again.id, again.attempt) == (held, 1)


async def test_what_was_delivered_or_done_is_never_held(office: Office) -> None:
    await office.project(budget(1))
    await office.work()
    free = [await office.add(kind) for kind in ("route", "land", "read")]
    free += [await office.add("paint", "other/site"), await office.add("paint", None)]
    await office.add()
    assert sorted(job.id for job in await office.claim()) == sorted(free)


async def test_what_runs_goes_on_to_its_end(office: Office) -> None:
    project = await office.project(budget(1))
    await office.add()
    await office.add()
    first, second = await office.claim()
    await office.end(first)
    await office.end(second)
    assert (await office.totals(project))["jobs"] == 2


async def test_work_goes_on_by_itself_when_the_period_is_over(office: Office) -> None:
    await office.project(budget(1, period=Period.DAY))
    await office.work()
    held = await office.add()
    assert await office.claim() == []
    office.clock.advance(86_400)
    (job,) = await office.claim()
    assert job.id == held
    office.clock.advance(1)
    await office.end(job)
    await settled(office)
    last = await office.add()
    assert await office.claim() == []
    words = (await office.shown(last)).waiting_for
    assert words is not None
    assert "1 of 1 jobs on 2023-11-15; until 2023-11-16" in (words.holder or "")


async def test_the_longest_of_several_budgets_holds(office: Office) -> None:
    project = await office.project(budget(1, period=Period.DAY), budget(1))
    await office.work()
    held = await office.add()
    assert await office.claim() == []
    waiting = (await office.shown(held)).waiting_for
    assert waiting is not None
    assert "in November" in (waiting.holder or "")
    await raise_to(office, project.id, budget(1, period=Period.DAY), budget(9))
    assert await office.claim() == []
    waiting = (await office.shown(held)).waiting_for
    assert waiting is not None
    assert "on 2023-11-14" in (waiting.holder or "")


async def test_minutes_stop_work_too_and_a_soft_budget_never(office: Office) -> None:
    hard = budget(60_000, Meter.MINUTES)
    soft = replace(budget(1), hard=False)
    await office.project(soft, hard)
    await office.work(59)
    await office.work(1)
    await office.add()
    assert await office.claim() == []
    assert [(n.mark, n.title) for n in office.notices] == [
        (Mark.WARNED, "Project Shop: a budget is nearly used up"),
        (Mark.WARNED, "Project Shop: a budget is nearly used up"),
        (Mark.STOPPED, "Project Shop: a budget is used up"),
    ]
    assert "1 of 1 minutes" in office.notices[-1].body


async def test_people_are_told_once(office: Office) -> None:
    await office.project(budget(10))
    for _ in range(10):
        await office.work(1)
    assert [notice.mark for notice in office.notices] == [Mark.WARNED, Mark.STOPPED]


async def test_a_repository_that_leaves_takes_its_jobs_along(office: Office) -> None:
    project = await office.project(budget(1), bind="acme/*")
    await office.work()
    leaves, stays = await office.add(), await office.add("paint", "acme/site")
    assert await office.claim() == []
    other = await office.project(name="Other", bind=HERE)
    (job,) = await office.claim()
    assert job.id == leaves
    waiting = (await office.shown(stays)).waiting_for
    assert waiting is not None
    assert waiting.what == "budget"
    await office.database.write(lambda u: office.projects.archive(u, ADMIN, project.id))
    (job,) = await office.claim()
    assert job.id == stays
    assert other.id != project.id


async def test_lowering_a_budget_stops_at_once_and_removing_it_frees(office: Office) -> None:
    project = await office.project(budget(100))
    await office.work()
    await raise_to(office, project.id, budget(1))
    await office.add()
    assert await office.claim() == []
    await raise_to(office, project.id)
    assert len(await office.claim()) == 1


async def test_no_person_ends_it_and_other_pauses_still_hold(office: Office) -> None:
    await office.project(budget(1))
    await office.work()
    pause = NewPause(PauseOf.REPOSITORY, HERE, "by hand")
    await office.database.write(lambda u: office.ledger.pauses.start(u, pause, "user:a"))
    await office.add("read")
    held = await office.add()
    assert await office.claim() == []
    waiting = (await office.shown(held)).waiting_for
    assert waiting is not None
    assert waiting.what == "pause"


async def test_budgets_leave_room_for_pauses_of_people(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookyard.core.jobs.pauses.MOST_PAUSES", 1)
    await office.project(budget(0), budget(0, Meter.MINTS))
    for number in range(2):
        await office.project(budget(0), name=f"P{number}", bind=f"acme/{number}")
    upkeep = Upkeep(office.books, office.stops, office.clock, [])
    await upkeep.turn(office.database)
    pause = NewPause(PauseOf.REPOSITORY, HERE, "by hand")
    await office.database.write(lambda u: office.ledger.pauses.start(u, pause, "user:a"))
    with pytest.raises(Conflict):
        await office.database.write(lambda u: office.ledger.pauses.start(u, pause, "user:a"))
    assert len(await office.database.read(office.ledger.pauses.active)) == 5


async def test_two_processes_at_once_stop_it_once(
    office: Office, database: Database, clock: ManualClock, ids: IdMaker
) -> None:
    other = make_office(database, clock, ids)
    await office.project(budget(10))
    for _ in range(20):
        await office.add()
    jobs = await office.claim()
    clock.advance(1)
    ends = [(office if n % 2 else other).end(job) for n, job in enumerate(jobs)]
    await asyncio.gather(*ends)
    active = await database.read(office.ledger.pauses.active)
    assert [pause.what for pause in active] == [PauseOf.BUDGET]
    marks = [notice.mark for notice in (*office.notices, *other.notices)]
    assert sorted(marks) == [Mark.STOPPED, Mark.WARNED]


async def test_what_a_crash_left_is_mended_by_the_duty(office: Office) -> None:
    await office.project(budget(1))
    office.stops.check = lambda unit, project_ids: None  # type: ignore[method-assign]
    await office.work()
    del office.stops.check
    held = await office.add()
    await Upkeep(office.books, office.stops, office.clock, []).turn(office.database)
    assert await office.claim() == []
    assert (await office.shown(held)).waiting_for is not None


@pytest.mark.parametrize("pattern", ["acme", "*/x", "acme/a/b", "acme/**"])
async def test_a_pattern_that_names_no_repositories_is_refused(
    office: Office, pattern: str
) -> None:
    project = await office.project(bind="")

    def bind(unit: Unit) -> None:
        office.projects.bind(unit, ADMIN, project.id, pattern)

    with pytest.raises(Invalid):
        await office.database.write(bind)


async def test_a_repository_is_bound_once(office: Office) -> None:
    project = await office.project()
    with pytest.raises(Conflict) as refused:
        await office.project(name="Other", bind="Acme/SHOP")
    assert refused.value.problem_code == "already_bound"
    again = await office.database.write(
        lambda u: office.projects.bind(u, ADMIN, project.id, "acme/shop")
    )
    assert again.pattern == HERE
    with pytest.raises(Conflict):
        await office.project(name="SHOP", bind="")
