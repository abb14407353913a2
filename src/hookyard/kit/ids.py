"""Identifiers that sort by time: 26 characters of Crockford base 32, as in the ULID layout.

48 bits of milliseconds, then 80 random bits; inside one millisecond of one process the random
part counts up, so ids of one process are strictly increasing.
"""

import os
import threading
from collections.abc import Callable

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
LENGTH = 26


class IdMaker:
    """Makes ids; safe to share between threads. `entropy` gives so many random bytes."""

    def __init__(self, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._entropy = entropy
        self._lock = threading.Lock()
        self._last_ms = -1
        self._tail = 0
        self._high = -1
        self._prefix = ""

    def new(self, now_ms: int) -> str:
        """A fresh id, greater than every id this maker gave before."""
        with self._lock:
            if now_ms > self._last_ms:
                self._last_ms = now_ms
                self._tail = int.from_bytes(self._entropy(10), "big") >> 1
            else:
                self._tail += 1
            value = (self._last_ms << 80) | self._tail
            # why: inside a millisecond only the last characters change.
            if value >> 20 != self._high:
                self._high = value >> 20
                self._prefix = encode(value)[:-4]
            return self._prefix + _PAIRS[value >> 10 & 1023] + _PAIRS[value & 1023]


def encode(value: int) -> str:
    """130 bits as 26 characters, most significant first."""
    pairs = _PAIRS
    return (
        pairs[value >> 120 & 1023]
        + pairs[value >> 110 & 1023]
        + pairs[value >> 100 & 1023]
        + pairs[value >> 90 & 1023]
        + pairs[value >> 80 & 1023]
        + pairs[value >> 70 & 1023]
        + pairs[value >> 60 & 1023]
        + pairs[value >> 50 & 1023]
        + pairs[value >> 40 & 1023]
        + pairs[value >> 30 & 1023]
        + pairs[value >> 20 & 1023]
        + pairs[value >> 10 & 1023]
        + pairs[value & 1023]
    )


def is_id(text: str) -> bool:
    """Whether the text has the shape of an id (not whether it exists)."""
    return len(text) == LENGTH and all(c in _ALPHABET for c in text)


def instant_of(text: str) -> int:
    """The instant in an id, milliseconds since the epoch; ValueError when it is none."""
    if not is_id(text):
        raise ValueError(f"not an id: {text[:40]!r}")
    value = 0
    for character in text:
        value = value << 5 | _ALPHABET.index(character)
    return value >> 80


def uuid7(now_ms: int, entropy: Callable[[int], bytes] = os.urandom) -> str:
    """A UUID that sorts by time, in its usual spelling.

    # spec: RFC 9562, version 7: 48 bits of milliseconds, then random bits.
    """
    random = int.from_bytes(entropy(10), "big")
    value = now_ms << 80 | 7 << 76 | (random >> 68) << 64 | 2 << 62 | random & ((1 << 62) - 1)
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
