"""How brokers of Kafka are reached: what is set, and what of it does not go together."""

from dataclasses import dataclass
from pathlib import Path

from hookyard.kit.errors import ConfigurationError
from hookyard.kit.secret import Secret

PROTOCOLS = ("plaintext", "ssl", "sasl_ssl", "sasl_plaintext")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
LEAST_MESSAGE, MOST_MESSAGE = 10_000, 100_000_000


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Brokers as `host:port`, none where Kafka is not used; `max_message` in bytes."""

    brokers: tuple[str, ...] = ()
    protocol: str = "plaintext"
    mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: Secret | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    private_key: Secret | None = None
    max_message: int = 1_000_000


NO_KAFKA = KafkaSettings()


def message_bytes(raw: str) -> int:
    """The size of a message that Kafka can be set up to take."""
    value = int(raw)
    if not LEAST_MESSAGE <= value <= MOST_MESSAGE:
        raise ValueError(f"must be a number of bytes from {LEAST_MESSAGE} to {MOST_MESSAGE}")
    return value


def check_kafka(given: KafkaSettings) -> None:
    """ConfigurationError for what would not be used, or lacks its other half."""
    if bool(given.username) != bool(given.password):
        missing = "PASSWORD" if given.username else "USERNAME"
        raise ConfigurationError(
            f"HOOKYARD_KAFKA_{missing} is missing: signing in to Kafka needs both"
        )
    signs_in = given.protocol.startswith("sasl_")
    if signs_in and not given.username:
        raise ConfigurationError(
            "HOOKYARD_KAFKA_USERNAME is missing: "
            f"HOOKYARD_KAFKA_SECURITY_PROTOCOL={given.protocol} needs it, and its password"
        )
    if given.username and not signs_in:
        raise ConfigurationError(
            "HOOKYARD_KAFKA_SECURITY_PROTOCOL must be sasl_ssl or sasl_plaintext: "
            "HOOKYARD_KAFKA_USERNAME is set, and nobody would be signed in as it"
        )
    if bool(given.certificate_file) != bool(given.private_key):
        missing = "PRIVATE_KEY" if given.certificate_file else "CERTIFICATE_FILE"
        raise ConfigurationError(
            f"HOOKYARD_KAFKA_{missing} is missing: a certificate of ours needs its key"
        )
    if (given.ca_file or given.certificate_file) and not given.protocol.endswith("ssl"):
        raise ConfigurationError(
            "HOOKYARD_KAFKA_SECURITY_PROTOCOL must be ssl or sasl_ssl: "
            "certificates of Kafka are set, and nothing would check them"
        )
