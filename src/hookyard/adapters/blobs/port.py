"""The blob port: large bytes under names that are written once and never changed.

A blob can be seen once `put` returns, whole and durable, and not before. Names are paths made by
us, never by what a blob holds and never by a stranger.
"""

import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from hookyard.kit.errors import Conflict, Invalid

KEY_LENGTH = 300
PAGE = 1_000
LONGEST_LINK_S = 7 * 86_400
# why: lower case only, since two names that differ in case are one file on some file systems.
_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}(?:/[a-z0-9][a-z0-9._-]{0,99}){0,7}")
_FILENAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ -]{0,149}")


class BlobExists(Conflict):
    """There is a blob of this name already; it stays as it is."""

    code = "blob_exists"


class BlobMismatch(Invalid):
    """The bytes are not those that were announced; nothing was kept."""

    code = "blob_mismatch"


class BadRange(Invalid):
    """There are no such bytes in the blob."""

    code = "bad_range"
    status = 416


@dataclass(frozen=True, slots=True)
class Stored:
    """A blob that is there for good: bytes, and their SHA-256 in lower-case hexadecimal."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A blob as the store lists it. `modified_ms` is by the store's own clock."""

    key: str
    size: int
    modified_ms: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Some blobs by name, ascending. `after` leads to the next page; None at the end."""

    items: tuple[BlobInfo, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes from `start` up to, and without, `end`; None is the end of the blob."""

    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A blob being read: `size` bytes from `start` on, out of `total`. Errors come while reading:
    NotFound when it was deleted meanwhile, Unavailable when the store went away."""

    start: int
    size: int
    total: int
    chunks: AsyncIterator[bytes]


class Blobs(Protocol):
    """Where large bytes lie. Every method raises Unavailable when the store cannot be reached."""

    kind: str

    async def put(
        self,
        key: str,
        chunks: AsyncIterable[bytes],
        *,
        expected_size: int | None = None,
        sha256: str | None = None,
    ) -> Stored:
        """Write a blob whole, in bounded memory. BlobExists when the name is taken; BlobMismatch
        when size or digest are not as given. Whatever fails leaves nothing to be seen."""
        ...

    async def get(self, key: str, span: Span | None = None) -> Reading:
        """Read a blob or a part of it; NotFound, or BadRange for a part without a byte."""
        ...

    async def stat(self, key: str) -> BlobInfo:
        """Look at a blob without reading it; NotFound when there is none."""
        ...

    async def delete(self, key: str) -> None:
        """Remove a blob; one that is not there is no error."""
        ...

    async def list(self, prefix: str, after: str | None = None, limit: int = PAGE) -> Listing:
        """Blobs under a folder ("" is everything) whose names sort behind `after`."""
        ...

    async def signed_url(self, key: str, expires_s: int, filename: str) -> str:
        """An address that lets whoever has it save the blob under this name, for a while."""
        ...

    async def tidy(self, before_ms: int) -> int:
        """Remove what is left of writes that began before an instant and never ended."""
        ...

    async def probe(self) -> None:
        """Reach the store, as it is reached for a write."""
        ...

    async def close(self) -> None:
        """Let go of connections and threads."""
        ...


def check_key(key: str) -> str:
    """The key; ValueError unless it is a plain path: no traversal, no odd character."""
    if len(key) > KEY_LENGTH or _KEY.fullmatch(key) is None:
        raise ValueError(f"not a name for a blob: {key[:80]!r}")
    return key


def is_key(text: str) -> bool:
    """Whether the text has the shape of a key."""
    return len(text) <= KEY_LENGTH and _KEY.fullmatch(text) is not None


def check_link(key: str, expires_s: int, filename: str) -> None:
    """ValueError unless a link can be made of these."""
    check_key(key)
    if not 0 < expires_s <= LONGEST_LINK_S:
        raise ValueError("a link lives for a second to seven days")
    if _FILENAME.fullmatch(filename) is None:
        raise ValueError(f"not a name for a file: {filename[:80]!r}")


def clipped(span: Span | None, total: int) -> tuple[int, int]:
    """First byte, and the one behind the last, of a part of `total` bytes; BadRange when there is
    no byte in it."""
    if span is None or span == Span():
        return 0, total
    end = total if span.end is None else min(span.end, total)
    if not 0 <= span.start < end:
        raise BadRange(f"there are no such bytes; the blob has {total}")
    return span.start, end
