"""Everything an effect passes on its way: ledger, publisher, handler, client, simulated GitHub."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from random import Random
from typing import TypeVar

import pytest
from sqlalchemy import delete

from hookyard.adapters.database.port import METADATA, Database, Unit
from hookyard.adapters.github.appjwt import AppJwt
from hookyard.adapters.github.client import GitHubClient
from hookyard.adapters.github.port import GitHubResponse
from hookyard.adapters.github.wire import Wire, WireOptions
from hookyard.core.jobs.context import Run
from hookyard.core.jobs.model import (
    ClaimRequest,
    Fail,
    Hold,
    Job,
    JobState,
    Outcome,
    Retry,
)
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing.jobs import LandEffect
from hookyard.core.publishing.landing import LandingOptions
from hookyard.core.publishing.model import AppIdentity, Effect, EffectFilter, EffectRecord, Urgency
from hookyard.core.publishing.service import Publisher
from hookyard.core.tokens.service import InstallationTokens
from hookyard.kit.errors import Unavailable
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import JsonObject
from hookyard.kit.pages import Page
from hookyard_sandbox.github import changes
from hookyard_sandbox.github.model import CheckRun
from hookyard_sandbox.github.sandbox import Sandbox
from tests.support.github import HastyClock, private_key

T = TypeVar("T")
REPOSITORY = "acme/shop"
LEASE_S = 60.0


class Crash(Exception):
    """The process dies here: nothing after this point happens."""


class DyingRun(Run):
    """An attempt whose process dies instead of its n-th write, or stands still after it."""

    dies_at: int | None = None
    stops_after: int | None = None
    stands_still: Callable[[], Awaitable[object]] | None = None
    writes = 0

    async def write(self, work: Callable[[Unit], T]) -> T:
        self.writes += 1
        if self.writes == self.dies_at:
            raise Crash
        result = await super().write(work)
        if self.writes == self.stops_after and self.stands_still is not None:
            await self.stands_still()
        return result


class Stage:
    """The whole way of an effect, worked one job at a time."""

    def __init__(
        self,
        database: Database,
        sandbox: Sandbox,
        clock: HastyClock,
        ids: IdMaker,
        options: LandingOptions | None = None,
    ) -> None:
        self.database = database
        self.sandbox = sandbox
        self.clock = clock
        sandbox.create_repository(REPOSITORY)
        sandbox.create_issue(REPOSITORY, "An issue")
        self.app = sandbox.register_app(private_key=private_key())
        self.installation = sandbox.create_installation(self.app)
        self.wire = Wire(WireOptions(base_url=sandbox.base_url, trust_env=False))
        as_app = GitHubClient(
            self.wire, AppJwt(str(self.app.id), self.app.private_key, clock), clock,
            random=Random(1),
        )  # fmt: skip
        self.github = as_app.with_tokens(InstallationTokens(as_app, clock))
        self.ledger = Ledger(clock, ids, [LandEffect.kind], Random(1), lambda: None)
        self.publisher = Publisher(self.ledger, clock, ids)
        self.installed = True
        self.outcomes: list[Outcome] = []
        self.before_call: Callable[[], Awaitable[object]] | None = None
        self.during_call: Callable[[], Awaitable[object]] | None = None
        self.use(options or LandingOptions())

    async def call(
        self,
        method: str,
        path: str,
        *,
        installation_id: int | None = None,
        query: Mapping[str, str | int] | None = None,
        body: JsonObject | None = None,
    ) -> GitHubResponse:
        """The client's call, with things that happen just before it and before its answer."""
        before, self.before_call = self.before_call, None
        if before is not None:
            await before()
        answer = await self.github.call(
            method, path, installation_id=installation_id, query=query, body=body
        )
        meanwhile, self.during_call = self.during_call, None
        if meanwhile is not None:
            await meanwhile()
        return answer

    def pages(
        self,
        path: str,
        *,
        installation_id: int | None = None,
        query: Mapping[str, str | int] | None = None,
        limit: int = 1000,
    ) -> AsyncIterator[JsonObject]:
        """The client's pages."""
        return self.github.pages(path, installation_id=installation_id, query=query, limit=limit)

    def use(self, options: LandingOptions) -> None:
        identity = AppIdentity(self.app.id, self.app.slug)
        self.handler = LandEffect(self, self._installation_of, identity, options)

    async def _installation_of(self, repository: str) -> int | None:
        known = self.installed and repository.lower() == REPOSITORY
        return self.installation.id if known else None

    async def want(self, effect: Effect, urgency: Urgency = Urgency.INTERACTIVE) -> str:
        return await self.database.write(
            lambda unit: self.publisher.request(unit, effect, urgency=urgency)
        )

    async def claim(self) -> Job | None:
        request = ClaimRequest("boot/worker", 1, {}, {}, LEASE_S)
        claimed = await self.database.write(lambda unit: self.ledger.claim(unit, request))
        return claimed.jobs[0] if claimed.jobs else None

    async def work(self, *, dies_at: int | None = None, dies_at_end: bool = False) -> bool:
        """Run one attempt of one ready job; whether there was one. May die on the way."""
        job = await self.claim()
        if job is None:
            return False
        await self.attempt(job, dies_at=dies_at, dies_at_end=dies_at_end)
        return True

    async def attempt(
        self,
        job: Job,
        *,
        dies_at: int | None = None,
        dies_at_end: bool = False,
        stands_still: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """One attempt of a claimed job; it may stand still once its intent is committed."""
        run = DyingRun(job, self.database, self.ledger, None)
        run.dies_at = dies_at
        run.stops_after, run.stands_still = 1, stands_still
        try:
            outcome = await self.handler(run)
        except Crash:
            await self.lease_runs_out()
            return
        except Unavailable as error:
            outcome = Retry(str(error))
        if dies_at_end:
            await self.lease_runs_out()
            return
        self.outcomes.append(outcome)
        await self.database.write(lambda unit: self.ledger.finish(unit, job, outcome))

    async def lease_runs_out(self) -> None:
        self.clock.advance(LEASE_S + 1)
        await self.database.write(self.ledger.sweep_expired)

    async def settle(self, seconds: float = 0.0) -> int:
        """Work until nothing is ready, moving on as far as `seconds`; how many attempts ran."""
        ran, until = 0, self.clock.now_ms() + seconds * 1000
        while True:
            while await self.work():
                ran += 1
            if self.clock.now_ms() >= until:
                return ran
            self.clock.advance(1)

    async def die(self) -> None:
        """The process dies where this is called."""
        raise Crash

    async def effect(self, effect_id: str) -> EffectRecord:
        found = await self.database.read(lambda unit: self.publisher.get(unit, effect_id))
        assert found is not None
        return found

    async def job(self, job_id: str | None) -> Job:
        assert job_id is not None
        return await self.database.read(lambda unit: self.ledger.get(unit, job_id))

    async def job_state(self, job_id: str | None) -> JobState:
        return (await self.job(job_id)).state

    @property
    def held(self) -> list[Hold]:
        return [outcome for outcome in self.outcomes if isinstance(outcome, Hold)]

    @property
    def failures(self) -> list[Fail]:
        return [outcome for outcome in self.outcomes if isinstance(outcome, Fail)]

    def writes(self) -> list[str]:
        """Methods of the calls that tried to change something in the repository, in order."""
        return [
            method
            for method, path, _ in self.sandbox.gateway.seen
            if method != "GET" and path.startswith("/repos/")
        ]

    def statuses(self) -> set[int]:
        """Every status GitHub gave to a write in the repository."""
        return {
            status
            for method, path, status in self.sandbox.gateway.seen
            if method != "GET" and path.startswith("/repos/")
        }

    def looks(self) -> int:
        return sum(
            method == "GET" and path.startswith("/repos/")
            for method, path, _ in self.sandbox.gateway.seen
        )

    def bodies(self) -> list[str]:
        """Our comments on issue 1, oldest first."""
        issue = self.sandbox.repository(REPOSITORY).issues[1]
        return [c.body for c in issue.comments if c.user is self.app.app.bot]

    def runs(self) -> list[CheckRun]:
        """The check runs there are, oldest first."""
        return list(self.sandbox.repository(REPOSITORY).check_runs.values())

    def delete_comment(self, external_id: str | None) -> None:
        """A moderator deletes a comment."""
        world, it = self.sandbox.world, self.sandbox.repository(REPOSITORY)
        comment = next(c for c in it.issues[1].comments if str(c.id) == external_id)
        changes.delete_comment(world, it, self.sandbox.person("acme"), it.issues[1], comment)

    async def forget_everything(self) -> None:
        """The database is lost."""

        def work(unit: Unit) -> None:
            for table in METADATA.sorted_tables:
                unit.run(delete(table))

        await self.database.write(work)

    async def listed(
        self, wanted: EffectFilter, cursor: str | None = None, limit: int | None = None
    ) -> Page[EffectRecord]:
        return await self.database.read(
            lambda unit: self.publisher.list(unit, wanted, cursor, limit)
        )

    def sha(self) -> str:
        return self.sandbox.repository(REPOSITORY).branches["main"]


@pytest.fixture
def hasty() -> HastyClock:
    return HastyClock()


@pytest.fixture
def sandbox(hasty: HastyClock) -> Iterator[Sandbox]:
    with Sandbox(hasty, deliver=lambda *_: None) as running:
        yield running


@pytest.fixture
async def stage(
    database: Database, sandbox: Sandbox, hasty: HastyClock, ids: IdMaker
) -> AsyncIterator[Stage]:
    made = await asyncio.to_thread(Stage, database, sandbox, hasty, ids)
    yield made
    await made.github.close()
