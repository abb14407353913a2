"""Blobs in a bucket of S3, or of anything that speaks its interface.

What fits into one request is put with `If-None-Match: *`. What is larger is sent in parts under a
name of its own, checked, and copied to its name on the same condition: the copy is what makes it
seen.

# why: the library's calls are made in threads, not through its asynchronous ones: those may still
# be touching Python when a process ends, and abort it.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from hookyard.adapters.blobs.feed import Feed
from hookyard.adapters.blobs.port import (
    PAGE,
    BadRange,
    BlobExists,
    BlobInfo,
    Listing,
    Reading,
    Span,
    Stored,
    check_key,
    check_link,
    clipped,
    is_key,
)
from hookyard.adapters.blobs.presign import Presigner, base_of
from hookyard.adapters.blobs.streams import Tally, blocks
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError, NotFound, Unavailable

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult
    from obstore.store import S3Config, S3Store

# spec: a part of a multipart upload has 5 MiB at least, but for the last.
PART = 8 * 1024 * 1024
PARTS_AT_ONCE = 2
READ = 1024 * 1024
STAGING = ".staging"
TIMEOUT_S = 30
CONNECT_S = 3
RETRIES = 2
RETRY_S = 10
THREADS = 16
T = TypeVar("T")
_ATTACHED = {
    "Content-Disposition": "attachment",
    "Content-Type": "application/octet-stream",
}


@dataclass(frozen=True, slots=True)
class S3Options:
    """A bucket and the right to it. Without keys the surroundings are asked (a role of the machine
    or of the pod); `prefix` is a folder of the bucket that is ours alone."""

    bucket: str
    region: str
    endpoint: str | None = None
    prefix: str = ""
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)


class S3Blobs:
    """Implements `Blobs`. ConfigurationError when the library is not installed."""

    kind = "s3"

    def __init__(self, options: S3Options, clock: Clock) -> None:
        self._bucket = options.bucket
        self._signer = _presigner(options, clock)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")
        try:
            self._store = _connected(options)
        except ImportError:
            raise ConfigurationError(
                "HOOKYARD_BLOBSTORE_BUCKET: S3 needs an extra: pip install 'hookyard[s3]'"
            ) from None

    async def put(
        self,
        key: str,
        chunks: AsyncIterable[bytes],
        *,
        expected_size: int | None = None,
        sha256: str | None = None,
    ) -> Stored:
        check_key(key)
        tally = Tally(expected_size, sha256)
        parts = blocks(chunks, PART)
        first = await anext(parts, b"")
        await tally.take(first)
        if len(first) < PART:
            stored = tally.finish(key)
            await self._put_short(key, first)
            return stored
        return await self._put_long(key, first, parts, tally)

    async def get(self, key: str, span: Span | None = None) -> Reading:
        import obstore

        check_key(key)
        with self._translated():
            found = await self._do(partial(obstore.get, self._store, key, options=_options(span)))
        start, end = found.range
        return Reading(start, end - start, found.meta["size"], self._read(found))

    async def stat(self, key: str) -> BlobInfo:
        import obstore

        check_key(key)
        with self._translated():
            found = await self._do(partial(obstore.head, self._store, key))
        return BlobInfo(key, found["size"], int(found["last_modified"].timestamp() * 1000))

    async def delete(self, key: str) -> None:
        check_key(key)
        await self._delete(key)

    async def list(self, prefix: str, after: str | None = None, limit: int = PAGE) -> Listing:
        found = await self._list(check_key(prefix) if prefix else None, after, limit + 1)
        items = tuple(info for info in found[:limit] if is_key(info.key))
        return Listing(items, found[limit - 1].key if len(found) > limit else None)

    async def signed_url(self, key: str, expires_s: int, filename: str) -> str:
        import obstore

        check_link(key, expires_s, filename)
        if self._signer is not None:
            return self._signer.url(key, expires_s, filename)
        with self._translated():
            good_for = timedelta(seconds=expires_s)
            return await self._do(partial(obstore.sign, self._store, "GET", key, good_for))

    async def tidy(self, before_ms: int) -> int:
        gone = 0
        for info in await self._list(STAGING, None, PAGE):
            if info.modified_ms < before_ms:
                await self._delete(info.key)
                gone += 1
        return gone

    async def probe(self) -> None:
        await self._list(None, None, 1)

    async def close(self) -> None:
        """Connections end with the object; threads are waited for."""
        await asyncio.to_thread(self._threads.shutdown)

    async def _do(self, call: Callable[[], T]) -> T:
        """Make a call in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def _put_short(self, key: str, data: bytes) -> None:
        import obstore

        with self._translated(writing=True):
            await self._do(
                partial(obstore.put, self._store, key, data, mode="create", attributes=_ATTACHED)
            )

    async def _put_long(
        self, key: str, first: bytes, parts: AsyncIterator[bytes], tally: Tally
    ) -> Stored:
        import obstore

        staging = f"{STAGING}/{secrets.token_hex(16)}"
        try:
            with self._translated(writing=True):
                await self._send_parts(staging, Feed(first, parts, tally))
            stored = tally.finish(key)
            with self._translated(writing=True):
                await self._do(partial(obstore.copy, self._store, staging, key, overwrite=False))
        finally:
            with contextlib.suppress(Unavailable):
                await self._delete(staging)
        return stored

    async def _send_parts(self, path: str, feed: Feed) -> None:
        """# why: a thread cannot be cancelled, so the stream it pulls is ended, and it is waited
        for: then nothing more comes to lie under the name."""
        import obstore

        send = partial(
            obstore.put,
            self._store,
            path,
            feed,
            use_multipart=True,
            chunk_size=PART,
            max_concurrency=PARTS_AT_ONCE,
        )
        work = asyncio.ensure_future(self._do(send))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            feed.stop()
            await asyncio.wait({work})
            work.cancelled() or work.exception()
            raise

    async def _delete(self, path: str) -> None:
        import obstore

        with self._translated(writing=True), contextlib.suppress(FileNotFoundError):
            await self._do(partial(obstore.delete, self._store, path))

    async def _list(self, prefix: str | None, after: str | None, limit: int) -> Sequence[BlobInfo]:
        """Up to `limit` objects under a folder, by name, read a page at a time."""
        import obstore

        def look() -> Sequence[BlobInfo]:
            pages = obstore.list(self._store, prefix, offset=after, chunk_size=min(limit, PAGE))
            every = (meta for page in pages for meta in page)
            return [
                BlobInfo(m["path"], m["size"], int(m["last_modified"].timestamp() * 1000))
                for m in islice(every, limit)
            ]

        with self._translated(writing=True):
            return await self._do(look)

    async def _read(self, found: "GetResult") -> AsyncIterator[bytes]:
        chunks = found.stream(min_chunk_size=READ)
        while True:
            with self._translated():
                chunk = await self._do(partial(next, chunks, None))
            if chunk is None:
                return
            yield bytes(chunk)

    @contextlib.contextmanager
    def _translated(self, *, writing: bool = False) -> Iterator[None]:
        """Errors of the library as the port's. Its words carry addresses and answers of the store,
        so only what they mean is passed on."""
        from obstore import exceptions as known

        try:
            yield
        except known.AlreadyExistsError:
            raise BlobExists from None
        except (known.PermissionDeniedError, known.UnauthenticatedError):
            raise Unavailable("the blob store refused our credentials") from None
        except FileNotFoundError as error:
            if writing or "NoSuchBucket" in str(error):
                raise Unavailable(f"there is no bucket {self._bucket}") from None
            raise NotFound("there is no such blob") from None
        except known.BaseError as error:
            raise _meant(str(error)) from None


def _meant(said: str) -> BadRange | Unavailable:
    if "416 " in said or "InvalidRange" in said:
        return BadRange()
    if "error sending request" in said or "HTTP error" in said:
        return Unavailable("the blob store cannot be reached")
    return Unavailable("the blob store failed")


def _options(span: Span | None) -> "GetOptions | None":
    """What to ask for; BadRange for what HTTP has no words for."""
    if span is None or span == Span():
        return None
    if span.end is None:
        return {"range": {"offset": span.start}}
    clipped(span, span.end)
    return {"range": (span.start, span.end)}


def _presigner(options: S3Options, clock: Clock) -> Presigner | None:
    """None where the surroundings hold the keys; then the library signs."""
    if options.access_key_id is None or options.secret_access_key is None:
        return None
    base = base_of(options.endpoint, options.bucket, options.region, options.prefix)
    return Presigner(
        base,
        options.region,
        options.access_key_id,
        options.secret_access_key,
        options.session_token,
        clock,
    )


def _connected(options: S3Options) -> "S3Store":
    from obstore.store import S3Store

    config: S3Config = {
        "bucket": options.bucket,
        "region": options.region,
        "virtual_hosted_style_request": options.endpoint is None and "." not in options.bucket,
        "copy_if_not_exists": "multipart",
    }
    if options.endpoint is not None:
        config["endpoint"] = options.endpoint
    if options.access_key_id is not None and options.secret_access_key is not None:
        config["access_key_id"] = options.access_key_id
        config["secret_access_key"] = options.secret_access_key
    if options.session_token is not None:
        config["session_token"] = options.session_token
    return S3Store(
        config=config,
        prefix=options.prefix or None,
        client_options={
            "allow_http": (options.endpoint or "").startswith("http://"),
            "timeout": timedelta(seconds=TIMEOUT_S),
            "connect_timeout": timedelta(seconds=CONNECT_S),
        },
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_S)},
    )
