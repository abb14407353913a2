"""A session outside of any transaction, for statements that Postgres does not allow in one.

It stays alone by an advisory lock of the session, without waiting for it inside the server.

# why: a session that waits there has a snapshot, which a build of an index waits for in turn.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from hookyard.adapters.database.backends.postgres_link import Link
from hookyard.adapters.database.backends.postgres_pool import Driver, connect
from hookyard.adapters.database.port import Clash, Taken

# why: an index takes as long as it takes, and a session whose client was killed has to end though
# the server would hear of that only with its next answer.
_SETTINGS = "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0"
_NOTICE = "SET client_connection_check_interval = '1s'"
_TAKE = "SELECT pg_try_advisory_lock($1), pg_backend_pid()"
CLOSE_S = 5.0


class PostgresAside:
    """See `Aside`."""

    def __init__(self, driver: Driver, session: int) -> None:
        self._driver = driver
        self.session = session

    async def run(self, statement: str) -> None:
        try:
            await self._driver.execute(statement)
        except asyncpg.UniqueViolationError as error:
            raise Clash(str(error.constraint_name)) from None


@asynccontextmanager
async def aside(link: Link, name: str) -> AsyncIterator[PostgresAside]:
    """Such a session, for as long as the context lasts; Taken while another has the name."""
    driver = await connect(link, command_timeout_s=None)
    try:
        await driver.execute(_SETTINGS)
        with suppress(asyncpg.PostgresError):
            await driver.execute(_NOTICE)
        rows = await driver.fetch(_TAKE, key_of(name))
        got, session = tuple(rows[0])
        if not got:
            raise Taken
        yield PostgresAside(driver, int(str(session)))
    finally:
        with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await driver.close(timeout=CLOSE_S)
        driver.terminate()


def key_of(name: str) -> int:
    """The number of an advisory lock."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
