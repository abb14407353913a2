"""Blobs as files of one folder: written aside, synced, then linked under their names.

A link appears whole or not at all and never replaces another, so a reader sees a finished blob
or none. File and folders are synced before `put` returns: what was named survives a power cut.
"""

import asyncio
import contextlib
import errno
import io
import os
import secrets
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from pathlib import Path

from hookyard.adapters.blobs.backends.walk import walk
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
from hookyard.adapters.blobs.streams import BLOCK, Tally, blocks
from hookyard.kit.errors import NotFound, Unavailable

DRAFTS = ".drafts"
TRIES = 8


class FileBlobs:
    """Implements `Blobs`. OSError when the folder cannot be made."""

    kind = "files"

    def __init__(self, folder: Path, links: Links) -> None:
        self.folder = folder
        self._drafts = folder / DRAFTS
        self._links = links
        self._drafts.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def put(
        self,
        key: str,
        chunks: AsyncIterable[bytes],
        *,
        expected_size: int | None = None,
        sha256: str | None = None,
    ) -> Stored:
        target = self._path(key)
        tally = Tally(expected_size, sha256)
        with _trouble():
            draft = _Draft(self._drafts)
        try:
            async for block in blocks(chunks):
                with _trouble():
                    await asyncio.to_thread(draft.write, block, tally)
            stored = tally.finish(key)
            with _trouble():
                await asyncio.to_thread(draft.land, target, self.folder)
        finally:
            draft.drop()
        return stored

    async def get(self, key: str, span: Span | None = None) -> Reading:
        total = (await self.stat(key)).size
        start, end = clipped(span, total)
        return Reading(start, end - start, total, _read(self._path(key), start, end))

    async def stat(self, key: str) -> BlobInfo:
        path = self._path(key)
        with _trouble(), _missing():
            found = await asyncio.to_thread(path.stat)
        return BlobInfo(key, found.st_size, found.st_mtime_ns // 1_000_000)

    async def delete(self, key: str) -> None:
        path = self._path(key)
        with _trouble(), contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(_remove, path, self.folder)

    async def list(self, prefix: str, after: str | None = None, limit: int = PAGE) -> Listing:
        under = f"{check_key(prefix)}/" if prefix else ""
        with _trouble():
            found = await asyncio.to_thread(walk, self.folder, under, after or "", limit + 1)
        items = tuple(found[:limit])
        return Listing(items, items[-1].key if len(found) > limit else None)

    async def signed_url(self, key: str, expires_s: int, filename: str) -> str:
        return self._links.make(key, expires_s, filename)

    async def tidy(self, before_ms: int) -> int:
        with _trouble():
            return await asyncio.to_thread(_drop_old, self._drafts, before_ms)

    async def probe(self) -> None:
        with _trouble():
            await asyncio.to_thread(_try_out, self._drafts)

    async def close(self) -> None:
        """Nothing is held between calls."""

    def _path(self, key: str) -> Path:
        return self.folder / check_key(key)


class _Draft:
    """A file being written, not yet named. A lock keeps `drop` from closing it under a writer:
    a thread goes on when the task that waits for it is cancelled."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / secrets.token_hex(16)
        self._lock = threading.Lock()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file: int | None = os.open(self._path, flags, 0o600)

    def write(self, block: bytes, tally: Tally) -> None:
        with self._lock:
            tally.add(block)
            rest = memoryview(block)
            while rest and self._file is not None:
                rest = rest[os.write(self._file, rest) :]

    def land(self, target: Path, root: Path) -> None:
        """Sync, then appear under the name; BlobExists when it is taken."""
        with self._lock:
            if self._file is None:
                return
            os.fsync(self._file)
            for _ in range(TRIES):
                _make_folders(target.parent, root)
                try:
                    os.link(self._path, target)
                except FileExistsError:
                    raise BlobExists from None
                except FileNotFoundError:
                    # why: a deletion may have taken the empty folder away again.
                    continue
                _sync(target.parent)
                return
        raise Unavailable("the blob folder is being taken away")

    def drop(self) -> None:
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
                with contextlib.suppress(OSError):
                    self._path.unlink()


def _make_folders(folder: Path, root: Path) -> None:
    """Each missing folder down to this one, its own name synced."""
    if folder.is_dir():
        return
    if folder != root:
        _make_folders(folder.parent, root)
    with contextlib.suppress(FileExistsError, FileNotFoundError):
        folder.mkdir(mode=0o700)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path, root: Path) -> None:
    """The file, and folders that are empty without it."""
    path.unlink()
    for folder in path.parents:
        if folder == root:
            return
        try:
            folder.rmdir()
        except OSError:
            return


def _drop_old(drafts: Path, before_ms: int) -> int:
    """Drafts nobody wrote to since an instant: their writers are gone."""
    gone = 0
    for path in drafts.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime_ns // 1_000_000 < before_ms:
                path.unlink()
                gone += 1
    return gone


def _try_out(drafts: Path) -> None:
    """Write and link a byte, as a blob is written, without waiting for the disk."""
    draft = drafts / f"probe-{secrets.token_hex(8)}"
    linked = draft.with_name(f"{draft.name}-linked")
    try:
        draft.write_bytes(b"x")
        os.link(draft, linked)
    finally:
        for path in (linked, draft):
            path.unlink(missing_ok=True)


async def _read(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    with _trouble(), _missing():
        file = await _opened(path)
    try:
        while start < end:
            with _trouble():
                block = await asyncio.to_thread(os.pread, file.fileno(), BLOCK, start)
            if not block:
                raise Unavailable("a blob is shorter than it was")
            yield block[: end - start]
            start += len(block)
    finally:
        file.close()


async def _opened(path: Path) -> io.FileIO:
    """The file, open; closed by itself when nobody waits for it any more."""
    opening = asyncio.ensure_future(asyncio.to_thread(io.FileIO, path))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close)
        raise


def _close(opening: "asyncio.Future[io.FileIO]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


@contextlib.contextmanager
def _trouble() -> Iterator[None]:
    """Trouble with the folder as Unavailable, without the path of a file."""
    try:
        yield
    except OSError as error:
        said = error.strerror or type(error).__name__
        if error.errno in (errno.ENOTSUP, errno.EPERM, errno.EMLINK):
            said = f"{said} (the file system must have hard links)"
        raise Unavailable(f"the blob folder cannot be used: {said}") from None


@contextlib.contextmanager
def _missing() -> Iterator[None]:
    """A file that is not there as NotFound."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotFound("there is no such blob") from None
