"""The format of a cell, pure: AES-256-GCM under a data key, bound to the place it stands.

A cell is one version byte, the data key's id (26 bytes), a nonce (12 bytes), then ciphertext with
its tag (16 bytes). The additional data is the first 27 bytes and the four parts of the place, each
after its length, so that no two places give the same bytes.

# spec: NIST SP 800-38D: 96-bit random nonces, at most 2^32 of them under one key.
"""

import json
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hookyard.core.sealing.model import CellRefused, Place
from hookyard.kit.ids import LENGTH, is_id

VERSION = 1
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
_HEAD = 1 + LENGTH
OVERHEAD = _HEAD + NONCE_BYTES + TAG_BYTES
MAX_PLAINTEXT = 1024 * 1024


def row_key(parts: Sequence[str]) -> str:
    """The key of a row as one text: a single column as it is, several as a JSON list."""
    if len(parts) == 1:
        return parts[0]
    return json.dumps(list(parts), separators=(",", ":"))


def additional_data(head: bytes, place: Place) -> bytes:
    """What a cell is bound to."""
    found = [head]
    for part in (place.tenant, place.table, place.column, place.row):
        raw = part.encode("utf-8", "surrogatepass")
        found += [len(raw).to_bytes(4, "big"), raw]
    return b"".join(found)


def seal(key: AESGCM, key_id: str, nonce: bytes, place: Place, plaintext: bytes) -> bytes:
    """A cell. `nonce` is fresh for every call under one key. ValueError above `MAX_PLAINTEXT`."""
    if len(plaintext) > MAX_PLAINTEXT:
        raise ValueError(f"a sealed value has at most {MAX_PLAINTEXT} bytes")
    head = bytes([VERSION]) + key_id.encode("ascii")
    return head + nonce + key.encrypt(nonce, plaintext, additional_data(head, place))


def key_id_of(cell: bytes) -> str:
    """The id of the data key that sealed a cell; CellRefused when it has not a cell's shape."""
    key_id = cell[1:_HEAD].decode("ascii", "replace")
    if len(cell) < OVERHEAD or cell[0] != VERSION or not is_id(key_id):
        raise CellRefused("this is no sealed value, or one of a newer Hookyard")
    return key_id


def unseal(key: AESGCM, place: Place, cell: bytes) -> bytes:
    """The plaintext of a cell that stands at its place; CellRefused for any other."""
    key_id_of(cell)
    head, rest = cell[:_HEAD], cell[_HEAD:]
    nonce, sealed = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
    try:
        return key.decrypt(nonce, sealed, additional_data(head, place))
    except InvalidTag:
        raise CellRefused from None
