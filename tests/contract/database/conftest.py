"""A server of one's own, for tests that stop it."""

from collections.abc import Iterator

import pytest

from tests.support.folders import server_folder
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A real Postgres that a test may stop and start; it runs again when the test ends."""
    server = PostgresServer.start_own(server_folder())
    try:
        yield server
    finally:
        server.stop()
