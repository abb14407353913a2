"""The shape of API keys: `hky_<id>_<secret>_<crc>`. Pure but for the random bytes handed in.

The prefix lets secret scanners find a leaked key; the checksum refuses typing errors and most
guesses before anything is looked up. It is no secret and proves nothing.
"""

import hashlib
import re
import zlib
from dataclasses import dataclass

from hookyard.kit.signing import same

PREFIX = "hky"
ADMIN_ID = "admin"
MAX_TOKEN = 512
SECRET_BYTES = 32

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH = 43
_SHAPE = re.compile(r"hky_([0-9a-z]{5,26})_([0-9A-Za-z]{43})_([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class KeyToken:
    """A token with the shape of a key and a checksum that fits; nothing is proved yet."""

    id: str
    sha256: str


@dataclass(frozen=True, slots=True)
class BadToken:
    """Why a token cannot be a key: `malformed` or `checksum`."""

    code: str


def make_token(key_id: str, secret: bytes) -> str:
    """The token of a key, from its id and SECRET_BYTES random bytes."""
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes, not {len(secret)}")
    head = f"{PREFIX}_{key_id}_{_base62(int.from_bytes(secret, 'big'))}"
    return f"{head}_{_checksum(head)}"


def read_token(token: str) -> KeyToken | BadToken:
    """Check shape and checksum; costs nothing however long or strange the text is."""
    found = _SHAPE.fullmatch(token) if len(token) <= MAX_TOKEN else None
    if found is None:
        return BadToken("malformed")
    head, _, checksum = token.rpartition("_")
    if not same(_checksum(head).encode(), checksum.encode()):
        return BadToken("checksum")
    return KeyToken(found[1], digest(token))


def digest(token: str) -> str:
    """SHA-256 of a token, hexadecimal. Any text has one, whatever it holds.

    # why: a plain hash is enough, as the secret has 256 random bits.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _checksum(head: str) -> str:
    return f"{zlib.crc32(head.encode()):08x}"


def _base62(value: int) -> str:
    digits: list[str] = []
    for _ in range(_SECRET_LENGTH):
        value, digit = divmod(value, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
