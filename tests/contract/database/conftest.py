"""A server of one's own, for tests that stop it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A real Postgres that a test may stop and start; it runs again when the test ends."""
    server = PostgresServer.start_own(Path(tempfile.mkdtemp(prefix="hookyard-pytest-")))
    try:
        yield server
    finally:
        server.stop()
