"""A simulated Kafka cluster on loopback, which speaks the real protocol: it is part of librdkafka,
and told what to do through its C functions, as Python's package has none for that.

It keeps messages in memory, knows topics, partitions, idempotent producers and fetching; it can
refuse, delay and disconnect. It has neither TLS nor SASL, and swallows no repeats.
"""

import ctypes
import json
from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition, cimpl

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
