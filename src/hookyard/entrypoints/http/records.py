"""`/v1/…` as plain ASGI: from headers and bytes to a call of the gateway, and its answer back.

A record that is looked up costs some tens of microseconds, a framework's routing many times that;
so this route stands beside the API, like that of webhooks. What the API's edge does for every
answer is done here, too: request ids, limits, refusals in the audit trail, headers for browsers.
"""

import re
from collections.abc import AsyncIterator
from functools import partial

import structlog
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from hookyard.core.identity.access import prepared
from hookyard.core.identity.model import Actor, Authorizer
from hookyard.entrypoints.http.bodies import (
    BodyBudget,
    BodyTooLarge,
    Disconnected,
    TooSlow,
    announced_too_large,
    arriving,
    read_body,
)
from hookyard.entrypoints.http.edge import BUDGET, DEFAULTS, JSON, MIB, plain_id
from hookyard.entrypoints.http.problems import MEDIA_TYPE, headers_of, problem
from hookyard.entrypoints.http.ratelimit import CallsLeft, Limits, address_of
from hookyard.entrypoints.http.recordmetrics import RecordMetrics
from hookyard.entrypoints.http.refusals import RefusalTrail
from hookyard.entrypoints.http.security import Guard
from hookyard.entrypoints.http.streams import stream, wants_stream, while_there
from hookyard.features.records.feed import Again
from hookyard.features.records.gateway import Call, Gateway, Reply
from hookyard.kit.clock import Clock
from hookyard.kit.errors import (
    Forbidden,
    HookyardError,
    Invalid,
    RequestTimeout,
    TooLarge,
    Unauthenticated,
    UnsupportedMedia,
)
from hookyard.kit.ids import IdMaker
from hookyard.kit.streaming import send_frames

PREFIX = "/v1/"
REFUSED = "records.refused"
MAX_BODY = MIB
MAX_TRANSACT = 4 * MIB
NDJSON = re.compile(rb"application/x-ndjson\s*(;\s*charset\s*=\s*\"?utf-8\"?\s*)?", re.IGNORECASE)
_BARE = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_READ = frozenset(
    {
        b"authorization", b"x-tenant-id", b"idempotency-key", b"if-match", b"if-none-match",
        b"content-type", b"content-length", b"x-request-id", b"cookie", b"last-event-id",
    }
)  # fmt: skip
_USUAL = (*DEFAULTS, (b"content-type", b"application/json"))

log = structlog.get_logger("hookyard.http")


class RecordsApp:
    """Serves records."""

    def __init__(
        self,
        gateway: Gateway,
        guard: Guard,
        limits: Limits,
        trail: RefusalTrail,
        metrics: RecordMetrics,
        ids: IdMaker,
        clock: Clock,
        *,
        authorizer: Authorizer | None = None,
        deadline_s: float = 30.0,
    ) -> None:
        self._gateway = gateway
        self._guard = guard
        self._limits = limits
        self._trail = trail
        self._metrics = metrics
        self._ids = ids
        self._clock = clock
        self._authorizer = authorizer
        self._deadline_s = deadline_s
        self._budget = BodyBudget(BUDGET)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = self._clock.monotonic()
        state = scope.setdefault("state", {})
        segments = tuple(_raw_path(scope)[len(PREFIX) :].split("/"))
        try:
            headers = _headers(scope)
            if _is_followed(scope, segments):
                await self._stream(scope, receive, send, headers, started)
                return
            reply = await self._serve(scope, receive, headers, segments)
        except Disconnected:
            return
        except HookyardError as error:
            reply = await self._refused(scope, error, segments)
        except Exception as error:
            log.error(
                "request_failed", path=scope["path"], error=f"{type(error).__name__}: {error}"
            )
            body = problem(500, "internal", "Something went wrong here; the log says what.")
            reply = Reply(500, body, (("content-type", MEDIA_TYPE),), "failed")
        self._metrics(reply, self._clock.monotonic() - started)
        if reply.lines is not None:
            await self._lines(scope, receive, send, reply, state)
            return
        await self._send(scope, send, reply, state)

    async def _stream(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, str], started: float
    ) -> None:
        """The feed as events, until the reader leaves, is too slow, or may read no more."""
        actor = await self._admitted(scope, headers)
        frames = self._gateway.feed.follow(
            actor, scope["query_string"], headers.get(b"last-event-id"),
            self._again(scope, actor),
        )  # fmt: skip
        await stream(frames, scope, receive, send, self._id(scope))
        self._metrics(Reply(200, label="stream"), self._clock.monotonic() - started)

    def _again(self, scope: Scope, actor: Actor) -> Again:
        async def again() -> Actor:
            found = await self._guard.again(Request(scope), actor)
            if found.tenant != actor.tenant:
                raise Forbidden("the credential is of another tenant now", code="tenant_mismatch")
            return found

        return again

    async def _serve(
        self, scope: Scope, receive: Receive, headers: dict[bytes, str], segments: tuple[str, ...]
    ) -> Reply:
        actor = await self._admitted(scope, headers)
        method, body, chunks, tell = scope["method"], b"", None, None
        if method == "POST" and len(segments) == 2 and segments[1] == "_import":
            chunks = self._chunks(receive, headers)
            tell = partial(self._trail.refused, actor, REFUSED, _target(scope, segments))
        elif method not in _BARE:
            body = await self._body(receive, headers, segments)
        call = Call(
            method, segments, scope["query_string"], actor,
            headers.get(b"idempotency-key"), headers.get(b"if-match"),
            headers.get(b"if-none-match"), body, chunks, self._again(scope, actor), tell,
        )  # fmt: skip
        try:
            if method in ("GET", "HEAD") and b"wait=" in scope["query_string"]:
                return await while_there(receive, self._gateway.answer(call))
            return await self._gateway.answer(call)
        finally:
            self._budget.give_back(len(body))

    async def _admitted(self, scope: Scope, headers: dict[bytes, str]) -> Actor:
        """The caller, within its limits and for its own tenant."""
        actor = await self._actor(scope, headers)
        scope["state"]["actor"] = actor
        self._limits.spend(actor, scope["state"])
        tenant = headers.get(b"x-tenant-id")
        if tenant is not None and tenant != actor.tenant:
            raise Forbidden(
                "x-tenant-id is not the tenant of the credential", code="tenant_mismatch"
            )
        if self._authorizer is not None:
            actor = await prepared(actor, self._authorizer)
        return actor

    async def _actor(self, scope: Scope, headers: dict[bytes, str]) -> Actor:
        credential = headers.get(b"authorization")
        if credential is not None:
            return await self._guard.actor_of(credential)
        return await self._guard.caller(Request(scope))

    async def _body(
        self, receive: Receive, headers: dict[bytes, str], segments: tuple[str, ...]
    ) -> bytes:
        cap = MAX_TRANSACT if segments[0] == "_transact" else MAX_BODY
        length = headers.get(b"content-length")
        if announced_too_large(None if length is None else length.encode(), cap):
            raise TooLarge(f"the body is over {cap} bytes")
        try:
            body = await read_body(receive, self._budget, cap, self._deadline_s)
        except BodyTooLarge:
            raise TooLarge(f"the body is over {cap} bytes") from None
        except TooSlow:
            raise RequestTimeout from None
        if body and not JSON.fullmatch(headers.get(b"content-type", "").encode()):
            self._budget.give_back(len(body))
            raise UnsupportedMedia("send the body as application/json")
        return body

    def _chunks(self, receive: Receive, headers: dict[bytes, str]) -> AsyncIterator[bytes]:
        """The body of an import as it arrives."""
        if not NDJSON.fullmatch(headers.get(b"content-type", "").encode()):
            raise UnsupportedMedia("send the lines as application/x-ndjson")
        return arriving(receive, self._budget, self._deadline_s)

    async def _refused(
        self, scope: Scope, error: HookyardError, segments: tuple[str, ...]
    ) -> Reply:
        """The answer of a refusal; what a known caller may not do goes into the audit trail."""
        actor: Actor | None = scope["state"].get("actor")
        if isinstance(error, Unauthenticated):
            limited = self._limits.spend_stranger(address_of(scope))
            error = limited or error
            self._trail.stranger(scope["method"], error.detail)
        elif isinstance(error, Forbidden) and actor is not None:
            await self._trail.refused(actor, REFUSED, _target(scope, segments), error.detail)
        body = problem(error.status, error.problem_code, error.detail, **error.facts)
        headers = {"content-type": MEDIA_TYPE, **headers_of(error)}
        is_import = segments[-1] == "_import"
        if isinstance(error, TooLarge | RequestTimeout) or is_import:
            # why: what is left of the body is not read any more.
            headers["connection"] = "close"
        return Reply(error.status, body, tuple(headers.items()), "refused")

    async def _send(self, scope: Scope, send: Send, reply: Reply, state: dict[str, object]) -> None:
        body = reply.body
        headers = self._told(scope, reply, state)
        if reply.status not in (204, 304):
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body}
        )

    async def _lines(
        self, scope: Scope, receive: Receive, send: Send, reply: Reply, state: dict[str, object]
    ) -> None:
        """Lines as they come. Where they end too early the connection is cut, so that nobody
        takes what there is for the whole."""
        assert reply.lines is not None  # noqa: S101
        headers = self._told(scope, reply, state)
        # why: whoever does not read keeps a file, and the place of another.
        error = await send_frames(reply.lines, scope, receive, send, headers, self._deadline_s)
        if error is not None:
            raise error

    def _told(
        self, scope: Scope, reply: Reply, state: dict[str, object]
    ) -> list[tuple[bytes, bytes]]:
        headers = [(b"x-request-id", self._id(scope))]
        headers += DEFAULTS if reply.status >= 400 or not reply.body else _USUAL
        for name, value in reply.headers:
            headers.append((name.encode(), value.encode("latin-1", "replace")))
        left = state.get("calls_left")
        if isinstance(left, CallsLeft):
            headers += left.headers()
        cookies = state.get("set_cookies", ())
        assert isinstance(cookies, list | tuple)  # noqa: S101
        headers += [(b"set-cookie", str(cookie).encode("latin-1")) for cookie in cookies]
        return headers

    def _id(self, scope: Scope) -> bytes:
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                found = plain_id(value)
                if found:
                    return found
        return self._ids.new(self._clock.now_ms()).encode()


def _is_followed(scope: Scope, segments: tuple[str, ...]) -> bool:
    """Whether the feed is asked for as events."""
    return segments == ("_changes",) and scope["method"] == "GET" and wants_stream(scope)


def _target(scope: Scope, segments: tuple[str, ...]) -> str:
    """What was asked for, as the audit trail names it."""
    return f"{scope['method']} {PREFIX}{'/'.join(segments)}"


def _raw_path(scope: Scope) -> str:
    """The path as it was sent: ids are told apart before anything in them is decoded."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def _headers(scope: Scope) -> dict[bytes, str]:
    """The headers that mean something here; Invalid for one that is there twice."""
    found: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            if name in found and name != b"cookie":
                raise Invalid(f"the header {name.decode()} is there twice", code="bad_header")
            found[name] = value.decode("latin-1")
    return found
