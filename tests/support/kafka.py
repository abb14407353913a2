"""A simulated Kafka cluster on loopback, which speaks the real protocol: it is part of librdkafka,
and told what to do through its C functions, as Python's package has none for that.

It keeps messages in memory, knows topics, partitions, idempotent producers and fetching; it can
refuse, delay and disconnect. It has neither TLS nor SASL, and swallows no repeats.
"""

import asyncio
import ctypes
import json
import ssl
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition, cimpl

from tests.support.brokers import pump

PRODUCE = 0
PATIENCE_S = 60.0
_LIB = ctypes.CDLL(cimpl.__file__)
for _name in (
    "rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new",
):  # fmt: skip
    getattr(_LIB, _name).restype = ctypes.c_void_p
_LIB.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p


@dataclass(frozen=True, slots=True)
class Got:
    """A message as a consumer reads it."""

    partition: int
    key: str
    value: dict[str, object]
    headers: dict[str, str]

    @property
    def seq(self) -> int:
        return int(str(self.value["seq"]))


class KafkaCluster:
    """One broker unless more are asked for; `address` is what clients begin with."""

    def __init__(self, brokers: int = 1) -> None:
        conf = ctypes.c_void_p(_LIB.rd_kafka_conf_new())
        text = ctypes.create_string_buffer(512)
        _LIB.rd_kafka_conf_set(conf, b"log_level", b"0", text, len(text))
        self._handle = ctypes.c_void_p(_LIB.rd_kafka_new(0, conf, text, len(text)))
        assert self._handle.value, text.value
        self._cluster = ctypes.c_void_p(_LIB.rd_kafka_mock_cluster_new(self._handle, brokers))
        assert self._cluster.value
        self.address = _LIB.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        self._partitions: dict[str, int] = {}

    def topic(self, name: str, partitions: int = 3) -> str:
        """Make a topic."""
        wrong = _LIB.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
        assert wrong == 0, wrong
        self._partitions[name] = partitions
        return name

    def answer(self, errors: Sequence[int], request: int = PRODUCE) -> None:
        """The next requests of a kind are answered with these codes; 0 does what was asked."""
        codes = (ctypes.c_int * len(errors))(*errors)
        _LIB.rd_kafka_mock_push_request_errors_array(
            self._cluster, ctypes.c_int16(request), ctypes.c_size_t(len(errors)), codes
        )

    def forgive(self, request: int = PRODUCE) -> None:
        """Take back what `answer` has left."""
        _LIB.rd_kafka_mock_clear_request_errors(self._cluster, ctypes.c_int16(request))

    def hide(self, topic: str, error: int) -> None:
        """Say this of a topic to whoever asks about it; 0 for the truth."""
        _LIB.rd_kafka_mock_topic_set_error(self._cluster, topic.encode(), error)

    def down(self) -> None:
        """Disconnect everybody, and take no connections."""
        assert _LIB.rd_kafka_mock_broker_set_down(self._cluster, ctypes.c_int32(-1)) == 0

    def up(self) -> None:
        """Take connections again."""
        assert _LIB.rd_kafka_mock_broker_set_up(self._cluster, ctypes.c_int32(-1)) == 0

    def delay(self, milliseconds: int) -> None:
        """Answer so much later."""
        assert (
            _LIB.rd_kafka_mock_broker_set_rtt(self._cluster, ctypes.c_int32(-1), milliseconds) == 0
        )

    def read(self, topic: str) -> list[Got]:
        """All that is in a topic, each partition in its order."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.address, "group.id": "tests", "log_level": 0,
                "enable.auto.commit": False, "auto.offset.reset": "earliest",
            }
        )  # fmt: skip
        try:
            wanted = [TopicPartition(topic, n, 0) for n in range(self._partitions[topic])]
            there = sum(consumer.get_watermark_offsets(one, PATIENCE_S)[1] for one in wanted)
            consumer.assign(wanted)
            found: list[Got] = []
            while len(found) < there:
                batch = consumer.consume(there - len(found), PATIENCE_S)
                assert batch, f"{len(found)} of {there}"
                found += [_got(one) for one in batch]
            return found
        finally:
            consumer.close()

    def close(self) -> None:
        """All of it is gone."""
        _LIB.rd_kafka_mock_cluster_destroy(self._cluster)
        _LIB.rd_kafka_destroy(self._handle)


def _got(message: cimpl.Message) -> Got:
    assert message.error() is None, message.error()
    headers = {name: bytes(value or b"").decode() for name, value in message.headers() or []}
    value = json.loads(message.value() or b"")
    return Got(message.partition() or 0, (message.key() or b"").decode(), value, headers)


class TlsDoor:
    """A way to a cluster of one broker that is TLS on this side; clients stay on it, as the port
    the cluster tells them is exchanged for its own in what comes back."""

    def __init__(self, cluster: KafkaCluster, context: ssl.SSLContext) -> None:
        self._target = int(cluster.address.rpartition(":")[2])
        self._context = context
        self._open: set[asyncio.Task[None]] = set()
        self.certificates: list[bytes | None] = []

    async def __aenter__(self) -> "TlsDoor":
        self._server = await asyncio.start_server(self._through, "127.0.0.1", 0, ssl=self._context)
        self._port = int(self._server.sockets[0].getsockname()[1])
        self.address = f"127.0.0.1:{self._port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.certificates.append(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
        theirs, ours = (struct.pack(">i", port) for port in (self._target, self._port))
        there_reader, there = await asyncio.open_connection("127.0.0.1", self._target)

        async def back() -> None:
            # spec: Kafka protocol: an answer is its length in four bytes, and so many bytes.
            with suppress(asyncio.IncompleteReadError):
                while True:
                    head = await there_reader.readexactly(4)
                    body = await there_reader.readexactly(int.from_bytes(head))
                    writer.write(head + body.replace(theirs, ours))
                    await writer.drain()

        try:
            await asyncio.gather(pump(reader, there), back())
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            there.transport.abort()
            writer.transport.abort()
            self._open.discard(task)
