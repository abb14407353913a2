"""A process of its own that writes a blob: to be killed in the middle, or to be measured.

`python -m tests.support.blob_child die|measure files|s3 CONFIG`, CONFIG being JSON.
"""

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from hookyard.adapters.blobs.backends.files import FileBlobs
from hookyard.adapters.blobs.backends.s3 import S3Blobs, S3Options
from hookyard.adapters.blobs.links import Links
from hookyard.adapters.blobs.port import Blobs
from hookyard.kit.clock import SystemClock

KEY = "artifacts/01jd5/large"
MIB = 1024 * 1024
LARGE = 192
SMALL = 48


def opened(kind: str, config: dict[str, str]) -> Blobs:
    if kind == "files":
        return FileBlobs(Path(config["folder"]), Links(b"k" * 32, SystemClock()))
    return S3Blobs(S3Options(**config), SystemClock())


async def pieces(mebibytes: int, *, die: bool = False) -> AsyncIterator[bytes]:
    for number in range(mebibytes):
        if die and number == mebibytes - 1:
            os.kill(os.getpid(), signal.SIGKILL)
        yield bytes([number % 251]) * MIB
        await asyncio.sleep(0)


async def measured(blobs: Blobs) -> int:
    """Kilobytes by which a large blob, written and read, raised the peak over a small one."""
    peaks = []
    for number, size in enumerate((SMALL, LARGE)):
        key = f"{KEY}{number}"
        stored = await blobs.put(key, pieces(size))
        read = 0
        async for chunk in (await blobs.get(key)).chunks:
            read += len(chunk)
        assert stored.size == read == size * MIB
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peaks[1] - peaks[0]


async def main() -> None:
    what, kind, config = sys.argv[1:4]
    blobs = opened(kind, json.loads(config))
    if what == "die":
        await blobs.put(KEY, pieces(30, die=True))
    else:
        sys.stdout.write(f"{await measured(blobs)}\n")


if __name__ == "__main__":
    asyncio.run(main())
