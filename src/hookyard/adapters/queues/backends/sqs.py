"""Pointers in Amazon SQS: one queue for each lane, standard or FIFO.

Each lane has a long poll of its own, which stays under way between two calls of `receive`, so an
idle worker costs one request per lane and `POLL_S`. The queues are made by whoever runs the
account; a missing one is named in the error.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from hookyard.adapters.queues.port import (
    BrokerHealth,
    Pointer,
    Received,
    by_lane,
    in_chunks,
    received_by_lane,
)
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Unavailable
from hookyard.kit.json import Json, JsonObject, as_int, as_list, as_object, as_text
from hookyard.kit.secret import Secret

# spec: SQS quotas, "Amazon SQS message quotas": ten messages in a batch, polls of 20 seconds.
BATCH = 10
POLL_S = 20
CALL_S = 5.0
# why: FIFO queues swallow a repeated deduplication id for five minutes. With the time in it a
# pointer that several relays send at once is one, and one that is sent again later goes through.
SAME_WITHIN_MS = 4_000
MISSING = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})


class Client(Protocol):
    """The calls of the SQS client that are used."""

    async def get_queue_url(self, **given: Json) -> JsonObject: ...
    async def get_queue_attributes(self, **given: Json) -> JsonObject: ...
    async def send_message_batch(self, **given: Json) -> JsonObject: ...
    async def receive_message(self, **given: Json) -> JsonObject: ...
    async def delete_message_batch(self, **given: Json) -> JsonObject: ...


class Maker(Protocol):
    """How the session makes a client."""

    def __call__(self, service: str, **given: object) -> AbstractAsyncContextManager[Client]: ...


@dataclass(frozen=True, slots=True)
class SqsOptions:
    """Which queues, and how to reach them. Unset parts come from AWS's own sources.

    A lane's queue is the one in `urls`, else the one named `<prefix>-<lane>`, with `.fifo` at its
    end when `is_fifo`.
    """

    prefix: str = "hookyard"
    urls: Mapping[str, str] = field(default_factory=dict)
    is_fifo: bool = False
    region: str | None = None
    endpoint: str | None = None
    access_key_id: str | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None


class SqsBroker:
    """See `Broker`."""

    name = "sqs"

    def __init__(
        self,
        options: SqsOptions,
        clock: Clock,
        *,
        lanes: Sequence[str],
        visible_after_s: int = 30,
    ) -> None:
        self._options = options
        self._clock = clock
        self._lanes = tuple(lanes)
        self._visible_after_s = visible_after_s
        self._opened = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: Client | None = None
        self._urls = dict(options.urls)
        self._polls: dict[str, asyncio.Task[list[Received]]] = {}
        self._spare: list[tuple[Received, float]] = []

    async def publish(self, pointers: Sequence[Pointer]) -> None:
        for lane, found in by_lane(pointers).items():
            async with self._reaching(lane) as (client, url):
                is_fifo = url.endswith(".fifo")
                for start in range(0, len(found), BATCH):
                    entries = [
                        self._entry(number, pointer, is_fifo=is_fifo)
                        for number, pointer in enumerate(found[start : start + BATCH])
                    ]
                    answer = await client.send_message_batch(QueueUrl=url, Entries=entries)
                    _refuse_failures(lane, answer)

    async def receive(
        self, lanes: Sequence[str], at_most: int, wait_s: float
    ) -> Sequence[Received]:
        spare = self._from_spare(at_most)
        if spare:
            return spare
        for lane in lanes:
            before = self._polls.get(lane)
            # why: what a poll died of while nobody asked is old news by now.
            if before is None or (before.done() and before.exception() is not None):
                self._polls[lane] = asyncio.create_task(self._poll(lane, min(BATCH, at_most)))
        patience = asyncio.create_task(self._clock.sleep(wait_s))
        asked = {self._polls[lane] for lane in lanes}
        try:
            await asyncio.wait({*asked, patience}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
        self._collect(lanes)
        return self._from_spare(at_most)

    async def acknowledge(self, received: Sequence[Received]) -> None:
        for lane, receipts in received_by_lane(received).items():
            async with self._reaching(lane) as (client, url):
                for chunk in in_chunks(receipts, BATCH):
                    entries = [
                        {"Id": str(number), "ReceiptHandle": receipt}
                        for number, receipt in enumerate(chunk)
                    ]
                    await client.delete_message_batch(QueueUrl=url, Entries=entries)

    async def depth(self, lane: str) -> int:
        async with self._reaching(lane) as (client, url):
            names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
            answer = await client.get_queue_attributes(QueueUrl=url, AttributeNames=names)
            found = as_object(answer.get("Attributes"))
            return sum(int(as_text(found.get(name)) or 0) for name in names)

    async def probe(self) -> BrokerHealth:
        started = self._clock.monotonic()
        calls = (self.depth(lane) for lane in self._lanes)
        for answer in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer
        taken = round((self._clock.monotonic() - started) * 1000, 3)
        return BrokerHealth("sqs", taken, "")

    async def close(self) -> None:
        polls = list(self._polls.values())
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
        await self._opened.aclose()

    # --- receiving ---

    async def _poll(self, lane: str, at_most: int) -> list[Received]:
        async with self._reaching(lane, POLL_S + CALL_S) as (client, url):
            answer = await client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=at_most,
                WaitTimeSeconds=POLL_S,
                VisibilityTimeout=self._visible_after_s,
            )
        found = map(as_object, as_list(answer.get("Messages")))
        return [
            Received(_pointer(lane, as_text(one.get("Body"))), as_text(one.get("ReceiptHandle")))
            for one in found
        ]

    def _collect(self, lanes: Sequence[str]) -> None:
        """Put aside what polls have brought, most urgent first; raise what one died of."""
        died: BaseException | None = None
        until = self._clock.monotonic() + self._visible_after_s
        for lane in lanes:
            poll = self._polls[lane]
            if not poll.done():
                continue
            del self._polls[lane]
            if (error := poll.exception()) is not None:
                died = error
            else:
                self._spare += [(item, until) for item in poll.result()]
        if died is not None and not self._spare:
            raise died

    def _from_spare(self, at_most: int) -> list[Received]:
        """What is in hand and still ours; the rest has gone back to its queue."""
        now = self._clock.monotonic()
        ours = [(item, until) for item, until in self._spare if until > now]
        self._spare = ours[at_most:]
        return [item for item, _ in ours[:at_most]]

    # --- the client ---

    @asynccontextmanager
    async def _reaching(
        self, lane: str, limit_s: float = CALL_S
    ) -> AsyncIterator[tuple[Client, str]]:
        try:
            client = await self._connected()
            async with asyncio.timeout(limit_s):
                yield client, await self._url(client, lane)
        except ClientError as error:
            answer = error.response.get("Error", {})
            code = str(answer.get("Code", ""))
            if code in MISSING:
                if lane not in self._options.urls:
                    self._urls.pop(lane, None)
                raise Unavailable(f"sqs: there is no queue {self._named(lane)}") from error
            raise Unavailable(f"sqs: {code}: {answer.get('Message', '')}") from error
        except (BotoCoreError, OSError, TimeoutError) as error:
            raise Unavailable(f"sqs: {type(error).__name__}: {error}") from error

    async def _connected(self) -> Client:
        async with self._opening:
            if self._client is None:
                self._client = await self._opened.enter_async_context(made(self._options))
            return self._client

    async def _url(self, client: Client, lane: str) -> str:
        known = self._urls.get(lane)
        if known is None:
            answer = await client.get_queue_url(QueueName=self._named(lane))
            known = self._urls[lane] = as_text(answer.get("QueueUrl"))
        return known

    def _named(self, lane: str) -> str:
        given = self._options.urls.get(lane)
        if given is not None:
            return given
        return f"{self._options.prefix}-{lane}{'.fifo' if self._options.is_fifo else ''}"

    def _entry(self, number: int, pointer: Pointer, *, is_fifo: bool) -> JsonObject:
        body = json.dumps({"job": pointer.job_id, "due": pointer.run_at_ms})
        entry = {"Id": str(number), "MessageBody": body}
        if not is_fifo:
            return entry
        # why: one message in flight holds its whole group back, so each job has a group of its own.
        sent = self._clock.now_ms() // SAME_WITHIN_MS
        return entry | {
            "MessageGroupId": pointer.job_id,
            "MessageDeduplicationId": f"{pointer.job_id}-{pointer.run_at_ms}-{sent}",
        }


@asynccontextmanager
async def made(options: SqsOptions) -> AsyncIterator[Client]:
    """A client for the options, open as long as the context is."""

    def revealed(secret: Secret | None) -> str | None:
        return None if secret is None else secret.reveal()

    make: Maker = get_session().create_client
    context = make(
        "sqs",
        region_name=options.region,
        endpoint_url=options.endpoint,
        aws_access_key_id=options.access_key_id,
        aws_secret_access_key=revealed(options.secret_access_key),
        aws_session_token=revealed(options.session_token),
        config=AioConfig(
            connect_timeout=CALL_S,
            read_timeout=POLL_S + CALL_S,
            retries={"total_max_attempts": 1},
            max_pool_connections=20,
        ),
    )
    async with context as client:
        yield client


def _pointer(lane: str, body: str) -> Pointer:
    """What a message says; of one that is no pointer, an empty one, so that it is taken away."""
    try:
        found = as_object(json.loads(body))
    except ValueError:
        found = {}
    return Pointer(as_text(found.get("job")), lane, as_int(found.get("due")) or 0)


def _refuse_failures(lane: str, answer: JsonObject) -> None:
    failed = [as_object(one) for one in as_list(answer.get("Failed"))]
    if failed:
        raise Unavailable(
            f"sqs: {len(failed)} pointers of lane {lane} were not taken: "
            f"{as_text(failed[0].get('Code'))}"
        )
