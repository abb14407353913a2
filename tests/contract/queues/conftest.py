"""Each broker behind one harness: what tests need besides the port."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from hookyard.adapters.queues.backends.memory import MemoryBroker
from hookyard.adapters.queues.backends.redis import RedisBroker
from hookyard.adapters.queues.backends.sqs import SqsBroker, SqsOptions
from hookyard.adapters.queues.backends.sqs import made as opened
from hookyard.adapters.queues.port import Broker
from hookyard.kit.clock import SystemClock
from hookyard.kit.json import as_text
from hookyard.kit.secret import Secret
from hookyard.settings import LANES
from tests.support.brokers import Line, SqsServer, ValkeyServer


class Harness(ABC):
    """A broker service of its own for one test. `keeps_order`: lanes are read as they are named."""

    keeps_order = True
    swallows_doubles = False

    @abstractmethod
    async def open(self, consumer: str = "one") -> Broker:
        """One more client of the same queues."""

    @abstractmethod
    async def flush(self) -> None:
        """Empty it behind everybody's back."""

    @abstractmethod
    async def stray(self, lane: str) -> None:
        """Put something into a lane's queue that is no pointer."""

    @abstractmethod
    async def cut(self) -> None:
        """Make it unreachable."""

    @abstractmethod
    async def mend(self) -> None:
        """Make it reachable again."""


class MemoryHarness(Harness):
    """One broker, shared by all its users."""

    def __init__(self) -> None:
        self._broker = MemoryBroker(SystemClock(), visible_after_s=0.3)

    async def open(self, consumer: str = "one") -> Broker:
        return self._broker

    async def flush(self) -> None:
        self._broker.flush()

    async def stray(self, lane: str) -> None:
        pytest.skip("nobody else can write into the memory of this process")

    async def cut(self) -> None:
        self._broker.is_down = True

    async def mend(self) -> None:
        self._broker.is_down = False


class RedisHarness(Harness):
    """Streams with a prefix of their own in the shared Valkey, over a line."""

    def __init__(self, stack: AsyncExitStack, server: ValkeyServer, line: Line) -> None:
        self._stack = stack
        self._line = line
        self._prefix = f"t-{secrets.token_hex(4)}"
        self.raw: Redis = Redis.from_url(server.url, decode_responses=True, protocol=2)
        stack.push_async_callback(self.raw.aclose)

    async def open(self, consumer: str = "one") -> RedisBroker:
        broker = RedisBroker(
            f"redis://127.0.0.1:{self._line.port}/0",
            SystemClock(),
            lanes=LANES,
            consumer=consumer,
            prefix=self._prefix,
            visible_after_s=0.3,
        )
        self._stack.push_async_callback(broker.close)
        return broker

    def stream(self, lane: str) -> str:
        return f"{self._prefix}:{lane}"

    async def flush(self) -> None:
        await self.raw.delete(*(self.stream(lane) for lane in LANES))

    async def stray(self, lane: str) -> None:
        await self.raw.xadd(self.stream(lane), {"what": "ever"})

    async def cut(self) -> None:
        await self._line.cut()

    async def mend(self) -> None:
        await self._line.mend()


class SqsHarness(Harness):
    """Queues with a prefix of their own in the shared moto, over a line."""

    # why: each lane has a poll of its own, and the first answer wins.
    keeps_order = False

    def __init__(self, stack: AsyncExitStack, line: Line, *, is_fifo: bool) -> None:
        self._stack = stack
        self._line = line
        self.swallows_doubles = is_fifo
        self.options = SqsOptions(
            prefix=f"t-{secrets.token_hex(4)}",
            is_fifo=is_fifo,
            region="eu-west-1",
            endpoint=f"http://127.0.0.1:{line.port}",
            access_key_id="test",
            secret_access_key=Secret("test"),
        )

    async def make(self) -> None:
        """The queues, as an operator would make them."""
        self.raw = await self._stack.enter_async_context(opened(self.options))
        self.urls: dict[str, str] = {}
        for lane in LANES:
            suffix = ".fifo" if self.options.is_fifo else ""
            attributes = {"FifoQueue": "true"} if self.options.is_fifo else {}
            made = await self.raw.create_queue(  # type: ignore[attr-defined]
                QueueName=f"{self.options.prefix}-{lane}{suffix}", Attributes=attributes
            )
            self.urls[lane] = as_text(made["QueueUrl"])

    async def open(self, consumer: str = "one") -> SqsBroker:
        broker = SqsBroker(self.options, SystemClock(), lanes=LANES, visible_after_s=1)
        self._stack.push_async_callback(broker.close)
        return broker

    async def flush(self) -> None:
        for url in self.urls.values():
            await self.raw.purge_queue(QueueUrl=url)  # type: ignore[attr-defined]

    async def stray(self, lane: str) -> None:
        entry = {"Id": "1", "MessageBody": "what ever"}
        if self.options.is_fifo:
            entry |= {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
        await self.raw.send_message_batch(QueueUrl=self.urls[lane], Entries=[entry])

    async def cut(self) -> None:
        await self._line.cut()

    async def mend(self) -> None:
        await self._line.mend()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def moto_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    server = SqsServer(tmp_path_factory.mktemp("sqs")).start()
    yield server.port
    server.stop()


@pytest.fixture(params=["memory", "redis", "sqs", "sqs-fifo"])
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    """Every broker in turn."""
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield MemoryHarness()
            return
        if request.param == "redis":
            server: ValkeyServer = request.getfixturevalue("valkey")
            yield RedisHarness(stack, server, await a_line(stack, server.port))
            return
        line = await a_line(stack, request.getfixturevalue("moto_port"))
        sqs = SqsHarness(stack, line, is_fifo=request.param == "sqs-fifo")
        await sqs.make()
        yield sqs


@pytest.fixture
async def redis_harness(valkey: ValkeyServer) -> AsyncIterator[RedisHarness]:
    """Redis alone, for tests about it."""
    async with AsyncExitStack() as stack:
        yield RedisHarness(stack, valkey, await a_line(stack, valkey.port))


@pytest.fixture(params=[False, True], ids=["standard", "fifo"])
async def sqs_harness(request: pytest.FixtureRequest, moto_port: int) -> AsyncIterator[SqsHarness]:
    """Both types of SQS queue, for tests about them."""
    async with AsyncExitStack() as stack:
        line = await a_line(stack, moto_port)
        sqs = SqsHarness(stack, line, is_fifo=request.param)
        await sqs.make()
        yield sqs


async def a_line(stack: AsyncExitStack, port: int) -> Line:
    """A line to a server, as long as the stack lasts."""
    line = Line(port)
    await line.mend()
    stack.push_async_callback(line.close)
    return line
