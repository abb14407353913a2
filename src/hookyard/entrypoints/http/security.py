"""The credential of a request → Actor, and the right each route declares.

`Authorization: Bearer …` is read first, and where it is sent no cookie is: a browser never adds
it by itself, so such a request cannot have been made by another site. Else the session cookie
counts, and unsafe requests must prove where they come from (see `csrf`).
"""

import structlog
from fastapi import Request

from hookyard.core.identity.access import prepared
from hookyard.core.identity.authenticate import Authenticator
from hookyard.core.identity.model import Actor, Authorizer, Refused
from hookyard.core.identity.rules import may_enter
from hookyard.core.identity.users import Visit
from hookyard.core.identity.visits import Visits
from hookyard.entrypoints.http import cookies, csrf
from hookyard.entrypoints.http.ratelimit import Limits
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Forbidden, Limited, Unauthenticated

MAX_HEADER = 8_192
HOW = "send `Authorization: Bearer KEY` with the admin key or an API key, or sign in"


class Guard:
    """Implements `Gate`: makes the dependency a route names its action with."""

    def __init__(
        self,
        authenticator: Authenticator,
        clock: Clock,
        visits: Visits | None = None,
        public_url: str | None = None,
        *,
        limits: Limits | None = None,
        authorizer: Authorizer | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._clock = clock
        self._visits = visits
        self._public_url = public_url
        self._limits = limits
        self._authorizer = authorizer

    def require(self, action: str) -> "Check":
        """For callers who hold the action somewhere; the route checks where."""
        return Check(self, action, everywhere=False)

    def require_everywhere(self, action: str) -> "Check":
        """For callers who hold the action over their whole tenant."""
        return Check(self, action, everywhere=True)

    async def caller(self, request: Request) -> Actor:
        """Who sent a request. Unauthenticated when nobody we know, Forbidden (`csrf`) when the
        browser of somebody we know was made to send it."""
        if "authorization" in request.headers:
            return await self.actor_of(request.headers["authorization"])
        visit = await self.visit(request)
        if visit is None:
            raise Unauthenticated(HOW)
        return visit.actor

    async def again(self, request: Request, before: Actor) -> Actor:
        """The same caller later in the same request; Unauthenticated once the credential is over.

        A session has the rights it came with: it is looked at, not used, so it does not live on.
        """
        if "authorization" in request.headers:
            actor = await self.actor_of(request.headers["authorization"])
            return await prepared(actor, self._authorizer)
        secure = cookies.is_secure(request, self._public_url)
        token = cookies.read(request, cookies.SESSION, secure=secure)
        if token is None or self._visits is None:
            raise Unauthenticated(HOW)
        found = await self._visits.recognise(token, self._clock.now_ms())
        if isinstance(found, Refused):
            raise Unauthenticated(found.detail)
        return before

    async def visit(self, request: Request) -> Visit | None:
        """The visit of a session cookie, None without one; a cookie that takes its place goes
        out with the answer."""
        secure = cookies.is_secure(request, self._public_url)
        token = cookies.read(request, cookies.SESSION, secure=secure)
        if token is None or self._visits is None:
            return None
        now_ms = self._clock.now_ms()
        found = await self._visits.recognise(token, now_ms)
        if isinstance(found, Refused):
            _send_cookie(request, cookies.drop(cookies.SESSION, secure=secure))
            raise Unauthenticated(found.detail)
        request.state.actor = found.bare
        csrf.check(request, found.csrf_token, self._public_url)
        visit = await self._visits.enter(found, now_ms)
        request.state.visit = visit
        if visit.replacement is not None:
            left_s = (visit.replacement.session.expires_at_ms - now_ms) // 1000
            value = visit.replacement.token
            cookie = cookies.make(cookies.SESSION, value, secure=secure, max_age_s=left_s)
            _send_cookie(request, cookie)
        return visit

    async def admit(self, request: Request, actor: Actor) -> Actor:
        """The actor as the authorizer in use wants it; Limited when it calls too often."""
        if self._limits is not None:
            self._limits.spend(actor, request.scope["state"])
        return await prepared(actor, self._authorizer)

    def may_spend(self, actor: Actor) -> bool:
        """Count one more call of this actor; False when the budget is used up."""
        try:
            if self._limits is not None:
                self._limits.spend(actor)
        except Limited:
            return False
        return True

    async def actor_of(self, header: str) -> Actor:
        """The caller of a header's bearer token; Unauthenticated when there is none."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip() or len(header) > MAX_HEADER:
            raise Unauthenticated(HOW)
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
        request.state.action = self.action
        actor = await self._guard.caller(request)
        request.state.actor = actor
        actor = request.state.actor = await self._guard.admit(request, actor)
        structlog.contextvars.bind_contextvars(actor=actor.label)
        decision = may_enter(actor, self.action, everywhere=self.everywhere)
        if not decision.allowed:
            raise Forbidden(decision.reason)
        return actor


def _send_cookie(request: Request, cookie: str) -> None:
    """The edge sends it with whatever the answer is, a refusal too."""
    request.state.set_cookies = [*getattr(request.state, "set_cookies", ()), cookie]
