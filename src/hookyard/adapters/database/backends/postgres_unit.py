"""A unit on Postgres: synchronous to whoever wrote it, run in a greenlet over one session.

# why: units are synchronous functions so that one text serves both engines; SQLAlchemy's
# greenlet bridge lets them wait for the asynchronous driver without a thread each.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import asyncpg
from sqlalchemy import Connection, Executable, RowMapping
from sqlalchemy.util import await_only

from hookyard.adapters.database.backends.postgres_aside import key_of
from hookyard.adapters.database.backends.postgres_pool import CoreView, Session
from hookyard.adapters.database.port import Clash, Dialect, RawParam, RawSql, Row, Unit
from hookyard.adapters.database.walls import FREEDOM, confinement

T = TypeVar("T")

# why: where the planner knows nothing of a table, or of a tenant that is new in it, it takes what
# is left for a few rows, and sorts all of it for every page.
IN_ORDER = "SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off"
AS_EVER = "SET LOCAL enable_sort TO DEFAULT; SET LOCAL enable_bitmapscan TO DEFAULT"


class PostgresUnit(Unit):
    """Begins with its first statement: a unit that asks nothing costs nothing.

    `in_doubt` while the server may have committed and has not said so.
    """

    dialect: Dialect = "postgresql"

    def __init__(self, session: Session, view: CoreView, begin: str, *, at_once: bool) -> None:
        super().__init__()
        self.callbacks: list[Callable[[], None]] = []
        self.begun = False
        self.in_doubt = False
        self._session = session
        self._driver = session.driver
        self._view = view
        self._begin = begin
        self._at_once = at_once
        self._unsaid: list[str] = []

    @property
    def connection(self) -> Connection:  # type: ignore[override]
        """SQLAlchemy's view of the session, inside the transaction."""
        self._start()
        return self._view.of(self._session)

    def fetch(
        self, statement: Executable, parameters: Mapping[str, object] | None = None
    ) -> Sequence[RowMapping]:
        return self.connection.execute(statement, parameters or {}).mappings().all()

    def run(
        self,
        statement: Executable,
        parameters: Mapping[str, object] | Sequence[Mapping[str, object]] | None = None,
    ) -> int:
        return self.connection.execute(statement, parameters or {}).rowcount

    def fetch_raw(self, sql: RawSql, *parameters: RawParam) -> list[Row]:
        self._start()
        rows = await_only(self._driver.fetch(sql.postgresql, *parameters))
        return [tuple(row) for row in rows]

    def fetch_at_once(self, sql: RawSql, *parameters: RawParam) -> list[Row]:
        if self.begun or self._unsaid or not self._at_once:
            return self.fetch_raw(sql, *parameters)
        rows = await_only(self._driver.fetch(sql.postgresql, *parameters))
        return [tuple(row) for row in rows]

    def run_raw(self, sql: RawSql, *parameters: RawParam) -> int:
        self._start()
        status = await_only(self._driver.execute(sql.postgresql, *parameters))
        last = status.rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0

    def run_unique(self, sql: RawSql, *parameters: RawParam) -> int:
        try:
            return self.run_raw(sql, *parameters)
        except asyncpg.UniqueViolationError as error:
            raise Clash(str(error.constraint_name)) from None

    def run_raw_many(self, sql: RawSql, rows: Iterable[Row]) -> int:
        self._start()
        await_only(self._driver.executemany(sql.postgresql, rows))
        return -1

    def lock(self, name: str) -> None:
        self._start()
        await_only(self._driver.execute("SELECT pg_advisory_xact_lock($1)", key_of(name)))

    def confine(self, tenant: str) -> None:
        self._say(confinement(tenant))

    def set_free(self) -> None:
        self._say(FREEDOM)

    def within(self, seconds: float) -> None:
        self._say(f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000))}")

    def in_order(self) -> None:
        self._say(IN_ORDER)

    def as_ever(self) -> None:
        self._say(AS_EVER)

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)

    def _say(self, settings: str) -> None:
        """Change settings of the transaction before its next statement, all in one message."""
        self._unsaid.append(settings)

    def _start(self) -> None:
        if self.begun and not self._unsaid:
            return
        said = self._unsaid if self.begun else [self._begin, *self._unsaid]
        self._unsaid = []
        # why: it may begin and then refuse a setting, and has to be rolled back all the same.
        self.begun = True
        await_only(self._driver.execute("; ".join(said)))

    def whole(self, work: Callable[[Unit], T]) -> T:
        """Run a unit's work and what it gathered."""
        result = work(self)
        self.settle()
        return result

    async def commit(self) -> None:
        """Put it on disk."""
        if not self.begun:
            return
        self.in_doubt = True
        said = await self._driver.execute("COMMIT")
        self.in_doubt = False
        if said != "COMMIT":
            # spec: COMMIT of a transaction that has failed rolls it back and answers ROLLBACK.
            raise RuntimeError("a unit went on after a statement of its own had failed")

    async def roll_back(self) -> None:
        """Undo it, where there is still a session to say so to."""
        if self.begun and not self._driver.is_closed():
            await self._driver.execute("ROLLBACK", timeout=5.0)
