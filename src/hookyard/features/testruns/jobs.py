"""The job that reads the results of a workflow run: `process_workflow_run`, one at a time for each.

Payload (version 1): `run` {the facts, see `facts`}, `artifacts` [patterns of names], and
optionally `installation_id`. Whatever is wrong with an artifact is stored as a problem with its
reason; what cannot be reached is tried again, and on the last attempt is a problem too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.adapters.github.artifacts import ArtifactAway
from hookyard.adapters.github.port import GitHubError, GitHubMissing
from hookyard.core.jobs.away import not_read
from hookyard.core.jobs.model import (
    Done,
    Fail,
    JobContext,
    JobKind,
    KeyPolicy,
    Lane,
    NewJob,
    Outcome,
    Retry,
)
from hookyard.core.publishing.port import InstallationOf
from hookyard.features.testruns.choose import Offered, choose
from hookyard.features.testruns.facts import from_payload, to_payload
from hookyard.features.testruns.model import ArtifactRead, Problem, RunFacts
from hookyard.features.testruns.obtain import Obtain, Task
from hookyard.features.testruns.reading import whole_problem
from hookyard.features.testruns.service import TestRuns
from hookyard.kit.json import Json, JsonObject, as_int, as_list, as_object, as_text

KIND = JobKind("process_workflow_run", lane=Lane.HIGH, policy=KeyPolicy.QUEUE, timeout_s=1_800.0)


def job_for(
    facts: RunFacts, artifacts: Sequence[str] = (), *, installation_id: int | None = None
) -> NewJob:
    """The job for one attempt of a run; its key keeps two of a run from overlapping."""
    payload: dict[str, Json] = {"run": to_payload(facts), "artifacts": list(artifacts)}
    if installation_id is not None:
        payload["installation_id"] = installation_id
    return NewJob(
        kind=KIND.name,
        payload=payload,
        key=f"testrun:{facts.repository.lower()}#{facts.run_id}",
        repository=facts.repository,
    )


@dataclass(slots=True)
class _Counts:
    """What a job did, for its result."""

    artifacts: int = 0
    reports: int = 0
    problems: int = 0
    tests: int = 0
    stored: int = 0


class ProcessWorkflowRun:
    """Lists, fetches, reads and stores the artifacts of one attempt, then tells of it."""

    kind = KIND

    def __init__(
        self,
        runs: TestRuns,
        obtain: Obtain,
        installation_of: InstallationOf,
    ) -> None:
        self._runs = runs
        self._obtain = obtain
        self._installation_of = installation_of

    async def __call__(self, ctx: JobContext) -> Outcome:
        facts = from_payload(as_object(ctx.job.payload.get("run")))
        if facts is None:
            return Fail("the payload names no workflow run", "bad_payload")
        installation_id = as_int(ctx.job.payload.get("installation_id"))
        if installation_id is None:
            installation_id = await self._installation_of(facts.repository)
        if installation_id is None:
            return Fail("the App is not installed on this repository", "not_installed")
        try:
            counts = await self._all(ctx, Task(ctx, facts, installation_id))
        except ArtifactAway as error:
            return Retry(f"an artifact could not be fetched: {error}")
        except GitHubError as error:
            return not_read(error)
        return Done(_result(facts, counts))

    async def _all(self, ctx: JobContext, task: Task) -> _Counts:
        facts, counts = task.facts, _Counts()
        patterns = [as_text(one) for one in as_list(ctx.job.payload.get("artifacts"))]
        try:
            listed = {one.id: one for one in await self._obtain.listed(task)}
        except GitHubMissing:
            listed = {}
        offered = [Offered(a.id, a.name, a.size, a.created_at_ms) for a in listed.values()]
        for chosen in choose(offered, patterns):
            artifact = listed[chosen.id]
            try:
                read = await self._obtain.read(task, artifact, chosen)
            except ArtifactAway as error:
                if ctx.job.attempt < ctx.job.max_attempts:
                    raise
                problem = whole_problem(Problem.UNREACHABLE, str(error))
                read = ArtifactRead(artifact.id, artifact.name, "", (problem,))
            if read is not None:
                await self._record(ctx, facts, read, counts)
        await ctx.write(
            lambda unit: self._runs.finish(
                unit, facts, ctx.clock.now_ms(), ctx.job.delivery_id, news=counts.stored > 0
            )
        )
        return counts

    async def _record(
        self, ctx: JobContext, facts: RunFacts, read: ArtifactRead, counts: _Counts
    ) -> None:
        delivery_id = ctx.job.delivery_id
        stored = await ctx.write(
            lambda unit: self._runs.record(unit, facts, read, ctx.clock.now_ms(), delivery_id)
        )
        if not stored:
            await self._obtain.let_go(read)
        counts.artifacts += 1
        counts.stored += stored
        for member in read.members:
            counts.reports += bool(member.dialect)
            counts.problems += member.problem is not None
            counts.tests += member.totals.tests


def _result(facts: RunFacts, counts: _Counts) -> JsonObject:
    return {
        "status": "recorded" if counts.stored else "nothing new",
        "run_id": facts.run_id,
        "attempt": facts.attempt,
        "artifacts": counts.artifacts,
        "reports": counts.reports,
        "problems": counts.problems,
        "tests": counts.tests,
        "from_fork": facts.from_fork,
    }
