"""Each place of secrets and keys behind one harness: what tests need besides the ports."""

import base64
import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)

from hookyard.adapters.secrets.backends.aws import (
    AwsKeyWrapper,
    AwsOptions,
    AwsSecrets,
    AwsSigner,
)
from hookyard.adapters.secrets.backends.azure_auth import azure_credential
from hookyard.adapters.secrets.backends.azure_keys import AzureKeyWrapper, AzureSigner
from hookyard.adapters.secrets.backends.azure_secrets import AzureSecrets
from hookyard.adapters.secrets.backends.env import EnvSource
from hookyard.adapters.secrets.backends.folder import FolderSource
from hookyard.adapters.secrets.backends.gcp_auth import gcp_credential
from hookyard.adapters.secrets.backends.gcp_kms import GcpKeyWrapper, GcpSigner
from hookyard.adapters.secrets.backends.gcp_secrets import GcpSecrets
from hookyard.adapters.secrets.backends.keyfile import KeyFile
from hookyard.adapters.secrets.backends.pem import PemSigner
from hookyard.adapters.secrets.backends.vault import VaultKeyWrapper, VaultSecrets, VaultSigner
from hookyard.adapters.secrets.backends.vault_auth import VaultLogin
from hookyard.adapters.secrets.port import JwtSigner, KeyWrapper, SecretSource
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker
from hookyard.kit.secret import Secret
from tests.support.moto import REGION, MotoServer
from tests.support.secret_stubs import Stub, rsa_key
from tests.support.secret_stubs_azure import AZURE_ENV, AzureStub
from tests.support.secret_stubs_gcp import GCP_KEY, GCP_SIGNING, GcpStub
from tests.support.secret_stubs_vault import VAULT_ENV, VaultStub

NAME = "HOOKYARD_GITHUB_WEBHOOK_SECRET"
DASHED = "github-webhook-secret"


def gcp_source(stub: GcpStub, clock: ManualClock) -> GcpSecrets:
    transport = stub.transport()
    return GcpSecrets("acme", "", gcp_credential({}, clock, transport), clock, transport)


def azure_source(stub: AzureStub, clock: ManualClock) -> AzureSecrets:
    transport = stub.transport()
    credential = azure_credential(AZURE_ENV, clock, transport)
    return AzureSecrets("acme-vault", "", credential, clock, transport)


def vault_source(stub: VaultStub, clock: ManualClock) -> VaultSecrets:
    transport = stub.transport()
    return VaultSecrets(
        "secret/hookyard", VaultLogin(VAULT_ENV, clock, transport), clock, transport
    )


class Harness(ABC):
    """A source for one test. `has_versions`: it keeps what a secret was before."""

    has_versions = True
    source: SecretSource

    @abstractmethod
    def put(self, value: bytes) -> None:
        """Make this the current version of the secret `NAME`."""


class EnvHarness(Harness):
    has_versions = False

    def __init__(self, clock: ManualClock) -> None:
        self._found: dict[str, str] = {}
        self.source = EnvSource(self._found, clock)

    def put(self, value: bytes) -> None:
        self._found[NAME] = value.decode()


class FolderHarness(Harness):
    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self._path = folder / "GITHUB_WEBHOOK_SECRET"
        self.source = FolderSource(folder, clock)

    def put(self, value: bytes) -> None:
        if self._path.exists():
            self._path.rename(self._path.with_name(f"{self._path.name}.previous"))
        self._path.write_bytes(value)
        self._path.chmod(0o600)


class AwsHarness(Harness):
    def __init__(self, server: MotoServer, clock: ManualClock) -> None:
        self._server = server
        self._prefix = IdMaker().new(1_700_000_000_000)
        self.source = AwsSecrets(self._prefix, aws_options(server), clock)
        self._is_made = False

    def put(self, value: bytes) -> None:
        with self._server.trusting():
            client = self._server.client("secretsmanager")
            name = f"{self._prefix}/{DASHED}"
            if self._is_made:
                client.put_secret_value(SecretId=name, SecretString=value.decode())
            else:
                client.create_secret(Name=name, SecretString=value.decode())
        self._is_made = True


class StubHarness(Harness):
    stub: Stub

    def fail(self, status: int | None) -> None:
        """Answer every request with a status, or not at all."""

        def trouble(request: httpx2.Request) -> httpx2.Response:
            if status is None:
                raise httpx2.ConnectError("planted-address", request=request)
            return httpx2.Response(status, json={"error": "planted-body"})

        self.stub.trouble = trouble


class GcpHarness(StubHarness):
    def __init__(self, clock: ManualClock) -> None:
        self.stub = self.held = GcpStub(clock)
        self.source = gcp_source(self.held, clock)

    def put(self, value: bytes) -> None:
        self.held.secrets.setdefault(DASHED, []).append(value)


class AzureHarness(StubHarness):
    def __init__(self, clock: ManualClock) -> None:
        self.stub = self.held = AzureStub(clock)
        self.source = azure_source(self.held, clock)

    def put(self, value: bytes) -> None:
        self.held.secrets.setdefault(DASHED, []).append((value, True))


class VaultHarness(StubHarness):
    def __init__(self, clock: ManualClock) -> None:
        self.stub = self.held = VaultStub(clock)
        self.source = vault_source(self.held, clock)

    def put(self, value: bytes) -> None:
        self.held.secrets.setdefault(f"hookyard/{DASHED}", []).append(value)


@pytest.fixture(scope="session")
def moto() -> Iterator[MotoServer]:
    with tempfile.TemporaryDirectory(prefix="hookyard-moto-") as folder:
        server = MotoServer.start(Path(folder) / "log")
        try:
            yield server
        finally:
            server.stop()


def aws_options(server: MotoServer) -> AwsOptions:
    return AwsOptions(REGION, server.url, server.access_key_id, Secret(server.secret_access_key))


CLOUDS = ("gcp", "azure", "vault")


@pytest.fixture(params=["env", "file", "aws", *CLOUDS])
async def harness(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Harness]:
    match request.param:
        case "env":
            found: Harness = EnvHarness(clock)
        case "file":
            found = FolderHarness(tmp_path, clock)
        case "aws":
            found = AwsHarness(request.getfixturevalue("moto"), clock)
        case name:
            found = {"gcp": GcpHarness, "azure": AzureHarness, "vault": VaultHarness}[name](clock)
    yield found
    await found.source.close()


@pytest.fixture(params=CLOUDS)
async def cloud(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[StubHarness]:
    made = {"gcp": GcpHarness, "azure": AzureHarness, "vault": VaultHarness}[request.param](clock)
    yield made
    await made.source.close()


@pytest.fixture(scope="session")
def aws_keys(moto: MotoServer) -> dict[str, str]:
    """Ids of a wrapping key, a second one, and a signing key."""
    with moto.trusting():
        kms = moto.client("kms")
        made = {name: kms.create_key()["KeyMetadata"]["KeyId"] for name in ("wrap", "other")}
        signing = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")
        made["sign"] = signing["KeyMetadata"]["KeyId"]
        made["public"] = base64.b64encode(
            kms.get_public_key(KeyId=made["sign"])["PublicKey"]
        ).decode()
    return made


@pytest.fixture(params=["local", "aws", *CLOUDS])
async def wrapper(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[KeyWrapper]:
    match request.param:
        case "local":
            found: KeyWrapper = KeyFile(tmp_path / "sealing.key")
        case "aws":
            options = aws_options(request.getfixturevalue("moto"))
            found = AwsKeyWrapper(request.getfixturevalue("aws_keys")["wrap"], options)
        case "gcp":
            transport = GcpStub(clock).transport()
            found = GcpKeyWrapper(GCP_KEY, gcp_credential({}, clock, transport), transport)
        case "azure":
            transport = AzureStub(clock).transport()
            credential = azure_credential(AZURE_ENV, clock, transport)
            found = AzureKeyWrapper("acme-vault", "wrap", credential, transport)
        case _:
            transport = VaultStub(clock).transport()
            login = VaultLogin(VAULT_ENV, clock, transport)
            found = VaultKeyWrapper("transit/wrap", login, transport)
    yield found
    await found.close()


@pytest.fixture(params=["pem", "aws", *CLOUDS])
async def signer(
    request: pytest.FixtureRequest, clock: ManualClock
) -> AsyncIterator[tuple[JwtSigner, RSAPublicKey]]:
    public = rsa_key().public_key()
    match request.param:
        case "pem":
            pem = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            found: JwtSigner = PemSigner(Secret(pem.decode()))
        case "aws":
            options = aws_options(request.getfixturevalue("moto"))
            keys = request.getfixturevalue("aws_keys")
            found = AwsSigner(keys["sign"], options)
            made = load_der_public_key(base64.b64decode(keys["public"]))
            assert isinstance(made, RSAPublicKey)
            public = made
        case "gcp":
            transport = GcpStub(clock).transport()
            found = GcpSigner(GCP_SIGNING, gcp_credential({}, clock, transport), transport)
        case "azure":
            transport = AzureStub(clock).transport()
            credential = azure_credential(AZURE_ENV, clock, transport)
            found = AzureSigner("acme-vault", "wrap", "", credential, transport)
        case _:
            transport = VaultStub(clock).transport()
            found = VaultSigner("transit/sign", VaultLogin(VAULT_ENV, clock, transport), transport)
    yield found, public
    await found.close()
