"""Pointers in Redis or Valkey streams: one stream and one consumer group for each lane.

A stream holds what is not acknowledged, and is cut at about `AT_MOST` entries. Entries that a dead
worker received go to whoever asks once they have been idle for `visible_after_s`. A Redis that was
emptied, restarted or failed over gets its groups again at the next call. Redis Cluster is not
spoken. Nothing is retried here, so that a broken broker is known at once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias, TypeVar, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, RedisError, ResponseError

from hookyard.adapters.queues.port import BrokerHealth, Pointer, Received, received_by_lane
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError, Unavailable

T = TypeVar("T")
# What the client makes of entries: id and fields, or no fields where the entry was deleted.
Entries: TypeAlias = Iterable[tuple[str, dict[str, str] | None]]

AT_MOST = 10_000
GROUP = "workers"
CALL_S = 2.0
BLOCK_AT_MOST_S = 10.0
RECLAIM_EVERY_S = 5.0
TIDY_EVERY_S = 60.0
FORGET_CONSUMER_MS = 600_000
# why: the first when the group is gone, the second to a blocked reader whose stream was deleted.
LOST = ("NOGROUP", "UNBLOCKED")


class RedisBroker:
    """See `Broker`. `consumer` must differ between processes."""

    name = "redis"

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        lanes: Sequence[str],
        consumer: str,
        prefix: str = "hookyard",
        visible_after_s: float = 15.0,
    ) -> None:
        self._clock = clock
        self._streams = {lane: f"{prefix}:{lane}" for lane in lanes}
        self._lanes = {stream: lane for lane, stream in self._streams.items()}
        self._consumer = consumer
        self._visible_after_ms = round(visible_after_s * 1000)
        self._redis = _client(url, CALL_S)
        self._blocking = _client(url, BLOCK_AT_MOST_S + CALL_S)
        self._spare: list[Received] = []
        self._reclaim_every_s = min(RECLAIM_EVERY_S, visible_after_s)
        self._reclaim_at = 0.0
        self._tidy_at = clock.monotonic() + TIDY_EVERY_S

    async def publish(self, pointers: Sequence[Pointer]) -> None:
        async with self._reaching():
            pipe = self._redis.pipeline(transaction=False)
            for pointer in pointers:
                fields = {"job": pointer.job_id, "due": str(pointer.run_at_ms)}
                pipe.xadd(
                    self._streams[pointer.lane],
                    fields,  # type: ignore[arg-type]
                    maxlen=AT_MOST,
                    approximate=True,
                )
            await pipe.execute()

    async def receive(
        self, lanes: Sequence[str], at_most: int, wait_s: float
    ) -> Sequence[Received]:
        if self._spare:
            found, self._spare = self._spare[:at_most], self._spare[at_most:]
            return found
        async with self._reaching():
            return await self._with_groups(lambda: self._receive(lanes, at_most, wait_s))

    async def acknowledge(self, received: Sequence[Received]) -> None:
        async with self._reaching():
            pipe = self._redis.pipeline(transaction=False)
            for lane, ids in received_by_lane(received).items():
                pipe.xack(self._streams[lane], GROUP, *ids)
                pipe.xdel(self._streams[lane], *ids)
            await pipe.execute()

    async def depth(self, lane: str) -> int:
        async with self._reaching():
            return int(await self._redis.xlen(self._streams[lane]))

    async def probe(self) -> BrokerHealth:
        started = self._clock.monotonic()
        async with self._reaching():
            found = cast("dict[str, str]", await self._redis.info("server"))
        taken = round((self._clock.monotonic() - started) * 1000, 3)
        # why: Valkey gives the Redis version it is compatible with, and its own beside it.
        if "valkey_version" in found:
            return BrokerHealth("valkey", taken, found["valkey_version"])
        return BrokerHealth("redis", taken, found.get("redis_version", ""))

    async def close(self) -> None:
        await self._redis.aclose()
        await self._blocking.aclose()

    # --- receiving ---

    async def _receive(self, lanes: Sequence[str], at_most: int, wait_s: float) -> list[Received]:
        found = await self._reclaim(lanes, at_most)
        for lane in lanes:
            if len(found) < at_most:
                streams = [self._streams[lane]]
                found += await self._read(self._redis, streams, at_most - len(found), None)
        if found or wait_s <= 0:
            return found
        block_ms = max(1, round(min(wait_s, BLOCK_AT_MOST_S) * 1000))
        streams = [self._streams[lane] for lane in lanes]
        found = await self._read(self._blocking, streams, 1, block_ms)
        self._spare = found[at_most:]
        return found[:at_most]

    async def _read(
        self, redis: "Redis", streams: Sequence[str], count: int, block_ms: int | None
    ) -> list[Received]:
        answer = await redis.xreadgroup(
            GROUP, self._consumer, dict.fromkeys(streams, ">"), count=count, block=block_ms
        )
        by_stream = cast("Iterable[tuple[str, Entries]]", answer or ())
        return [item for stream, entries in by_stream for item in self._received(stream, entries)]

    def _received(self, stream: str, entries: Entries) -> list[Received]:
        lane = self._lanes[stream]
        return [
            Received(Pointer(fields.get("job", ""), lane, _whole(fields.get("due", ""))), entry)
            for entry, fields in entries
            if fields is not None
        ]

    async def _reclaim(self, lanes: Sequence[str], at_most: int) -> list[Received]:
        """Take over what others received long ago; now and then forget who they were."""
        now = self._clock.monotonic()
        if now < self._reclaim_at:
            return []
        found: list[Received] = []
        for lane in lanes:
            if len(found) < at_most:
                stream = self._streams[lane]
                # why: the answer has two parts before Redis 7.0, and the deleted ids after it.
                answer = await self._redis.xautoclaim(
                    stream,
                    GROUP,
                    self._consumer,
                    self._visible_after_ms,
                    count=at_most - len(found),
                )
                found += self._received(stream, cast("Entries", answer[1]))
        if now >= self._tidy_at:
            self._tidy_at = now + TIDY_EVERY_S
            for lane in lanes:
                await self._forget_consumers(self._streams[lane])
        if len(found) < at_most:
            self._reclaim_at = now + self._reclaim_every_s
        return found

    async def _forget_consumers(self, stream: str) -> None:
        answer = await self._redis.xinfo_consumers(stream, GROUP)
        for consumer in cast("Iterable[dict[str, str | int]]", answer):
            idle_ms, pending = int(consumer["idle"]), int(consumer["pending"])
            if pending == 0 and idle_ms > FORGET_CONSUMER_MS:
                await self._redis.xgroup_delconsumer(stream, GROUP, str(consumer["name"]))

    # --- trouble ---

    async def _with_groups(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call that needs the groups; where they are gone they are made, and it is repeated."""
        try:
            return await call()
        except ResponseError as error:
            if not str(error).startswith(LOST):
                raise
        for stream in self._streams.values():
            try:
                await self._redis.xgroup_create(stream, GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise
        return await call()

    @asynccontextmanager
    async def _reaching(self) -> AsyncIterator[None]:
        try:
            yield
        except ReadOnlyError as error:
            # why: after a failover the old primary answers as a replica; a new connection may
            # reach the new one.
            await self._redis.connection_pool.disconnect()
            await self._blocking.connection_pool.disconnect()
            raise Unavailable(f"redis: {error}") from error
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable(f"redis: {type(error).__name__}: {error}") from error


def _client(url: str, timeout_s: float) -> "Redis":
    try:
        return Redis.from_url(
            url,
            decode_responses=True,
            protocol=2,
            socket_timeout=timeout_s,
            socket_connect_timeout=CALL_S,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise ConfigurationError(f"REDIS_URL: {error}") from None


def _whole(text: str) -> int:
    return int(text) if text.isdigit() else 0
