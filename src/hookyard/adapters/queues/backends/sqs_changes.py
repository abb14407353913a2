"""Changes into an SQS queue. Into a FIFO queue those of one record stay in order, and repeats
within five minutes are swallowed by the queue; a standard queue promises neither.

# spec: SQS quotas: ten messages and 1 MiB in a batch. Accounts may still have the former limit of
# 256 KiB, so that is what is sent at most.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from botocore.exceptions import BotoCoreError, ClientError

from hookyard.adapters.queues.backends.sqs import BATCH, CALL_S, Client, SqsOptions, made
from hookyard.adapters.queues.changes import ChangeMessage, ChangeRefused, body_of
from hookyard.kit.errors import Unavailable
from hookyard.kit.json import JsonObject, as_list

MOST_BYTES = 256 * 1024


class SqsChanges:
    """See `ChangeSink`."""

    def __init__(self, options: SqsOptions, url: str) -> None:
        self._options = options
        self._url = url
        self._is_fifo = url.endswith(".fifo")
        self._opened = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: Client | None = None

    async def send(self, messages: Sequence[ChangeMessage]) -> None:
        async with self._reached() as client:
            for batch in batches([(one, body_of(one)) for one in messages]):
                if isinstance(batch, ChangeRefused):
                    raise batch
                entries = [self._entry(n, one, body) for n, (one, body) in enumerate(batch)]
                async with asyncio.timeout(2 * CALL_S):
                    answer = await client.send_message_batch(QueueUrl=self._url, Entries=entries)
                if as_list(answer.get("Failed")):
                    raise Unavailable("sqs: some changes were not taken")

    async def probe(self) -> None:
        async with self._reached() as client, asyncio.timeout(2 * CALL_S):
            await client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])

    @asynccontextmanager
    async def _reached(self) -> AsyncIterator[Client]:
        """The client; what it does not get through with is Unavailable."""
        try:
            yield await self._connected()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            raise Unavailable(f"sqs: {code}") from error
        except (BotoCoreError, OSError, TimeoutError) as error:
            raise Unavailable(f"sqs: {type(error).__name__}") from error

    async def close(self) -> None:
        await self._opened.aclose()

    async def _connected(self) -> Client:
        async with self._opening:
            if self._client is None:
                self._client = await self._opened.enter_async_context(made(self._options))
            return self._client

    def _entry(self, number: int, message: ChangeMessage, body: str) -> JsonObject:
        entry = {"Id": str(number), "MessageBody": body}
        if not self._is_fifo:
            return entry
        return entry | {
            # why: a group is 128 letters and digits at most, an id may be longer and hold others.
            "MessageGroupId": hashlib.sha256(message.record.encode()).hexdigest(),
            "MessageDeduplicationId": f"{message.tenant}-{message.seq}",
        }


def batches(
    bodies: Sequence[tuple[ChangeMessage, str]],
) -> "Iterator[list[tuple[ChangeMessage, str]] | ChangeRefused]":
    """In order, as many at once as the queue takes; a refusal ends it where one is too large."""
    held: list[tuple[ChangeMessage, str]] = []
    size = 0
    for message, body in bodies:
        count = len(body.encode())
        if held and (len(held) == BATCH or size + count > MOST_BYTES):
            yield held
            held, size = [], 0
        if count > MOST_BYTES:
            yield ChangeRefused(message.seq, f"it is over {MOST_BYTES} bytes")
            return
        held.append((message, body))
        size += count
    if held:
        yield held
