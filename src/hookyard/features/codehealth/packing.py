"""Findings and comparisons as small bytes: MessagePack under zlib."""

import zlib

import msgspec

from hookyard.features.codehealth.model import Comparison, Readable

MAX_UNPACKED = 256 * 1024 * 1024
# why: made here, once: the first decoding of a class fills in what msgspec knows of it, and a
# second thread that decodes meanwhile reads half of that.
_READABLE = msgspec.msgpack.Decoder(Readable)
_COMPARISON = msgspec.msgpack.Decoder(Comparison)


def pack(value: Readable | Comparison) -> bytes:
    """The value as bytes."""
    return zlib.compress(msgspec.msgpack.encode(value), 6)


def unpack_readable(data: bytes) -> Readable:
    """A report's findings back."""
    return _READABLE.decode(_inflated(data))


def unpack_comparison(data: bytes) -> Comparison:
    """A comparison back."""
    return _COMPARISON.decode(_inflated(data))


def _inflated(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, MAX_UNPACKED)
