"""A bad neighbour on the same Postgres: kills sessions, takes every connection, locks tables."""

import asyncio
import http.client
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from random import Random

import asyncpg

from tests.support.chaos_cluster import POOL, Cluster

MINE = "hog"
PATIENCE_S = 30.0


class Hog:
    """Holds what others need, for as long as a `with` lasts."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """Hold nothing any more."""
        self._runner.close()

    def kill_sessions(self, random: Random) -> int:
        """End the sessions of others in this database, all or about half; how many."""
        return self._runner.run(self._kill(1.0 if random.random() < 0.5 else 0.5))

    @contextmanager
    def all_connections(self) -> Iterator[int]:
        """Every connection the server has left, and those of others, whose sessions are killed."""
        taken = self._runner.run(self._take_all())
        try:
            yield len(taken)
        finally:
            self._runner.run(_drop(taken))

    @contextmanager
    def lock(self, table: str) -> Iterator[None]:
        """Nobody else reads or writes this table."""
        session = self._runner.run(self._lock(table))
        try:
            yield
        finally:
            self._runner.run(_drop([session]))

    async def _kill(self, share: float) -> int:
        session = await self._connect()
        try:
            killed = await session.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
                " current_database() AND application_name <> $1 AND random() < $2",
                MINE,
                share,
            )
        finally:
            await session.close()
        return len(killed)

    async def _take_all(self) -> list[asyncpg.Connection]:
        """First what is free, then what others lose: they find no way back in."""
        taken = [await self._connect()]
        for _ in range(3):
            try:
                while True:
                    taken.append(await self._connect())
            except (asyncpg.TooManyConnectionsError, asyncpg.CannotConnectNowError):
                await taken[0].execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
                    " current_database() AND application_name <> $1",
                    MINE,
                )
        return taken

    async def _lock(self, table: str) -> asyncpg.Connection:
        session = await self._connect()
        await session.execute("BEGIN")
        await session.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE')
        return session

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._address, timeout=PATIENCE_S, server_settings={"application_name": MINE}
        )


class Crowd:
    """People who ask the API for one page at the same time, more than it has sessions."""

    def __init__(self, cluster: Cluster, path: str) -> None:
        self._port = cluster.port
        self._path = path
        self._key = cluster.gateway.environment["HOOKYARD_ADMIN_KEY"]
        self._people = ThreadPoolExecutor(2 * POOL)
        self._asked: list[Future[int]] = []

    def ask(self) -> None:
        """All of them ask now."""
        self._asked += [self._people.submit(self._one) for _ in range(2 * POOL)]

    def answers(self) -> list[int]:
        """The statuses they got, once all have; 0 where there was none."""
        self._people.shutdown()
        return [asked.result() for asked in self._asked]

    def _one(self) -> int:
        wire = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2 * PATIENCE_S)
        try:
            with closing(wire):
                wire.request("GET", self._path, headers={"authorization": f"Bearer {self._key}"})
                answer = wire.getresponse()
                answer.read()
                return answer.status
        except (OSError, http.client.HTTPException):
            return 0


async def _drop(sessions: Sequence[asyncpg.Connection]) -> None:
    for session in sessions:
        session.terminate()
    # why: a socket is closed by the loop, a moment after it was told to.
    await asyncio.sleep(0.01)
