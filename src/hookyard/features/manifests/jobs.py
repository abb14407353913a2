"""The job that makes a pull request's manifest: `generate_test_manifest`.

One at a time for each pull request; a newer one ends one that runs. Payload (version 1):
`repository` "owner/name", `number`, and optionally `head_sha` (the head it is made for; where
GitHub still shows another, it is looked at once more) and `installation_id`.
"""

import asyncio
from dataclasses import dataclass, field, replace

from hookyard.adapters.github.port import (
    GitHub,
    GitHubError,
    GitHubMissing,
)
from hookyard.adapters.github.pullfiles import PullReader
from hookyard.core.jobs.away import not_read
from hookyard.core.jobs.model import (
    Done,
    Fail,
    Job,
    JobContext,
    JobHandler,
    JobKind,
    KeyPolicy,
    Lane,
    NewJob,
    Outcome,
    Retry,
)
from hookyard.core.publishing.port import InstallationOf
from hookyard.features.manifests.build import Inputs, build
from hookyard.features.manifests.encode import to_json
from hookyard.features.manifests.gather import DEFAULT_LIMITS, Gatherer, Limits, Moved
from hookyard.features.manifests.proposals import Budget, Provider, question_of, with_proposals
from hookyard.features.manifests.service import Manifests
from hookyard.features.manifests.store import Kept
from hookyard.kit.json import Json, JsonObject, as_int, as_object, as_text
from hookyard.kit.names import MAX_NUMBER

KIND = JobKind(
    "generate_test_manifest",
    lane=Lane.DEFAULT,
    policy=KeyPolicy.CANCEL_RUNNING,
    timeout_s=600.0,
)
LAG_S = 2.0


def job_for(
    repository: str,
    number: int,
    *,
    head_sha: str | None = None,
    installation_id: int | None = None,
    delivery_id: str | None = None,
) -> NewJob:
    """The job for one pull request; the newest takes the place of those before it."""
    payload: dict[str, Json] = {"repository": repository, "number": number}
    if head_sha is not None:
        payload["head_sha"] = head_sha
    if installation_id is not None:
        payload["installation_id"] = installation_id
    return NewJob(
        kind=KIND.name,
        payload=payload,
        key=f"manifest:{repository.lower()}#{number}",
        repository=repository,
        delivery_id=delivery_id,
    )


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is asked for proposals, and within what; nobody, by default."""

    provider: Provider | None = None
    budget: Budget = field(default_factory=Budget)


NOBODY = Asking()


class GenerateManifest:
    """Reads a pull request, builds its manifest, asks for proposals, stores it."""

    kind = KIND

    def __init__(
        self,
        manifests: Manifests,
        github: GitHub,
        installation_of: InstallationOf,
        asking: Asking = NOBODY,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._manifests = manifests
        self._github = github
        self._installation_of = installation_of
        self._asking = asking
        self._limits = limits

    async def __call__(self, ctx: JobContext) -> Outcome:
        repository, number = _target(ctx.job)
        if not repository:
            return Fail("the payload names no repository and pull request", "bad_payload")
        try:
            gathered = await self._gather(ctx.job, repository, number)
        except GitHubError as error:
            return _not_read(error)
        if gathered is None:
            return Done({"status": "gone", "reason": "no installation sees the repository"})
        if isinstance(gathered, Moved):
            return Retry("the head moved while it was read", after_s=LAG_S, code="moved")
        wanted = as_text(ctx.job.payload.get("head_sha"))
        if wanted and wanted != gathered.subject.head and ctx.job.attempt <= 1:
            return Retry("GitHub shows another head still", after_s=LAG_S, code="lagging")
        criteria = await ctx.read(
            lambda unit: self._manifests.open_criteria(unit, repository, number)
        )
        inputs = replace(gathered, criteria=criteria)
        # why: parsing three hundred files takes a second, which the event loop must not wait.
        document = await asyncio.to_thread(_made, inputs)
        document = await self._with_proposals(document)
        kept = await ctx.write(
            lambda unit: self._manifests.record(
                unit, document, ctx.clock.now_ms(), ctx.job.delivery_id
            )
        )
        return Done(_result(kept, document))

    async def _gather(self, job: Job, repository: str, number: int) -> Inputs | Moved | None:
        installation_id = as_int(job.payload.get("installation_id"))
        if installation_id is None:
            installation_id = await self._installation_of(repository)
        if installation_id is None:
            return None
        reader = PullReader(self._github, repository, installation_id)
        return await Gatherer(reader, self._limits).inputs(repository, number)

    async def _with_proposals(self, document: JsonObject) -> JsonObject:
        provider, budget = self._asking.provider, self._asking.budget
        if provider is None or not document["gaps"]:
            return document
        question = question_of(document, budget)
        answer = await provider.suggest(question, budget)
        return with_proposals(document, provider.name, question, answer, budget)


def _made(inputs: Inputs) -> JsonObject:
    return to_json(build(inputs))


def _target(job: Job) -> tuple[str, int]:
    repository = as_text(job.payload.get("repository"))
    number = as_int(job.payload.get("number"))
    if repository.count("/") != 1 or number is None or not 1 <= number <= MAX_NUMBER:
        return "", 0
    return repository, number


def _not_read(error: GitHubError) -> Outcome:
    if isinstance(error, GitHubMissing):
        return Done({"status": "gone", "reason": "GitHub shows no such pull request"})
    return not_read(error)


def _result(kept: Kept, document: JsonObject) -> JsonObject:
    proposals = as_object(document.get("proposals"))
    return {
        "status": "stored",
        "head": kept.head_sha,
        "says": as_text(as_object(document.get("measured")).get("says")),
        "gaps": kept.gaps,
        "suggestions": kept.suggestions,
        "digest": kept.digest,
        "proposals": as_text(proposals.get("status")) or None,
        "proposals_reason": as_text(proposals.get("reason")) or None,
    }


def handlers(
    manifests: Manifests, github: GitHub, installation_of: InstallationOf, asking: Asking = NOBODY
) -> tuple[JobHandler, ...]:
    """Every handler of this room."""
    return (GenerateManifest(manifests, github, installation_of, asking),)
