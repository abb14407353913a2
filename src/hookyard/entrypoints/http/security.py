"""`Authorization: Bearer …` → Actor, and the right each route declares."""

import structlog
from fastapi import Request

from hookyard.core.identity.authenticate import Authenticator
from hookyard.core.identity.gate import scope_of
from hookyard.core.identity.model import Actor, Refused
from hookyard.core.identity.rules import authorize, may_somewhere
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Forbidden, Unauthenticated

MAX_HEADER = 8_192


class Guard:
    """Implements `Gate`: makes the dependency a route names its action with."""

    def __init__(self, authenticator: Authenticator, clock: Clock) -> None:
        self._authenticator = authenticator
        self._clock = clock

    def require(self, action: str) -> "Check":
        """For callers who hold the action somewhere; the route checks where."""
        return Check(self, action, everywhere=False)

    def require_everywhere(self, action: str) -> "Check":
        """For callers who hold the action over their whole tenant."""
        return Check(self, action, everywhere=True)

    async def actor_of(self, header: str) -> Actor:
        """The caller of a header's bearer token; Unauthenticated when there is none."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip() or len(header) > MAX_HEADER:
            raise Unauthenticated(
                "send `Authorization: Bearer KEY` with the admin key or an API key"
            )
        found = await self._authenticator.authenticate(token.strip(), self._clock.now_ms())
        if isinstance(found, Refused):
            raise Unauthenticated(found.detail)
        return found


class Check:
    """A dependency that gives the Actor, or refuses with 401 or 403. `action` says for what."""

    def __init__(self, guard: Guard, action: str, *, everywhere: bool) -> None:
        self.action = action
        self.everywhere = everywhere
        self._guard = guard

    async def __call__(self, request: Request) -> Actor:
        actor = await self._guard.actor_of(request.headers.get("authorization", ""))
        request.state.actor = actor
        request.state.action = self.action
        structlog.contextvars.bind_contextvars(actor=actor.label)
        if self.everywhere:
            decision = authorize(actor, self.action, scope_of(actor, None))
        else:
            decision = may_somewhere(actor, self.action)
        if not decision.allowed:
            raise Forbidden(decision.reason)
        return actor
