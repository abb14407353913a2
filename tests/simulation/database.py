"""The database port over one SQLite connection that all simulated processes share.

A unit runs whole at a drawn instant, in a turn of the process that asked, and its answer comes at
a later one; around that lie the faults. So processes see each other's commits in any order, as on
Postgres; what Postgres adds, units that overlap, is not simulated.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, StaticPool, create_engine

from hookyard import registry
from hookyard.adapters.database.backends.sqlite_unit import SqliteUnit
from hookyard.adapters.database.port import METADATA, DatabaseHealth, Dialect, RawSql, Unit
from hookyard.kit.errors import Unavailable
from tests.simulation.oracle import Oracle
from tests.simulation.world import Process, World

USUAL_S = 0.001
SIGN = RawSql.same("INSERT INTO terms (term, holder) VALUES ($1, $2)")
assert registry.PROVIDERS  # why: importing it makes every table known.


class Store:
    """The connection, made once for all simulations of a test process and emptied for each."""

    _made: "Store | None" = None

    def __init__(self) -> None:
        self.raw = sqlite3.connect(":memory:", isolation_level=None, cached_statements=1024)
        self.raw.execute("PRAGMA temp_store=MEMORY")
        engine = create_engine(
            "sqlite+pysqlite://",
            creator=lambda: self.raw,
            poolclass=StaticPool,
            isolation_level="AUTOCOMMIT",
        )
        self.connection: Connection = engine.connect()
        METADATA.create_all(self.connection)
        Oracle.install(self.raw)
        self.raw.execute(
            "CREATE TEMP TABLE terms (n INTEGER PRIMARY KEY, term INTEGER, holder TEXT)"
        )
        self.tables = [table.name for table in METADATA.sorted_tables]

    @classmethod
    def empty(cls) -> "Store":
        """The store with nothing in it."""
        if cls._made is None:
            cls._made = Store()
        store = cls._made
        if store.raw.in_transaction:
            store.raw.execute("ROLLBACK")
        for name in (*store.tables, "seen", "marks", "terms"):
            store.raw.execute(f"DELETE FROM {name}")  # noqa: S608
        store.raw.execute("DELETE FROM seen")
        return store


class Sea:
    """The one database as all processes share it: the store, its oracle, and who listens."""

    def __init__(self, world: World, store: Store) -> None:
        self.world = world
        self.store = store
        self.oracle = Oracle(store.raw)
        self.units = 0

    def run(self, work: Callable[[Unit], Any], fault: str, *, writing: bool) -> tuple[Any, Any]:
        """Run a unit whole; its result and what to call after the commit."""
        self.units += 1
        raw = self.store.raw
        for again in (fault == "again", False):
            unit = SqliteUnit(raw, self.store.connection)
            raw.execute("BEGIN")
            try:
                result = work(unit)
                if writing and not again and fault != "crash-before":
                    raw.execute("COMMIT")
                    return result, unit.callbacks
            finally:
                if raw.in_transaction:
                    raw.execute("ROLLBACK")
            if not again:
                break
        return result, []

    def sign(self, unit: Unit, term: int, holder: str) -> None:
        """Note that a scheduler wrote under this term."""
        unit.run_raw(SIGN, term, holder)

    def tell_of(self, who: object) -> None:
        """Put what was committed into the trace."""
        for seen in self.oracle.news(self.world.loop.time()):
            self.world.note(who, str(seen))
            if seen.what == "stale":
                self.world.wrong(f"stale {seen.now} of {seen.id} under lease {seen.lease}")


class SimDatabase:
    """The `Database` of one process."""

    dialect: Dialect = "sqlite"
    hears = True

    def __init__(self, sea: Sea, process: Process) -> None:
        self._sea = sea
        self._process = process
        self._faults = sea.world.faults
        self._loop = sea.world.loop

    async def write(self, work: Callable[[Unit], Any]) -> Any:
        return await self._ask(work, writing=True)

    async def read(self, work: Callable[[Unit], Any]) -> Any:
        return await self._ask(work, writing=False)

    peek = read

    def batcher(
        self,
        work: Callable[[Unit, Sequence[Any]], Sequence[Any]],
        *,
        short: Callable[[Any], bool] = lambda item: False,
        alone: bool = False,
    ) -> "SimBatcher":
        return SimBatcher(self, self._process, work)

    def announce(self, channel: str) -> None:
        """Those of this process hear at once; others soon, or not at all."""
        for name, heard in self._process.ears:
            if name == channel:
                heard()
        for other in self._sea.world.processes.values():
            if other is self._process or not other.host.alive:
                continue
            fault = self._faults.pick("network")
            if fault in ("drop", "lost"):
                continue
            for name, heard in other.ears:
                if name == channel:
                    other.soon(self._faults.latency_s(0.002, fault), heard)

    def listen(self, channel: str, heard: Callable[[], None]) -> None:
        self._process.ears.append((channel, heard))

    def aside(self, name: str) -> None:
        """There is no such thing here."""

    async def probe(self) -> DatabaseHealth:
        return DatabaseHealth("simulated", 0.0, sqlite3.sqlite_version)

    async def close(self) -> None:
        """Nothing to do."""

    async def _ask(self, work: Callable[[Unit], Any], *, writing: bool) -> Any:
        future = self._loop.create_future()
        fault = self._faults.pick("database")
        delay_s = self._faults.latency_s(USUAL_S, fault)
        if fault == "stall-before":
            self._faults.stall(self._process)
        self._loop.call_later(delay_s, self._run, work, future, fault, writing)
        result, callbacks = await future
        for callback in callbacks:
            callback()
        return result

    def _run(self, work: Callable[[Unit], Any], future: Any, fault: str, writing: bool) -> None:
        if future.cancelled() and self._faults.random.random() < 0.5:
            return
        if fault:
            self._sea.world.note(self._process.host, f"database: {fault}")
        if fault == "refused":
            self._answer(future, Unavailable("the database cannot be reached"), 0.0)
            return
        answer: Any
        try:
            answer = self._sea.run(work, fault, writing=writing)
        except Exception as error:
            answer = error
        self._sea.tell_of(self._process.host)
        if fault.startswith("crash"):
            self._faults.crash(self._process)
            return
        if fault == "lost" and writing:
            answer = Unavailable("the database went away before it answered")
        if fault == "stall-after":
            self._faults.stall(self._process)
        self._answer(future, answer, self._faults.latency_s(USUAL_S, fault))

    def _answer(self, future: Any, answer: Any, delay_s: float) -> None:
        self._loop.call_later(delay_s, _resolve, future, answer)


def _resolve(future: Any, answer: Any) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


class SimBatcher:
    """See `Batcher`: what waits when the database is ready for it shares a unit."""

    def __init__(
        self,
        database: SimDatabase,
        process: Process,
        work: Callable[[Unit, Sequence[Any]], Sequence[Any]],
    ) -> None:
        self._database = database
        self._process = process
        self._work = work
        self._waiting: list[tuple[Any, Any]] = []
        self._is_busy = False

    async def submit(self, item: Any) -> Any:
        future = self._process.world.loop.create_future()
        self.send(item, future)
        return await future

    def send(self, item: Any, sink: Any) -> None:
        self._waiting.append((item, sink))
        if not self._is_busy:
            self._is_busy = True
            self._process.spawn(self._flush())

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            items = [item for item, _ in batch]
            try:
                results = await self._database.write(
                    lambda unit, items=items: self._work(unit, items)
                )
            except Exception as error:
                for _, sink in batch:
                    if not sink.done():
                        sink.set_exception(error)
                continue
            for (_, sink), result in zip(batch, results, strict=True):
                if not sink.done():
                    sink.set_result(result)
        self._is_busy = False
