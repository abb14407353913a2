"""People who signed in, for admins: list them, and end their sessions."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.gate import Cursor, Gate, Id, Limit, Text, stored
from hookyard.core.identity.me_api import EndedOut, SessionsOut, session_out
from hookyard.core.identity.model import Action, Actor
from hookyard.core.identity.sessions import Sessions
from hookyard.core.identity.users import Session, User
from hookyard.kit.clock import Clock, to_rfc3339
from hookyard.kit.pages import Page, clamp_limit


@dataclass(frozen=True, slots=True)
class UserOut:
    """A person; `actor` is what grants and the trail call them."""

    id: str
    actor: str
    login: str
    name: str
    email: str | None
    avatar_url: str | None
    created_at: str
    signed_in_at: str


@dataclass(frozen=True, slots=True)
class UsersOut:
    """A page of users, newest first."""

    items: list[UserOut]
    next_cursor: str | None


def router(database: Database, sessions: Sessions, clock: Clock, gate: Gate) -> APIRouter:
    """The routes /api/admin/users."""
    routes = APIRouter(prefix="/api/admin/users", tags=["identity"])
    reader = Depends(gate.require_everywhere(Action.SESSIONS_READ))
    writer = Depends(gate.require_everywhere(Action.SESSIONS_WRITE))

    @routes.get("")
    async def list_users(
        actor: Annotated[Actor, reader],
        login: Text = None,
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> UsersOut:
        """People who signed in, newest first."""
        size = clamp_limit(limit)
        page = await database.read(
            lambda unit: sessions.list_users(unit, actor.tenant, stored(login), cursor, size)
        )
        return UsersOut([user_out(found) for found in page.items], page.next_cursor)

    @routes.get("/{user_id}/sessions")
    async def list_sessions(
        actor: Annotated[Actor, reader], user_id: Id, cursor: Cursor = None, limit: Limit = None
    ) -> SessionsOut:
        """The sessions of one person, newest first."""
        size = clamp_limit(limit)

        def look(unit: Unit) -> Page[Session]:
            sessions.get_user(unit, user_id, actor.tenant)
            return sessions.list_page(unit, user_id, cursor, size, clock.now_ms())

        page = await database.read(look)
        shown = [session_out(found, actor.session_id) for found in page.items]
        return SessionsOut(shown, page.next_cursor)

    @routes.delete("/{user_id}/sessions")
    async def end_sessions(actor: Annotated[Actor, writer], user_id: Id) -> EndedOut:
        """End every session of one person."""

        def work(unit: Unit) -> int:
            sessions.get_user(unit, user_id, actor.tenant)
            return sessions.end_all(unit, user_id, actor, clock.now_ms())

        return EndedOut(await database.write(work))

    @routes.delete("/{user_id}/sessions/{session_id}", status_code=204)
    async def end_session(actor: Annotated[Actor, writer], user_id: Id, session_id: Id) -> Response:
        """End one session of one person."""
        await database.write(
            lambda unit: sessions.end(unit, session_id, user_id, actor, clock.now_ms())
        )
        return Response(status_code=204)

    return routes


def user_out(user: User) -> UserOut:
    """A user on the wire."""
    return UserOut(
        id=user.id,
        actor=f"user:{user.id}",
        login=user.login,
        name=user.name,
        email=user.email,
        avatar_url=user.avatar_url,
        created_at=to_rfc3339(user.created_at_ms),
        signed_in_at=to_rfc3339(user.signed_in_at_ms),
    )
