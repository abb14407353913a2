"""`POST /webhooks/{provider}[/{source}]` as plain ASGI: the one hot route.

# why: a framework's routing and body models cost more than verifying and storing a delivery;
# docs/decisions/0007 has the figures.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeAlias

import structlog

from hookyard.core.ingress.dictionary import Compressor
from hookyard.core.ingress.model import (
    Accepted,
    Answer,
    Identity,
    InboundRequest,
    Receipt,
    Refusal,
)
from hookyard.core.ingress.receive import Endpoint, Receiver
from hookyard.entrypoints.http.bodies import (
    DEADLINE_S,
    BodyBudget,
    BodyTooLarge,
    Disconnected,
    TooSlow,
    announced_too_large,
    read_body,
)
from hookyard.entrypoints.http.problems import problem
from hookyard.entrypoints.http.rejections import Rejections
from hookyard.entrypoints.http.renewal import Renewal
from hookyard.entrypoints.http.telemetry import WebhookMetrics
from hookyard.kit.errors import Unavailable

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/webhooks/"
LARGE = 256 * 1024
_JSON = b"application/json"

_PROBLEM = b"application/problem+json"

log = structlog.get_logger("hookyard.webhooks")


class Reply(NamedTuple):
    """A whole answer: status, body, media type, further headers."""

    status: int
    body: bytes
    media_type: bytes
    more: tuple[tuple[bytes, bytes], ...] = ()

    def headers(self) -> Iterable[tuple[bytes, bytes]]:
        """Every header of it."""
        return (
            (b"content-type", self.media_type),
            (b"content-length", b"%d" % len(self.body)),
            (b"x-content-type-options", b"nosniff"),
            *self.more,
        )


class WebhookApp:
    """Answers for every configured source; `endpoints` is keyed by the full path."""

    def __init__(
        self,
        receiver: Receiver,
        endpoints: Mapping[str, Endpoint],
        providers: Iterable[str],
        *,
        budget: BodyBudget,
        rejections: Rejections,
        metrics: WebhookMetrics,
        max_body: int,
        deadline_s: float = DEADLINE_S,
        renewal: Renewal | None = None,
    ) -> None:
        self._renewal = renewal
        self._looking: set[asyncio.Task[None]] = set()
        self._receiver = receiver
        self._endpoints = endpoints
        self._providers = frozenset(providers)
        self._budget = budget
        self._rejections = rejections
        self._metrics = metrics
        self._max_body = max_body
        self._deadline_s = deadline_s
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="large-body")
        self._compress_large = Compressor()

    def count_malformed(self, refusal: Refusal) -> None:
        """Count what did not get as far as a route."""
        self._metrics.requests("unknown", refusal.code)
        self._rejections.add("unknown", refusal)

    def endpoint_at(self, path: str) -> Endpoint | None:
        """The source that listens at a path."""
        return self._endpoints.get(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope["path"])
        reply: Reply | None
        if endpoint is None:
            reply = self._refused("unknown", "unknown", self._unknown(scope["path"]))
        else:
            reply = await self._replied(endpoint, self._handle(endpoint, scope, receive))
        if reply is not None:
            await _send(send, reply)

    def take(
        self,
        endpoint: Endpoint,
        headers: Mapping[bytes, bytes],
        body: bytes,
        answer: Callable[["Reply"], None],
    ) -> None:
        """A POST that is there as a whole, without a query and with each header once.

        `answer` is called once: now, or when the delivery is on disk. Never raises.
        """
        request = InboundRequest("POST", headers, body)
        try:
            refused = self._begin(endpoint, request, answer)
        except Exception as error:
            answer(self._failed(endpoint, error))
        else:
            if refused is None:
                return
            if self._may_look_again(endpoint, refused):
                looking = asyncio.ensure_future(
                    self._look_again(endpoint, request, refused, answer)
                )
                self._looking.add(looking)
                looking.add_done_callback(self._looking.discard)
                return
            answer(self._reply(endpoint, refused))

    def _may_look_again(self, endpoint: Endpoint, seen: Answer | Refusal | Identity) -> bool:
        """Whether a refused signature may be one by a secret that was exchanged a moment ago."""
        is_refused = type(seen) is Refusal and seen.status == 401
        return (
            is_refused and self._renewal is not None and self._renewal.may_ask(endpoint.source.id)
        )

    async def _renewed(self, endpoint: Endpoint) -> Endpoint | None:
        """The endpoint with other secrets, where its source has some by now."""
        if self._renewal is None:
            return None
        await self._renewal.ask(endpoint.source.id)
        same = (
            found for found in self._endpoints.values() if found.source.id == endpoint.source.id
        )
        now = next(same, endpoint)
        return None if now.source is endpoint.source else now

    async def _look_again(
        self,
        endpoint: Endpoint,
        request: InboundRequest,
        refused: Answer | Refusal,
        answer: Callable[["Reply"], None],
    ) -> None:
        """`take` once more with renewed secrets, or the refusal as it was."""
        try:
            renewed = await self._renewed(endpoint)
            if renewed is not None:
                again = self._begin(renewed, request, answer)
                if again is None:
                    return
                refused = again
            answer(self._reply(endpoint, refused))
        except Exception as error:
            answer(self._failed(endpoint, error))

    def _begin(
        self, endpoint: Endpoint, request: InboundRequest, answer: Callable[["Reply"], None]
    ) -> Answer | Refusal | None:
        refusal = endpoint.provider.check(request)
        if refusal is not None:
            return refusal
        size = len(request.body)
        if size > self._max_body:
            raise BodyTooLarge
        seen = self._receiver.verify(endpoint, request)
        if type(seen) is not Identity:
            return seen  # type: ignore[return-value]

        def told(outcome: Receipt | BaseException) -> None:
            self._budget.give_back(size)
            answer(self._landed(endpoint, request, outcome))

        self._budget.take(size, 0)
        try:
            self._receiver.send(self._receiver.prepare(endpoint, request, seen), told)
        except BaseException:
            self._budget.give_back(size)
            raise
        return None

    def _landed(
        self, endpoint: Endpoint, request: InboundRequest, outcome: Receipt | BaseException
    ) -> "Reply":
        """What to answer now that the delivery is on disk, or could not be brought there."""
        try:
            if type(outcome) is not Receipt:
                return self._failed(endpoint, outcome)  # type: ignore[arg-type]
            return self._reply(endpoint, self._said(endpoint, request, outcome))
        except Exception as error:
            return self._failed(endpoint, error)

    async def _replied(
        self, endpoint: Endpoint, handled: Awaitable[Receipt | Answer | Refusal]
    ) -> "Reply | None":
        """What to answer; None when nobody is there to hear it."""
        try:
            return self._reply(endpoint, await handled)
        except Disconnected:
            self._metrics.requests(endpoint.provider.name, "disconnected")
            return None
        except Exception as error:
            return self._failed(endpoint, error)

    def _failed(self, endpoint: Endpoint, error: BaseException) -> "Reply":
        if isinstance(error, TooSlow):
            outcome = Refusal(408, "too_slow", f"The body took over {self._deadline_s:g} s.")
        elif isinstance(error, BodyTooLarge):
            outcome = Refusal(413, "too_large", f"The body is over {self._max_body} bytes.")
        else:
            return self._not_stored(endpoint.provider.name, error)
        return self._refused(endpoint.provider.name, endpoint.source.id, outcome)

    def _reply(self, endpoint: Endpoint, outcome: Receipt | Answer | Refusal) -> "Reply":
        provider = endpoint.provider.name
        if type(outcome) is Receipt:
            status = "duplicate" if outcome.duplicate else "accepted"
            self._metrics.requests(provider, status)
            return Reply(200 if outcome.duplicate else 202, _receipt(outcome, status), _JSON)
        if isinstance(outcome, Answer):
            self._metrics.requests(provider, "answered")
            return Reply(outcome.status, outcome.body, outcome.content_type.encode())
        assert isinstance(outcome, Refusal)  # noqa: S101
        return self._refused(provider, endpoint.source.id, outcome)

    async def _handle(
        self, endpoint: Endpoint, scope: Scope, receive: Receive
    ) -> Receipt | Answer | Refusal:
        raw: Sequence[tuple[bytes, bytes]] = scope["headers"]
        headers = dict(raw)
        if len(headers) != len(raw):
            repeated = _repeated(raw)
            if repeated is not None:
                return Refusal(400, "duplicate_header", f"{repeated} was sent more than once.")
        early = self._before_body(endpoint, scope, headers)
        if early is not None:
            return early
        if announced_too_large(headers.get(b"content-length"), self._max_body):
            raise BodyTooLarge
        body = await read_body(receive, self._budget, self._max_body, self._deadline_s)
        try:
            request = InboundRequest(scope["method"], headers, body, scope["query_string"])
            if len(body) > LARGE:
                return await self._handle_large(endpoint, request)
            return await self._take_in(endpoint, request)
        finally:
            self._budget.give_back(len(body))

    async def _take_in(
        self, endpoint: Endpoint, request: InboundRequest
    ) -> Receipt | Answer | Refusal:
        """A request whose headers were checked: verified, named, stored."""
        seen = self._receiver.verify(endpoint, request)
        if type(seen) is not Identity and self._may_look_again(endpoint, seen):
            renewed = await self._renewed(endpoint)
            seen = seen if renewed is None else self._receiver.verify(renewed, request)
        if type(seen) is not Identity:
            return seen  # type: ignore[return-value]
        delivery = self._receiver.prepare(endpoint, request, seen)
        return await self._accept(endpoint, request, delivery)

    async def _handle_large(
        self, endpoint: Endpoint, request: InboundRequest
    ) -> Receipt | Answer | Refusal:
        """The same on a thread: a body of megabytes must not hold up the others."""
        loop = asyncio.get_running_loop()
        seen = await loop.run_in_executor(self._pool, self._receiver.verify, endpoint, request)
        if not isinstance(seen, Identity):
            return seen
        payload = await loop.run_in_executor(self._pool, self._compress_large, request.body)
        delivery = self._receiver.prepare(endpoint, request, seen, payload)
        return await self._accept(endpoint, request, delivery)

    async def _accept(
        self, endpoint: Endpoint, request: InboundRequest, delivery: Accepted
    ) -> Receipt | Answer:
        return self._said(endpoint, request, await self._receiver.accept(delivery))

    def _said(
        self, endpoint: Endpoint, request: InboundRequest, receipt: Receipt
    ) -> Receipt | Answer:
        """What the provider wants to hear, or the plain receipt."""
        answer = endpoint.provider.answer(request, endpoint.source)
        return receipt if answer is None else answer

    def _before_body(
        self, endpoint: Endpoint, scope: Scope, headers: Mapping[bytes, bytes]
    ) -> Refusal | Answer | None:
        """What can be decided without reading a stranger's body."""
        method: str = scope["method"]
        empty = InboundRequest(method, headers, b"", scope["query_string"])
        if method == "GET":
            answer = endpoint.provider.answer(empty, endpoint.source)
            if answer is not None:
                return answer
        if method != "POST":
            return Refusal(405, "method_not_allowed", "Webhooks are sent with POST.")
        return endpoint.provider.check(empty)

    def _unknown(self, path: str) -> Refusal:
        name = path.removeprefix(PREFIX).split("/", 1)[0]
        if name in self._providers:
            return Refusal(404, "unknown_source", "No source is configured at this address.")
        return Refusal(404, "unknown_provider", "There is no such provider.")

    def _not_stored(self, provider: str, error: BaseException) -> "Reply":
        """503 for whatever went wrong on our side: the sender keeps the delivery and comes back."""
        known = error if isinstance(error, Unavailable) else Unavailable()
        self._metrics.requests(provider, "unavailable")
        said = known.detail if error is known else f"{type(error).__name__}: {error}"[:500]
        log.error(
            "delivery_not_stored", provider=provider, reason=said, exc_info=error is not known
        )
        body = problem(503, known.problem_code, "The delivery was not stored; send it again.")
        again = (b"retry-after", str(known.retry_after_s).encode())
        return Reply(503, body, _PROBLEM, (again,))

    def _refused(self, provider: str, source: str, refusal: Refusal) -> "Reply":
        self._metrics.requests(provider, refusal.code)
        if refusal.status == 401:
            self._metrics.signature_failures(provider)
        self._rejections.add(source, refusal)
        more = [(b"allow", b"POST")] if refusal.status == 405 else []
        if refusal.status in (408, 413):
            more.append((b"connection", b"close"))
        body = problem(refusal.status, refusal.code, refusal.detail)
        return Reply(refusal.status, body, _PROBLEM, tuple(more))


SINGLE = frozenset(
    {
        b"content-type",
        b"content-length",
        b"content-encoding",
        b"authorization",
        b"transfer-encoding",
    }
)


def _repeated(raw: Sequence[tuple[bytes, bytes]]) -> str | None:
    """A header that must stand once and does not: standard, `x-…`, `…-signature`."""
    seen: set[bytes] = set()
    for name, _ in raw:
        if name in seen and (
            name in SINGLE
            or name.startswith((b"x-", b"webhook-", b"sentry-", b"linear-"))
            or name.endswith(b"-signature")
        ):
            return name.decode("latin-1")
        seen.add(name)
    return None


def _receipt(receipt: Receipt, status: str) -> bytes:
    if receipt.reason is None:
        return b'{"delivery_id":"%b","status":"%b"}' % (
            receipt.delivery_id.encode(),
            status.encode(),
        )
    return b'{"delivery_id":"%b","status":"%b","reason":"%b"}' % (
        receipt.delivery_id.encode(),
        status.encode(),
        receipt.reason.encode(),
    )


async def _send(send: Send, reply: Reply) -> None:
    await send(
        {"type": "http.response.start", "status": reply.status, "headers": list(reply.headers())}
    )
    await send({"type": "http.response.body", "body": reply.body})
