"""Changes into a topic of Kafka, or of brokers that speak its protocol, through librdkafka.

The key of a message is its record, so the changes of a record lie in one partition, in order. The
value is JSON as in a queue of SQS, and the headers make a CloudEvent of it.

# spec: CloudEvents 1.0.2, Kafka protocol binding, binary content mode: attributes are headers whose
# names begin with `ce_`, the value is the data.
"""

import asyncio
from collections.abc import Sequence

from hookyard.adapters.queues.backends.kafka_line import (
    KafkaLine,
    LineFailed,
    Message,
    NotTaken,
)
from hookyard.adapters.queues.backends.kafka_options import KafkaOptions
from hookyard.adapters.queues.changes import (
    ChangeMessage,
    ChangeRefused,
    body_of,
    event_attributes,
)
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Unavailable

SEND_S = 15.0


class KafkaChanges:
    """See `ChangeSink`. What was sent counts once all replicas in sync have confirmed it; a batch
    has `send_s` for that.

    ConfigurationError for options that no broker can be reached with.
    """

    def __init__(
        self, options: KafkaOptions, topic: str, clock: Clock, *, send_s: float = SEND_S
    ) -> None:
        KafkaLine.check(options)
        self._options = options
        self._topic = topic
        self._clock = clock
        self.send_s = send_s
        self._line: KafkaLine | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def send(self, messages: Sequence[ChangeMessage]) -> None:
        await self._deliver([message_of(one) for one in messages])

    async def probe(self) -> None:
        line = self._opened()
        try:
            await line.ask()
        except LineFailed as failed:
            self._give_up(line)
            raise Unavailable(f"kafka: {failed}") from None

    async def close(self) -> None:
        if self._line is not None:
            self._give_up(self._line)
        await asyncio.gather(*self._ending)

    async def _deliver(self, batch: Sequence[Message]) -> None:
        """All of it, or what comes before the first message that is never taken."""
        try:
            await self._attempt(batch)
        except NotTaken as refused:
            if refused.seq is not None:
                raise ChangeRefused(refused.seq, str(refused)) from None
            if len(batch) == 1:
                raise ChangeRefused(batch[0].seq, str(refused)) from None
            # why: a broker refuses a batch as a whole, and does not say for which message.
            middle = len(batch) // 2
            await self._deliver(batch[:middle])
            await self._deliver(batch[middle:])

    async def _attempt(self, batch: Sequence[Message]) -> None:
        """Send a batch once. Where it fails the line is given up with all that it holds, so that
        nothing of it arrives in between what is sent later."""
        line = self._opened()
        try:
            async with asyncio.timeout(self.send_s):
                await line.send(batch)
        except NotTaken as refused:
            if refused.seq is None:
                self._give_up(line)
            raise
        except TimeoutError:
            self._give_up(line)
            raise Unavailable(f"kafka: {line.trouble or 'not confirmed in time'}") from None
        except LineFailed as failed:
            self._give_up(line)
            raise Unavailable(f"kafka: {failed}") from None
        except asyncio.CancelledError:
            self._give_up(line)
            raise

    def _opened(self) -> KafkaLine:
        if self._line is None:
            self._line = KafkaLine(self._options, self._topic, self._clock)
        return self._line

    def _give_up(self, line: KafkaLine) -> None:
        """Let the next batch have a line of its own; this one ends beside."""
        if self._line is line:
            self._line = None
        if not line.is_over:
            line.stop()
            task = asyncio.create_task(asyncio.to_thread(line.end), name="kafka line")
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)


def message_of(change: ChangeMessage) -> Message:
    """A change as Kafka takes it."""
    attributes = event_attributes(
        change.tenant, change.seq, change.aggregatetype, change.aggregateid, change.type, change.at
    )
    headers = {"id": change.id, "type": change.type, "content-type": "application/json"}
    headers |= {f"ce_{name}": value for name, value in attributes.items()}
    return Message(
        change.seq,
        change.record.encode(),
        body_of(change).encode(),
        tuple((name, value.encode()) for name, value in headers.items()),
    )
