"""Billing over each engine, with the clock in the test's hands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit import store as audit_store
from hookyard.core.audit.service import Audit
from hookyard.core.identity.authenticate import ADMIN
from hookyard.core.jobs.model import ClaimRequest, Done, Job, JobKind, NewJob
from hookyard.core.jobs.service import Ledger
from hookyard.core.repositories import store as inventory
from hookyard.core.repositories.service import find_repository
from hookyard.features.billing import store_keys
from hookyard.features.billing.memory import Bookkeeper
from hookyard.features.billing.metering import Metering
from hookyard.features.billing.model import Budget, BudgetNotice, Meter, NewProject, Period, Project
from hookyard.features.billing.model import WorkClass as Work
from hookyard.features.billing.service import Projects
from hookyard.features.billing.stops import Stops
from hookyard.features.billing.usage import Usage, UsageQuery
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker

assert (audit_store, inventory, store_keys) is not None

HERE = "acme/shop"
CLASSES = {"read": Work.ANALYSIS, "land": Work.EFFECTS, "route": Work.ROUTING}


@dataclass
class Office:
    """Billing, and the ledger it listens to."""

    database: Database
    clock: ManualClock
    ledger: Ledger
    projects: Projects
    metering: Metering
    stops: Stops
    usage: Usage
    books: Bookkeeper
    notices: list[BudgetNotice] = field(default_factory=list)

    async def project(self, *budgets: Budget, name: str = "Shop", bind: str = HERE) -> Project:
        """A project with a binding."""

        def make(unit: Unit) -> Project:
            made = self.projects.create(unit, ADMIN, NewProject(name, budgets=budgets))
            if bind:
                self.projects.bind(unit, ADMIN, made.id, bind)
            return made

        return await self.database.write(make)

    async def add(self, kind: str = "paint", repository: str | None = HERE) -> str:
        """A job, ready."""
        job = NewJob(kind, {}, repository=repository)
        return (await self.database.write(lambda u: self.ledger.enqueue(u, job))).job_id

    async def claim(self, worker: str = "boot/w") -> list[Job]:
        """All that is ready."""
        request = ClaimRequest(worker, 50, {}, {})
        return list((await self.database.write(lambda u: self.ledger.claim(u, request))).jobs)

    async def end(self, job: Job) -> None:
        """An attempt succeeds."""
        await self.database.write(lambda unit: self.ledger.finish(unit, job, Done()))

    async def work(self, seconds: float = 60.0, **more: str | None) -> None:
        """A job from its start to its end."""
        await self.add(**more)  # type: ignore[arg-type]
        jobs = await self.claim()
        assert jobs
        self.clock.advance(seconds)
        for job in jobs:
            await self.end(job)

    async def totals(self, project: Project, period: Period = Period.MONTH) -> dict[str, int]:
        """What a project used this month, by meter, in the unit that is kept."""
        asked = UsageQuery(project.id, period=period)
        page = await self.database.read(lambda unit: self.usage.page(unit, ADMIN, asked, None, 200))
        return {meter.value: amount for meter, amount in page.totals.items()}

    async def shown(self, job_id: str) -> Job:
        """A job as it is."""
        return await self.database.read(lambda unit: self.ledger.get(unit, job_id))


def budget(amount: int, meter: Meter = Meter.JOBS, period: Period = Period.MONTH) -> Budget:
    return Budget(period, meter, amount)


def kinds() -> Sequence[JobKind]:
    return [JobKind(name) for name in ("paint", "read", "land", "route")]


def make_office(database: Database, clock: ManualClock, ids: IdMaker) -> Office:
    """Billing as a process has it."""
    ledger = Ledger(clock, ids, kinds(), Random(7), lambda: None)
    audit = Audit(ids)
    books = Bookkeeper(database, clock, find_repository)
    notices: list[BudgetNotice] = []
    stops = Stops(ledger.pauses, audit, clock, lambda unit, notice: notices.append(notice))
    metering = Metering(books, stops, clock, CLASSES)
    ledger.told = metering.attempt_ended
    ledger.pauses.draws_on = metering.draws_on
    projects = Projects(ids, audit, clock, stops, find_repository, books.tell)
    return Office(database, clock, ledger, projects, metering, stops, Usage(clock), books, notices)


@pytest.fixture
async def office(database: Database, clock: ManualClock, ids: IdMaker) -> Office:
    return make_office(database, clock, ids)
