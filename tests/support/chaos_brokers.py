"""Brokers under attack: Redis and SQS, emptied, killed, and brought back with nothing in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import boto3
from redis import Redis

from hookyard.adapters.queues.backends.redis import RedisBroker
from hookyard.adapters.queues.backends.sqs import SqsBroker, SqsOptions
from hookyard.adapters.queues.port import Broker
from hookyard.kit.clock import SystemClock
from hookyard.kit.secret import Secret
from tests.support.brokers import SqsServer, ValkeyServer

LANES = ("critical", "high", "default", "bulk")
REGION = "us-east-1"


class BrokerSite(Protocol):
    """One broker and what an operator, or bad luck, can do to it."""

    def start(self) -> None:
        """Serve, with all that an operator has to make there."""
        ...

    def settings(self) -> Mapping[str, str]:
        """What every process of Hookyard has to be told."""
        ...

    def flush(self) -> None:
        """Forget everything it holds."""
        ...

    def kill(self) -> None:
        """End it as a crash would. `start` brings it back on the same port, empty."""
        ...

    def client(self) -> Broker:
        """One more who sends and takes pointers. Make and use it in one event loop."""
        ...


class RedisSite:
    """A Valkey, without a file."""

    def __init__(self, folder: Path) -> None:
        self._server = ValkeyServer(folder)

    def start(self) -> None:
        self._server.start()

    def settings(self) -> Mapping[str, str]:
        return {"HOOKYARD_QUEUE_BACKEND": "redis", "HOOKYARD_REDIS_URL": self._server.url}

    def flush(self) -> None:
        with Redis.from_url(self._server.url) as redis:
            redis.flushall()

    def kill(self) -> None:
        self._server.kill()

    def client(self) -> Broker:
        return RedisBroker(self._server.url, SystemClock(), lanes=LANES, consumer="mischief")


class SqsSite:
    """A moto server, which keeps queues in its memory."""

    def __init__(self, folder: Path) -> None:
        self._server = SqsServer(folder)
        self._address = f"http://127.0.0.1:{self._server.port}"

    def start(self) -> None:
        self._server.start()
        client = self._boto()
        for lane in LANES:
            client.create_queue(QueueName=f"hookyard-{lane}")

    def settings(self) -> Mapping[str, str]:
        return {
            "HOOKYARD_QUEUE_BACKEND": "sqs",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL_SQS": self._address,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
        }

    def flush(self) -> None:
        client = self._boto()
        for lane in LANES:
            found = client.get_queue_url(QueueName=f"hookyard-{lane}")
            client.purge_queue(QueueUrl=found["QueueUrl"])

    def kill(self) -> None:
        self._server.stop()

    def client(self) -> Broker:
        options = SqsOptions(
            region=REGION, endpoint=self._address, access_key_id="any",
            secret_access_key=Secret("any"),
        )  # fmt: skip
        return SqsBroker(options, SystemClock(), lanes=LANES)

    def _boto(self) -> Any:
        return boto3.client(
            "sqs", region_name=REGION, endpoint_url=self._address, aws_access_key_id="any",
            aws_secret_access_key="any",
        )  # fmt: skip
