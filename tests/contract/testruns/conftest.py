"""The way of test results: a simulated workflow, the job, the stored rows."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from hookyard.adapters.blobs.backends.files import FileBlobs
from hookyard.adapters.blobs.links import Links
from hookyard.adapters.database.port import Database
from hookyard.adapters.github.appjwt import AppJwt
from hookyard.adapters.github.artifacts import Artifacts
from hookyard.adapters.github.client import GitHubClient
from hookyard.adapters.github.wire import Wire, WireOptions
from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.core.jobs.context import Run as Attempt
from hookyard.core.jobs.model import ClaimRequest, NewJob, Outcome
from hookyard.core.jobs.service import Ledger
from hookyard.core.tokens.service import InstallationTokens
from hookyard.features.testruns.facts import facts_of_run
from hookyard.features.testruns.jobs import KIND, ProcessWorkflowRun, job_for
from hookyard.features.testruns.model import Claim, Found, Report, ResultsStored
from hookyard.features.testruns.obtain import Obtain
from hookyard.features.testruns.service import TestRuns
from hookyard.features.testruns.trees import GitHubTrees
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import JsonObject, as_object
from hookyard_sandbox.github.model import HookDelivery, WorkflowRun
from hookyard_sandbox.github.sandbox import Sandbox
from tests.support.github import HastyClock, private_key

REPOSITORY = "acme/Shop"
FILES = {"README.md": "# shop\n", "tests/unit/test_cart.py": "1\n", "src/cart.py": "1\n"}


class Stage:
    """Works the jobs of one repository's workflow runs, one at a time."""

    def __init__(
        self,
        database: Database,
        sandbox: Sandbox,
        clock: HastyClock,
        ids: IdMaker,
        blobs: FileBlobs,
        sent: list[HookDelivery],
    ) -> None:
        self.database, self.sandbox, self.clock, self.sent = database, sandbox, clock, sent
        sandbox.create_repository(REPOSITORY, files=FILES)
        self.app = sandbox.register_app(private_key=private_key())
        self.installation = sandbox.create_installation(self.app)
        wire = Wire(WireOptions(base_url=sandbox.base_url, trust_env=False))
        jwt = AppJwt(str(self.app.id), self.app.private_key, clock)
        as_app = GitHubClient(wire, jwt, clock, random=Random(1))
        self.github = as_app.with_tokens(InstallationTokens(as_app, clock))
        place = f"localhost:{urlsplit(sandbox.base_url).port}"
        self.outbound = GuardedHttp([place])
        self.told: list[ResultsStored] = []
        self.found: list[Found] = []
        self.runs = TestRuns(
            ids, lambda _, news: self.told.append(news), lambda _, it: self.found.append(it)
        )
        self.ledger = Ledger(clock, ids, [KIND], Random(1), lambda: None)
        self.blobs, self.ids = blobs, ids
        self.handler = self.make_handler()

    def make_handler(self, outbound: GuardedHttp | None = None) -> ProcessWorkflowRun:
        """A handler, with another way out where one is given."""
        source = Artifacts(self.github, outbound or self.outbound, self.clock, Random(1))
        trees = GitHubTrees(self.github)
        obtain = Obtain(self.runs, source, trees, self.blobs, self.ids)
        return ProcessWorkflowRun(self.runs, obtain, self._installation_of)

    async def _installation_of(self, repository: str) -> int | None:
        return self.installation.id

    async def ran(self, run: WorkflowRun, *patterns: str) -> Outcome:
        """The App heard that this run ended; what came of it."""
        return await self.work(self.job_of(run, *patterns))

    def job_of(self, run: WorkflowRun, *patterns: str) -> NewJob:
        """The job for the last webhook of a run."""
        shape = self.event_of(run)
        facts = facts_of_run(REPOSITORY, as_object(shape.get("workflow_run")))
        assert facts is not None
        return job_for(facts, patterns, installation_id=self.installation.id)

    def event_of(self, run: WorkflowRun) -> JsonObject:
        """The body of the newest `workflow_run` webhook of a run."""
        for delivery in reversed(self.sent):
            shape: JsonObject = json.loads(delivery.body)
            told = as_object(shape.get("workflow_run"))
            if delivery.event == "workflow_run" and told.get("id") == run.id:
                return shape
        raise AssertionError("no webhook of this run")

    async def work(self, job: NewJob, handler: ProcessWorkflowRun | None = None) -> Outcome:
        """Enqueue one job, run it, record how it ended."""
        await self.database.write(lambda unit: self.ledger.enqueue(unit, job))
        request = ClaimRequest("boot/worker", 100, {}, {})
        claimed = await self.database.write(lambda unit: self.ledger.claim(unit, request))
        mine = next(one for one in claimed.jobs if one.kind == KIND.name)
        attempt = Attempt(mine, self.database, self.ledger, None)
        outcome = await (handler or self.handler)(attempt)
        await self.database.write(lambda unit: self.ledger.finish(unit, mine, outcome))
        return outcome

    async def workflow(
        self, files: Mapping[str, str | bytes], *, branch: str = "main", conclusion: str = "success"
    ) -> WorkflowRun:
        """A whole run with one artifact, and its results read."""
        run = await asyncio.to_thread(
            self.sandbox.run_workflow,
            REPOSITORY,
            files=files,
            branch=branch,
            conclusion=conclusion,
        )
        await self.ran(run)
        return run

    async def claims(self, sha: str) -> tuple[Claim, ...]:
        """What the cases on a commit claim."""
        return await self.database.read(
            lambda unit: self.runs.claims(unit, REPOSITORY.upper(), sha)
        )

    async def reports(self, sha: str) -> tuple[Report, ...]:
        """Reports and problems of a commit."""
        return await self.database.read(
            lambda unit: self.runs.reports(unit, REPOSITORY.lower(), sha)
        )


@pytest.fixture
def hasty() -> HastyClock:
    return HastyClock()


@pytest.fixture
def sent() -> list[HookDelivery]:
    return []


@pytest.fixture
def sandbox(hasty: HastyClock, sent: list[HookDelivery]) -> Iterator[Sandbox]:
    with Sandbox(hasty, deliver=sent.append) as running:
        yield running


@pytest.fixture
async def stage(
    database: Database,
    sandbox: Sandbox,
    hasty: HastyClock,
    ids: IdMaker,
    tmp_path: Path,
    sent: list[HookDelivery],
) -> AsyncIterator[Stage]:
    blobs = FileBlobs(tmp_path / "blobs", Links(b"k" * 32, hasty))
    made = await asyncio.to_thread(Stage, database, sandbox, hasty, ids, blobs, sent)
    yield made
    await made.github.close()
    await made.outbound.close()
    await blobs.close()
