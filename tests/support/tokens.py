"""Makes tokens for tests, good ones and forged ones, without the code that verifies them."""

import base64
import functools
import hashlib
import hmac
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

NOW_MS = 1_700_000_000_000
NOW_S = NOW_MS // 1000
ISSUER = "https://issuer.example"
AUDIENCE = "https://hookyard.example"
SECRET = "planted-hs-secret-0123456789abcdefghij"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def rsa_key(name: str = "one") -> rsa.RSAPrivateKey:
    """The same key for the same name, within a process."""
    return _rsa_key(name)


@functools.cache
def _rsa_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@functools.cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    """One key on P-256, within a process."""
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def ed_key() -> ed25519.Ed25519PrivateKey:
    """One key of Ed25519, within a process."""
    return ed25519.Ed25519PrivateKey.generate()


Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def public_pem(key: Private) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def jwk_of(key: Private, kid: str | None = "one", **more: str) -> dict[str, object]:
    """The public half as a JWK."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        found: dict[str, object] = {"kty": "RSA", "n": _int(numbers.n), "e": _int(numbers.e)}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        point = public.public_numbers()
        found = {"kty": "EC", "crv": "P-256", "x": _int(point.x, 32), "y": _int(point.y, 32)}
    else:
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        found = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    return found | ({} if kid is None else {"kid": kid}) | more


def _int(value: int, length: int | None = None) -> str:
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def claims(**more: object) -> dict[str, object]:
    """Claims that are good at NOW_MS; None takes one out."""
    found: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ci",
        "iat": NOW_S - 5,
        "exp": NOW_S + 300,
    }
    return {name: value for name, value in (found | more).items() if value is not None}


def raw_token(header: bytes, payload: bytes, signature: bytes) -> str:
    return f"{b64(header)}.{b64(payload)}.{b64(signature)}"


def signed(
    header: Mapping[str, object], payload: Mapping[str, object] | bytes, key: Private | bytes
) -> str:
    """A token signed by the key as the header's `alg` says; bytes are an HMAC secret."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    head = json.dumps(header).encode()
    signing_input = f"{b64(head)}.{b64(body)}".encode()
    return raw_token(head, body, signature_of(str(header.get("alg")), signing_input, key))


def signature_of(algorithm: str, data: bytes, key: Private | bytes) -> bytes:
    digest = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
    if isinstance(key, bytes):
        name = {"HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(algorithm, hashlib.sha256)
        return hmac.new(key, data, name).digest()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    if algorithm.startswith("PS"):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
        return key.sign(data, pss, hashes.SHA256())
    return key.sign(data, padding.PKCS1v15(), digest.get(algorithm[2:], hashes.SHA256)())


def hs_token(secret: str = SECRET, **more: object) -> str:
    """A good HS256 token, with other claims where named."""
    return signed({"alg": "HS256", "typ": "JWT"}, claims(**more), secret.encode())


def rs_token(name: str = "one", kid: str | None = "one", **more: object) -> str:
    """A good RS256 token of the key with this name, with other claims where named."""
    header = {"alg": "RS256", "typ": "JWT"} | ({} if kid is None else {"kid": kid})
    return signed(header, claims(**more), rsa_key(name))
