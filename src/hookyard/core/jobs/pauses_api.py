"""Pauses over HTTP: begin one, list those in force, resume."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity.gate import Cursor, Id, Limit, RepositoryName, Require
from hookyard.core.identity.model import Action, Actor, Scope, ScopeKind
from hookyard.core.identity.rules import authorize, scopes_for
from hookyard.core.jobs.model import Lane
from hookyard.core.jobs.pauses import Pauses
from hookyard.core.jobs.pauses_model import (
    BY_PEOPLE,
    MAX_REASON,
    NewPause,
    Pause,
    PauseOf,
    Place,
    owner_of,
)
from hookyard.core.jobs.service import Ledger
from hookyard.core.jobs.views import instant
from hookyard.kit.clock import from_rfc3339, to_rfc3339
from hookyard.kit.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from hookyard.kit.pages import clamp_limit, decode_cursor, encode_cursor

GATHER_CHUNKS = 200
WIDE = frozenset({PauseOf.KIND, PauseOf.LANE})


class NewPauseIn(BaseModel):
    """A pause of exactly one kind, lane, repository or installation (the account it is on).

    `until` is RFC 3339; without it the pause holds until it is resumed.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,99}$")] | None = None
    lane: Lane | None = None
    repository: RepositoryName | None = None
    installation: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON)]
    until: Annotated[str, Field(max_length=40)] | None = None

    def wanted(self) -> NewPause:
        """The value; Invalid unless exactly one thing is named."""
        named = [(what, getattr(self, what.value)) for what in BY_PEOPLE]
        given = [(what, str(name)) for what, name in named if name is not None]
        if len(given) != 1:
            raise Invalid("name exactly one of kind, lane, repository, installation")
        what, name = given[0]
        until_ms = None
        if self.until is not None:
            try:
                until_ms = from_rfc3339(self.until)
            except (ValueError, OverflowError):
                raise Invalid(
                    "until must be RFC 3339 with a zone, as 2026-01-31T12:00:00Z"
                ) from None
        return NewPause(what, name, self.reason, until_ms)


@dataclass(frozen=True, slots=True)
class PauseOut:
    """A pause in force. `held` counts the jobs that wait for it, up to 10,000.

    One of a `budget` is named by the id of its billing project, and ends with the period or once
    the budget is raised.
    """

    id: str
    what: Literal["kind", "lane", "repository", "installation", "budget"]
    name: str
    reason: str
    created_at: str
    created_by: str
    until: str | None
    held: int


@dataclass(frozen=True, slots=True)
class ResumedOut(PauseOut):
    """A pause that has ended, and how many jobs it let go."""

    released: int


@dataclass(frozen=True, slots=True)
class PausesOut:
    """A page of pauses, newest first."""

    items: list[PauseOut]
    next_cursor: str | None


def router(database: Database, ledger: Ledger, audit: Audit, require: Require) -> APIRouter:
    """The routes under /api/pauses. Pausing and resuming are written to the audit trail."""
    routes = APIRouter(prefix="/api/pauses", tags=["jobs"])
    pauses = ledger.pauses
    _lists(routes, database, pauses, require)
    _changes(routes, database, ledger, audit, require)
    return routes


def _lists(routes: APIRouter, database: Database, pauses: Pauses, require: Require) -> None:
    @routes.get("")
    async def list_pauses(
        actor: Annotated[Actor, Depends(require(Action.JOBS_READ))],
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> PausesOut:
        """Pauses in force, newest first. A narrow key sees those that can hold its jobs."""
        before = None if cursor is None else str(decode_cursor(cursor, (str,))[0])
        size = clamp_limit(limit)

        def look(unit: Unit) -> PausesOut:
            seen = [
                pause
                for pause in pauses.active(unit)
                if may_see(actor, pause) and (before is None or pause.id < before)
            ]
            items = [pause_out(pause, pauses.held(unit, pause)) for pause in seen[:size]]
            more = len(seen) > size
            return PausesOut(items, encode_cursor(seen[size - 1].id) if more else None)

        return await database.read(look)


def _changes(
    routes: APIRouter, database: Database, ledger: Ledger, audit: Audit, require: Require
) -> None:
    pauses = ledger.pauses
    pauser = Depends(require(Action.JOBS_PAUSE))

    def note(unit: Unit, actor: Actor, action: str, pause: Pause) -> None:
        target = f"{pause.what.value}:{pause.name}"
        entry = AuditEntry(
            actor.label,
            action,
            target,
            reason=pause.reason,
            detail={"pause": pause.id},
            tenant=actor.tenant,
        )
        audit.record(unit, entry, ledger.clock.now_ms())

    @routes.post("", status_code=201)
    async def begin_pause(actor: Annotated[Actor, pauser], wanted: NewPauseIn) -> PauseOut:
        """Start nothing more of what is named. What runs ends as it would."""
        new = wanted.wanted()
        decision = authorize(actor, Action.JOBS_PAUSE, scope_of(actor, new.what, new.name))
        if not decision.allowed:
            hint = "; a key for some repositories may pause those" if new.what in WIDE else ""
            raise Forbidden(decision.reason + hint)

        def start(unit: Unit) -> Pause:
            pause = pauses.start(unit, new, actor.label)
            note(unit, actor, "jobs.pause", pause)
            return pause

        pause = await database.write(start)
        held = await in_chunks(lambda: _gather(database, pauses, pause))
        return pause_out(pause, held)

    @routes.delete("/{pause_id}")
    async def end_pause(actor: Annotated[Actor, pauser], pause_id: Id) -> ResumedOut:
        """Resume: what the pause held is ready again, in the order it was before."""

        def end(unit: Unit) -> Pause:
            pause = pauses.get(unit, pause_id)
            if not may_see(actor, pause):
                raise NotFound("there is no such pause; it may have ended")
            decision = authorize(actor, Action.JOBS_PAUSE, scope_of(actor, pause.what, pause.name))
            if not decision.allowed:
                raise Forbidden(decision.reason)
            if pause.what is PauseOf.BUDGET:
                raise Conflict("a budget is used up; raise it, or wait", code="budget_used_up")
            note(unit, actor, "jobs.resume", pause)
            return pauses.end(unit, pause_id)

        pause = await database.write(end)
        released = await in_chunks(lambda: _let_go(database, pauses, pause))
        return ResumedOut(**asdict(pause_out(pause, 0)), released=released)


async def in_chunks(work: Callable[[], Awaitable[int]]) -> int:
    """The count of work that may stop early.

    # why: the pause stands, or has ended, already; when the database fails meanwhile, claims and
    # the sweep do the rest.
    """
    with suppress(Unavailable):
        return await work()
    return 0


async def _gather(database: Database, pauses: Pauses, pause: Pause) -> int:
    place: Place | None = pauses.first_place(pause)
    held = 0
    for _ in range(GATHER_CHUNKS):
        if place is None:
            break
        count, place = await database.write(
            lambda unit, at=place: pauses.gather(unit, pause, at)  # type: ignore[misc]
        )
        held += count
    return held


async def _let_go(database: Database, pauses: Pauses, pause: Pause) -> int:
    released, more = 0, True
    while more:
        count, more = await database.write(lambda unit: pauses.let_go(unit, pause))
        released += count
    return released


def scope_of(actor: Actor, what: PauseOf, name: str) -> Scope:
    """Where a right is needed: the repository, the account, else everything."""
    match what:
        case PauseOf.REPOSITORY:
            return Scope.of_repository(name, actor.tenant)
        case PauseOf.INSTALLATION:
            return Scope.of_org(name, actor.tenant)
        case PauseOf.BUDGET:
            return Scope.of_project(name, actor.tenant)
        case PauseOf.KIND | PauseOf.LANE:
            return Scope(tenant=actor.tenant)


def may_see(actor: Actor, pause: Pause) -> bool:
    """Whether a pause can hold jobs that this actor may read."""
    if pause.what in WIDE:
        return True
    if authorize(actor, Action.JOBS_READ, scope_of(actor, pause.what, pause.name)).allowed:
        return True
    readable = scopes_for(actor, Action.JOBS_READ)
    return pause.what is PauseOf.INSTALLATION and any(
        scope.kind is ScopeKind.REPOSITORY and owner_of(scope.name) == pause.name
        for scope in readable
    )


def pause_out(pause: Pause, held: int) -> PauseOut:
    """A pause on the wire."""
    return PauseOut(
        id=pause.id,
        what=pause.what.value,
        name=pause.name,
        reason=pause.reason,
        created_at=to_rfc3339(pause.created_at_ms),
        created_by=pause.created_by,
        until=instant(pause.until_ms),
        held=held,
    )
