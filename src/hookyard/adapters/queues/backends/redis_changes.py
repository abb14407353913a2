"""Changes into a Redis or Valkey stream, one entry each, cut at about `keep` entries."""

from collections.abc import Sequence

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from hookyard.adapters.queues.changes import ChangeMessage
from hookyard.kit.errors import ConfigurationError, Unavailable

CALL_S = 5.0
KEEP = 1_000_000


class RedisChanges:
    """See `ChangeSink`. Entries are added in one pipeline, which keeps their order."""

    def __init__(self, url: str, stream: str, *, keep: int = KEEP) -> None:
        self._stream = stream
        self._keep = keep
        try:
            self._redis = Redis.from_url(
                url,
                decode_responses=True,
                protocol=2,
                socket_timeout=CALL_S,
                socket_connect_timeout=CALL_S,
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError as error:
            raise ConfigurationError(f"REDIS_URL: {error}") from None

    async def send(self, messages: Sequence[ChangeMessage]) -> None:
        try:
            # why: in MULTI, so that an entry that is refused does not let a later one overtake it.
            pipe = self._redis.pipeline(transaction=True)
            for message in messages:
                pipe.xadd(
                    self._stream,
                    message.fields(),  # type: ignore[arg-type]
                    maxlen=self._keep,
                    approximate=True,
                )
            await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable(f"redis: {type(error).__name__}") from error

    async def probe(self) -> None:
        try:
            await self._redis.xlen(self._stream)
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable(f"redis: {type(error).__name__}") from error

    async def close(self) -> None:
        await self._redis.aclose()
