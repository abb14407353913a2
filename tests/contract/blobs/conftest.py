"""The blob port on each of its backends: memory, a folder, and an S3 that checks signatures."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hookyard.adapters.blobs.backends.files import FileBlobs
from hookyard.adapters.blobs.backends.memory import MemoryBlobs
from hookyard.adapters.blobs.backends.s3 import S3Blobs, S3Options
from hookyard.adapters.blobs.links import Links
from hookyard.adapters.blobs.port import Blobs
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker
from tests.support.moto import BUCKET, REGION, MotoServer


@pytest.fixture(scope="session")
def s3_server() -> Iterator[MotoServer]:
    with tempfile.TemporaryDirectory(prefix="hookyard-moto-") as folder:
        server = MotoServer.start(Path(folder) / "log")
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def links(clock: ManualClock) -> Links:
    return Links(b"k" * 32, clock, "https://hooks.example.org")


@pytest.fixture
def s3_options(s3_server: MotoServer) -> S3Options:
    """A folder of its own in the bucket for each test."""
    return S3Options(
        bucket=BUCKET,
        region=REGION,
        endpoint=s3_server.url,
        prefix=IdMaker().new(1_700_000_000_000),
        access_key_id=s3_server.access_key_id,
        secret_access_key=s3_server.secret_access_key,
    )


@pytest.fixture(params=["memory", "files", "s3"])
async def blobs(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock, links: Links
) -> AsyncIterator[Blobs]:
    made: Blobs
    if request.param == "memory":
        made = MemoryBlobs(clock, links)
    elif request.param == "files":
        made = FileBlobs(tmp_path / "blobs", links)
    else:
        made = S3Blobs(request.getfixturevalue("s3_options"), clock)
    yield made
    await made.close()
