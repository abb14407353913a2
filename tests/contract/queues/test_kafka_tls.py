"""Changes into Kafka over TLS: whom we trust, and whom we are."""

import datetime
import secrets
import ssl
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hookyard.adapters.queues.backends.kafka_changes import KafkaChanges
from hookyard.adapters.queues.backends.kafka_options import KafkaOptions
from hookyard.kit.clock import SystemClock
from hookyard.kit.errors import Unavailable
from hookyard.kit.secret import Secret
from tests.contract.queues.test_kafka_changes import PATIENCE_S, message, read
from tests.support.kafka import KafkaCluster, TlsDoor


def certificate(host: str) -> tuple[str, str]:
    """A certificate for an address that signed itself, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, secrets.token_hex(4))])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=36_500))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def server(folder: Path, theirs: tuple[str, str], ours: str) -> ssl.SSLContext:
    """TLS of a broker that asks for our certificate."""
    (folder / "server.pem").write_text("".join(theirs))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=ours)
    return context


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    made = KafkaCluster()
    yield made
    made.close()


async def sent(options: KafkaOptions, topic: str, *, send_s: float = PATIENCE_S) -> None:
    """Send one change over a line of its own."""
    sink = KafkaChanges(options, topic, SystemClock(), send_s=send_s)
    try:
        await sink.send([message(1)])
    finally:
        await sink.close()


async def test_a_change_goes_over_tls_both_sides_known(
    cluster: KafkaCluster, tmp_path: Path
) -> None:
    topic = cluster.topic(f"tls-{secrets.token_hex(4)}")
    theirs, (ours, key) = certificate("127.0.0.1"), certificate("127.0.0.1")
    async with TlsDoor(cluster, server(tmp_path, theirs, ours)) as door:
        options = KafkaOptions(
            (door.address,), "ssl", ca=theirs[0], certificate=ours, private_key=Secret(key)
        )
        await sent(options, topic)
        assert set(door.certificates) == {ssl.PEM_cert_to_DER_cert(ours)}
    assert [one.seq for one in await read(cluster, topic)] == [1]


@pytest.mark.parametrize(
    ("what", "setting"),
    [("stranger", "_CA_FILE"), ("name", "_CA_FILE"), ("nobody", "_CERTIFICATE_FILE")],
)
async def test_who_is_not_known_is_told_by_the_setting(
    cluster: KafkaCluster, tmp_path: Path, what: str, setting: str
) -> None:
    topic = cluster.topic(f"tls-{secrets.token_hex(4)}")
    theirs = certificate("127.0.0.2" if what == "name" else "127.0.0.1")
    ours, key = certificate("127.0.0.1")
    async with TlsDoor(cluster, server(tmp_path, theirs, ours)) as door:
        options = KafkaOptions(
            (door.address,), "ssl", ca=theirs[0], certificate=ours, private_key=Secret(key)
        )
        if what == "stranger":
            options = replace(options, ca=certificate("127.0.0.1")[0])
        if what == "nobody":
            options = replace(options, certificate=None, private_key=None)
        with pytest.raises(Unavailable, match=setting):
            await sent(options, topic, send_s=3.0)
    assert await read(cluster, topic) == []
