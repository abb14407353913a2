"""Types of idempotency: what a request claims, and what becomes of the claim."""

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was given: status, the headers that belong to it, body."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Claim:
    """A request with a key. `digest` names it among those of its tenant, `fingerprint` its
    content; `answer` is what it will get, where that is known beforehand."""

    digest: str
    fingerprint: str
    answer: KeptAnswer | None = None


@dataclass(frozen=True, slots=True)
class Fresh:
    """Nobody used the key; the work is to be done, and its answer kept."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The same request was answered before; `until_ms` is when that is forgotten."""

    answer: KeptAnswer
    until_ms: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key was used for a request with another content."""


@dataclass(frozen=True, slots=True)
class Busy:
    """A twin of the request is under way; ask again soon."""


Verdict: TypeAlias = Fresh | Replay | Mismatch | Busy
FRESH, MISMATCH, BUSY = Fresh(), Mismatch(), Busy()


def digest_of(actor: str, route: str, key: str) -> str:
    """What names a key: who uses it, for which method and route, and the key itself."""
    return hashlib.sha256("\0".join((actor, route, key)).encode()).hexdigest()


def fingerprint_of(target: str, body: bytes) -> str:
    """What a request asks for: its address with the query, and its body, byte for byte."""
    return hashlib.sha256(target.encode() + b"\0" + body).hexdigest()


def is_key(text: str) -> bool:
    """Whether a header's value can be a key: 1 to 255 printable ASCII characters."""
    return 0 < len(text) <= MAX_KEY and text.isascii() and text.isprintable()
