"""Fixtures every test may use: real engines, a clock that stands still, fresh ids."""

import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import Database
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker
from tests.support.engines import ENGINES, database_with
from tests.support.folders import remove_leftovers, server_folder
from tests.support.postgres import PostgresServer
from tests.support.prepared import every_table, sqlite_with


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        remove_leftovers()


def pytest_collection_finish() -> None:
    # why: all that is imported and collected by now stays to the end; a collector that walks it
    # again and again finds nothing.
    gc.collect()
    gc.freeze()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ids() -> IdMaker:
    return IdMaker()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer.start(server_folder())
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(params=ENGINES)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database with every table that has been imported, on each engine in turn."""
    async with database_with(every_table, request, tmp_path) as made:
        yield made


@pytest.fixture
async def sqlite_database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """The embedded engine alone, for tests about it."""
    async with sqlite_with(every_table, tmp_path) as sqlite:
        yield sqlite


def running_in_ci() -> bool:
    return os.environ.get("CI") == "true"
