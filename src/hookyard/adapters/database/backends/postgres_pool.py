"""The sessions of one process: at most so many, dead ones noticed before they are handed out."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias

import asyncpg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.pool import NullPool
from sqlalchemy.util import greenlet_spawn

from hookyard.adapters.database.backends.postgres_faults import DRIVER_TROUBLE, unavailable
from hookyard.adapters.database.backends.postgres_link import COMMAND_TIMEOUT_S, Link
from hookyard.adapters.database.port import RawParam, Row, SqlValue
from hookyard.kit.errors import Unavailable

# why: providers hang up after ten seconds; a refusal must reach them before.
WAIT_S = 5.0
# why: a firewall may have forgotten a quiet connection without telling either end.
ASK_AFTER_QUIET_S = 30.0
ASK_WITHIN_S = 3.0
NEVER = float("-inf")

# What a NOTIFY is told to: the connection, the sender's process, the channel, the payload.
OnNotify: TypeAlias = Callable[[object, object, str, str], None]


class Driver(Protocol):
    """The part of an asyncpg connection that is used."""

    async def fetch(self, query: str, *args: RawParam) -> Sequence[Iterable[SqlValue]]: ...
    async def execute(
        self,
        query: str,
        *args: RawParam,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> str: ...
    async def executemany(self, query: str, args: Iterable[Row]) -> None: ...
    async def add_listener(self, channel: str, callback: OnNotify) -> None: ...
    def add_termination_listener(self, callback: Callable[[object], None]) -> None: ...
    def is_closed(self) -> bool: ...
    def terminate(self) -> None: ...
    async def close(self, *, timeout: float | None = None) -> None: ...  # noqa: ASYNC109


async def connect(link: Link, command_timeout_s: float | None = COMMAND_TIMEOUT_S) -> Driver:
    """A new session; Unavailable when there is none to be had."""
    try:
        driver: Driver = await asyncpg.connect(
            link.dsn,
            timeout=link.connect_timeout_s,
            command_timeout=command_timeout_s,
            statement_cache_size=link.statements_kept,
            server_settings=link.server_settings,
            **({} if link.tls is None else {"ssl": link.tls}),
        )
    except DRIVER_TROUBLE as error:
        raise unavailable(error) from error
    return driver


class Session:
    """One connection, with SQLAlchemy's view of it once a unit has asked for that."""

    __slots__ = ("core", "driver", "used_at")

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.core: Connection | None = None
        self.used_at = 0.0


class CoreView:
    """Makes SQLAlchemy connections over sessions that are open already."""

    def __init__(self, link: Link) -> None:
        self._handed: list[Driver] = []
        module = PGDialect_asyncpg.import_dbapi()  # type: ignore[no-untyped-call]
        # why: behind a pooler a statement's name may be taken, or unknown, in the next
        # transaction; the statement without a name is prepared and run in one go.
        unnamed = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: ""}
        extra = unnamed if link.pooled else {}

        async def hand_over() -> Driver:
            return self._handed.pop()

        self._engine: Engine = create_engine(
            "postgresql+asyncpg://",
            creator=lambda: module.connect(async_creator_fn=hand_over, **extra),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
        )

    def of(self, session: Session) -> Connection:
        """The session's SQLAlchemy connection; inside a unit only."""
        if session.core is None:
            self._handed.append(session.driver)
            session.core = self._engine.connect()
        return session.core


class Sessions:
    """Hands sessions out and takes them back."""

    def __init__(self, link: Link, size: int, wait_s: float = WAIT_S) -> None:
        self._link = link
        self._size = size
        self._wait_s = wait_s
        self._free = asyncio.Semaphore(size)
        self._idle: list[Session] = []
        self._closed = False

    async def take(self) -> Session:
        """A live session; Unavailable when none gets free in time or none can be opened."""
        if self._free.locked():
            try:
                async with asyncio.timeout(self._wait_s):
                    await self._free.acquire()
            except TimeoutError:
                raise Unavailable(
                    f"all {self._size} Postgres connections were busy for {self._wait_s:g} s"
                ) from None
        else:
            await self._free.acquire()
        try:
            return await self._live()
        except BaseException:
            self._free.release()
            raise

    async def _live(self) -> Session:
        if self._closed:
            raise Unavailable("the database is closing")
        while self._idle:
            session = self._idle.pop()
            if await self._is_alive(session):
                return session
            await _let_go(session)
        return Session(await connect(self._link))

    async def _is_alive(self, session: Session) -> bool:
        if session.driver.is_closed():
            return False
        quiet_s = asyncio.get_running_loop().time() - session.used_at
        if quiet_s < ASK_AFTER_QUIET_S:
            return True
        try:
            await session.driver.execute("SELECT 1", timeout=ASK_WITHIN_S)
        except DRIVER_TROUBLE:
            return False
        return True

    def doubt_idle(self) -> None:
        """One session was lost: what ended it may have ended the idle ones, so each is asked."""
        for session in self._idle:
            session.used_at = NEVER

    async def give(self, session: Session, *, usable: bool) -> None:
        """Take one back; one that is in doubt is ended, which rolls back what it held open."""
        try:
            if session.core is not None:
                usable = usable and not session.core.invalidated
                # why: it has no transaction of its own; this only forgets the one it thinks of.
                session.core.rollback()
            if usable and not self._closed and not session.driver.is_closed():
                session.used_at = asyncio.get_running_loop().time()
                self._idle.append(session)
            else:
                await _let_go(session)
        finally:
            self._free.release()

    async def close(self) -> None:
        """Wait for units in progress, then end every session; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        for _ in range(self._size):
            await self._free.acquire()
        while self._idle:
            session = self._idle.pop()
            try:
                await session.driver.close(timeout=2)
            except DRIVER_TROUBLE:
                session.driver.terminate()
            await _let_go(session)


async def _let_go(session: Session) -> None:
    session.driver.terminate()
    if session.core is not None:
        core, session.core = session.core, None
        await greenlet_spawn(core.close)
