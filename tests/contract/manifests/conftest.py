"""The way of a manifest: ledger, handler, store, simulated GitHub."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from random import Random

import pytest

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.github.appjwt import AppJwt
from hookyard.adapters.github.client import GitHubClient
from hookyard.adapters.github.wire import Wire, WireOptions
from hookyard.core.jobs.context import Run
from hookyard.core.jobs.model import ClaimRequest, NewJob, Outcome
from hookyard.core.jobs.service import Ledger
from hookyard.core.tokens.service import InstallationTokens
from hookyard.features.manifests.gather import DEFAULT_LIMITS, Limits
from hookyard.features.manifests.jobs import KIND, NOBODY, Asking, GenerateManifest
from hookyard.features.manifests.model import OpenCriterion
from hookyard.features.manifests.service import ManifestMade, Manifests
from hookyard.features.manifests.store import Kept
from hookyard.kit.ids import IdMaker
from hookyard_sandbox.github.sandbox import Sandbox
from tests.support.github import HastyClock, private_key

REPOSITORY = "acme/Shop"


class Stage:
    """Works the jobs of one repository's pull requests, one at a time."""

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
        self.ledger = Ledger(clock, ids, [KIND], Random(1), lambda: None)
        self.criteria: tuple[OpenCriterion, ...] = ()
        self.told: list[ManifestMade] = []
        self.manifests = Manifests(ids, self._open, lambda _, made: self.told.append(made))

    def _open(self, _unit: Unit, _repository: str, _number: int) -> tuple[OpenCriterion, ...]:
        return self.criteria

    async def _installation_of(self, _repository: str) -> int | None:
        return self.installation.id

    def pull(
        self,
        base: Mapping[str, str | bytes | None],
        head: Mapping[str, str | bytes | None],
        branch: str = "change",
    ) -> int:
        """A pull request from what was there to what is to be; its number."""
        self.sandbox.push(REPOSITORY, base)
        self.sandbox.push(REPOSITORY, head, branch=branch)
        return self.sandbox.create_pull(REPOSITORY, branch, "Change").number

    async def work(
        self, job: NewJob, asking: Asking = NOBODY, limits: Limits = DEFAULT_LIMITS
    ) -> Outcome:
        """Enqueue one job, run it, record how it ended."""
        await self.database.write(lambda unit: self.ledger.enqueue(unit, job))
        request = ClaimRequest("boot/worker", 100, {}, {})
        claimed = await self.database.write(lambda unit: self.ledger.claim(unit, request))
        (mine,) = claimed.jobs
        handler = GenerateManifest(
            self.manifests, self.github, self._installation_of, asking, limits
        )
        outcome = await handler(Run(mine, self.database, self.ledger, None))
        await self.database.write(lambda unit: self.ledger.finish(unit, mine, outcome))
        return outcome

    async def kept(self, number: int, head_sha: str | None = None) -> Kept | None:
        """The manifest of a pull request."""
        name = REPOSITORY.upper()
        return await self.database.read(
            lambda unit: self.manifests.find(unit, name, number, head_sha)
        )


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
