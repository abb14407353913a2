"""The edge of the API: request ids, the cap on bodies, their type, and headers browsers obey."""

import asyncio
import re
from collections.abc import MutableMapping, Sequence
from typing import Any, TypeAlias

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hookyard.entrypoints.http.bodies import (
    BodyBudget,
    BodyTooLarge,
    Disconnected,
    TooSlow,
    announced_too_large,
    read_body,
)
from hookyard.entrypoints.http.errors import answer
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError, RequestTimeout, TooLarge, UnsupportedMedia
from hookyard.kit.ids import IdMaker

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

MIB = 1024 * 1024
BUDGET = 32 * MIB
NO_CONTENT = "default-src 'none'; frame-ancestors 'none'"
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# why: artifacts are larger than what is read whole; their route counts what comes.
_STREAMED = re.compile(r"/api/leases/[0-9a-z]{26}/artifacts/[^/]{1,200}")
JSON = re.compile(rb"application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)
# why: a page without script can send a form only; what it asks for needs the admin key in it.
FORMS = frozenset({"/setup"})
_FORM = re.compile(rb"application/x-www-form-urlencoded\s*(?:;.*)?", re.IGNORECASE)
_MAX_FORM = 16 * 1024
DEFAULTS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", NO_CONTENT.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)


class Edge:
    """Wraps the API. Bodies are read here, whole, at most `max_body` bytes of JSON; those of
    `_STREAMED` paths go by."""

    def __init__(
        self,
        app: ASGIApp,
        ids: IdMaker,
        clock: Clock,
        *,
        max_body: int = MIB,
        budget: BodyBudget | None = None,
        deadline_s: float = 30.0,
    ) -> None:
        self._app = app
        self._ids = ids
        self._clock = clock
        self._max_body = max_body
        self._budget = budget or BodyBudget(BUDGET)
        self._deadline_s = deadline_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        request_id = self._request_id(scope["headers"])
        with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
            try:
                await self._handle(scope, receive, _decorated(send, request_id, scope))
            finally:
                structlog.contextvars.unbind_contextvars("actor")

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        if _STREAMED.fullmatch(scope.get("path", "")):
            await self._app(scope, self._patient(receive), _closing(send))
            return
        held = 0
        try:
            body = await self._body(scope["headers"], receive, is_form=scope.get("path") in FORMS)
            held = len(body)
            await self._app(scope, _replayed(body, receive), send)
        except Disconnected:
            return
        except HookyardError as error:
            response = answer(error)
            if isinstance(error, TooLarge | RequestTimeout):
                response.headers["connection"] = "close"
            await response(scope, receive, send)
        finally:
            self._budget.give_back(held)

    async def _body(self, headers: Headers, receive: Receive, *, is_form: bool) -> bytes:
        kinds = [value for name, value in headers if name == b"content-type"]
        length = next((value for name, value in headers if name == b"content-length"), None)
        most, shape = (_MAX_FORM, _FORM) if is_form else (self._max_body, JSON)
        if announced_too_large(length, most):
            raise TooLarge(f"the body is over {most} bytes")
        try:
            body = await read_body(receive, self._budget, most, self._deadline_s)
        except BodyTooLarge:
            raise TooLarge(f"the body is over {most} bytes") from None
        except TooSlow:
            raise RequestTimeout from None
        if body and not (len(kinds) == 1 and shape.fullmatch(kinds[0])):
            self._budget.give_back(len(body))
            wanted = "application/x-www-form-urlencoded" if is_form else "application/json"
            raise UnsupportedMedia(f"send the body as {wanted}")
        return body

    def _patient(self, receive: Receive) -> Receive:
        """A `receive` for bodies that routes read as they arrive: RequestTimeout when nothing
        comes for the deadline."""

        async def receive_in_time() -> Message:
            try:
                async with asyncio.timeout(self._deadline_s):
                    return await receive()
            except TimeoutError:
                raise RequestTimeout from None

        return receive_in_time

    def _request_id(self, headers: Headers) -> bytes:
        """The caller's own id when it is a plain word, else a new one."""
        for name, value in headers:
            if name == b"x-request-id" and plain_id(value):
                return value
        return self._ids.new(self._clock.now_ms()).encode()


def plain_id(value: bytes) -> bytes:
    """A caller's own request id, when it is a plain word; else nothing."""
    return value if _ID.fullmatch(value) else b""


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once, and then what the server says."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _closing(send: Send) -> Send:
    """A `send` that ends the connection after a refusal: the rest of the body is not wanted."""

    async def closing(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 400:
            message = {
                **message,
                "headers": [*message.get("headers", ()), (b"connection", b"close")],
            }
        await send(message)

    return closing


def _decorated(send: Send, request_id: bytes, scope: Scope) -> Send:
    """A `send` that adds the headers every answer carries, where the route set none, and the
    cookies the guard wants sent whatever the answer is."""

    async def decorated(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            present = {name.lower() for name, _ in headers}
            headers += [pair for pair in DEFAULTS if pair[0] not in present]
            headers.append((b"x-request-id", request_id))
            cookies: Sequence[str] = scope["state"].get("set_cookies", ())
            headers += [(b"set-cookie", cookie.encode("latin-1")) for cookie in cookies]
            message = {**message, "headers": headers}
        await send(message)

    return decorated
