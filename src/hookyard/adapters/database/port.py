"""The database port: units of work that are on disk when `write` returns.

A unit is a synchronous function over a `Unit`; it runs alone in one transaction (on SQLite many
units share one commit, each behind its own savepoint). It must not wait for anything but the
database, and may be run again after a serialization failure, so it keeps no state of its own.
Nobody below the edge commits: `Database.write` does, once, after the function returns.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, TypeVar

from sqlalchemy import Connection, Executable, MetaData, RowMapping

Dialect: TypeAlias = Literal["sqlite", "postgresql"]
SqlValue: TypeAlias = str | int | float | bytes | None
RawParam: TypeAlias = SqlValue | Sequence[SqlValue]
Row: TypeAlias = tuple[SqlValue, ...]

T = TypeVar("T")
Item = TypeVar("Item")
Result = TypeVar("Result")
Sent = TypeVar("Sent", contravariant=True)
Got = TypeVar("Got", covariant=True)
Told = TypeVar("Told", contravariant=True)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Clash(Exception):
    """A statement would have broken a unique key; on Postgres it ended its transaction."""


class Taken(Exception):
    """Another process is at it."""


Gatherer: TypeAlias = "Callable[[Unit, Sequence[object]], None]"


@dataclass(frozen=True, slots=True)
class RawSql:
    """A hot statement written by hand, with `$1`-style parameters in both dialects."""

    sqlite: str
    postgresql: str

    @classmethod
    def same(cls, text: str) -> "RawSql":
        """One text that both dialects understand."""
        return cls(text, text)


class Unit(ABC):
    """One transaction in progress. `connection` is for migrations; rooms use the methods."""

    dialect: Dialect
    connection: Connection

    def __init__(self) -> None:
        self._gathered: dict[Gatherer, list[object]] = {}

    def gather(self, work: "Callable[[Unit, Sequence[Item]], None]", item: Item) -> None:
        """Hand an item to `work` when the unit ends, together with all that was gathered for it.

        What `work` does is the last part of the same transaction: for what takes a lock that
        others wait for, so that it is held no longer than the commit takes.
        """
        self._gathered.setdefault(work, []).append(item)  # type: ignore[arg-type]

    def settle(self) -> None:
        """Do what was gathered; whoever runs the unit calls it, once, before the commit."""
        while self._gathered:
            work, items = self._gathered.popitem()
            work(self, items)

    def let_go(self) -> None:
        """Drop what was gathered: the unit failed."""
        self._gathered.clear()

    @abstractmethod
    def fetch(
        self, statement: Executable, parameters: Mapping[str, object] | None = None
    ) -> Sequence[RowMapping]:
        """Run a SQLAlchemy Core statement that returns rows."""

    @abstractmethod
    def run(
        self,
        statement: Executable,
        parameters: Mapping[str, object] | Sequence[Mapping[str, object]] | None = None,
    ) -> int:
        """Run a SQLAlchemy Core statement; the number of rows it touched."""

    @abstractmethod
    def fetch_raw(self, sql: RawSql, *parameters: RawParam) -> list[Row]:
        """Run a hand-written statement that returns rows, as plain tuples."""

    def fetch_at_once(self, sql: RawSql, *parameters: RawParam) -> list[Row]:
        """`fetch_raw` of a statement that is complete in itself.

        As the first statement of a writing unit it may be committed when this returns, in one
        round trip; what follows is then a second transaction. Only for units that are right
        either way, and right again when they run a second time.
        """
        return self.fetch_raw(sql, *parameters)

    @abstractmethod
    def run_raw(self, sql: RawSql, *parameters: RawParam) -> int:
        """Run a hand-written statement; the number of rows it touched."""

    @abstractmethod
    def run_unique(self, sql: RawSql, *parameters: RawParam) -> int:
        """`run_raw`; Clash where it would break a unique key, and the unit must then fail."""

    @abstractmethod
    def run_raw_many(self, sql: RawSql, rows: Iterable[Row]) -> int:
        """Run a hand-written statement once for each row of parameters.

        How many rows it touched in all, or -1 where the driver does not say (Postgres).
        """

    @abstractmethod
    def lock(self, name: str) -> None:
        """Hold an exclusive lock of this name until the transaction ends."""

    @abstractmethod
    def confine(self, tenant: str) -> None:
        """Until `set_free`, see and write rows of one tenant only, where the engine can see to it.

        That is on Postgres, for tables with policies (see `walls`); elsewhere it does nothing.
        """

    @abstractmethod
    def set_free(self) -> None:
        """The confinement is over."""

    @abstractmethod
    def within(self, seconds: float) -> None:
        """From now on a statement that goes on for longer is ended, and the unit is Unavailable.

        Only for units that read.
        """

    @abstractmethod
    def in_order(self) -> None:
        """Until `as_ever`, read rows along an index that has them in the order asked for, where
        there is one, whatever the planner thinks of it. Only Postgres has to be told."""

    @abstractmethod
    def as_ever(self) -> None:
        """The planner may choose again."""

    @abstractmethod
    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call back on the event loop once the transaction is on disk."""

    def first(
        self, statement: Executable, parameters: Mapping[str, object] | None = None
    ) -> RowMapping | None:
        """The first row of a statement, or None."""
        rows = self.fetch(statement, parameters)
        return rows[0] if rows else None


class Sink(Protocol[Told]):
    """Hears what became of an item; an `asyncio.Future` is one. Its methods never raise."""

    def done(self) -> bool:
        """Whether nobody wants to hear any more."""
        ...

    def set_result(self, result: Told, /) -> None:
        """It is on disk."""
        ...

    def set_exception(self, exception: BaseException, /) -> None:
        """It is not."""
        ...


class Batcher(Protocol[Sent, Got]):
    """Collects items that arrive together and hands them to one function in one commit."""

    async def submit(self, item: Sent) -> Got:
        """The item's own result, once its transaction is on disk."""
        ...

    def send(self, item: Sent, sink: Sink[Got]) -> None:
        """The same without a task that waits: the sink is told, on the event loop.

        Raises what cannot be taken on at once; then the sink hears nothing.
        """
        ...


class Aside(Protocol):
    """A session outside of any transaction; `session` is its number, as the engine shows it."""

    session: int

    async def run(self, statement: str) -> None:
        """Run one statement, however long it takes; Clash where rows are in the way of it."""
        ...


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """Answer of a probe: reachable, how long it took, and which engine."""

    engine: str
    latency_ms: float
    version: str


class Database(Protocol):
    """Transactions, durable when they return."""

    dialect: Dialect

    @property
    def hears(self) -> bool:
        """Whether what other processes announce can reach this one."""
        ...

    async def write(self, work: Callable[[Unit], T]) -> T:
        """Run a unit; its result, once committed to disk. An exception rolls back only it."""
        ...

    async def read(self, work: Callable[[Unit], T]) -> T:
        """Run a unit that only reads, on a snapshot beside the writer."""
        ...

    async def peek(self, work: Callable[[Unit], T]) -> T:
        """`read` for a look-up of a few rows by key; SQLite answers on the event loop itself."""
        ...

    def batcher(
        self,
        work: Callable[[Unit, Sequence[Item]], Sequence[Result]],
        *,
        short: Callable[[Item], bool] = lambda item: False,
        alone: bool = False,
    ) -> Batcher[Item, Result]:
        """A batcher over `work`, which gets the items in order and answers one for each.

        `alone`: never two batches at once, as they would wait for each other's locks.

        An item is `short` when its share of the work takes some tens of microseconds and a few
        indexed statements, so that an embedded engine may do it between two turns of the loop.
        """
        ...

    def announce(self, channel: str) -> None:
        """There is news on a channel: every listener hears within milliseconds.

        Call it on the event loop after the commit. Those of this process hear before it returns,
        those of others soon, and several announcements as one. Other processes may miss it.
        """
        ...

    def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """Call `heard` on the event loop whenever there may be news on a channel.

        Also after every time that something could have been missed. Never the only way to learn.
        """
        ...

    def aside(self, name: str) -> AbstractAsyncContextManager[Aside] | None:
        """A session for what cannot be done in a transaction, one at a time of each name: entering
        it raises Taken while another process is in. None where the engine has no such thing."""
        ...

    async def probe(self) -> DatabaseHealth:
        """Reach the database; raises when it cannot."""
        ...

    async def close(self) -> None:
        """Finish what is queued, then let go."""
        ...
