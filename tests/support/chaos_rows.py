"""Reads a campaign's database beside the processes that write it, and says what work is left."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from tests.support import chaos_witness
from tests.support.chaos_pause import pause

LEFT = "state IN ('queued', 'running', 'waiting') AND kind NOT LIKE 'upkeep.%'"
PATIENCE_S = 10.0


class Unreadable(Exception):
    """The database cannot be read now: its server is down, or a starting process has locked it."""


class Rows(Protocol):
    """One database, read-only. `attempts` is the query for attempts in the order of their turns."""

    attempts: str

    def fetch(self, sql: str) -> Sequence[tuple[Any, ...]]:
        """The rows of a query. Unreadable when there are none to be had."""
        ...

    def damage(self) -> str:
        """What the engine finds wrong with its own files; empty when nothing is."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class SqliteRows:
    """A file of SQLite, opened anew for each look. One process writes, so its clock is enough."""

    attempts = (
        "SELECT a.job_id, a.lease, a.started_at_ms, a.finished_at_ms, a.outcome"
        " FROM job_attempts a LEFT JOIN jobs j ON j.id = a.job_id"
        " WHERE coalesce(j.kind, '') NOT LIKE 'upkeep.%'"
    )

    def __init__(self, file: Path) -> None:
        self._file = file

    def fetch(self, sql: str) -> Sequence[tuple[Any, ...]]:
        try:
            address = f"file:{self._file}?mode=ro"
            with contextlib.closing(sqlite3.connect(address, uri=True, timeout=0.5)) as raw:
                return raw.execute(sql).fetchall()
        except sqlite3.OperationalError as error:
            raise Unreadable(str(error)) from error

    def damage(self) -> str:
        said = str(self.fetch("PRAGMA integrity_check")[0][0])
        return "" if said == "ok" else said

    def close(self) -> None:
        """Nothing is kept open."""


class PostgresRows:
    """A database of a Postgres server, over one session that is made again when it was killed."""

    attempts = chaos_witness.ATTEMPTS

    def __init__(self, address: str) -> None:
        self._address = address
        self._runner = asyncio.Runner()
        self._session: asyncpg.Connection | None = None

    def fetch(self, sql: str) -> Sequence[tuple[Any, ...]]:
        try:
            return self._runner.run(self._fetch(sql))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unreadable(f"{type(error).__name__}: {error}") from error

    def call_witness(self) -> None:
        """Have every turn of an attempt noted from now on; the tables must be there."""
        for statement in chaos_witness.SET_UP:
            self.fetch(statement)

    def damage(self) -> str:
        """Postgres has no such word: every row of every table has to be readable."""
        tables = self.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (name,) in tables:
            try:
                self.fetch(f'SELECT * FROM "{name}"')  # noqa: S608
            except Unreadable as error:
                return f"{name}: {error}"
        return ""

    def close(self) -> None:
        if self._session is not None:
            self._session.terminate()
        self._runner.close()

    async def _fetch(self, sql: str) -> Sequence[tuple[Any, ...]]:
        if self._session is None or self._session.is_closed():
            self._session = await asyncpg.connect(self._address, timeout=PATIENCE_S)
        try:
            found = await self._session.fetch(sql, timeout=PATIENCE_S)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._session.terminate()
            self._session = None
            raise
        return [tuple(row) for row in found]


def fetch_at_last(rows: Rows, sql: str) -> Sequence[tuple[Any, ...]]:
    """The rows of a query, once the database can be read; Unreadable when that takes too long."""
    deadline = time.monotonic() + 6 * PATIENCE_S
    while True:
        try:
            return rows.fetch(sql)
        except Unreadable:
            if time.monotonic() > deadline:
                raise
        pause(0.05)


def work_left(rows: Rows) -> int | None:
    """How many jobs have not ended, upkeep aside; None while nobody can say."""
    with contextlib.suppress(Unreadable):
        return int(rows.fetch(f"SELECT count(*) FROM jobs WHERE {LEFT}")[0][0])  # noqa: S608
    return None


def left_by_kind(rows: Rows) -> list[str]:
    """What has not ended, for a report."""
    query = (
        f"SELECT kind, state, attempt, count(*) FROM jobs WHERE {LEFT}"  # noqa: S608
        " GROUP BY kind, state, attempt ORDER BY kind, state, attempt"
    )
    with contextlib.suppress(Unreadable):
        return [f"{kind} {s}, attempt {a}: {n}" for kind, s, a, n in rows.fetch(query)]
    return ["nobody can say"]


def can_bear(rows: Rows, losses: int) -> bool:
    """Whether every job can lose so many more attempts and still end well.

    # why: an attempt counts even if its worker died; work that kills its workers must end.
    """
    begun = "CASE WHEN state = 'running' THEN 0 ELSE 1 END"
    query = (
        f"SELECT count(*) FROM jobs WHERE {LEFT}"  # noqa: S608
        f" AND attempt + {begun} + {losses} > max_attempts"
    )
    try:
        return int(rows.fetch(query)[0][0]) == 0
    except Unreadable:
        return False


def at_last_attempt(rows: Rows) -> int:
    """How many jobs run for the last time they may: who kills their worker ends them."""
    query = (
        f"SELECT count(*) FROM jobs WHERE {LEFT}"  # noqa: S608
        " AND state = 'running' AND attempt >= max_attempts"
    )
    return int(rows.fetch(query)[0][0])
