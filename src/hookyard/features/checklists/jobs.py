"""The job that reads an issue's criteria: `criteria.extract`, one at a time for each issue; and
`criteria.follow` (payload `old`, `new`), after a repository got another name.

Payload (version 1): `repository` "owner/name", `number`, and optionally `issue` {title, body,
updated_at}, `installation_id`, `comment` (whether the repository wants one; what held before
where it is left out), `again` (ask for the comment even if it should stand), `moved_from`
{repository, number} of an issue that was transferred here, `gone` (why it is no longer there: the
rest is then left out). Without `issue` the words are fetched from GitHub.
"""

import asyncio
from dataclasses import dataclass

from hookyard.adapters.database.port import Unit
from hookyard.adapters.github.port import GitHubError
from hookyard.core.jobs.model import (
    Done,
    Fail,
    JobContext,
    JobHandler,
    JobKind,
    KeyPolicy,
    Lane,
    NewJob,
    Outcome,
)
from hookyard.core.jobs.unread import not_read
from hookyard.features.checklists import model
from hookyard.features.checklists.extract import extract
from hookyard.features.checklists.issues import Issues, issue_text
from hookyard.features.checklists.model import IssueText, Outdated, Reading, Recorded, Unsure, Wish
from hookyard.features.checklists.service import Checklists
from hookyard.kit.json import Json, JsonObject, as_int, as_object, as_text
from hookyard.kit.names import MAX_NUMBER

KIND = JobKind("criteria.extract", lane=Lane.HIGH, policy=KeyPolicy.QUEUE, timeout_s=60.0)
FOLLOW = JobKind("criteria.follow", lane=Lane.HIGH, policy=KeyPolicy.QUEUE, timeout_s=60.0)


def job_for(
    repository: str,
    number: int,
    *,
    issue: JsonObject | None = None,
    installation_id: int | None = None,
    comment: bool | None = None,
    again: bool = False,
    moved_from: JsonObject | None = None,
    gone: str | None = None,
) -> NewJob:
    """The job for one issue; its key keeps two of them from overlapping."""
    payload: dict[str, Json] = {"repository": repository, "number": number}
    if issue is not None:
        payload["issue"] = issue
    if installation_id is not None:
        payload["installation_id"] = installation_id
    if comment is not None:
        payload["comment"] = comment
    if again:
        payload["again"] = True
    if moved_from is not None:
        payload["moved_from"] = moved_from
    if gone is not None:
        payload["gone"] = gone
    return NewJob(
        kind=KIND.name,
        payload=payload,
        key=f"criteria:{repository.lower()}#{number}",
        repository=repository,
    )


def follow_job(old: str, new: str) -> NewJob:
    """The job that lets what is kept of a repository follow its new name."""
    return NewJob(
        kind=FOLLOW.name,
        payload={"old": old, "new": new},
        key=f"criteria:{new.lower()}",
        repository=new,
    )


class FollowRepository:
    """Gives checklists the new name of a repository that was renamed or transferred."""

    kind = FOLLOW

    def __init__(self, checklists: Checklists) -> None:
        self._checklists = checklists

    async def __call__(self, ctx: JobContext) -> Outcome:
        old, new = (as_text(ctx.job.payload.get(name)) for name in ("old", "new"))
        if old.count("/") != 1 or new.count("/") != 1:
            return Fail("the payload names no old and new repository", "bad_payload")
        moved = await ctx.write(lambda unit: self._checklists.follow(unit, old, new))
        return Done({"checklists": moved})


class ExtractCriteria:
    """Reads, aligns, stores and publishes the criteria of one issue."""

    kind = KIND

    def __init__(self, checklists: Checklists, issues: Issues) -> None:
        self._checklists = checklists
        self._issues = issues

    async def __call__(self, ctx: JobContext) -> Outcome:
        target = _target(ctx.job.payload)
        if target is None:
            return Fail("the payload names no repository and issue number", "bad_payload")
        gone = as_text(ctx.job.payload.get("gone"))
        if gone:
            return Done(await self._lose(ctx, target, gone))
        carried = issue_text(as_object(ctx.job.payload.get("issue")))
        try:
            outcome: model.Outcome | None = Unsure()
            if carried is not None:
                outcome = await self._record(ctx, target, carried, fetched=False)
            if isinstance(outcome, Unsure):
                outcome = await self._fetch_and_record(ctx, target)
        except GitHubError as error:
            return not_read(error)
        return Done(_result(outcome))

    async def _lose(self, ctx: JobContext, target: "_Target", gone: str) -> JsonObject:
        known = await ctx.write(
            lambda unit: self._checklists.lose(
                unit,
                target.repository,
                target.number,
                gone,
                ctx.clock.now_ms(),
                ctx.job.delivery_id,
            )
        )
        return {"status": "gone", "reason": gone, "known": known}

    async def _fetch_and_record(self, ctx: JobContext, target: "_Target") -> model.Outcome | None:
        installation_id = as_int(ctx.job.payload.get("installation_id"))
        issue = await self._issues.read(target.repository, target.number, installation_id)
        return None if issue is None else await self._record(ctx, target, issue, fetched=True)

    async def _record(
        self, ctx: JobContext, target: "_Target", issue: IssueText, *, fetched: bool
    ) -> model.Outcome:
        # why: a long text takes a few hundred milliseconds, which the event loop must not wait.
        extraction = await asyncio.to_thread(extract, issue.body)
        reading = Reading(target.repository, target.number, issue, extraction, fetched)
        wish = Wish(
            delivery_id=ctx.job.delivery_id,
            comment=_flag(ctx.job.payload.get("comment")),
            again=ctx.job.payload.get("again") is True,
        )
        origin = _target(as_object(ctx.job.payload.get("moved_from")))

        def record(unit: Unit) -> model.Outcome:
            now_ms = ctx.clock.now_ms()
            if origin is not None:
                self._checklists.move(
                    unit,
                    (origin.repository, origin.number),
                    (target.repository, target.number),
                    now_ms,
                    ctx.job.delivery_id,
                )
            return self._checklists.record(unit, reading, now_ms, wish)

        return await ctx.write(record)


@dataclass(frozen=True, slots=True)
class _Target:
    repository: str
    number: int


def _target(named: JsonObject) -> _Target | None:
    repository = as_text(named.get("repository"))
    number = as_int(named.get("number"))
    if repository.count("/") != 1 or number is None or not 1 <= number <= MAX_NUMBER:
        return None
    return _Target(repository, number)


def _flag(value: Json) -> bool | None:
    return value if isinstance(value, bool) else None


def _result(outcome: model.Outcome | None) -> JsonObject:
    match outcome:
        case Recorded():
            return {
                "status": "recorded",
                "criteria": len(outcome.checklist.criteria),
                "confidence": outcome.checklist.confidence.value,
                "reason": outcome.checklist.reason,
                "revision": outcome.checklist.revision,
                "added": list(outcome.added),
                "revised": list(outcome.revised),
                "retired": list(outcome.retired),
                "effect_id": outcome.effect_id,
            }
        case Outdated():
            return {"status": "outdated", "reason": "a newer text of the issue is recorded"}
        case Unsure():
            return {"status": "unsure", "reason": "another text of the same second is recorded"}
        case None:
            return {"status": "gone", "reason": "GitHub shows no such issue"}


def handlers(checklists: Checklists, issues: Issues) -> tuple[JobHandler, ...]:
    """Every handler of this room."""
    return (ExtractCriteria(checklists, issues), FollowRepository(checklists))
