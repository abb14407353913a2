"""Every wrapping key gives back what it wrapped, and only under the same context; every signer
signs what a stranger can verify."""

from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from hookyard.adapters.secrets.backends.gcp_auth import gcp_credential
from hookyard.adapters.secrets.backends.gcp_kms import GcpKeyWrapper, GcpSigner
from hookyard.adapters.secrets.port import JwtSigner, KeyWrapper, SecretDamaged, SecretTrouble
from hookyard.kit.clock import ManualClock
from tests.support.secret_stubs_gcp import GCP_KEY, GCP_SIGNING, GcpStub

DEK = b"planted-data-key" + bytes(16)
CONTEXT = {"tenant": "acme", "key": "k1"}


async def test_a_wrapped_key_comes_back(wrapper: KeyWrapper) -> None:
    wrapped = await wrapper.wrap(DEK, CONTEXT)
    assert (wrapped.provider, wrapped.key_ref) == (wrapper.provider, wrapper.key_ref)
    assert wrapped.key_version
    assert b"planted" not in wrapped.blob
    assert "planted" not in repr(wrapped) + repr(wrapper)
    assert await wrapper.unwrap(wrapped, CONTEXT) == DEK


@pytest.mark.parametrize("context", [{}, {"tenant": "acme"}, {"tenant": "umbrella", "key": "k1"}])
async def test_another_context_is_refused(wrapper: KeyWrapper, context: dict[str, str]) -> None:
    wrapped = await wrapper.wrap(DEK, CONTEXT)
    with pytest.raises(SecretDamaged) as caught:
        await wrapper.unwrap(wrapped, context)
    assert "planted" not in str(caught.value)


async def test_a_changed_blob_is_refused(wrapper: KeyWrapper) -> None:
    wrapped = await wrapper.wrap(DEK, CONTEXT)
    for at in (1, len(wrapped.blob) // 2, len(wrapped.blob) - 6):
        raw = bytearray(wrapped.blob)
        raw[at] ^= 1
        with pytest.raises(SecretTrouble):
            await wrapper.unwrap(replace(wrapped, blob=bytes(raw)), CONTEXT)


async def test_a_signature_verifies_with_the_public_key(
    signer: tuple[JwtSigner, RSAPublicKey],
) -> None:
    made = await signer[0].sign(b"header.payload")
    assert made.alg == "RS256"
    signer[1].verify(made.signature, b"header.payload", PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        signer[1].verify(made.signature, b"header.payloaD", PKCS1v15(), SHA256())
    assert "BEGIN" not in repr(signer[0])


async def test_google_must_say_that_it_got_what_was_sent(clock: ManualClock) -> None:
    stub = GcpStub(clock)
    wrapper = GcpKeyWrapper(GCP_KEY, gcp_credential({}, clock, stub.transport()), stub.transport())
    signer = GcpSigner(GCP_SIGNING, gcp_credential({}, clock, stub.transport()), stub.transport())
    wrapped = await wrapper.wrap(DEK, CONTEXT)
    for name in ("verifiedPlaintextCrc32c", "ciphertextCrc32c", "plaintextCrc32c"):
        stub.bend = lambda body, name=name: {k: v for k, v in body.items() if k != name}  # type: ignore[misc]
        with pytest.raises(SecretDamaged):
            await wrapper.wrap(DEK, CONTEXT)
            await wrapper.unwrap(wrapped, CONTEXT)
    for name in ("verifiedDigestCrc32c", "signatureCrc32c", "name"):
        stub.bend = lambda body, name=name: {k: v for k, v in body.items() if k != name}  # type: ignore[misc]
        with pytest.raises(SecretDamaged):
            await signer.sign(b"x")
    await wrapper.close()
    await signer.close()
