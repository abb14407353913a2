"""A snapshot on its way out: pages written to a file that has no name, read while they come.

# why: a snapshot that is held for as long as a slow reader takes keeps the database from tidying
# up behind it. So it is read as fast as it can be, and lies compressed on the disk meanwhile.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator

import zstandard

from hookyard.kit.errors import Unavailable

KEEP_FREE = 256 * 1024 * 1024


class Abandoned(Exception):
    """Nobody reads the pages any more."""


class Spool:
    """One writer, on any thread, and one reader on the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._file = tempfile.TemporaryFile(prefix="hookyard-export-")  # noqa: SIM115
        self._lengths: list[int] = []
        self._size = 0
        self._compress = zstandard.ZstdCompressor(level=1).compress
        self._news = asyncio.Event()
        self._is_over = False
        self._is_abandoned = False
        self._error: BaseException | None = None

    @property
    def has_pages(self) -> bool:
        """Whether anything was written."""
        return bool(self._lengths)

    def add(self, page: bytes) -> None:
        """Write one page. Abandoned when nobody reads; Unavailable when the disk is full."""
        if self._is_abandoned:
            raise Abandoned
        kept = self._compress(page)
        free = os.fstatvfs(self._file.fileno())
        if free.f_bavail * free.f_frsize < KEEP_FREE + len(kept):
            raise Unavailable("there is no room for an export in the folder for temporary files")
        os.pwrite(self._file.fileno(), kept, self._size)
        self._size += len(kept)
        self._lengths.append(len(kept))
        self._loop.call_soon_threadsafe(self._news.set)

    def end(self, error: BaseException | None = None) -> None:
        """There are no more pages; with an error, some are missing. On the event loop."""
        self._error = error
        self._is_over = True
        self._news.set()

    def abandon(self) -> None:
        """Nobody will read on."""
        self._is_abandoned = True

    def close(self) -> None:
        """Give the room back, once the writer is done."""
        self._file.close()

    async def begun(self) -> None:
        """Wait for the first page or the end; raises what ended it too early."""
        while not self._lengths and not self._is_over:
            self._news.clear()
            await self._news.wait()
        if not self._lengths and self._error is not None:
            raise self._error

    async def pages(self) -> AsyncIterator[bytes]:
        """Every page in order; raises when some are missing."""
        decompress = zstandard.ZstdDecompressor().decompress
        at = number = 0
        while True:
            while number < len(self._lengths):
                length = self._lengths[number]
                yield decompress(os.pread(self._file.fileno(), length, at))
                at, number = at + length, number + 1
            if self._is_over and number == len(self._lengths):
                break
            self._news.clear()
            if number == len(self._lengths) and not self._is_over:
                await self._news.wait()
        if self._error is not None:
            raise self._error
