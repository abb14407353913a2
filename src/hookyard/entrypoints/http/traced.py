"""The webhook route with tracing on; without it the plain route runs, at no cost."""

from contextvars import ContextVar
from typing import Any

from hookyard.adapters.telemetry.traces import Traces
from hookyard.core.ingress.model import Accepted, Answer, InboundRequest, Receipt
from hookyard.core.ingress.receive import Endpoint
from hookyard.entrypoints.http.webhooks import Receive, Scope, Send, WebhookApp
from hookyard.kit.clock import Clock

_BEGAN: ContextVar[float] = ContextVar("hookyard_request_began")


class TracedWebhookApp(WebhookApp):
    """Tells traces of every delivery that is on disk; takes what `WebhookApp` takes besides."""

    def __init__(self, traces: Traces, clock: Clock, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self._traces = traces
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _BEGAN.set(self._clock.monotonic())
        await super().__call__(scope, receive, send)

    async def _accept(
        self, endpoint: Endpoint, request: InboundRequest, delivery: Accepted
    ) -> Receipt | Answer:
        receipt = await self._receiver.accept(delivery)
        self._traces.received(
            receipt.delivery_id,
            delivery.provider,
            delivery.source,
            self._clock.monotonic() - _BEGAN.get(),
            duplicate=receipt.duplicate,
        )
        answer = endpoint.provider.answer(request, endpoint.source)
        return receipt if answer is None else answer
