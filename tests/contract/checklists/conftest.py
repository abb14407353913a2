"""The way of an issue's words: ledger, handler, checklists, publisher, simulated GitHub."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from random import Random

import pytest

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.github.appjwt import AppJwt
from hookyard.adapters.github.client import GitHubClient
from hookyard.adapters.github.wire import Wire, WireOptions
from hookyard.core.jobs.context import Run
from hookyard.core.jobs.model import ClaimRequest, Done, NewJob, Outcome
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing.jobs import LandEffect
from hookyard.core.publishing.model import EffectFilter, EffectRecord
from hookyard.core.publishing.service import Publisher
from hookyard.core.tokens.service import InstallationTokens
from hookyard.features.checklists.issues import GitHubIssues
from hookyard.features.checklists.jobs import FOLLOW, KIND, handlers, job_for
from hookyard.features.checklists.model import ChecklistChanged
from hookyard.features.checklists.service import Checklists, ChecklistView
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import JsonObject, as_object
from hookyard_sandbox.github.sandbox import Sandbox
from tests.support.github import HastyClock, private_key

REPOSITORY = "acme/Shop"


class Stage:
    """Works the jobs of one repository's issues, one at a time."""

    def __init__(
        self, database: Database, sandbox: Sandbox, clock: HastyClock, ids: IdMaker
    ) -> None:
        self.database = database
        self.sandbox = sandbox
        self.clock = clock
        sandbox.create_repository(REPOSITORY)
        self.app = sandbox.register_app(private_key=private_key())
        self.installation = sandbox.create_installation(self.app)
        wire = Wire(WireOptions(base_url=sandbox.base_url, trust_env=False))
        jwt = AppJwt(str(self.app.id), self.app.private_key, clock)
        as_app = GitHubClient(wire, jwt, clock, random=Random(1))
        self.github = as_app.with_tokens(InstallationTokens(as_app, clock))
        self.installed = True
        self.ledger = Ledger(clock, ids, [KIND, FOLLOW, LandEffect.kind], Random(1), lambda: None)
        self.publisher = Publisher(self.ledger, clock, ids)
        self.ids_of = ids
        self.told: list[ChecklistChanged] = []
        self.deaf = False
        self.checklists = Checklists(ids, self.publisher, self.publisher.get, self._hear)
        issues = GitHubIssues(self.github, self._installation_of)
        self.handler, self.follower = handlers(self.checklists, issues)

    def _hear(self, unit: Unit, changed: ChecklistChanged) -> None:
        if self.deaf:
            raise RuntimeError("deaf")
        self.told.append(changed)

    async def _installation_of(self, repository: str) -> int | None:
        return self.installation.id if self.installed else None

    async def say(
        self,
        number: int,
        body: str,
        at_ms: int,
        *,
        comment: bool | None = None,
        title: str = "Save",
        state: str = "open",
        author: str = "bob",
    ) -> JsonObject:
        """An event carried these words; what the job said of them."""
        issue: JsonObject = {
            "title": title,
            "body": body,
            "updated_at": to_rfc3339(at_ms),
            "state": state,
            "user": {"login": author},
        }
        done = await self.work(job_for(REPOSITORY, number, issue=issue, comment=comment))
        assert isinstance(done, Done)
        return as_object(done.result)

    async def work(self, job: NewJob) -> Outcome:
        """Enqueue one job, run it, record how it ended."""
        await self.database.write(lambda unit: self.ledger.enqueue(unit, job))
        request = ClaimRequest("boot/worker", 100, {}, {})
        claimed = await self.database.write(lambda unit: self.ledger.claim(unit, request))
        mine = next(one for one in claimed.jobs if one.kind == job.kind)
        handler = self.follower if job.kind == FOLLOW.name else self.handler
        outcome = await handler(Run(mine, self.database, self.ledger, None))
        await self.database.write(lambda unit: self.ledger.finish(unit, mine, outcome))
        return outcome

    async def kept(self, number: int) -> ChecklistView:
        """The checklist of an issue, which must be there."""
        view = await self.database.read(
            lambda unit: self.checklists.find(unit, REPOSITORY.upper(), number)
        )
        assert view is not None
        return view

    async def ids(self, number: int) -> list[tuple[str, str]]:
        """Ids and texts of an issue's criteria, in order."""
        view = await self.kept(number)
        return [(criterion.id, criterion.text) for criterion in view.checklist.criteria]

    async def effects(self) -> list[EffectRecord]:
        """Every comment asked for, newest first."""
        page = await self.database.read(lambda unit: self.publisher.list(unit, EffectFilter()))
        return list(page.items)

    async def comment_body(self) -> str:
        """What the only comment should say."""
        (effect,) = await self.effects()
        assert effect.kind == "comment"
        return str(as_object(effect.desired).get("body"))


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
