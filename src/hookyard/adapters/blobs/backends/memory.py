"""Blobs in memory: for tests, and for nothing else."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

from hookyard.adapters.blobs.links import Links
from hookyard.adapters.blobs.port import (
    PAGE,
    BlobExists,
    BlobInfo,
    Listing,
    Reading,
    Span,
    Stored,
    check_key,
    clipped,
)
from hookyard.adapters.blobs.streams import BLOCK, Tally
from hookyard.kit.clock import Clock
from hookyard.kit.errors import NotFound, Unavailable


class MemoryBlobs:
    """Implements `Blobs`. While `is_down` is set every method says Unavailable."""

    kind = "memory"

    def __init__(self, clock: Clock, links: Links) -> None:
        self.is_down = False
        self._clock = clock
        self._links = links
        self._held: dict[str, tuple[bytes, int]] = {}

    async def put(
        self,
        key: str,
        chunks: AsyncIterable[bytes],
        *,
        expected_size: int | None = None,
        sha256: str | None = None,
    ) -> Stored:
        self._reach()
        check_key(key)
        tally, held = Tally(expected_size, sha256), bytearray()
        async for chunk in chunks:
            await tally.take(chunk)
            held += chunk
        stored = tally.finish(key)
        self._reach()
        if key in self._held:
            raise BlobExists
        self._held[key] = (bytes(held), self._clock.now_ms())
        return stored

    async def get(self, key: str, span: Span | None = None) -> Reading:
        data, _ = self._find(key)
        start, end = clipped(span, len(data))
        return Reading(start, end - start, len(data), self._read(key, start, end))

    async def stat(self, key: str) -> BlobInfo:
        data, at_ms = self._find(key)
        return BlobInfo(key, len(data), at_ms)

    async def delete(self, key: str) -> None:
        self._reach()
        self._held.pop(check_key(key), None)

    async def list(self, prefix: str, after: str | None = None, limit: int = PAGE) -> Listing:
        self._reach()
        folder = f"{check_key(prefix)}/" if prefix else ""
        names = sorted(k for k in self._held if k.startswith(folder) and k > (after or ""))
        page = names[:limit]
        items = tuple(BlobInfo(k, len(self._held[k][0]), self._held[k][1]) for k in page)
        return Listing(items, page[-1] if len(names) > limit else None)

    async def signed_url(self, key: str, expires_s: int, filename: str) -> str:
        return self._links.make(key, expires_s, filename)

    async def tidy(self, before_ms: int) -> int:
        self._reach()
        return 0

    async def probe(self) -> None:
        self._reach()

    async def close(self) -> None:
        self._held.clear()

    async def _read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        data, _ = self._find(key)
        for at in range(start, end, BLOCK):
            await asyncio.sleep(0)
            self._reach()
            yield data[at : min(at + BLOCK, end)]

    def _find(self, key: str) -> tuple[bytes, int]:
        self._reach()
        found = self._held.get(check_key(key))
        if found is None:
            raise NotFound("there is no such blob")
        return found

    def _reach(self) -> None:
        if self.is_down:
            raise Unavailable("the blob store is down")
