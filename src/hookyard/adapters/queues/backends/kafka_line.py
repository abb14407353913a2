"""A line to Kafka: one producer of librdkafka, polled on the event loop, thrown away as a whole.

# why: a message that times out by itself inside librdkafka lets those after it go on, and sent
# again it would come after them. So messages have no time limit there; who waits has one, and
# where it is over everything that is still held is dropped at once (`stop`, `end`).
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Producer

from hookyard.adapters.queues.backends.kafka_options import (
    NEVER,
    UNREACHED,
    KafkaOptions,
    configuration,
    hint_of,
)
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError

# why: librdkafka writes its lines to standard error unless it is given something that takes them.
SILENCE = logging.getLogger("hookyard.librdkafka")
SILENCE.addHandler(logging.NullHandler())
SILENCE.propagate = False
PACE_S = 0.002
IDLE_S = 5.0
LAST_LOOKS = 50
ASK_S = 5.0


@dataclass(frozen=True, slots=True)
class Message:
    """One message, with the number of the change it carries."""

    seq: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class LineFailed(Exception):
    """Not all was confirmed; the message says why, and what to check."""


class NotTaken(Exception):
    """A message is never taken. `seq` is its number where that is known: then all before it are
    confirmed; else it is one of the batch, of which nothing is known."""

    def __init__(self, reason: str, seq: int | None = None) -> None:
        self.seq = seq
        super().__init__(reason)


class KafkaLine:
    """Begins to connect at once; `trouble` is the last that was heard of the brokers."""

    def __init__(self, options: KafkaOptions, topic: str, clock: Clock) -> None:
        self._topic = topic
        self._clock = clock
        self._max_message = options.max_message
        self._waiting: set[_Waiter] = set()
        self._wanted = asyncio.Event()
        self._broken: KafkaError | None = None
        self.trouble = ""
        self.is_over = False
        self._producer = Producer(
            {**configuration(options), "error_cb": self._hear}, logger=SILENCE
        )
        self._serving = asyncio.create_task(self._serve(), name="kafka")

    @staticmethod
    def check(options: KafkaOptions) -> None:
        """ConfigurationError where librdkafka takes no line with these options.

        # why: without brokers it reads keys and certificates all the same, and reaches nobody.
        """
        try:
            Producer({**configuration(options), "bootstrap.servers": ""}, logger=SILENCE).close()
        except KafkaException as error:
            # why: its text may repeat the value that is wrong, be it a secret.
            raise ConfigurationError(
                f"Kafka cannot be used as it is set up ({error.args[0].name()}): check "
                "HOOKYARD_KAFKA_CA_FILE, _CERTIFICATE_FILE and _PRIVATE_KEY, which are PEM"
            ) from None

    async def send(self, batch: Sequence[Message]) -> None:
        """Send in order and wait until all is confirmed; LineFailed, NotTaken."""
        waiter = _Waiter(len(batch))
        if self._broken is not None:
            waiter.tell(self._broken)
        self._waiting.add(waiter)
        self._wanted.set()
        try:
            too_large = await self._hand_over(batch, waiter)
            failure = await waiter.done
        finally:
            self._waiting.discard(waiter)
            waiter.done.cancel()
        if isinstance(failure, KafkaError):
            if failure.code() in NEVER:
                raise NotTaken(f"the broker does not take it: {failure.name()}")
            raise LineFailed(hint_of(failure, self._topic))
        if failure is not None:
            raise LineFailed(failure)
        if too_large is not None:
            raise NotTaken(f"it is over {self._max_message} bytes", too_large.seq)
        self.trouble = ""

    async def ask(self) -> None:
        """Reach the brokers and look for the topic; LineFailed.

        # why: all topics are asked for, as brokers may make the one that is named.
        """
        try:
            found = await asyncio.to_thread(self._producer.list_topics, timeout=ASK_S)
        except KafkaException as error:
            raise LineFailed(self.trouble or hint_of(error.args[0], self._topic)) from None
        if self._topic not in found.topics:
            raise LineFailed(hint_of(KafkaError(KafkaError._UNKNOWN_TOPIC), self._topic))

    async def _hand_over(self, batch: Sequence[Message], waiter: "_Waiter") -> Message | None:
        """Give it to librdkafka; the first that is too large, with which it ends."""
        for number, one in enumerate(batch):
            while not waiter.done.done():
                try:
                    self._producer.produce(
                        self._topic, one.value, one.key, headers=list(one.headers),
                        on_delivery=waiter.heard,
                    )  # fmt: skip
                    break
                except BufferError:
                    await self._clock.sleep(PACE_S)
                except KafkaException as error:
                    if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                        raise LineFailed(hint_of(error.args[0], self._topic)) from None
                    waiter.expect(number)
                    return one
        return None

    def stop(self) -> None:
        """Nobody is told of a delivery any more; whoever waits is told that it is over."""
        self.is_over = True
        self._serving.cancel()
        for waiter in self._waiting:
            waiter.tell("the line was given up, as something else on it failed")

    def end(self) -> None:
        """Drop what is held and disconnect. It waits for threads of librdkafka: not for the
        event loop."""
        self._producer.purge()
        self._producer.close()

    async def _serve(self) -> None:
        """Have librdkafka tell what it knows, often while somebody waits for it."""
        while self._poll():
            if self._waiting:
                await self._clock.sleep(PACE_S)
                continue
            self._wanted.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S):
                    await self._wanted.wait()
        # why: what stopped it is told first, and after it what became of its messages.
        for _ in range(LAST_LOOKS):
            self._poll()
            await self._clock.sleep(PACE_S)
        for waiter in self._waiting:
            waiter.tell(self._broken)

    def _poll(self) -> bool:
        """Serve what there is; False once the producer does nothing any more."""
        try:
            self._producer.poll(0)
        except KafkaException as error:
            self._broken = error.args[0]
        return self._broken is None

    def _hear(self, error: KafkaError) -> None:
        # why: that nobody is reached is said after the reason for it, too, and says less.
        if error.code() not in UNREACHED or not self.trouble:
            self.trouble = hint_of(error, self._topic)


class _Waiter:
    """Counts confirmations of a batch; `done` is None for all of them, or what went wrong."""

    def __init__(self, count: int) -> None:
        self._count = self._left = count
        self.done: asyncio.Future[KafkaError | str | None] = (
            asyncio.get_running_loop().create_future()
        )
        self._end_if_all()

    def heard(self, error: KafkaError | None, _: object) -> None:
        """What became of one message."""
        if error is not None:
            self.tell(error)
            return
        self._left -= 1
        self._end_if_all()

    def expect(self, count: int) -> None:
        """There are only so many."""
        self._left -= self._count - count
        self._end_if_all()

    def tell(self, what: KafkaError | str | None) -> None:
        """It is over, unless it was before."""
        if not self.done.done():
            self.done.set_result(what)

    def _end_if_all(self) -> None:
        if self._left <= 0:
            self.tell(None)
