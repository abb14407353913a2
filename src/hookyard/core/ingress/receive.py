"""The one use case of the way in: a signed request becomes a delivery on disk, or an answer.

Order on the hot path: headers, signature, identity, then one transaction shared with
whatever arrived at the same time, then the receipt. The body is not parsed here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import msgspec

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.ingress import store
from hookyard.core.ingress.bodies import Bodies, name_body
from hookyard.core.ingress.dictionary import SHORT_BODY, Compressor
from hookyard.core.ingress.model import (
    Accepted,
    Answer,
    DeliveryId,
    DeliveryStatus,
    Identity,
    InboundRequest,
    Provider,
    Receipt,
    Refusal,
    SourceConfig,
)
from hookyard.core.ingress.pace import Pace
from hookyard.core.ingress.rules import ROUTE_KIND, on_redelivery
from hookyard.core.jobs.model import NewJob
from hookyard.core.jobs.port import JobRequests
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Unavailable
from hookyard.kit.ids import IdMaker

_ROUTING = NewJob(ROUTE_KIND, {})


class Replays(Protocol):
    """Bring a delivery's unfinished work back."""

    def revive_delivery(self, unit: Unit, delivery_id: str) -> int:
        """Queue the delivery's dead jobs again; how many there were."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A source and the provider that reads it."""

    source: SourceConfig
    provider: Provider


class _Waiting:
    """One delivery on its way to disk; a `Sink`."""

    __slots__ = ("_pace", "_tell")

    def __init__(self, pace: Pace, tell: Callable[[Receipt | BaseException], None]) -> None:
        self._pace = pace
        self._tell = tell

    def done(self) -> bool:
        return False

    def set_result(self, result: Receipt, /) -> None:
        self._pace.leave()
        self._tell(result)

    def set_exception(self, exception: BaseException, /) -> None:
        self._pace.leave()
        self._tell(exception)


class Receiver:
    """Takes in deliveries for every source. `accepted` counts them since the start."""

    def __init__(
        self,
        database: Database,
        jobs: JobRequests,
        replays: Replays,
        clock: Clock,
        ids: IdMaker,
        noted: Callable[[int], None] = lambda count: None,
        pace: Pace | None = None,
        bodies: Bodies | None = None,
    ) -> None:
        self._jobs = jobs
        self._bodies = bodies or Bodies(None)
        self._replays = replays
        self._clock = clock
        self._ids = ids
        self._noted = noted
        self._pace = pace or Pace()
        self.compressor = Compressor()
        self.accepted = 0
        self._batcher = database.batcher(self._store, short=_is_short)

    def examine(self, endpoint: Endpoint, request: InboundRequest) -> Refusal | Answer | Identity:
        """Verify a request and say what it is; pure but for the clock."""
        refusal = endpoint.provider.check(request)
        return self.verify(endpoint, request) if refusal is None else refusal

    def verify(self, endpoint: Endpoint, request: InboundRequest) -> Refusal | Answer | Identity:
        """The same for a request whose headers were checked already, before its body was read."""
        provider, source = endpoint.provider, endpoint.source
        if not source.secrets:
            raise Unavailable(f"the secret of source {source.id} cannot be read at present")
        refusal = provider.verify(request, source, self._clock.now_ms())
        if refusal is not None:
            return refusal
        answer = provider.answer(request, source)
        if answer is not None and not answer.store:
            return answer
        return provider.identify(request)

    def prepare(
        self,
        endpoint: Endpoint,
        request: InboundRequest,
        identity: Identity,
        packed: bytes | None = None,
    ) -> Accepted:
        """A verified request as the row it becomes; `packed` is the body compressed already."""
        now_ms = self._clock.now_ms()
        return Accepted(
            id=DeliveryId(self._ids.new(now_ms)),
            source=endpoint.source.id,
            provider=endpoint.provider.name,
            dedupe_key=identity.dedupe_key,
            provider_delivery_id=identity.provider_delivery_id,
            event=identity.event,
            received_at_ms=now_ms,
            content_type=request.header(b"content-type"),
            headers=kept_headers(endpoint.provider, request),
            payload_size=len(request.body),
            payload=request.body if packed is None else packed,
            packed=packed is not None,
        )

    def send(self, delivery: Accepted, tell: Callable[[Receipt | BaseException], None]) -> None:
        """The same as `accept`, for a caller that is told; raises when it could not be begun."""
        waiting = _Waiting(self._pace, tell)
        self._batcher.send(delivery, waiting)
        self._pace.enter()

    async def accept(self, delivery: Accepted) -> Receipt:
        """Commit the delivery and its routing job; the receipt once both are on disk.

        A large body is durable in the blob store before that; Unavailable when it cannot be.
        """
        self._pace.enter()
        try:
            if self._bodies.takes(delivery):
                return await self._accept_large(await self._bodies.put_aside(delivery))
            return await self._batcher.submit(delivery)
        finally:
            self._pace.leave()

    async def _accept_large(self, delivery: Accepted) -> Receipt:
        """# why: when the commit fails its outcome may be unknown, so the blob is left to the
        sweep; only of a delivery that was there before nobody can come to name it."""
        receipt = await self._batcher.submit(delivery)
        if delivery.blob is not None and receipt.delivery_id != delivery.id:
            await self._bodies.drop(delivery.blob)
        return receipt

    def _store(self, unit: Unit, deliveries: Sequence[Accepted]) -> Sequence[Receipt]:
        fresh = self._insert(unit, deliveries)
        self._noted(len(deliveries))
        self.accepted += len(deliveries)
        if fresh is None:
            return [Receipt(delivery.id, duplicate=False) for delivery in deliveries]
        return [
            Receipt(delivery.id, duplicate=False)
            if delivery.id in fresh
            else self._again(unit, delivery)
            for delivery in deliveries
        ]

    def _insert(self, unit: Unit, deliveries: Sequence[Accepted]) -> set[str] | None:
        """Store what is new and its routing jobs; None when all was new, else the ids that were."""
        if unit.dialect == "postgresql" and all(delivery.blob is None for delivery in deliveries):
            ids = [delivery.id for delivery in deliveries]
            beside = partial(self._jobs.beside_deliveries, unit, _ROUTING, ids)
            return store.insert_beside(unit, deliveries, self.compressor, beside)
        fresh = store.insert_new(unit, deliveries, self.compressor)
        new = deliveries if fresh is None else [d for d in deliveries if d.id in fresh]
        for delivery in new:
            if delivery.blob is not None:
                name_body(unit, delivery)
        self._jobs.enqueue_for_deliveries(unit, _ROUTING, [delivery.id for delivery in new])
        return fresh

    def _again(self, unit: Unit, delivery: Accepted) -> Receipt:
        """A key that was seen before: finished work is swallowed, unfinished work revived."""
        seen = store.find_seen(unit, delivery.source, delivery.dedupe_key)
        if seen is None:
            raise RuntimeError("a conflicting delivery vanished inside its own transaction")
        delivery_id, status = seen
        if delivery_id == delivery.id:
            return Receipt(delivery_id, duplicate=False)
        store.count_redelivery(unit, delivery_id)
        revived = self._replays.revive_delivery(unit, delivery_id)
        if revived and status is DeliveryStatus.DEAD:
            store.set_status(unit, delivery_id, DeliveryStatus.ACCEPTED)
        decision = on_redelivery(status, revived)
        return Receipt(delivery_id, decision.duplicate, decision.reason)


def _is_short(delivery: Accepted) -> bool:
    return len(delivery.payload) <= SHORT_BODY


def kept_headers(provider: Provider, request: InboundRequest) -> str:
    """The headers worth keeping, as a JSON object; never a signature or credential."""
    headers = request.headers
    kept = []
    for name in provider.kept_headers():
        value = headers.get(name)
        if value is not None:
            kept.append(_MEMBERS.get((name, value)) or _member(name, value))
    return "{" + ",".join(kept) + "}"


_MEMBERS: dict[tuple[bytes, bytes], str] = {}
_MEMBERS_AT_MOST = 1_024


def _member(name: bytes, value: bytes) -> str:
    """A header as a member of a JSON object, remembered: most values come again and again."""
    text = value.decode("latin-1")[:512]
    made = f"{_json(name.decode('latin-1'))}:{_json(text)}"
    if len(value) <= 128:
        if len(_MEMBERS) >= _MEMBERS_AT_MOST:
            _MEMBERS.clear()
        _MEMBERS[(name, value)] = made
    return made


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()
