"""`sslmode` means what it means to libpq, against a server that speaks TLS."""

import asyncio
import datetime
import gc
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.port import RawSql
from hookyard.kit.errors import Unavailable
from tests.support.folders import server_folder
from tests.support.postgres import PostgresServer

ENCRYPTED = RawSql.same("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
PLACES = (Path("/usr/lib/postgresql"), Path("/usr/pgsql-15"))


@dataclass
class TlsServer:
    server: PostgresServer
    roots: Path
    strangers: Path

    def url(self, query: str, host: str = "127.0.0.1") -> str:
        return f"{self.server.base_url}?{query}".replace("127.0.0.1", host)


def certificate(folder: Path, name: str, host: str) -> tuple[Path, Path]:
    """A certificate that signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / f"{name}.crt", folder / f"{name}.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    private.chmod(0o600)
    return public, private


def binaries() -> Path:
    """A Postgres built with OpenSSL (the wheel's is not); else the tests are skipped."""
    named = os.environ.get("HOOKYARD_TEST_TLS_POSTGRES")
    found = [Path(named)] if named else []
    found += sorted(path for place in PLACES for path in place.glob("*/bin"))
    for folder in reversed(found):
        if (folder / "initdb").exists():
            return folder
    pytest.skip(
        "no Postgres with TLS is installed (Debian: apt-get install postgresql-15, "
        "or name its bin folder in HOOKYARD_TEST_TLS_POSTGRES)"
    )


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    found = binaries()
    folder, certificates = server_folder(), tmp_path_factory.mktemp("certificates")
    public, private = certificate(folder, "server", "127.0.0.1")
    roots = certificates / "roots.pem"
    roots.write_bytes(public.read_bytes())
    strangers, _ = certificate(certificates, "stranger", "127.0.0.1")
    options = ["-c", "ssl=on", "-c", f"ssl_cert_file={public}", "-c", f"ssl_key_file={private}"]
    server = PostgresServer.start_own(folder, binaries=found, options=options)
    try:
        yield TlsServer(server, roots, strangers)
    finally:
        server.stop()


async def is_encrypted(url: str) -> object:
    database = PostgresDatabase(url)
    try:
        return (await database.read(lambda unit: unit.fetch_raw(ENCRYPTED)))[0][0]
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("mode", "encrypted"),
    [("disable", False), ("allow", False), ("prefer", True), ("require", True)],
)
async def test_a_mode_without_roots(tls: TlsServer, mode: str, encrypted: bool) -> None:
    assert await is_encrypted(tls.url(f"sslmode={mode}")) is encrypted


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
async def test_a_server_is_known_by_its_roots(tls: TlsServer, mode: str) -> None:
    assert await is_encrypted(tls.url(f"sslmode={mode}&sslrootcert={tls.roots}")) is True


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
async def test_a_stranger_is_refused(tls: TlsServer, mode: str) -> None:
    with pytest.raises(Unavailable, match="SSLCertVerificationError"):
        await is_encrypted(tls.url(f"sslmode={mode}&sslrootcert={tls.strangers}"))


async def test_another_name_is_refused_only_in_full(tls: TlsServer) -> None:
    roots = f"sslrootcert={tls.roots}"
    assert await is_encrypted(tls.url(f"sslmode=verify-ca&{roots}", "localhost")) is True
    with pytest.raises(Unavailable, match="SSLCertVerificationError"):
        await is_encrypted(tls.url(f"sslmode=verify-full&{roots}", "localhost"))


async def test_the_roots_of_the_system_do_not_know_it(tls: TlsServer) -> None:
    with pytest.raises(Unavailable, match="SSLCertVerificationError"):
        await is_encrypted(tls.url("sslrootcert=system"))


async def test_roots_that_are_not_there_are_named(tls: TlsServer, tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"
    with pytest.raises(Unavailable, match=r"could not be used"):
        await is_encrypted(tls.url(f"sslmode=verify-full&sslrootcert={missing}"))


async def test_a_server_without_tls_is_refused_where_it_is_required(
    postgres_server: PostgresServer,
) -> None:
    with pytest.raises(Unavailable):
        await is_encrypted(f"{postgres_server.base_url}?sslmode=require")


def test_waiting_for_a_server_leaves_no_socket_open(tls: TlsServer) -> None:
    gc.collect()
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for _ in range(5):
            tls.server.stop_now()
            tls.server.start_again()
            gc.collect()
    assert [str(one.message) for one in found] == []


async def test_news_come_over_tls_too(tls: TlsServer) -> None:
    database = PostgresDatabase(tls.url("sslmode=require"))
    heard = asyncio.Event()
    database.listen("news", heard.set)
    await asyncio.wait_for(heard.wait(), 20)
    await database.close()
