"""What only streams can get wrong: dead consumers, lost groups, a server that comes back empty."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hookyard.adapters.queues.backends import redis as module
from hookyard.adapters.queues.backends.redis import RedisBroker
from hookyard.adapters.queues.port import Pointer
from hookyard.kit.clock import ManualClock, SystemClock
from hookyard.kit.errors import ConfigurationError, Unavailable
from hookyard.settings import LANES
from tests.contract.queues.conftest import RedisHarness
from tests.support.brokers import ValkeyServer

POINTER = Pointer("job-1", "default", 7)


@pytest.fixture
async def broker(redis_harness: RedisHarness) -> RedisBroker:
    return await redis_harness.open()


async def test_a_stream_is_cut_at_about_its_limit(
    redis_harness: RedisHarness, broker: RedisBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_MOST", 100)
    for _ in range(10):
        await broker.publish([POINTER] * 100)
    assert 100 <= await broker.depth("default") < 300


async def test_pointers_published_before_any_worker_came_are_received(
    broker: RedisBroker,
) -> None:
    await broker.publish([POINTER])
    [found] = await broker.receive(LANES, 5, 1.0)
    assert found.pointer == POINTER


async def test_workers_that_left_long_ago_are_forgotten(
    redis_harness: RedisHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FORGET_CONSUMER_MS", -1)
    gone = await redis_harness.open("gone")
    await gone.publish([POINTER])
    held = await gone.receive(LANES, 5, 0.0)
    await gone.acknowledge(held)
    holder = await redis_harness.open("holder")
    await holder.publish([POINTER])
    assert await holder.receive(LANES, 5, 0.0)
    monkeypatch.setattr(module, "TIDY_EVERY_S", 0.0)
    tidy = await redis_harness.open("tidy")
    assert await tidy.receive(LANES, 5, 0.0) == []
    stream = redis_harness.stream("default")
    names = {
        str(found["name"]) for found in await redis_harness.raw.xinfo_consumers(stream, "workers")
    }
    assert "gone" not in names
    assert "holder" in names


async def test_an_old_primary_that_only_reads_is_unavailable(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        server = ValkeyServer(tmp_path).start()
        stack.callback(server.kill)
        broker = RedisBroker(server.url, SystemClock(), lanes=LANES, consumer="one")
        stack.push_async_callback(broker.close)
        await broker.publish([POINTER])
        await broker._redis.replicaof("127.0.0.1", str(server.port + 1))
        with pytest.raises(Unavailable, match="redis"):
            await broker.publish([POINTER])
        await broker._redis.replicaof("NO", "ONE")
        await broker.publish([POINTER])


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[ValkeyServer]:
    server = ValkeyServer(tmp_path).start()
    yield server
    server.kill()


async def test_a_server_that_comes_back_empty_is_used_on(own_server: ValkeyServer) -> None:
    broker = RedisBroker(own_server.url, SystemClock(), lanes=LANES, consumer="one")
    try:
        await broker.publish([POINTER])
        held = await broker.receive(LANES, 5, 1.0)
        own_server.kill()
        with pytest.raises(Unavailable):
            await broker.receive(LANES, 5, 1.0)
        own_server.start()
        await broker.acknowledge(held)
        await broker.publish([POINTER])
        [found] = await broker.receive(LANES, 5, 1.0)
        assert found.pointer == POINTER
    finally:
        await broker.close()


def test_an_address_that_is_none_names_its_setting() -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        RedisBroker("redis://host:port/0", ManualClock(), lanes=LANES, consumer="one")
