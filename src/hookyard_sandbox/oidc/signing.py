"""The issuer's keys and the tokens they sign, made without the code that Hookyard verifies with.

# spec: RFC 7515 (compact form), RFC 7517 and 7518 (keys and algorithms).
"""

import base64
import functools
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from hookyard.kit.json import Json, JsonObject

_COORDINATE = 32


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@functools.cache
def _rsa(number: int) -> rsa.RSAPrivateKey:
    # why: making one takes long, and no two issuers of a process need to differ.
    return rsa.generate_private_key(65_537, 2_048)


class SigningKey:
    """One key pair with its id; `algorithm` is RS256 or ES256."""

    def __init__(self, kid: str, algorithm: str = "RS256", number: int = 0) -> None:
        self.kid = kid
        self.algorithm = algorithm
        self._key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = (
            _rsa(number) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())
        )

    def public(self) -> JsonObject:
        """The public half, as the key set shows it."""
        shown: dict[str, Json] = {"kid": self.kid, "use": "sig", "alg": self.algorithm}
        if isinstance(self._key, rsa.RSAPrivateKey):
            numbers = self._key.public_key().public_numbers()
            return shown | {"kty": "RSA", "n": _integer(numbers.n), "e": _integer(numbers.e)}
        point = self._key.public_key().public_numbers()
        x, y = (b64(value.to_bytes(_COORDINATE, "big")) for value in (point.x, point.y))
        return shown | {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def sign(self, claims: JsonObject, header: Mapping[str, Json] | None = None) -> str:
        """A token; `header` overrides members of its header, None takes one out."""
        head = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid} | dict(header or {})
        head = {name: value for name, value in head.items() if value is not None}
        signing_input = f"{b64(_json(head))}.{b64(_json(claims))}"
        return f"{signing_input}.{b64(self._signature(signing_input.encode()))}"

    def _signature(self, data: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        r, s = utils.decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")


def _json(value: JsonObject) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _integer(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))
