"""Checks of the blob store: reached as a write reaches it, its key kept from others."""

import contextlib
import stat
from collections.abc import Iterator, Mapping

from hookyard.bootstrap.storing import KEY_FILE, open_storage
from hookyard.entrypoints.cli.doctor.model import Finding, bad, ok, warn
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError, HookyardError
from hookyard.settings import Settings

NAME = "blob store"


async def blob_store(settings: Settings, environ: Mapping[str, str], clock: Clock) -> list[Finding]:
    """The folder can be written and has hard links, or the bucket answers to our key."""
    given = settings.blobs
    if given.bucket is None and not settings.data_dir.is_dir():
        return [ok(NAME, f"{settings.data_dir / 'blobs'} is made at the first start")]
    fix = (
        "check HOOKYARD_DATA_DIR: its file system needs hard links, room and our account's right"
        if given.bucket is None
        else "check BLOBSTORE_BUCKET, its endpoint and region, its key and what the key may do"
    )
    where = str(settings.data_dir / "blobs")
    if given.bucket is not None:
        where = f"{given.bucket} at {given.endpoint or 'AWS'}"
    started = clock.monotonic()
    try:
        storage = open_storage(settings, environ, clock)
        try:
            await storage.blobs.probe()
        finally:
            await storage.blobs.close()
    except (ConfigurationError, HookyardError, OSError) as error:
        return [bad(NAME, f"{where}: {error}", fix)]
    taken = (clock.monotonic() - started) * 1000
    return [ok(NAME, f"{where}, {taken:.0f} ms"), *_advice(settings)]


def _advice(settings: Settings) -> Iterator[Finding]:
    if settings.blobs.bucket is not None:
        if (settings.blobs.endpoint or "").startswith("http://"):
            yield warn(NAME, "its endpoint is not https", "set BLOBSTORE_ENDPOINT to an https one")
        return
    if settings.database.url is not None:
        yield warn(
            NAME,
            "a folder of this machine: processes on other machines do not see it",
            "set BLOBSTORE_BUCKET where roles run on several machines",
        )
    with contextlib.suppress(FileNotFoundError):
        path = settings.data_dir / KEY_FILE
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield bad(KEY_FILE, "can be read by others", f"chmod 600 {path}")
