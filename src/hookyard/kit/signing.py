"""Message authentication codes, compared in constant time."""

import hashlib
import hmac


def hmac_sha256(secret: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256 over the parts in order, 32 bytes."""
    if len(parts) == 1:
        return hmac.digest(secret, parts[0], "sha256")
    mac = hmac.new(secret, digestmod=hashlib.sha256)
    for part in parts:
        mac.update(part)
    return mac.digest()


def same(left: bytes, right: bytes) -> bool:
    """Equality whose duration does not depend on where the bytes differ."""
    return hmac.compare_digest(left, right)


def from_hex(text: str) -> bytes | None:
    """Bytes of strict lower- or upper-case hexadecimal, or None when it is anything else."""
    if len(text) % 2 or not text.isascii() or not text.isalnum():
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None
