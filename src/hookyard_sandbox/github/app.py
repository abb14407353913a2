"""The ASGI application: every call passes faults, authentication, limits and permissions here.

# spec: docs.github.com/rest: authentication, rate limits, conditional requests, pagination.
"""

import hashlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from hookyard.kit.clock import Clock
from hookyard_sandbox.github import control, graphql, registering, website
from hookyard_sandbox.github.auth import Caller, identify
from hookyard_sandbox.github.byid import ById
from hookyard_sandbox.github.faults import Fault, Faults, ServerClock
from hookyard_sandbox.github.http import (
    Answer,
    Call,
    Endpoint,
    Refusal,
    has,
    not_found,
    not_permitted,
)
from hookyard_sandbox.github.limits import (
    Limits,
    RateLimiter,
    primary_refusal,
    secondary_refusal,
)
from hookyard_sandbox.github.routes import (
    actions,
    apps,
    checks,
    comments,
    conversions,
    history,
    hooks,
    issues,
    meta,
    pullfiles,
    pulls,
    repositories,
    teams,
    trees,
    users,
)
from hookyard_sandbox.github.state import World
from hookyard_sandbox.github.webhooks import Hooks

ENDPOINTS: tuple[Endpoint, ...] = (
    *actions.ENDPOINTS,
    *apps.ENDPOINTS,
    *hooks.ENDPOINTS,
    *conversions.ENDPOINTS,
    *meta.ENDPOINTS,
    *comments.ENDPOINTS,
    *issues.ENDPOINTS,
    *checks.ENDPOINTS,
    *pulls.ENDPOINTS,
    *pullfiles.ENDPOINTS,
    *history.ENDPOINTS,
    *repositories.ENDPOINTS,
    *teams.ENDPOINTS,
    *trees.ENDPOINTS,
    *users.ENDPOINTS,
)
GHES = "/api/v3"
VERSIONS = ("2022-11-28", "2026-03-10")
# why: what this fake accepts at most; GitHub cuts bodies off at a similar size.
MAX_BODY = 30 * 1024 * 1024
Drop = Callable[[Request], Awaitable[None]]


async def _break(_: Request) -> None:
    raise ConnectionResetError("the simulated GitHub broke the connection")


@dataclass(slots=True)
class Gateway:
    """What every call passes. `drop` breaks the connection the request came on."""

    world: World
    clock: Clock
    faults: Faults
    limiter: RateLimiter
    hooks: Hooks
    drop: Drop = _break
    seen: deque[tuple[str, str, int]] = field(default_factory=lambda: deque(maxlen=10_000))

    def route(self, endpoint: Endpoint) -> Route:
        """The Starlette route of an endpoint."""

        async def serve(request: Request) -> Response:
            return await self.serve(endpoint, request)

        return Route(endpoint.path, serve, methods=[endpoint.method])

    def running(self) -> int:
        """How many calls are being served now."""
        return self.limiter.running()

    async def serve(self, endpoint: Endpoint, request: Request) -> Response:
        """Answer one request."""
        path = _api_path(request)
        content = await _body(request)
        fault = self.faults.take(request.method, path)
        if fault and fault.kind == "drop":
            await self.drop(request)
            return Response(status_code=502)
        response = await self._answer(endpoint, request, path, content, fault)
        self.seen.append((request.method, path, response.status_code))
        if fault and fault.kind == "reset":
            await self.drop(request)
        return response

    async def _answer(
        self, endpoint: Endpoint, request: Request, path: str, content: bytes, fault: Fault | None
    ) -> Response:
        now = self.world.now_ms()
        who = _meter_key(request)
        charged = False
        try:
            _check_request(request)
            with self.world.lock:
                caller = identify(self.world, request.headers.get("authorization"))
            who = _meter_key(request, caller)
            self._refuse_by_fault(fault, caller)
            free = endpoint.path == "/rate_limit"
            if not free:
                write = request.method not in ("GET", "HEAD")
                self.limiter.admit(who, _subject(caller), now, write, endpoint.content)
                charged = True
            if fault and fault.kind == "slow":
                await self.clock.sleep(fault.delay_s)
            with self.world.lock:
                call = self._call(endpoint, request, path, content, caller, who)
                answer = endpoint.handler(call)
            if fault and fault.kind == "error_after":
                raise Refusal(fault.status, fault.message)
            response = _render(request, answer)
            if response.status_code == 304 and charged:
                self.limiter.refund(who)
        except Refusal as refusal:
            answer = Answer(refusal.status, refusal.shape(), refusal.headers)
            response = _render(request, answer)
        finally:
            if charged:
                self.limiter.leave(who)
        self._stamp(request, response, endpoint, who, fault)
        return response

    def _refuse_by_fault(self, fault: Fault | None, caller: Caller | None) -> None:
        if fault is None:
            return
        limits = self.limiter.limits
        if fault.kind == "error":
            raise Refusal(fault.status, fault.message)
        if fault.kind == "primary_limit":
            raise primary_refusal(limits, _subject(caller))
        if fault.kind == "secondary_limit":
            refusal = secondary_refusal(limits, fault.wait_s)
            if not fault.retry_after:
                refusal.headers.clear()
            raise refusal

    def _call(
        self,
        endpoint: Endpoint,
        request: Request,
        path: str,
        content: bytes,
        caller: Caller | None,
        who: str,
    ) -> Call:
        _check_caller(endpoint, caller)
        prefix = GHES if request.url.path.startswith(GHES + "/") else ""
        call = Call(
            world=self.world,
            method=request.method,
            path=path,
            api=f"{request.url.scheme}://{request.url.netloc}{prefix}",
            params=request.path_params,
            query=request.query_params,
            headers=request.headers,
            content=content,
            app=caller.app if caller else None,
            token=caller.token if caller else None,
            person=caller.person if caller else None,
            resend=self.hooks.send,
            rate=self.limiter.state(who, self.world.now_ms()),
        )
        if endpoint.auth == "installation" and "repo" in request.path_params:
            self._enter(endpoint, call)
        return call

    def _enter(self, endpoint: Endpoint, call: Call) -> None:
        name = f"{call.params['owner']}/{call.params['repo']}".lower()
        found, token = self.world.repositories.get(name), call.token
        if found is None or token is None:
            raise not_found()
        reached = found in self.world.repositories_of(token.installation)
        reached = reached and (token.repository_ids is None or found.id in token.repository_ids)
        if not reached and (found.private or call.method != "GET"):
            raise not_found() if found.private else not_permitted()
        if reached and not any(has(token, name, level) for name, level in endpoint.needs):
            raise not_permitted()
        if found.archived and call.method != "GET":
            raise Refusal(403, "Repository was archived so is read-only.")
        call.found = found

    def _stamp(
        self,
        request: Request,
        response: Response,
        endpoint: Endpoint,
        who: str,
        fault: Fault | None,
    ) -> None:
        now = self.world.now_ms()
        rate = dict(self.limiter.headers(who, now))
        if fault and fault.kind == "primary_limit":
            rate["x-ratelimit-remaining"] = "0"
            rate["x-ratelimit-reset"] = str(now // 1000 + fault.wait_s)
        response.headers.update(rate)
        response.headers["Date"] = formatdate(now / 1000, usegmt=True)
        response.headers["X-GitHub-Request-Id"] = f"{self.world.new_id():X}:SANDBOX"
        response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
        version = request.headers.get("x-github-api-version", VERSIONS[0])
        response.headers["X-GitHub-Api-Version-Selected"] = version
        if endpoint.needs:
            accepted = "; ".join(f"{name}={level}" for name, level in endpoint.needs)
            response.headers["X-Accepted-GitHub-Permissions"] = accepted


def _api_path(request: Request) -> str:
    path = request.url.path
    return path.removeprefix(GHES) if path.startswith(GHES + "/") else path


async def _body(request: Request) -> bytes:
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY:
            break
    return content


def _check_request(request: Request) -> None:
    if not request.headers.get("user-agent"):
        text = (
            "Request forbidden by administrative rules. "
            "Please make sure your request has a User-Agent header."
        )
        raise Refusal(403, text)
    version = request.headers.get("x-github-api-version")
    if version is not None and version not in VERSIONS:
        raise Refusal(400, f"API version {version} is not supported")


def _check_caller(endpoint: Endpoint, caller: Caller | None) -> None:
    if endpoint.auth == "any":
        return
    if caller is None:
        raise Refusal(401, "Requires authentication")
    if caller.basic != (endpoint.auth == "basic"):
        raise Refusal(401, "Bad credentials")
    if endpoint.auth == "app" and (caller.token is not None or caller.person is not None):
        raise Refusal(401, "A JSON web token could not be decoded")
    if endpoint.auth == "user" and caller.person is None:
        raise Refusal(403, "Resource not accessible by integration")
    if endpoint.auth == "installation" and caller.token is None:
        raise Refusal(403, "You must authenticate with an installation access token.")


def _meter_key(request: Request, caller: Caller | None = None) -> str:
    if caller is None:
        return f"address:{request.client.host if request.client else ''}"
    if caller.person is not None:
        return f"user:{caller.person.id}"
    if caller.token is None:
        return f"app:{caller.app.id}"
    return f"installation:{caller.token.installation.id}"


def _subject(caller: Caller | None) -> str:
    if caller is None:
        return "the address of this client"
    if caller.person is not None:
        return f"user ID {caller.person.id}"
    if caller.token is None:
        return f"app ID {caller.app.id}"
    return f"installation ID {caller.token.installation.id}"


def _render(request: Request, answer: Answer) -> Response:
    if answer.raw is not None:
        content, kind = answer.raw, answer.media_type
    elif answer.status in (204, 302):
        return Response(status_code=answer.status, headers=answer.headers)
    else:
        content, kind = msgspec.json.encode(answer.data), answer.media_type
    headers = dict(answer.headers)
    if request.method == "GET" and answer.status == 200:
        etag = f'W/"{hashlib.sha256(content).hexdigest()}"'
        headers |= {"ETag": etag, "Vary": "Accept, Authorization, Cookie, X-GitHub-OTP"}
        headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
        asked = [x.strip() for x in request.headers.get("if-none-match", "").split(",")]
        if etag in asked or etag.removeprefix("W/") in asked:
            return Response(status_code=304, headers=headers)
    return Response(content, answer.status, headers, kind)


def create_app(
    state: World,
    clock: Clock,
    faults: Faults,
    *,
    limits: Limits | None = None,
    hooks: Hooks | None = None,
    drop: Drop | None = None,
) -> Starlette:
    """The simulated GitHub as an ASGI application, also under `/api/v3`.

    The gateway is at `app.state.gateway`. The world's own time is `clock` shifted by the faults.
    """
    state.clock = ServerClock(clock, faults)
    sender = hooks or Hooks(state)
    if state.emit is None:
        state.emit = sender.emit
    limiter = RateLimiter(limits or Limits())
    gateway = Gateway(state, clock, faults, limiter, sender, drop or _break)
    routes = [gateway.route(endpoint) for endpoint in ENDPOINTS]

    async def missing(request: Request, _: Exception) -> Response:
        answer = Answer(404, not_found().shape())
        response = _render(request, answer)
        response.headers["Date"] = formatdate(state.now_ms() / 1000, usegmt=True)
        return response

    app = Starlette(
        routes=[
            *control.routes(gateway),
            *website.routes(state),
            *actions.store_routes(state),
            *registering.routes(state),
            Mount(GHES, routes=routes),
            Mount("/api", routes=[gateway.route(graphql.ENDPOINT)]),
            gateway.route(graphql.ENDPOINT),
            *routes,
        ],
        middleware=[Middleware(ById, world=state)],
        exception_handlers={404: missing, 405: missing},
    )
    app.state.gateway = gateway
    return app
