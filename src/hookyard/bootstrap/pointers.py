"""A broker beside the database: what opens it, reads it and feeds it.

A broker that is down stops no start; only a wrong setting or a missing package does.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookyard.adapters.database.port import Database
from hookyard.adapters.queues.port import Broker
from hookyard.bootstrap.engine import READY, poll_s
from hookyard.bootstrap.listeners import EndListeners
from hookyard.bootstrap.opening import spreading_random
from hookyard.core.jobs.model import Lane
from hookyard.core.jobs.pointers import PointerReader
from hookyard.core.jobs.relay import Relay
from hookyard.core.jobs.runner import Runner
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.secret import Secret
from hookyard.settings import LANES, Settings

if TYPE_CHECKING:
    from hookyard.adapters.queues.backends.sqs import SqsOptions

POLL_BESIDE_BROKER_S = (5.0, 10.0)
HEAD_START_S = 0.01
CANCEL_AGAIN_S = 0.25


def open_broker(
    settings: Settings, environ: Mapping[str, str], clock: Clock, consumer: str
) -> Broker | None:
    """The configured broker, not reached yet; None when the database is all there is.

    ConfigurationError names the setting that is wrong, or the extra that is not installed.
    """
    match settings.queue.backend:
        case "redis":
            return _redis(settings, clock, consumer)
        case "sqs":
            return _sqs(settings, environ, clock)
        case _:
            return None


def runner_poll_s(settings: Settings, database: Database) -> float:
    """How often a worker looks by itself: seldom, and never in step, beside a broker."""
    if settings.queue.backend == "database":
        return poll_s(database, spreading_random())
    return spreading_random().uniform(*POLL_BESIDE_BROKER_S)


@dataclass(slots=True)
class Pointers:
    """A broker and both its ends in this process."""

    broker: Broker
    relay: Relay
    reader: PointerReader
    _reading: "asyncio.Task[None] | None" = None
    _telling: "asyncio.Task[None] | None" = None

    def start_reader(self) -> "asyncio.Task[None]":
        """Read for the runner of this process, which also gets a head start on the relay."""
        self.relay.head_start_s = HEAD_START_S
        self._reading = asyncio.create_task(self.reader.run(), name="pointers")
        return self._reading

    def start_relay(self, database: Database) -> "asyncio.Task[None]":
        """Tell the broker what becomes ready, in whichever process that is."""
        database.listen(READY, self.relay.wake)
        self._telling = asyncio.create_task(self.relay.run(), name="relay")
        return self._telling

    async def stop_reading(self) -> None:
        """Take no more pointers; those in hand come again elsewhere."""
        await _end(self._reading)

    async def close(self) -> None:
        """End both ends and let go of the broker, even where it is in trouble."""
        await _end(self._reading)
        await _end(self._telling)
        with contextlib.suppress(Exception):
            await self.broker.close()


async def _end(part: "asyncio.Task[None] | None") -> None:
    """Cancel until it has ended.

    # why: a client may swallow the cancellation that meets its answer, as redis-py was seen to do.
    """
    while part is not None and not part.done():
        part.cancel()
        await asyncio.wait({part}, timeout=CANCEL_AGAIN_S)


def join(
    broker: Broker | None,
    settings: Settings,
    database: Database,
    ledger: Ledger,
    runner: Runner,
    endings: EndListeners,
) -> Pointers | None:
    """Both ends of a broker, on a ledger and a runner that are made; None without a broker."""
    if broker is None:
        return None
    work, clock, random = settings.worker, ledger.clock, spreading_random()

    def look() -> "asyncio.Future[None]":
        over = runner.rounds.ask()
        runner.wake()
        return over

    reader = PointerReader(
        broker,
        look,
        lambda: work.concurrency - runner.running,
        clock,
        random,
        lanes=[Lane(name) for name in work.lanes] or list(Lane),
    )
    relay = Relay(database, ledger, broker, clock, random)
    endings.listeners.append(lambda _job, _step: reader.freed())
    return Pointers(broker, relay, reader)


def _redis(settings: Settings, clock: Clock, consumer: str) -> Broker:
    with needs("redis", "redis-py"):
        from hookyard.adapters.queues.backends.redis import RedisBroker
    url = settings.queue.redis_url
    if url is None:
        raise ConfigurationError("REDIS_URL is missing: QUEUE_BACKEND=redis needs it")
    prefix = settings.queue.prefix
    return RedisBroker(url.reveal(), clock, lanes=LANES, consumer=consumer, prefix=prefix)


def _sqs(settings: Settings, environ: Mapping[str, str], clock: Clock) -> Broker:
    with needs("sqs", "aiobotocore"):
        from hookyard.adapters.queues.backends.sqs import SqsBroker
    return SqsBroker(sqs_options(settings, environ), clock, lanes=LANES)


def sqs_options(settings: Settings, environ: Mapping[str, str]) -> "SqsOptions":
    """Which queues, and how AWS is reached. The extra `sqs` must be there."""
    from hookyard.adapters.queues.backends.sqs import SqsOptions

    def given(*names: str) -> str | None:
        return next((environ[name] for name in names if environ.get(name)), None)

    def secret(name: str) -> Secret | None:
        return None if (value := given(name)) is None else Secret(value)

    return SqsOptions(
        prefix=settings.queue.prefix,
        urls=dict(part.split("=", 1) for part in settings.queue.sqs_urls),
        is_fifo=settings.queue.sqs_type == "fifo",
        region=given("AWS_REGION", "AWS_DEFAULT_REGION"),
        endpoint=given("AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"),
        access_key_id=given("AWS_ACCESS_KEY_ID"),
        secret_access_key=secret("AWS_SECRET_ACCESS_KEY"),
        session_token=secret("AWS_SESSION_TOKEN"),
    )


@contextlib.contextmanager
def needs(extra: str, package: str, setting: str = "QUEUE_BACKEND") -> Iterator[None]:
    """What is imported inside comes with an extra; ConfigurationError where it is not there."""
    try:
        yield
    except ImportError:
        raise ConfigurationError(
            f"{setting}={extra} needs {package}, which is not installed: "
            f"pip install 'hookyard[{extra}]'"
        ) from None
