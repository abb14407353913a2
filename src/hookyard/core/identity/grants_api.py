"""Grants over HTTP, and why somebody may or may not do something."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from hookyard.adapters.database.port import Database
from hookyard.core.identity.access import (
    Told,
    check_may_explain,
    explain_to,
    prepared,
    subject_actor,
)
from hookyard.core.identity.gate import SCOPE, Cursor, Gate, Id, Limit, scope_named
from hookyard.core.identity.grants import Grants
from hookyard.core.identity.grants_model import GrantFilter, KeptGrant, NewGrant, Subject
from hookyard.core.identity.model import Action, Actor, ActorKind, Grant, Role
from hookyard.core.identity.scopes import FindRepository
from hookyard.kit.clock import Clock, from_rfc3339, to_rfc3339
from hookyard.kit.errors import Invalid
from hookyard.kit.pages import clamp_limit

SUBJECT = r"^(user|service|workload):[!-~]{1,200}$"
ANYBODY = r"^(user|service|workload|api_key):[!-~]{1,200}$"
ScopeText = Annotated[str, Field(pattern=SCOPE)]
ActionQuery: TypeAlias = Annotated[Action, Query()]


class NewGrantIn(BaseModel):
    """A grant to give: `subject` is user:ID, service:ID or workload:ID; `scope` is tenant,
    org:OWNER, repo:OWNER/NAME, campaign:ID or project:ID; `expires_at` RFC 3339."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[str, Field(pattern=SUBJECT)]
    role: Role
    scope: ScopeText = "tenant"
    expires_at: Annotated[str, Field(max_length=40)] | None = None


class ExplainIn(BaseModel):
    """Whom and what to explain: `subject` is user:ID, service:ID, workload:ID or api_key:ID."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[str, Field(pattern=ANYBODY)]
    action: Action
    scope: ScopeText = "tenant"


@dataclass(frozen=True, slots=True)
class KeptGrantOut:
    """A grant: to whom, what, where, and where it comes from."""

    id: str
    subject: str
    role: str
    scope: str
    repository_id: int | None
    source: str
    via: str
    created_at: str
    created_by: str
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class GrantsOut:
    """A page of grants, newest first."""

    items: list[KeptGrantOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A grant as a ground of a decision."""

    id: str
    role: str
    scope: str
    source: str


@dataclass(frozen=True, slots=True)
class ExplanationOut:
    """May they, and why: `by` is the grant it rests on. When not: grants that allow it
    `elsewhere`, the `roles` that would, and who can grant them (`granters`)."""

    subject: str
    action: str
    scope: str
    allowed: bool
    reason: str
    sentence: str
    by: HeldOut | None
    elsewhere: list[HeldOut]
    roles: list[str]
    granters: list[str]


@dataclass(frozen=True, slots=True)
class GrantPorts:
    """What the routes are made of."""

    database: Database
    grants: Grants
    find_repository: FindRepository
    clock: Clock


def router(ports: GrantPorts, gate: Gate) -> APIRouter:
    """The routes /api/admin/grants, /api/admin/explain and /api/me/explain."""
    routes = APIRouter(prefix="/api", tags=["identity"])
    database, grants, clock = ports.database, ports.grants, ports.clock

    @routes.get("/admin/grants")
    async def list_grants(
        actor: Annotated[Actor, Depends(gate.require(Action.GRANTS_READ))],
        subject: Annotated[str | None, Query(pattern=SUBJECT)] = None,
        role: Annotated[Role | None, Query()] = None,
        scope: Annotated[str | None, Query(pattern=SCOPE)] = None,
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> GrantsOut:
        """Grants, newest first, ended ones included. Who holds grants.read in one scope only
        must name it."""
        wanted = GrantFilter(
            None if subject is None else subject_of(subject, actor),
            role,
            None if scope is None else scope_named(scope, actor.tenant),
        )
        page = await database.read(
            lambda unit: grants.list_page(unit, actor, wanted, cursor, clamp_limit(limit))
        )
        return GrantsOut([grant_out(kept) for kept in page.items], page.next_cursor)

    writer = Depends(gate.require(Action.GRANTS_WRITE))

    @routes.post("/admin/grants", status_code=201)
    async def create_grant(actor: Annotated[Actor, writer], wanted: NewGrantIn) -> KeptGrantOut:
        """Give a role. Nobody gives a role, or a reach, they do not hold."""
        new = new_grant(wanted, actor)
        kept = await database.write(lambda unit: grants.create(unit, new, actor, clock.now_ms()))
        return grant_out(kept)

    @routes.delete("/admin/grants/{grant_id}")
    async def revoke_grant(actor: Annotated[Actor, writer], grant_id: Id) -> KeptGrantOut:
        """Take a grant away; what it was."""
        return grant_out(
            await database.write(lambda u: grants.revoke(u, grant_id, actor, clock.now_ms()))
        )

    _add_explanations(routes, ports, gate)
    return routes


def _add_explanations(routes: APIRouter, ports: GrantPorts, gate: Gate) -> None:
    database, find, clock = ports.database, ports.find_repository, ports.clock

    @routes.get("/me/explain")
    async def explain_me(
        actor: Annotated[Actor, Depends(gate.require(Action.SELF_READ))],
        action: ActionQuery,
        scope: Annotated[str, Query(pattern=SCOPE)] = "tenant",
    ) -> ExplanationOut:
        """Whether you may do something somewhere, and why."""
        wanted = scope_named(scope, actor.tenant)
        now_ms = clock.now_ms()
        return told_out(
            await database.read(lambda u: explain_to(u, actor, action, wanted, find, now_ms))
        )

    @routes.post("/admin/explain")
    async def explain_access(
        actor: Annotated[Actor, Depends(gate.require(Action.ACCESS_EXPLAIN))], asked: ExplainIn
    ) -> ExplanationOut:
        """Whether somebody may do something somewhere, and why. Changes nothing."""
        wanted = scope_named(asked.scope, actor.tenant)
        check_may_explain(actor, wanted)
        now_ms = clock.now_ms()
        bare = await database.read(lambda u: subject_actor(u, actor, asked.subject, now_ms))
        whom = await prepared(bare, actor.authorizer)
        return told_out(
            await database.read(lambda u: explain_to(u, whom, asked.action, wanted, find, now_ms))
        )


def subject_of(label: str, actor: Actor) -> Subject:
    """A subject of the actor's tenant, from `kind:id`."""
    kind, _, subject_id = label.partition(":")
    return Subject(ActorKind(kind), subject_id, actor.tenant)


def new_grant(wanted: NewGrantIn, actor: Actor) -> NewGrant:
    """What was asked for; Invalid for an instant that is none."""
    expires_at_ms = None
    if wanted.expires_at is not None:
        try:
            expires_at_ms = from_rfc3339(wanted.expires_at)
        except (ValueError, OverflowError):
            raise Invalid("expires_at must be RFC 3339 with a zone", code="bad_expiry") from None
    scope = scope_named(wanted.scope, actor.tenant)
    return NewGrant(subject_of(wanted.subject, actor), wanted.role, scope, expires_at_ms)


def grant_out(kept: KeptGrant) -> KeptGrantOut:
    """A grant on the wire."""
    return KeptGrantOut(
        id=kept.id,
        subject=kept.subject.label,
        role=kept.role.value,
        scope=str(kept.scope),
        repository_id=kept.scope.id,
        source=kept.source.value,
        via=kept.via,
        created_at=to_rfc3339(kept.created_at_ms),
        created_by=kept.created_by,
        expires_at=None if kept.expires_at_ms is None else to_rfc3339(kept.expires_at_ms),
    )


def told_out(told: Told) -> ExplanationOut:
    """An explanation on the wire."""
    found = told.found
    return ExplanationOut(
        subject=told.who,
        action=found.action,
        scope=str(found.scope),
        allowed=found.decision.allowed,
        reason=found.decision.reason,
        sentence=told.sentence,
        by=None if found.by is None else held_out(found.by),
        elsewhere=[held_out(grant) for grant in found.elsewhere],
        roles=[role.value for role in found.roles],
        granters=list(told.granters),
    )


def held_out(grant: Grant) -> HeldOut:
    """A held grant on the wire."""
    return HeldOut(grant.id, grant.role.value, str(grant.scope), grant.source)
