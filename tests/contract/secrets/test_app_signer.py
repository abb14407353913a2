"""The main App's tokens signed by a key service: the private key is nowhere near this machine.

AWS's is moto's server with its authentication on, which really signs; the others are held to the
same port by tests/contract/secrets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from hookyard.bootstrap import open_yard
from hookyard.entrypoints.cli.doctor.model import Finding, Level
from hookyard.entrypoints.cli.doctor.outside import github
from hookyard.kit.clock import SystemClock
from hookyard.kit.errors import ConfigurationError
from hookyard.settings import load_settings
from hookyard_sandbox.github.sandbox import Sandbox
from tests.journeys.conftest import ADMIN, serving
from tests.support.github import private_key
from tests.support.moto import REGION, MotoServer


@dataclass
class Place:
    """A GitHub that knows the public half of a key in KMS."""

    sandbox: Sandbox
    installation_id: int
    environ: dict[str, str]

    async def findings(self, folder: Path, **changed: str) -> list[Finding]:
        """What the doctor says of the App."""
        given = {name: text for name, text in (self.environ | changed).items() if text}
        return await github(load_settings(given, folder=folder), given, SystemClock())


@pytest.fixture
def place(moto: MotoServer, tmp_path: Path) -> Iterator[Place]:
    with moto.trusting():
        kms = moto.client("kms")
        made = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["KeyId"]
        der = kms.get_public_key(KeyId=made)["PublicKey"]
    with Sandbox(deliver=lambda _: None) as sandbox:
        sandbox.create_repository("acme/shop")
        app = sandbox.register_app(private_key=private_key())
        installation = sandbox.create_installation(app)
        key = load_der_public_key(der)
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        app.app.public_keys[:] = [pem]
        environ = {
            "HOOKYARD_DATA_DIR": str(tmp_path / "data"),
            "HOOKYARD_ADMIN_KEY": ADMIN,
            "HOOKYARD_RECOVER": "off",
            "GITHUB_APP_ID": str(app.id),
            "GITHUB_APP_SLUG": app.slug,
            "GITHUB_API_BASE_URL": sandbox.base_url,
            "HOOKYARD_GITHUB_SIGNER": f"aws-kms:{REGION}/{made}",
            "AWS_ENDPOINT_URL": moto.url,
            "AWS_ACCESS_KEY_ID": moto.access_key_id,
            "AWS_SECRET_ACCESS_KEY": moto.secret_access_key,
        }
        yield Place(sandbox, installation.id, environ)


async def test_a_token_is_minted_with_a_signature_of_the_key_service(
    place: Place, tmp_path: Path
) -> None:
    yard = await open_yard(load_settings(place.environ, folder=tmp_path), place.environ)
    async with serving(yard) as caller:
        given = await caller.get(f"/tokens/installations/{place.installation_id}")
        assert given.status_code == 200, given.text
        assert given.json()["token"] in place.sandbox.world.tokens
    await yard.close()


async def test_doctor_says_who_signs_and_what_is_wrong_when_it_does_not(
    place: Place, tmp_path: Path
) -> None:
    good = (await place.findings(tmp_path))[0]
    signer = place.environ["HOOKYARD_GITHUB_SIGNER"]
    assert (good.level, signer in good.detail) == (Level.OK, True)
    denied = (await place.findings(tmp_path, AWS_SECRET_ACCESS_KEY="planted-wrong"))[0]
    assert (denied.level, "HOOKYARD_GITHUB_SIGNER" in denied.fix) == (Level.BAD, True)
    assert "planted" not in repr(denied)
    other = f"aws-kms:{REGION}/00000000-0000-0000-0000-000000000000"
    missing = (await place.findings(tmp_path, HOOKYARD_GITHUB_SIGNER=other))[0]
    assert (missing.level, other in missing.detail) == (Level.BAD, True)


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"GITHUB_PRIVATE_KEY": "x"}, "are both set"),
        ({"GITHUB_APP_ID": ""}, "GITHUB_APP_ID is missing"),
        ({"HOOKYARD_GITHUB_SIGNER": "ftp:key"}, "HOOKYARD_GITHUB_SIGNER: must be gcp-kms:"),
        ({"HOOKYARD_GITHUB_SIGNER": ""}, "GITHUB_PRIVATE_KEY is missing"),
    ],
)
def test_settings_that_name_two_keys_or_half_an_app_stop_the_start(
    tmp_path: Path, environ: dict[str, str], reason: str
) -> None:
    given = {"GITHUB_APP_ID": "7", "HOOKYARD_GITHUB_SIGNER": f"aws-kms:{REGION}/alias/app"}
    wanted = {name: text for name, text in (given | environ).items() if text}
    with pytest.raises(ConfigurationError, match=reason):
        load_settings(wanted, folder=tmp_path)
