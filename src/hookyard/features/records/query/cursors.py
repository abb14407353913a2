"""Cursors of lists: where the next page starts, signed, so that a changed one is told apart.

The signature also covers whose list it is and how it is filtered and ordered: a cursor leads on in
the list it came from and in no other.
"""

import base64
import binascii
from collections.abc import Sequence

import msgspec

from hookyard.adapters.database.port import SqlValue
from hookyard.features.records.trouble import wrong
from hookyard.kit.errors import Invalid
from hookyard.kit.signing import hmac_sha256, same

MAX_CURSOR = 8_192
_MAC = 16
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def write(key: bytes, context: str, values: Sequence[SqlValue]) -> str:
    """The place after a row whose order columns have these values."""
    said = _encode(list(values))
    mac = hmac_sha256(key, context.encode(), b"\0", said)[:_MAC]
    return base64.urlsafe_b64encode(mac + said).rstrip(b"=").decode()


def read(key: bytes, context: str, cursor: str, count: int) -> list[SqlValue]:
    """The values back; Invalid (`bad_cursor`) for what this list did not give out."""
    if len(cursor) > MAX_CURSOR:
        raise _bad()
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise _bad() from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != cursor:
        raise _bad()
    mac, said = raw[:_MAC], raw[_MAC:]
    if not same(mac, hmac_sha256(key, context.encode(), b"\0", said)[:_MAC]):
        raise _bad()
    values: list[SqlValue] = _decode(said)
    if len(values) != count:
        raise _bad()
    return values


def _bad() -> Invalid:
    return wrong("/cursor", "bad_cursor", "the cursor is not one that this list gave out")
