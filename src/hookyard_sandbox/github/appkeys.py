"""Private keys of Apps: made as GitHub makes them, and their public halves."""

import functools

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import RSAKey


@functools.cache
def loaded(private_key: str) -> RSAKey:
    """The key of a PEM.

    # why: reading a private key checks its primes, which takes longer than a signature.
    """
    return RSAKey.import_key(private_key)


def new_private_key() -> str:
    """A fresh RSA key of 2,048 bits in PEM, as GitHub hands out."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def public_half(private_key: str) -> str:
    """The public key in PEM of a private one."""
    return loaded(private_key).as_pem(private=False).decode()
