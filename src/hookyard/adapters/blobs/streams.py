"""Bytes on their way: counted, digested, cut into blocks of a bounded size."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator

from hookyard.adapters.blobs.port import BlobMismatch, Stored

BLOCK = 1024 * 1024
# why: below this a thread costs more than the digest.
SHORT = 64 * 1024


async def once(data: bytes) -> AsyncIterator[bytes]:
    """Bytes that are there already, as a stream."""
    yield data


async def blocks(chunks: AsyncIterable[bytes], size: int = BLOCK) -> AsyncIterator[bytes]:
    """The same bytes in blocks of `size`; only the last is shorter, and none is empty."""
    held = bytearray()
    async for chunk in chunks:
        if not held and len(chunk) == size:
            yield chunk
            continue
        rest = memoryview(chunk)
        while rest:
            taken = rest[: size - len(held)]
            held += taken
            rest = rest[len(taken) :]
            if len(held) == size:
                yield bytes(held)
                held.clear()
    if held:
        yield bytes(held)


class Tally:
    """Counts and digests what is written, and holds it to what was announced."""

    def __init__(self, expected_size: int | None, sha256: str | None) -> None:
        self.size = 0
        self._expected = expected_size
        self._wanted = sha256.lower() if sha256 is not None else None
        self._digest = hashlib.sha256()

    def add(self, data: bytes) -> None:
        """Count some bytes; BlobMismatch as soon as there are too many."""
        self.size += len(data)
        if self._expected is not None and self.size > self._expected:
            raise BlobMismatch(f"more than the {self._expected} bytes announced")
        self._digest.update(data)

    async def take(self, data: bytes) -> None:
        """`add`, on a thread when there is much of it."""
        if len(data) <= SHORT:
            self.add(data)
        else:
            await asyncio.to_thread(self.add, data)

    def finish(self, key: str) -> Stored:
        """What was written; BlobMismatch when it is not what was announced."""
        found = self._digest.hexdigest()
        if self._expected is not None and self.size != self._expected:
            raise BlobMismatch(f"{self.size} bytes came, {self._expected} were announced")
        if self._wanted is not None and found != self._wanted:
            raise BlobMismatch("the bytes do not have the SHA-256 that was announced")
        return Stored(key, self.size, found)
