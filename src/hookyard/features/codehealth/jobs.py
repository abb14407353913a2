"""The job that reads a report and assesses its commit: `run_code_health_scan`.

Payload (version 1): `repository` "owner/name", `head_sha`, `pull_requests` (numbers), and of the
report `blob` (its key in the blob store), `member`, `run_id`, `attempt`, `artifact_id`,
`artifact_digest`, `artifact_name`, `from_fork`. Without `blob` what is stored is assessed anew.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from hookyard.adapters.blobs.port import Blobs
from hookyard.adapters.database.port import Unit
from hookyard.adapters.github.port import GitHubError
from hookyard.core.jobs.away import not_read
from hookyard.core.jobs.cron import CronSpec
from hookyard.core.jobs.model import (
    Done,
    Fail,
    JobContext,
    JobKind,
    KeyPolicy,
    Lane,
    NewJob,
    Outcome,
)
from hookyard.core.jobs.port import JobRequests
from hookyard.features.codehealth.model import (
    Changes,
    Origin,
    Readable,
    Reading,
    Unreadable,
)
from hookyard.features.codehealth.packing import pack
from hookyard.features.codehealth.policies import Policies
from hookyard.features.codehealth.pulls import PullFacts, Pulls
from hookyard.features.codehealth.read import MAX_BYTES, read_report
from hookyard.features.codehealth.service import CodeHealth, KeptReport, Subject, Weighed, weigh
from hookyard.features.codehealth.words import one_line
from hookyard.kit.errors import NotFound
from hookyard.kit.json import Json, JsonObject, as_int, as_list, as_text
from hookyard.kit.names import MAX_NUMBER, is_repository, is_sha

KIND = JobKind(
    "run_code_health_scan", lane=Lane.DEFAULT, policy=KeyPolicy.QUEUE, timeout_s=300.0,
    needs=("github",),
)  # fmt: skip
TIDY = JobKind("upkeep.code_health", lane=Lane.BULK, timeout_s=120.0, log_file=False)
CRON = (CronSpec("tidy-code-health", "41 3 * * *", TIDY.name),)
PullsOf: TypeAlias = Callable[[Unit, str, str], Sequence[int]]
"""The open pull requests of a repository whose head is a commit, as far as they are known here."""
DAY_MS = 86_400_000
KEPT_DAYS = 180
MAX_PULLS = 10


def job_for(
    origin: Origin, blob: str, pulls: Sequence[int], delivery_id: str | None = None
) -> NewJob:
    """The job for one report; `blob` is its key in the blob store, which whoever found it keeps."""
    payload: dict[str, Json] = {
        "repository": origin.repository,
        "head_sha": origin.head_sha,
        "run_id": origin.run_id,
        "attempt": origin.attempt,
        "artifact_id": origin.artifact_id,
        "artifact_digest": origin.artifact_digest,
        "artifact_name": origin.artifact_name,
        "member": origin.member,
        "blob": blob,
        "from_fork": origin.from_fork,
        "pull_requests": list(pulls[:MAX_PULLS]),
    }
    return _job(origin.repository, origin.head_sha, payload, delivery_id)


def again(repository: str, head_sha: str, number: int, delivery_id: str | None = None) -> NewJob:
    """The job that assesses a pull request's commit anew."""
    payload: JsonObject = {
        "repository": repository, "head_sha": head_sha, "pull_requests": [number],
    }  # fmt: skip
    return _job(repository, head_sha, payload, delivery_id)


def _job(repository: str, head_sha: str, payload: JsonObject, delivery_id: str | None) -> NewJob:
    return NewJob(
        kind=KIND.name,
        payload=payload,
        key=f"health:{repository.lower()}@{head_sha}",
        delivery_id=delivery_id,
        repository=repository,
    )


@dataclass(frozen=True, slots=True)
class _Target:
    repository: str
    head_sha: str
    numbers: tuple[int, ...]
    from_fork: bool
    blob: str
    origin: Origin
    delivery_id: str | None


class RunCodeHealthScan:
    """Handler of `run_code_health_scan`."""

    kind = KIND

    def __init__(
        self,
        health: CodeHealth,
        blobs: Blobs,
        pulls: Pulls,
        policies: Policies,
        jobs: JobRequests,
        pulls_of: PullsOf | None = None,
    ) -> None:
        self._health = health
        self._blobs = blobs
        self._pulls = pulls
        self._policies = policies
        self._jobs = jobs
        self._pulls_of = pulls_of

    async def __call__(self, ctx: JobContext) -> Outcome:
        target = _target(ctx.job.payload, ctx.job.delivery_id)
        if target is None:
            return Fail("the payload names no repository and commit", "bad_payload")
        if target.blob:
            await self._keep(ctx, target)
        target = await self._numbered(ctx, target)
        try:
            subjects = [
                await self._subject(ctx, target, number) for number in target.numbers or (None,)
            ]
        except GitHubError as error:
            return not_read(error)
        weighed = [await self._weigh(ctx, subject) for subject in subjects]
        return Done(
            {"pull_requests": list(target.numbers), "head_sha": target.head_sha},
            apply=lambda unit: self._record(unit, target, weighed, ctx.clock.now_ms()),
        )

    async def _numbered(self, ctx: JobContext, target: _Target) -> _Target:
        """The target with its pull requests, where its run named none.

        # why: GitHub leaves `pull_requests` empty for runs of forks.
        """
        pulls_of = self._pulls_of
        if target.numbers or pulls_of is None:
            return target
        found = await ctx.read(lambda unit: pulls_of(unit, target.repository, target.head_sha))
        return replace(target, numbers=tuple(sorted(set(found))[:MAX_PULLS]))

    async def _keep(self, ctx: JobContext, target: _Target) -> None:
        reading = await self._read(target.blob)
        packed = None
        if isinstance(reading, Readable):
            packed = await asyncio.to_thread(pack, reading)
        kept = KeptReport(target.origin, reading, packed, target.delivery_id)
        await ctx.log("read a report", member=target.origin.member, **_told(reading))
        await ctx.write(lambda unit: self._health.keep(unit, kept, ctx.clock.now_ms()))

    async def _weigh(self, ctx: JobContext, subject: Subject) -> Weighed:
        """The assessment; jobs of one commit never overlap, so what is read stays as it is."""
        material = await ctx.read(lambda unit: self._health.gather(unit, subject))
        return await asyncio.to_thread(weigh, subject, material)

    def _record(self, unit: Unit, target: _Target, weighed: list[Weighed], now_ms: int) -> None:
        for one in weighed:
            self._health.record(unit, one, now_ms)
        if target.from_fork or not target.blob:
            return
        for number, head_sha in self._health.waiting_for(unit, target.repository, target.head_sha):
            self._jobs.enqueue(unit, again(target.repository, head_sha, number))

    async def _read(self, key: str) -> Reading:
        """The report behind a key, whatever it is; Unavailable when the store is away."""
        try:
            reading = await self._blobs.get(key)
            if reading.total > MAX_BYTES:
                return Unreadable("too_large", f"over {MAX_BYTES // 1024 // 1024} MiB")
            raw = b"".join([chunk async for chunk in reading.chunks])
        except NotFound:
            return Unreadable("gone", "the report is not in the blob store any more")
        except ValueError:
            return Unreadable("gone", "the key names no blob")
        return await asyncio.to_thread(read_report, raw)

    async def _subject(self, ctx: JobContext, target: _Target, number: int | None) -> Subject:
        facts = None
        if number is not None:
            facts = await self._pulls.facts(target.repository, number)
        asked = None if facts is None else facts.base_sha
        bases = await self._bases(ctx, target, number, asked)
        from_fork = target.from_fork or (facts is not None and facts.from_fork)
        return Subject(
            repository=target.repository,
            number=number,
            head_sha=target.head_sha,
            from_fork=from_fork,
            base_asked=asked,
            bases=bases,
            changes=_changes(facts, target.head_sha),
            held=await self._policies(target.repository, target.head_sha, asked, from_fork),
            author=None if facts is None else facts.author,
            delivery_id=target.delivery_id,
        )

    async def _bases(
        self, ctx: JobContext, target: _Target, number: int | None, asked: str | None
    ) -> tuple[str, ...]:
        """The commits to compare with. GitHub is asked for more where the base has no report."""
        if number is not None and asked is None:
            return ()
        if asked is not None:
            wanted = (asked,)
            known = await ctx.read(
                lambda unit: self._health.known_bases(unit, target.repository, wanted)
            )
            if known:
                return wanted
        start = asked or target.head_sha
        before = await self._pulls.ancestors(target.repository, start)
        return (asked, *before) if asked is not None else before


class TidyCodeHealth:
    """Lets go of reports and assessments after half a year."""

    kind = TIDY

    def __init__(self, health: CodeHealth) -> None:
        self._health = health

    async def __call__(self, ctx: JobContext) -> Outcome:
        before_ms = ctx.clock.now_ms() - KEPT_DAYS * DAY_MS
        gone = await ctx.write(lambda unit: self._health.purge(unit, before_ms))
        return Done({"purged": gone})


def _changes(facts: PullFacts | None, head_sha: str) -> Changes:
    """What the pull request changes; unknown once its head is another commit than the report's."""
    if facts is None or facts.head_sha != head_sha:
        return Changes()
    return facts.changes


def _target(payload: JsonObject, delivery_id: str | None) -> _Target | None:
    repository, head_sha = as_text(payload.get("repository")), as_text(payload.get("head_sha"))
    if not is_repository(repository) or not is_sha(head_sha):
        return None
    numbers = {
        number
        for value in as_list(payload.get("pull_requests"))[:MAX_PULLS]
        if (number := as_int(value)) is not None and 1 <= number <= MAX_NUMBER
    }
    origin = Origin(
        repository=repository,
        head_sha=head_sha,
        run_id=as_int(payload.get("run_id")) or 0,
        attempt=as_int(payload.get("attempt")) or 1,
        artifact_id=as_int(payload.get("artifact_id")) or 0,
        artifact_digest=one_line(as_text(payload.get("artifact_digest")), 200),
        member=one_line(as_text(payload.get("member")), 300),
        from_fork=payload.get("from_fork") is not False,
        artifact_name=one_line(as_text(payload.get("artifact_name")), 200),
    )
    blob = as_text(payload.get("blob"))
    origin = origin if blob else replace(origin, from_fork=False)
    return _Target(
        repository, head_sha, tuple(sorted(numbers)), origin.from_fork, blob, origin, delivery_id
    )


def _told(reading: Reading) -> dict[str, Json]:
    if isinstance(reading, Unreadable):
        return {"problem": reading.code, "reason": reading.reason}
    return {"findings": len(reading.findings), "lost": reading.lost}
