"""The way of a report: blob store, ledger, handler, checks, a simulated GitHub."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random

import pytest

from hookyard.adapters.blobs.backends.memory import MemoryBlobs
from hookyard.adapters.blobs.links import Links
from hookyard.adapters.blobs.streams import once
from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.github.appjwt import AppJwt
from hookyard.adapters.github.client import GitHubClient
from hookyard.adapters.github.wire import Wire, WireOptions
from hookyard.core.ingress.glue import ConfigAtRef
from hookyard.core.jobs.context import Run
from hookyard.core.jobs.model import ClaimRequest, NewJob, Outcome
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing.jobs import LandEffect
from hookyard.core.publishing.model import AppIdentity, EffectFilter, EffectRecord
from hookyard.core.publishing.service import Publisher
from hookyard.core.repositories.config import RepositoryConfig
from hookyard.core.repositories.reader import ConfigReader
from hookyard.core.tokens.service import InstallationTokens
from hookyard.features.codehealth.jobs import KIND, RunCodeHealthScan, job_for
from hookyard.features.codehealth.model import HealthStored, Origin
from hookyard.features.codehealth.policies import ConfiguredPolicies
from hookyard.features.codehealth.pulls import GitHubPulls, PullFacts
from hookyard.features.codehealth.service import CodeHealth
from hookyard.features.codehealth.store import Kept
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.model import CheckRun
from hookyard_sandbox.github.sandbox import Sandbox
from tests.support.github import HastyClock, private_key

REPOSITORY = "acme/Shop"
FIRST = "one\ntwo\nthree\n"


def finding(line: int = 1, **more: Json) -> JsonObject:
    """One finding as a tool writes it."""
    return {"tool": "ruff", "rule": "E1", "path": "a.py", "line": line, "message": "bad", **more}


class KnownLines(GitHubPulls):
    """Pull requests of the simulated GitHub, with added lines as a test says."""

    added: Mapping[str, frozenset[int]] | None = None

    async def facts(self, repository: str, number: int) -> PullFacts | None:
        found = await super().facts(repository, number)
        if found is None or self.added is None:
            return found
        return replace(found, changes=replace(found.changes, added=self.added, unmeasured=0))


class Stage:
    """Works the reports of one repository, one job at a time."""

    def __init__(
        self, database: Database, sandbox: Sandbox, clock: HastyClock, ids: IdMaker
    ) -> None:
        self.database, self.sandbox, self.clock, self.ids = database, sandbox, clock, ids
        sandbox.create_repository(REPOSITORY, files={"a.py": FIRST})
        self.app = sandbox.register_app(private_key=private_key())
        self.installation = sandbox.create_installation(self.app)
        wire = Wire(WireOptions(base_url=sandbox.base_url, trust_env=False))
        jwt = AppJwt(str(self.app.id), self.app.private_key, clock)
        as_app = GitHubClient(wire, jwt, clock, random=Random(1))
        self.github = as_app.with_tokens(InstallationTokens(as_app, clock))
        self.ledger = Ledger(clock, ids, [KIND, LandEffect.kind], Random(1), lambda: None)
        self.publisher = Publisher(self.ledger, clock, ids)
        self.told: list[HealthStored] = []
        self.health = CodeHealth(ids, self.publisher, lambda _, stored: self.told.append(stored))
        self.blobs = MemoryBlobs(clock, Links(b"k" * 32, clock, "https://hooks.example.org"))
        self.pulls = KnownLines(self.github, self._installation_of)
        configs = ConfigAtRef(ConfigReader(database, self.github, clock, RepositoryConfig()))
        self.handlers = {
            KIND.name: RunCodeHealthScan(
                self.health,
                self.blobs,
                self.pulls,
                ConfiguredPolicies(configs, self._installation_of),
                self.ledger,
                lambda unit, repository, sha: self.heads.get(sha, ()),
            ),
            LandEffect.kind.name: LandEffect(
                self.github, self._installation_of, AppIdentity(self.app.id, self.app.slug)
            ),
        }
        self.heads: dict[str, tuple[int, ...]] = {}
        self.outcomes: list[Outcome] = []
        self._runs = 0

    async def _installation_of(self, repository: str) -> int | None:
        return self.installation.id

    def base(self) -> str:
        """The head of the default branch."""
        return self.sandbox.repository(REPOSITORY).branches["main"]

    def pull(self, text: str = "one\n2\nthree\nfour\n", config: str = "") -> tuple[int, str]:
        """A pull request that changes a.py; its number and head."""
        files: dict[str, str | bytes] = {"a.py": text}
        if config:
            files[".hookyard.yml"] = config
        commit = self.sandbox.push(REPOSITORY, files, branch="topic", by="octocat")
        return self.sandbox.create_pull(REPOSITORY, "topic", "Change").number, commit.sha

    async def report(
        self,
        sha: str,
        findings: Sequence[Json] | bytes,
        *,
        pulls: tuple[int, ...] = (),
        member: str = "code_health.json",
        from_fork: bool = False,
        run: int | None = None,
        attempt: int = 1,
    ) -> None:
        """A run's artifact held this report; work all that follows."""
        raw = (
            findings if isinstance(findings, bytes) else json.dumps({"findings": findings}).encode()
        )
        key = f"artifacts/00000/{self.ids.new(self.clock.now_ms())}"
        await self.blobs.put(key, once(raw))
        self._runs += 1
        origin = Origin(
            REPOSITORY, sha, run or self._runs, attempt, self._runs, "sha256:1", member, from_fork
        )
        await self.work(job_for(origin, key, pulls))

    async def work(self, job: NewJob) -> None:
        """Enqueue one job, and run it and all that it leads to."""
        await self.database.write(lambda unit: self.ledger.enqueue(unit, job))
        while await self._next():
            pass

    async def _next(self) -> bool:
        request = ClaimRequest("boot/worker", 1, {}, {}, 60.0)
        claimed = await self.database.write(lambda unit: self.ledger.claim(unit, request))
        for job in claimed.jobs:
            outcome = await self.handlers[job.kind](Run(job, self.database, self.ledger, None))
            self.outcomes.append(outcome)
            await self.database.write(
                lambda unit, job=job, outcome=outcome: self.ledger.finish(unit, job, outcome)
            )
        return bool(claimed.jobs)

    async def kept(self, number: int) -> Kept:
        """The newest assessment of a pull request, which must be there."""
        found = await self.database.read(
            lambda unit: self.health.newest(unit, REPOSITORY.upper(), number)
        )
        assert found is not None
        return found

    async def counts(self, number: int) -> tuple[int, int, int, int]:
        """New, unknown, fixed and carried."""
        kept = await self.kept(number)
        return kept.new, kept.unknown, kept.fixed, kept.carried

    def check(self, sha: str) -> CheckRun:
        """The newest check run of a commit."""
        runs = self.sandbox.repository(REPOSITORY).check_runs.values()
        return [run for run in runs if run.head_sha == sha][-1]

    def checks(self) -> int:
        """How many check runs there are."""
        return len(self.sandbox.repository(REPOSITORY).check_runs)

    async def effects(self) -> list[EffectRecord]:
        """Every check asked for, newest first."""

        def look(unit: Unit) -> list[EffectRecord]:
            return list(self.publisher.list(unit, EffectFilter()).items)

        return await self.database.read(look)


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
