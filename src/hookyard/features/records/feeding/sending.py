"""Sending a batch of changes, in order: how far it came, and what stopped it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from hookyard.adapters.http.port import Ask, OutboundError, OutboundFailed, OutboundRefused
from hookyard.adapters.queues.changes import ChangeMessage, ChangeRefused, ChangeSink
from hookyard.features.records.feeding.envelope import event_of, headers_of
from hookyard.features.records.feeding.model import WEBHOOK, Subscription
from hookyard.features.records.feeding.ports import Seals, Web
from hookyard.features.records.feeding.rules import NOT_PUBLIC, Failure, judge
from hookyard.features.records.feeding.secrets import keys_of
from hookyard.features.records.shape import encode
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError, Unavailable

TOTAL_S = 15.0
MAX_ANSWER = 64 * 1024
MORE_OF_ONE_HOST = frozenset({"url", "scheme", "address"})
log = structlog.get_logger("hookyard.records")


@dataclass(frozen=True, slots=True)
class Sent:
    """All up to `last` arrived (the number before the first one: none); then `failure`."""

    last: int
    failure: Failure | None = None


class Sender:
    """Sends to addresses and sinks. `sinks` are those of the settings, by name."""

    def __init__(
        self, web: Web, seals: Seals, sinks: Mapping[str, ChangeSink], clock: Clock
    ) -> None:
        self._web = web
        self._seals = seals
        self._sinks = sinks
        self._clock = clock

    async def send(
        self, subscription: Subscription, before: int, told: Sequence[Mapping[str, object]]
    ) -> Sent:
        """Send changes as the feed tells them; `before` is the number they come after."""
        if subscription.sink != WEBHOOK:
            return await self._to_sink(subscription, before, told)
        try:
            keys = await keys_of(self._seals, subscription, self._clock.now_ms())
        except HookyardError as error:
            return Sent(before, Failure(f"its secret cannot be opened: {error.problem_code}"))
        last = before
        for one in told:
            failure = await self._post(subscription, one, keys)
            if failure is not None:
                return Sent(last, failure)
            last = seq_of(one)
        return Sent(last)

    async def _post(
        self, subscription: Subscription, told: Mapping[str, object], keys: Sequence[bytes]
    ) -> Failure | None:
        body = event_of(subscription.tenant, told)
        now_ms = self._clock.now_ms()
        # why: receivers tell repeats by this id, so it is the change's and not the attempt's.
        headers = headers_of(f"chg_{told['id']}", now_ms, body, keys)
        ask = Ask(
            subscription.url, "POST", headers, body, accept=(), max_bytes=MAX_ANSWER,
            total_s=TOTAL_S,
        )  # fmt: skip
        try:
            answer = await self._web.send(ask)
        except OutboundRefused as error:
            if error.code in MORE_OF_ONE_HOST:
                return Failure(NOT_PUBLIC, pauses=True)
            return Failure("it answered with a redirect")
        except OutboundFailed as error:
            return Failure(f"no usable answer ({error.code})")
        except OutboundError as error:
            return Failure(f"no answer ({error.code})")
        return judge(answer.status, answer.headers.get("retry-after", ""), now_ms)

    async def _to_sink(
        self, subscription: Subscription, before: int, told: Sequence[Mapping[str, object]]
    ) -> Sent:
        sink = self._sinks.get(subscription.sink)
        if sink is None:
            return Sent(before, Failure("the settings name this sink no longer", pauses=True))
        if not told:
            return Sent(before)
        try:
            await sink.send([message_of(subscription.tenant, one) for one in told])
        except ChangeRefused as refused:
            earlier = [seq_of(one) for one in told if seq_of(one) < refused.seq]
            return Sent(earlier[-1] if earlier else before, Failure(str(refused), hopeless=True))
        except Unavailable as error:
            log.warning("sink_unavailable", sink=subscription.sink, error=error.detail)
            return Sent(before, Failure("the sink is not reached"))
        return Sent(seq_of(told[-1]))


def message_of(tenant: str, told: Mapping[str, object]) -> ChangeMessage:
    """A change as sinks take it."""
    return ChangeMessage(
        tenant, seq_of(told), str(told["id"]), str(told["aggregatetype"]),
        str(told["aggregateid"]), str(told["type"]), str(told["at"]),
        encode(told["payload"]).decode(),
    )  # fmt: skip


def seq_of(told: Mapping[str, object]) -> int:
    """The number of a change as it is told."""
    return int(str(told["seq"]))
