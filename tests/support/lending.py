"""Postgres databases that go from test to test: emptied in between, not made again.

# why: to copy the files of a database and to remove them again takes ten times as long as to
# remove the few rows of a test, and to make its tables a hundred times.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from tests.support.prepared import Make, kind_of

T = TypeVar("T")

# The database itself notes what a test does to its schema: such a one is not lent again. Rights go
# with the login they were given to, which the test takes away.
_WATCH = """
CREATE SCHEMA of_tests;
CREATE TABLE of_tests.altered (what text NOT NULL);
CREATE FUNCTION of_tests.note() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS
$$ BEGIN
  IF tg_tag NOT IN ('GRANT', 'REVOKE', 'DROP OWNED') THEN
    INSERT INTO of_tests.altered VALUES (tg_tag);
  END IF;
END $$;
"""
_WATCH_ON = "CREATE EVENT TRIGGER of_tests ON ddl_command_end EXECUTE FUNCTION of_tests.note()"
_ALTERED = "SELECT EXISTS (SELECT FROM of_tests.altered)"
_END_SESSIONS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# why: the size is asked of the file system; no table has to be opened for it.
_USED = """
SELECT quote_ident(relname), pg_relation_size(oid) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
"""
# A table of more bytes is cut off at once; where there are few, to remove them is less work.
_MANY = 1_000_000
# why: the trail's guard and foreign keys would keep rows.
_UNGUARDED = "SET session_replication_role = replica"
_MAY_ALL = "SELECT current_setting('is_superuser') = 'on'"


@dataclass
class Shape:
    """What all databases of a kind are copied from, and the tables that have rows in it.

    Not `lasting`: each is used once, as on a server where we are no superuser.
    """

    template: str
    lasting: bool
    kept: tuple[str, ...] = ()
    free: list[str] = field(default_factory=list)


class Lending:
    """Databases of several shapes on one server.

    `run` executes a statement outside of them all; `address` is the URL of one by its name.
    """

    def __init__(self, run: Callable[[str], None], address: Callable[[str], str]) -> None:
        self._run, self._address = run, address
        self._shapes: dict[object, Shape] = {}
        self._lent: dict[str, Shape] = {}

    def lend(self, make: Make) -> str:
        """The name of a database that is as `make` leaves an empty one."""
        kind = kind_of(make)
        if kind not in self._shapes:
            self._shapes[kind] = apart(self._shape(make))
        shape = self._shapes[kind]
        if not shape.free:
            shape.free.append(self._create(f"TEMPLATE {shape.template} STRATEGY FILE_COPY"))
        name = shape.free.pop()
        self._lent[name] = shape
        return name

    def take_back(self, name: str) -> None:
        """Empty a database for the next test, or drop it where its schema was altered."""
        shape = self._lent.pop(name)
        is_empty = False
        try:
            is_empty = shape.lasting and apart(self._emptied(name, shape))
        finally:
            if is_empty:
                shape.free.append(name)
            else:
                self._drop(name)

    def close(self) -> None:
        """Leave nothing on a server that is not ours."""
        for shape in self._shapes.values():
            for name in (shape.template, *shape.free):
                self._drop(name)
        for name in self._lent:
            self._drop(name)
        self._shapes.clear()
        self._lent.clear()

    async def _shape(self, make: Make) -> Shape:
        template = self._create("")
        database = PostgresDatabase(self._address(template))
        await make(database)
        await database.close()
        connection = await asyncpg.connect(self._address(template))
        try:
            if not await connection.fetchval(_MAY_ALL):
                return Shape(template, lasting=False)
            await connection.execute(_WATCH)
            kept = tuple(table for table, _ in await connection.fetch(_USED))
            for table in kept:
                await connection.execute(f"CREATE TABLE of_tests.{table} AS TABLE public.{table}")
            await connection.execute(_WATCH_ON)
        finally:
            await connection.close()
        return Shape(template, lasting=True, kept=kept)

    async def _emptied(self, name: str, shape: Shape) -> bool:
        """Bring the rows back to those of the template; False where the schema is another."""
        connection = await asyncpg.connect(self._address(name))
        try:
            await connection.execute(_END_SESSIONS)
            if await connection.fetchval(_ALTERED):
                return False
            used = await connection.fetch(_USED)
            cut = [f"TRUNCATE {table} CASCADE" for table, size in used if size > _MANY]
            removed = [f"DELETE FROM {table}" for table, size in used if size <= _MANY]  # noqa: S608
            again = [f"INSERT INTO {table} TABLE of_tests.{table}" for table in shape.kept]
            await connection.execute("; ".join([_UNGUARDED, *cut, *removed, *again]))
        finally:
            await connection.close()
        return True

    def _create(self, how: str) -> str:
        name = f"t_{secrets.token_hex(8)}"
        self._run(f"CREATE DATABASE {name} {how}")
        return name

    def _drop(self, name: str) -> None:
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def apart(work: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end in a thread, whatever loop the caller is in."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
