"""The jobs of reviews: take in a pull request, judge it, note runs, merge groups, commands."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from hookyard.adapters.database.port import Unit
from hookyard.adapters.github.port import GitHubError
from hookyard.core.jobs.model import (
    Done,
    Fail,
    JobContext,
    JobHandler,
    NewJob,
    Outcome,
)
from hookyard.core.jobs.port import JobRequests
from hookyard.core.jobs.unread import not_read
from hookyard.core.repositories.config import ConfigInvalid
from hookyard.features.checklists.jobs import job_for as extract_job
from hookyard.features.reviews import newjobs, store, store_verdicts
from hookyard.features.reviews.desk import Desk, Said
from hookyard.features.reviews.judging import Cause
from hookyard.features.reviews.model import Group, Judgement, Link, Policy, Pull, RunState
from hookyard.features.reviews.newjobs import group_job, pull_job, validate_job
from hookyard.features.reviews.ports import Configs, HeadSeen, Pulls, ignore_head
from hookyard.features.reviews.service import Kept, Outdated, Recorded, Reviews, Unsure
from hookyard.features.reviews.sources import Sources
from hookyard.features.reviews.wire import group_of, links_of, policy_of, pull_of
from hookyard.kit.json import JsonObject, as_int, as_list, as_object, as_text

_BAD = Fail("the payload is not one of this kind", "bad_payload")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the handlers share. `seen` is told of every head that is taken in."""

    reviews: Reviews
    sources: Sources
    desk: Desk
    jobs: JobRequests
    pulls: Pulls
    configs: Configs
    seen: HeadSeen = ignore_head


class TakeIn:
    """Handler of `review.pull_request`."""

    kind = newjobs.PULL

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, ctx: JobContext) -> Outcome:
        payload = ctx.job.payload
        repository, number = as_text(payload.get("repository")), as_int(payload.get("number"))
        if repository.count("/") != 1 or number is None:
            return _BAD
        pull = pull_of(repository, as_object(payload.get("pull")))
        policy = _policy(as_object(payload.get("policy"))) if "policy" in payload else None
        try:
            recorded: Recorded = Unsure()
            if pull is not None and policy is not None:
                recorded = await self._record(ctx, pull, policy, fetched=False)
            if isinstance(recorded, Unsure):
                fetched = await self._fetch(ctx, repository, number)
                if fetched is None:
                    return Done({"status": "gone", "reason": "GitHub shows no such pull request"})
                recorded = await self._record(ctx, *fetched, fetched=True)
        except GitHubError as error:
            return not_read(error)
        return Done(_told(recorded))

    async def _fetch(
        self, ctx: JobContext, repository: str, number: int
    ) -> tuple[Pull, Policy] | None:
        installation_id = as_int(ctx.job.payload.get("installation_id"))
        data = await self._parts.pulls.read(repository, number, installation_id)
        pull = None if data is None else pull_of(repository, data)
        if pull is None:
            return None
        config = await self._parts.configs.at(repository, pull.base_sha, installation_id)
        return pull, Policy() if isinstance(config, ConfigInvalid) else policy_of(config.criteria)

    async def _record(
        self, ctx: JobContext, pull: Pull, policy: Policy, *, fetched: bool
    ) -> Recorded:
        # why: a long text takes a few hundred milliseconds, which the event loop must not wait.
        links = await asyncio.to_thread(links_of, pull)
        return await ctx.write(
            partial(self._apply, ctx=ctx, pull=pull, policy=policy, links=links, fetched=fetched)
        )

    def _apply(
        self,
        unit: Unit,
        *,
        ctx: JobContext,
        pull: Pull,
        policy: Policy,
        links: tuple[Link, ...],
        fetched: bool,
    ) -> Recorded:
        """Store it, have unknown issues read, and judge, in one transaction."""
        parts, now_ms = self._parts, ctx.clock.now_ms()
        recorded = parts.reviews.record(unit, pull, links, policy, now_ms, fetched=fetched)
        if isinstance(recorded, Unsure):
            return recorded
        delivery_id = ctx.job.delivery_id
        if isinstance(recorded, Kept) and pull.state == "open":
            if recorded.is_new_head or ctx.job.payload.get("again") is True:
                parts.seen(unit, pull, delivery_id)
            for link in links:
                own = link.repository.lower() == pull.repository.lower()
                if own and not parts.sources.issue(unit, pull.repository, link.number).known:
                    parts.jobs.enqueue(unit, extract_job(pull.repository, link.number))
        cause = _cause(ctx)
        parts.reviews.judging.validate(unit, pull.repository, pull.number, cause, now_ms)
        return recorded


class Validate:
    """Handler of `review.validate`."""

    kind = newjobs.VALIDATE

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, ctx: JobContext) -> Outcome:
        payload = ctx.job.payload
        repository, number = as_text(payload.get("repository")), as_int(payload.get("number"))
        if number is None:
            return _BAD
        judging, cause = self._parts.reviews.judging, _cause(ctx)
        judgement = await ctx.write(
            lambda unit: judging.validate(unit, repository, number, cause, ctx.clock.now_ms())
        )
        return Done(_verdict(judgement))


class NoteRun:
    """Handler of `review.run`."""

    kind = newjobs.RUN

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, ctx: JobContext) -> Outcome:
        payload = ctx.job.payload
        run = RunState(
            as_int(payload.get("run_id")) or 0,
            as_int(payload.get("attempt")) or 1,
            as_text(payload.get("head_sha")),
            as_text(payload.get("state")),
        )
        if run.state not in ("requested", "in_progress", "completed", "stored"):
            return _BAD
        found = await ctx.write(partial(self._apply, ctx=ctx, run=run))
        return Done({"pull_requests": found})

    def _apply(self, unit: Unit, *, ctx: JobContext, run: RunState) -> list[int]:
        payload, jobs = ctx.job.payload, self._parts.jobs
        repository = as_text(payload.get("repository"))
        if not store_verdicts.note_run(unit, repository, run, ctx.clock.now_ms()):
            return []
        cause = f"run {run.run_id} is {run.state.replace('_', ' ')}"
        enqueue = _enqueue(ctx, jobs)
        reviews = store.by_head(unit, repository, run.head_sha)
        for review in reviews:
            enqueue(unit, validate_job(repository, review.pull.number, cause))
        known = {review.pull.number for review in reviews}
        if run.state == "stored":
            for number in _numbers(payload):
                if number not in known and store.find(unit, repository, number) is None:
                    enqueue(unit, pull_job(repository, number, cause=cause))
        group = store_verdicts.group(unit, repository, run.head_sha)
        if group is not None and group.state == "open":
            enqueue(unit, group_job(group, cause))
        return sorted(known)


class JudgeGroup:
    """Handler of `review.merge_group`."""

    kind = newjobs.GROUP

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, ctx: JobContext) -> Outcome:
        payload = ctx.job.payload
        group = group_of(as_text(payload.get("repository")), payload, as_text(payload.get("state")))
        if group is None:
            return _BAD
        judgement = await ctx.write(partial(self._apply, ctx=ctx, group=group))
        return Done(_verdict(judgement))

    def _apply(self, unit: Unit, *, ctx: JobContext, group: Group) -> Judgement | None:
        parts, now_ms = self._parts, ctx.clock.now_ms()
        known = store_verdicts.group(unit, group.repository, group.head_sha)
        if known is None or known.state == "open":
            store_verdicts.save_group(unit, group, now_ms)
        if group.state != "open" or (known is not None and known.state != "open"):
            return None
        if store.find(unit, group.repository, group.number) is None:
            job = pull_job(group.repository, group.number, cause="it is in a merge group")
            _enqueue(ctx, parts.jobs)(unit, job)
        return parts.reviews.judging.validate_group(unit, group, _cause(ctx), now_ms)


class CarryOut:
    """Handler of `review.command`."""

    kind = newjobs.COMMAND

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, ctx: JobContext) -> Outcome:
        payload = ctx.job.payload
        repository, word = as_text(payload.get("repository")), as_text(payload.get("word"))
        if not word or repository.count("/") != 1:
            return _BAD
        done = await ctx.write(partial(self._apply, ctx=ctx, repository=repository, word=word))
        return Done({"done": list(done)})

    def _apply(self, unit: Unit, *, ctx: JobContext, repository: str, word: str) -> tuple[str, ...]:
        payload = ctx.job.payload
        number, head_sha = as_int(payload.get("number")), as_text(payload.get("head_sha"))
        numbers = [number] if number is not None else self._of_head(unit, repository, head_sha)
        if not numbers:
            numbers = _numbers(payload)
        said = Said(
            word,
            as_text(payload.get("text")),
            repository,
            0,
            as_int(payload.get("comment_id")),
            as_text(payload.get("login")),
            ctx.job.delivery_id,
            is_button=number is None,
        )
        group = store_verdicts.group(unit, repository, head_sha) if head_sha else None
        if group is not None:
            _enqueue(ctx, self._parts.jobs)(unit, group_job(group, "somebody asked for it"))
        return tuple(
            self._parts.desk.carry_out(unit, replace(said, number=one), ctx.clock.now_ms())
            for one in numbers
        )

    @staticmethod
    def _of_head(unit: Unit, repository: str, head_sha: str) -> list[int]:
        return [one.pull.number for one in store.by_head(unit, repository, head_sha)]


def _enqueue(ctx: JobContext, jobs: JobRequests) -> Callable[[Unit, NewJob], None]:
    """Enqueue for the delivery that this job is about."""

    def enqueue(unit: Unit, job: NewJob) -> None:
        jobs.enqueue(unit, replace(job, delivery_id=ctx.job.delivery_id))

    return enqueue


def _cause(ctx: JobContext) -> Cause:
    payload = ctx.job.payload
    reason = as_text(payload.get("cause")) or "it was asked for"
    return Cause(reason, ctx.job.delivery_id, again=payload.get("again") is True)


def _policy(data: JsonObject) -> Policy:
    return store.POLICIES.decode(msgspec.json.encode(data))


def _numbers(payload: JsonObject) -> list[int]:
    numbers = [as_int(one) for one in as_list(payload.get("pull_requests"))[:20]]
    return [number for number in numbers if number is not None and number > 0]


def _told(recorded: Recorded) -> JsonObject:
    match recorded:
        case Kept(review=review):
            return {"status": "recorded", "head_sha": review.pull.head_sha}
        case Outdated():
            return {"status": "outdated", "reason": "a newer state is recorded"}
        case Unsure():
            return {"status": "unsure", "reason": "another state of the same second is recorded"}


def _verdict(judgement: Judgement | None) -> JsonObject:
    if judgement is None:
        return {"status": "skipped", "reason": "not known, or not open"}
    return {"status": "judged", "conclusion": judgement.conclusion, "title": judgement.title}


def handlers(parts: Parts) -> tuple[JobHandler, ...]:
    """Every handler of this room."""
    return (TakeIn(parts), Validate(parts), NoteRun(parts), JudgeGroup(parts), CarryOut(parts))
