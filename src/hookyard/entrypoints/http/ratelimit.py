"""How much of the API each caller may use: token buckets in memory, one for each budget (see
`core/identity/budgets`), and for each address that brings no valid credential.

Nothing here holds back who shows a valid credential because of what others do: behind a proxy all
strangers share one address. Webhooks do not come this way, and health pages are not counted.
"""

import ipaddress
import math
from collections import OrderedDict
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hookyard.core.identity.budgets import CallBudget, CallRate
from hookyard.core.identity.model import Actor
from hookyard.entrypoints.http.errors import answer
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Limited
from hookyard.settings.model import AccessSettings

REMEMBERED = 8_192
UNCOUNTED = frozenset({"/health", "/readyz", "/healthz", "/metrics"})
# why: such a link is signed, and so its own credential.
SIGNED = "/blobs/"


class Buckets:
    """One bucket a key: `at_once` calls when full, filled by `per_s` a second; 0 is no limit.

    The key that was not used for longest is forgotten first, when there are too many.
    """

    def __init__(self, per_s: float, at_once: int, size: int = REMEMBERED) -> None:
        self.rate = CallRate(per_s, at_once)
        self._size = size
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float, own: CallRate | None = None) -> tuple[float, float]:
        """Take one call out at this instant: (seconds to wait, 0 when it may go on; calls left).
        `own` is the rate of this key, where it has one."""
        rate = own or self.rate
        if not rate.per_s:
            return 0.0, math.inf
        left, at = self._held.get(key, (float(rate.at_once), now))
        left = min(float(rate.at_once), left + max(0.0, now - at) * rate.per_s)
        wait = 0.0 if left >= 1 else (1 - left) / rate.per_s
        if not wait:
            left -= 1
        self._held[key] = (left, now)
        self._held.move_to_end(key)
        if len(self._held) > self._size:
            self._held.popitem(last=False)
        return wait, left

    def __len__(self) -> int:
        return len(self._held)


@dataclass(frozen=True, slots=True)
class CallsLeft:
    """What is left of the budget a call came out of."""

    count: int
    rate: CallRate

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The same for the caller.

        # spec: draft-ietf-httpapi-ratelimit-headers-10: q and r are calls, w and t are seconds.
        """
        at_once, per_s = self.rate.at_once, self.rate.per_s
        full_s, reset_s = math.ceil(at_once / per_s), math.ceil((at_once - self.count) / per_s)
        return [
            (b"ratelimit-policy", b'"caller";q=%d;w=%d' % (at_once, full_s)),
            (b"ratelimit", b'"caller";r=%d;t=%d' % (self.count, reset_s)),
        ]


class Limits:
    """The budgets of callers and strangers, and how often they were used up."""

    def __init__(self, settings: AccessSettings, clock: Clock, registry: CollectorRegistry) -> None:
        self.callers = Buckets(settings.calls_per_s, settings.calls_at_once)
        self.strangers = Buckets(settings.strangers_per_s, settings.strangers_at_once)
        self._clock = clock
        self._limited = Counter(
            "hookyard_rate_limited_total",
            "Calls that were asked to come back later",
            ["kind"],
            registry=registry,
        )
        for kind in ("caller", "stranger"):
            self._limited.labels(kind)

    def spend(self, actor: Actor, state: MutableMapping[str, Any] | None = None) -> None:
        """Count a call of an actor; Limited when the budget it comes out of is used up.

        What is left is noted in the request's `state`, for the headers of the answer.
        """
        budget = actor.budget or CallBudget(f"{actor.tenant}/{actor.label}")
        rate = budget.rate or self.callers.rate
        wait, left = self.callers.take(budget.name, self._clock.monotonic(), rate)
        if state is not None and rate.per_s:
            state["calls_left"] = CallsLeft(int(left), rate)
        if wait:
            self._limited.labels("caller").inc()
            raise Limited("too many calls by this caller", retry_after_s=math.ceil(wait))

    def spend_stranger(self, address: str) -> Limited | None:
        """Count a call without a valid credential; the refusal when the budget is used up."""
        wait, _ = self.strangers.take(network_of(address), self._clock.monotonic())
        if not wait:
            return None
        self._limited.labels("stranger").inc()
        return Limited(
            "too many calls from this address without a valid credential",
            retry_after_s=math.ceil(wait),
        )


class Metered:
    """Wraps the API: answers strangers who call too often, and tells callers what is left.

    A call without any credential is counted before it is served, one with a credential that does
    not hold when that shows.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path in UNCOUNTED or path.startswith(SIGNED):
            await self._app(scope, receive, send)
            return
        bare = not any(name in (b"authorization", b"cookie") for name, _ in scope["headers"])
        if bare:
            limited = self._limits.spend_stranger(address_of(scope))
            if limited is not None:
                await answer(limited)(scope, receive, send)
                return
        await self._app(scope, receive, self._told(scope, receive, send, counted=bare))

    def _told(self, scope: Scope, receive: Receive, send: Send, *, counted: bool) -> Send:
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        replaced = False

        async def told(message: Message) -> None:
            nonlocal replaced
            if replaced:
                return
            if message["type"] == "http.response.start":
                limited = None
                if not counted and state.get("actor") is None:
                    limited = self._limits.spend_stranger(address_of(scope))
                if limited is not None:
                    replaced = True
                    await answer(limited)(scope, receive, send)
                    return
                left: CallsLeft | None = state.get("calls_left")
                if left is not None:
                    more = left.headers()
                    message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        return told


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the /64, which one household is given whole."""
    if ":" not in address:
        return address
    try:
        number = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if number.ipv4_mapped is not None:
        return str(number.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(number) >> 64 << 64, 64)))


def address_of(scope: Scope) -> str:
    """Where a request comes from, as the socket says."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
