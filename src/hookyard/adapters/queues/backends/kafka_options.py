"""How Kafka is reached, as settings of librdkafka; and its errors, with what to do. Pure."""

from dataclasses import dataclass
from typing import TypeAlias

from confluent_kafka import KafkaError

from hookyard.kit.secret import Secret

HELD_KIB = 64 * 1024
HELD_MESSAGES = 10_000
Config: TypeAlias = dict[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """How brokers are reached; certificates and the key are PEM texts, `max_message` bytes."""

    brokers: tuple[str, ...]
    protocol: str = "plaintext"
    mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: Secret | None = None
    ca: str | None = None
    certificate: str | None = None
    private_key: Secret | None = None
    max_message: int = 1_000_000


NEVER = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
    }
)
_UNREACHED = (
    "no broker is reached, or none lets us in: check HOOKYARD_KAFKA_BROKERS, _SECURITY_PROTOCOL "
    "and, with ssl, _CA_FILE and _CERTIFICATE_FILE"
)
UNREACHED = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE})
_SIGN_IN = "check HOOKYARD_KAFKA_USERNAME, _PASSWORD and _SASL_MECHANISM"
_RIGHTS = "its user may not write to topic {topic}, or not idempotently"
_TOPIC = "there is no topic {topic}: make it"
HINTS = {
    **dict.fromkeys(UNREACHED, _UNREACHED),
    KafkaError._AUTHENTICATION: _SIGN_IN,
    KafkaError.SASL_AUTHENTICATION_FAILED: _SIGN_IN,
    KafkaError._SSL: "check HOOKYARD_KAFKA_CA_FILE, and the names in the brokers' certificates",
    KafkaError._UNKNOWN_TOPIC: _TOPIC,
    KafkaError.UNKNOWN_TOPIC_OR_PART: _TOPIC,
    KafkaError.TOPIC_AUTHORIZATION_FAILED: _RIGHTS,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: _RIGHTS,
}


def hint_of(error: KafkaError, topic: str) -> str:
    """An error by its name, and what to do; never its text, which is a stranger's."""
    hint = HINTS.get(error.code())
    return f"{error.name()}: {hint.format(topic=topic)}" if hint else str(error.name())


def configuration(options: KafkaOptions) -> Config:
    """The settings of librdkafka."""
    given: Config = {
        "bootstrap.servers": ",".join(options.brokers),
        "client.id": "hookyard",
        "security.protocol": options.protocol,
        "acks": "all",
        "enable.idempotence": True,
        # why: after a batch that failed for good none may go on before it is dealt with.
        "enable.gapless.guarantee": True,
        "delivery.timeout.ms": 0,
        "request.timeout.ms": 10_000,
        "socket.connection.setup.timeout.ms": 5_000,
        "reconnect.backoff.max.ms": 2_000,
        "topic.metadata.propagation.max.ms": 5_000,
        "message.max.bytes": options.max_message,
        "queue.buffering.max.kbytes": HELD_KIB,
        "queue.buffering.max.messages": HELD_MESSAGES,
        # why: that of the Java clients, so that who writes or joins beside us finds the same.
        "partitioner": "murmur2_random",
        "enable.metrics.push": False,
        "log_level": 0,
    }
    if options.username is not None and options.password is not None:
        given["sasl.mechanism"] = options.mechanism
        given["sasl.username"] = options.username
        given["sasl.password"] = options.password.reveal()
    if options.ca is not None:
        given["ssl.ca.pem"] = options.ca
    if options.certificate is not None and options.private_key is not None:
        given["ssl.certificate.pem"] = options.certificate
        given["ssl.key.pem"] = options.private_key.reveal()
    return given
