"""Routes of one criterion: what became of its words, who waived it, waive it, take that back."""

from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, status
from pydantic import BaseModel, ConfigDict, Field

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity.gate import (
    Name,
    Number,
    Owner,
    Require,
    Text,
    allow,
    repository_of,
    stored,
)
from hookyard.core.identity.model import Action, Actor
from hookyard.features.checklists.model import MAX_REASON, History, Waiver, Wording
from hookyard.features.checklists.service import Checklists
from hookyard.features.checklists.views import ItemOut, WaiverOut, item_out, waiver_out
from hookyard.kit.clock import Clock, to_rfc3339
from hookyard.kit.json import JsonObject

CriterionId = Annotated[str, Path(pattern=r"^T[1-9][0-9]{0,8}$")]


class WaiverIn(BaseModel):
    """Why the criterion may stand without evidence."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON)]


@dataclass(frozen=True, slots=True)
class WordingOut:
    """One revision of a criterion's words. `change` is first, wording, material or back; evidence
    for a revision counts for every other of the same `meaning`."""

    revision: int
    text: str
    group: str
    detail: str
    meaning: int
    change: str
    reason: str
    seen_at: str


@dataclass(frozen=True, slots=True)
class PastWaiverOut(WaiverOut):
    """A waiver with what became of it: in force, withdrawn, or lapsed when the text changed."""

    id: str
    meaning: int
    status: str
    withdrawn_by: str | None
    withdrawn_reason: str
    withdrawn_at: str | None


@dataclass(frozen=True, slots=True)
class HistoryOut:
    """A criterion, when it was taken out of the issue (null while it stands), its revisions and
    its waivers, oldest first."""

    criterion: ItemOut
    retired_at: str | None
    revisions: list[WordingOut]
    waivers: list[PastWaiverOut]


def router(
    database: Database, checklists: Checklists, audit: Audit, clock: Clock, require: Require
) -> APIRouter:
    """The routes. Waiving and taking back are written to the audit trail."""
    prefix = "/api/repos/{owner}/{repo}/issues/{number}/criteria/{criterion}"
    routes = APIRouter(prefix=prefix, tags=["issues"])
    _reads(routes, database, checklists, require)
    _changes(routes, database, checklists, _Trail(audit, clock), require)
    return routes


def _reads(routes: APIRouter, database: Database, checklists: Checklists, require: Require) -> None:
    @routes.get("")
    async def show_criterion(
        owner: Owner,
        repo: Name,
        number: Number,
        criterion: CriterionId,
        actor: Annotated[Actor, Depends(require(Action.ISSUES_READ))],
    ) -> HistoryOut:
        """One criterion with every revision of its words and every waiver, also when retired."""
        name = repository_of(actor, Action.ISSUES_READ, owner, repo)
        return history_out(
            await database.read(lambda unit: checklists.history(unit, name, number, criterion))
        )


def _changes(
    routes: APIRouter, database: Database, checklists: Checklists, trail: "_Trail", require: Require
) -> None:
    waiver = Depends(require(Action.CRITERIA_WAIVE))

    @routes.post("/waiver", status_code=status.HTTP_201_CREATED)
    async def waive_criterion(
        owner: Owner,
        repo: Name,
        number: Number,
        criterion: CriterionId,
        actor: Annotated[Actor, waiver],
        wanted: WaiverIn,
    ) -> PastWaiverOut:
        """Let a criterion stand without evidence, for as long as it means what it does now."""
        name = repository_of(actor, Action.ISSUES_READ, owner, repo)
        allow(actor, Action.CRITERIA_WAIVE, name)
        now_ms = trail.clock.now_ms()

        def waive(unit: Unit) -> Waiver:
            view = checklists.find(unit, name, number)
            known = {c.decided.id for c in view.checklist.criteria if c.decided} if view else set()
            made = checklists.waive(
                unit, name, number, criterion, actor.label, wanted.reason, now_ms
            )
            if made.id not in known:
                trail.note(unit, actor, "criteria.waive", f"{name}#{number}:{criterion}", made)
            return made

        return past_waiver_out(await database.write(waive), is_current=True)

    @routes.delete("/waiver")
    async def withdraw_waiver(
        owner: Owner,
        repo: Name,
        number: Number,
        criterion: CriterionId,
        actor: Annotated[Actor, waiver],
        reason: Text = None,
    ) -> PastWaiverOut:
        """Take a waiver back: the criterion needs evidence again."""
        name = repository_of(actor, Action.ISSUES_READ, owner, repo)
        allow(actor, Action.CRITERIA_WAIVE, name)
        now_ms = trail.clock.now_ms()

        def withdraw(unit: Unit) -> Waiver:
            ended = checklists.unwaive(
                unit, name, number, criterion, actor.label, stored(reason) or "", now_ms
            )
            trail.note(unit, actor, "criteria.unwaive", f"{name}#{number}:{criterion}", ended)
            return ended

        return past_waiver_out(await database.write(withdraw), is_current=True)


@dataclass(frozen=True, slots=True)
class _Trail:
    audit: Audit
    clock: Clock

    def note(self, unit: Unit, actor: Actor, action: str, target: str, waiver: Waiver) -> None:
        detail: JsonObject = {"waiver": waiver.id}
        reason = waiver.withdrawn_reason if waiver.withdrawn_by else waiver.reason
        entry = AuditEntry(
            actor.label, action, target, reason=reason, detail=detail, tenant=actor.tenant
        )
        self.audit.record(unit, entry, self.clock.now_ms())


def history_out(history: History) -> HistoryOut:
    """A criterion's past on the wire."""
    retired, meaning = history.retired_at_ms, history.criterion.meaning
    return HistoryOut(
        criterion=item_out(history.criterion),
        retired_at=None if retired is None else to_rfc3339(retired),
        revisions=[_wording_out(wording) for wording in history.wordings],
        waivers=[past_waiver_out(w, is_current=w.meaning == meaning) for w in history.waivers],
    )


def _wording_out(wording: Wording) -> WordingOut:
    return WordingOut(
        revision=wording.revision,
        text=wording.text,
        group=wording.group,
        detail=wording.detail,
        meaning=wording.meaning,
        change=wording.change.value,
        reason=wording.reason,
        seen_at=to_rfc3339(wording.seen_at_ms),
    )


def past_waiver_out(waiver: Waiver, *, is_current: bool) -> PastWaiverOut:
    """A waiver and what became of it on the wire."""
    ended = waiver.withdrawn_at_ms
    status = "withdrawn" if ended is not None else "in force" if is_current else "lapsed"
    return PastWaiverOut(
        **asdict(waiver_out(waiver)),
        id=waiver.id,
        meaning=waiver.meaning,
        status=status,
        withdrawn_by=waiver.withdrawn_by,
        withdrawn_reason=waiver.withdrawn_reason,
        withdrawn_at=None if ended is None else to_rfc3339(ended),
    )
