"""Ways to sign in: each asks where and as it must, and a wrong one is refused without a trace."""

import json
from pathlib import Path

import httpx2
import pytest

from hookyard.adapters.secrets.backends.aws import AwsKeyWrapper, AwsOptions, AwsSecrets
from hookyard.adapters.secrets.backends.azure_auth import azure_credential
from hookyard.adapters.secrets.backends.azure_secrets import AzureSecrets
from hookyard.adapters.secrets.backends.gcp_auth import gcp_credential
from hookyard.adapters.secrets.backends.gcp_secrets import GcpSecrets
from hookyard.adapters.secrets.backends.vault import VaultSecrets
from hookyard.adapters.secrets.backends.vault_auth import VaultLogin
from hookyard.adapters.secrets.port import (
    SecretDamaged,
    SecretDenied,
    SecretMissing,
    SecretUnreachable,
)
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.secret import Secret
from tests.contract.secrets.conftest import DASHED, NAME, aws_options
from tests.support.moto import REGION, MotoServer
from tests.support.secret_stubs_azure import AZURE_ENV, AzureStub
from tests.support.secret_stubs_gcp import GcpStub
from tests.support.secret_stubs_vault import VaultStub

VALUE = b"planted-value"


async def test_google_by_the_file_of_a_service_account(clock: ManualClock, tmp_path: Path) -> None:
    stub = GcpStub(clock, secrets={DASHED: [VALUE]})
    path = tmp_path / "account.json"
    path.write_text(json.dumps(stub.account_file()))
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}
    transport = stub.transport()
    source = GcpSecrets("acme", "", gcp_credential(environ, clock, transport), clock, transport)
    assert (await source.get(NAME)).value == VALUE
    assert stub.asked[0] == "POST /token"
    await source.close()


@pytest.mark.parametrize(
    "change",
    [
        {"type": "authorized_user"},
        {"private_key": "no key"},
        {"token_uri": "http://oauth2.googleapis.com/token"},
        {"client_email": ""},
    ],
)
def test_another_file_for_google_is_refused_at_the_start(
    clock: ManualClock, tmp_path: Path, change: dict[str, str]
) -> None:
    path = tmp_path / "account.json"
    path.write_text(json.dumps({**GcpStub(clock).account_file(), **change}))
    with pytest.raises(ConfigurationError, match="GOOGLE_APPLICATION_CREDENTIALS"):
        gcp_credential({"GOOGLE_APPLICATION_CREDENTIALS": str(path)}, clock)


async def test_who_answers_as_the_metadata_server_must_be_google(clock: ManualClock) -> None:
    def stranger(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"access_token": "planted", "expires_in": 3600})

    credential = gcp_credential({}, clock, httpx2.MockTransport(stranger))
    with pytest.raises(SecretDamaged):
        await credential.headers()
    await credential.close()


@pytest.mark.parametrize(
    "environ",
    [
        AZURE_ENV,
        {},
        {"IDENTITY_ENDPOINT": "http://127.0.0.1:4141/msi", "IDENTITY_HEADER": "planted-header"},
        {"AZURE_TENANT_ID": "tenant-1", "AZURE_CLIENT_ID": "c", "AZURE_FEDERATED_TOKEN_FILE": "@"},
    ],
)
async def test_azure_by_each_of_its_ways(
    clock: ManualClock, tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "token").write_text("federated\n")
    given = {k: str(tmp_path / "token") if v == "@" else v for k, v in environ.items()}
    stub = AzureStub(clock, secrets={DASHED: [(VALUE, True)]})
    transport = stub.transport()
    credential = azure_credential(given, clock, transport)
    source = AzureSecrets("acme-vault", "", credential, clock, transport)
    assert (await source.get(NAME)).value == VALUE
    await source.close()


async def test_a_wrong_client_secret_of_azure_is_refused_and_not_shown(clock: ManualClock) -> None:
    transport = AzureStub(clock).transport()
    environ = {**AZURE_ENV, "AZURE_CLIENT_SECRET": "planted-wrong"}
    source = AzureSecrets(
        "acme-vault", "", azure_credential(environ, clock, transport), clock, transport
    )
    with pytest.raises(SecretDenied) as caught:
        await source.get(NAME)
    assert "planted" not in str(caught.value)
    await source.close()


@pytest.mark.parametrize(
    "environ",
    [
        {"VAULT_ROLE_ID": "role-1", "VAULT_SECRET_ID": "planted-secret-id"},
        {"VAULT_K8S_ROLE": "hookyard", "VAULT_K8S_TOKEN_FILE": "@"},
        {"VAULT_TOKEN_FILE": "@"},
        {"VAULT_TOKEN": "pod-token", "VAULT_NAMESPACE": "team"},
    ],
)
async def test_vault_by_each_of_its_ways(
    clock: ManualClock, tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "token").write_text("pod-token\n")
    given = {k: str(tmp_path / "token") if v == "@" else v for k, v in environ.items()}
    given["VAULT_ADDR"] = "https://vault.example:8200/"
    stub = VaultStub(clock, secrets={f"hookyard/{DASHED}": [VALUE]})
    stub.tokens, stub.namespace = {"pod-token"}, environ.get("VAULT_NAMESPACE")
    transport = stub.transport()
    login = VaultLogin(given, clock, transport)
    source = VaultSecrets("secret/hookyard", login, clock, transport)
    assert (await source.get(NAME)).value == VALUE
    stub.tokens = {"pod-token"}
    assert (await source.get(NAME)).value == VALUE
    await source.close()


async def test_a_vault_that_nobody_signs_in_to_says_what_to_set(clock: ManualClock) -> None:
    environ = {"VAULT_ADDR": "https://vault.example:8200"}
    for extra in ({}, {"VAULT_ROLE_ID": "role-1", "VAULT_SECRET_ID": "planted-wrong"}):
        login = VaultLogin({**environ, **extra}, clock, VaultStub(clock).transport())
        with pytest.raises(SecretDenied) as caught:
            await login.headers()
        assert "planted" not in str(caught.value)
        await login.close()


@pytest.mark.parametrize("address", ["", "http://vault.example:8200", "vault.example"])
def test_vault_is_spoken_to_in_secret_only(clock: ManualClock, address: str) -> None:
    with pytest.raises(ConfigurationError, match="VAULT_ADDR"):
        VaultLogin({"VAULT_ADDR": address}, clock)


async def test_aws_checks_our_signature(moto: MotoServer, clock: ManualClock) -> None:
    good = aws_options(moto)
    for key, secret in (
        (good.access_key_id, Secret("planted-wrong-secret")),
        ("AKIAIOSFODNN7EXAMPLE", good.secret_access_key),
    ):
        options = AwsOptions(REGION, moto.url, key, secret)
        source = AwsSecrets("", options, clock)
        with pytest.raises(SecretDenied) as caught:
            await source.get(NAME)
        assert "planted" not in str(caught.value)
        await source.close()
        wrapper = AwsKeyWrapper("alias/none", options)
        with pytest.raises(SecretDenied):
            await wrapper.wrap(bytes(32), {"tenant": "acme"})
        await wrapper.close()


async def test_an_aws_that_is_not_there_is_unreachable(clock: ManualClock) -> None:
    options = AwsOptions(REGION, "http://127.0.0.1:9", "AKIAIOSFODNN7EXAMPLE", Secret("x"))
    source = AwsSecrets("", options, clock)
    with pytest.raises(SecretUnreachable):
        await source.get(NAME)
    await source.close()


async def test_a_key_that_aws_does_not_have_is_missing(moto: MotoServer) -> None:
    wrapper = AwsKeyWrapper("11111111-2222-3333-4444-555555555555", aws_options(moto))
    with pytest.raises(SecretMissing):
        await wrapper.wrap(bytes(32), {"tenant": "acme"})
    await wrapper.close()
