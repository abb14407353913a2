"""Who am I, and what is my own: rights, repositories, sessions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Query, Request, Response

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.gate import Cursor, Gate, Id, Limit
from hookyard.core.identity.model import Action, Actor
from hookyard.core.identity.rules import TABLE
from hookyard.core.identity.sessions import Sessions
from hookyard.core.identity.users import Session, User, Visit
from hookyard.kit.clock import Clock, to_rfc3339
from hookyard.kit.pages import clamp_limit

Managed: TypeAlias = Callable[[Unit, Actor], Sequence[str]]
"""The names of the repositories an actor may see, the first so many of them."""


@dataclass(frozen=True, slots=True)
class GrantOut:
    """A role and how far it reaches; `source` is the rule it comes from, where that is known."""

    role: str
    scope: str
    source: str | None


@dataclass(frozen=True, slots=True)
class SessionOut:
    """A signed-in browser. `current` is the one that asks."""

    id: str
    client: str
    issuer: str
    created_at: str
    seen_at: str
    expires_at: str
    current: bool


@dataclass(frozen=True, slots=True)
class SessionsOut:
    """A page of sessions, newest first."""

    items: list[SessionOut]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class EndedOut:
    """How many sessions ended."""

    ended: int


@dataclass(frozen=True, slots=True)
class MeOut:
    """The caller: who, what they hold, and every action that allows somewhere.

    `login` and what follows is of people who signed in. `managed_repos` are the first 200 that the
    caller may see; /api/repos has all. `csrf_token` is what unsafe requests with the session
    cookie must send as X-Hookyard-Csrf; it changes with the session.
    """

    id: str
    actor: str
    kind: str
    name: str
    tenant: str
    grants: list[GrantOut]
    actions: list[str]
    managed_repos: list[str]
    login: str | None
    avatar_url: str | None
    email: str | None
    csrf_token: str | None
    session: SessionOut | None


def router(
    database: Database, sessions: Sessions, clock: Clock, gate: Gate, managed: Managed
) -> APIRouter:
    """The routes /api/me and /api/me/sessions."""
    routes = APIRouter(prefix="/api/me", tags=["identity"])
    reader = Depends(gate.require(Action.SELF_READ))
    writer = Depends(gate.require(Action.SELF_WRITE))

    @routes.get("")
    async def get_me(actor: Annotated[Actor, reader], request: Request) -> MeOut:
        """Who the credential stands for and what it may do."""
        names = await database.read(lambda unit: managed(unit, actor))
        return me_out(actor, names, visit_of(request))

    @routes.get("/sessions")
    async def list_my_sessions(
        actor: Annotated[Actor, reader], cursor: Cursor = None, limit: Limit = None
    ) -> SessionsOut:
        """The caller's sessions, newest first; none for callers that are no people."""
        size = clamp_limit(limit)
        page = await database.read(
            lambda unit: sessions.list_page(unit, actor.id, cursor, size, clock.now_ms())
        )
        shown = [session_out(found, actor.session_id) for found in page.items]
        return SessionsOut(shown, page.next_cursor)

    @routes.delete("/sessions")
    async def end_my_sessions(
        actor: Annotated[Actor, writer],
        keep_current: Annotated[bool, Query()] = False,
    ) -> EndedOut:
        """End every session of the caller, but the present one where that is asked."""
        but = actor.session_id if keep_current else None
        ended = await database.write(
            lambda unit: sessions.end_all(unit, actor.id, actor, clock.now_ms(), but=but)
        )
        return EndedOut(ended)

    @routes.delete("/sessions/{session_id}", status_code=204)
    async def end_my_session(actor: Annotated[Actor, writer], session_id: Id) -> Response:
        """End one session of the caller."""
        await database.write(
            lambda unit: sessions.end(unit, session_id, actor.id, actor, clock.now_ms())
        )
        return Response(status_code=204)

    return routes


def visit_of(request: Request) -> Visit | None:
    """The visit of a request that came with a session cookie."""
    found: Visit | None = getattr(request.state, "visit", None)
    return found


def me_out(actor: Actor, repositories: Sequence[str], visit: Visit | None) -> MeOut:
    """The caller on the wire."""
    actions = {action.value for grant in actor.grants for action in TABLE[grant.role]}
    if visit is not None:
        actions |= {Action.SELF_READ.value, Action.SELF_WRITE.value}
    user: User | None = visit.held.user if visit else None
    return MeOut(
        id=actor.id,
        actor=actor.label,
        kind=actor.kind.value,
        name=(user.name or user.login) if user else actor.name,
        tenant=actor.tenant,
        grants=[GrantOut(g.role.value, str(g.scope), g.source or None) for g in actor.grants],
        actions=sorted(actions),
        managed_repos=list(repositories),
        login=user.login if user else None,
        avatar_url=user.avatar_url if user else None,
        email=user.email if user else None,
        csrf_token=visit.csrf_token if visit else None,
        session=session_out(visit.held.session, actor.session_id) if visit else None,
    )


def session_out(session: Session, current: str | None) -> SessionOut:
    """A session on the wire."""
    return SessionOut(
        id=session.id,
        client=session.client,
        issuer=session.issuer,
        created_at=to_rfc3339(session.created_at_ms),
        seen_at=to_rfc3339(session.seen_at_ms),
        expires_at=to_rfc3339(session.expires_at_ms),
        current=session.id == current,
    )
