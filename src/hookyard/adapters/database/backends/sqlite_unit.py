"""A unit over one SQLite connection, and how such a connection is opened."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection, Executable, RowMapping, StaticPool, create_engine

from hookyard.adapters.database.backends.sqlite_vectors import prepare, teach_distances
from hookyard.adapters.database.port import Clash, Dialect, RawParam, RawSql, Row, Unit
from hookyard.kit.clock import SystemClock

CHECKPOINT_PAGES_AT_MOST = 2_000
BUSY_WAIT_S = 10.0
# why: each look takes the interpreter's lock, which a scan can do without.
LOOK_EVERY_OPERATIONS = 50_000
_CLOCK = SystemClock()
# why: a delivery takes about a quarter of such a page, so a commit writes half as many of them as
# at the usual 4,096, for a third less of it and of the checkpoint after it. A file keeps its size.
PAGE_SIZE = 8_192


class SqliteUnit(Unit):
    """A unit over one connection; used by one thread at a time."""

    dialect: Dialect = "sqlite"

    def __init__(self, raw: sqlite3.Connection, connection: Connection) -> None:
        super().__init__()
        self._raw = raw
        self.connection = connection
        self.callbacks: list[Callable[[], None]] = []
        self.is_timed = False
        self.is_late = False

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
        return self._raw.execute(numbered(sql.sqlite), bound(parameters)).fetchall()

    def run_raw(self, sql: RawSql, *parameters: RawParam) -> int:
        return self._raw.execute(numbered(sql.sqlite), bound(parameters)).rowcount

    def run_unique(self, sql: RawSql, *parameters: RawParam) -> int:
        try:
            return self.run_raw(sql, *parameters)
        except sqlite3.IntegrityError as error:
            raise Clash(str(error)) from None

    def run_raw_many(self, sql: RawSql, rows: Iterable[Row]) -> int:
        return self._raw.executemany(numbered(sql.sqlite), rows).rowcount

    def lock(self, name: str) -> None:
        """Nothing to do: a writing unit is alone."""

    def confine(self, tenant: str) -> None:
        """Nothing to do: there are no policies here."""

    def set_free(self) -> None:
        """Nothing to do, either."""

    def in_order(self) -> None:
        """Nothing to do: SQLite goes along an index wherever that saves it from sorting."""

    def as_ever(self) -> None:
        """Nothing to do, either."""

    def within(self, seconds: float) -> None:
        deadline = _CLOCK.monotonic() + seconds

        def is_late() -> int:
            self.is_late = _CLOCK.monotonic() > deadline
            return int(self.is_late)

        self._raw.set_progress_handler(is_late, LOOK_EVERY_OPERATIONS)
        self.is_timed = True

    def forget_time(self) -> None:
        """The connection serves another unit."""
        if self.is_timed:
            self._raw.set_progress_handler(None, 0)

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)


_NUMBERED: dict[str, str] = {}


def numbered(text: str) -> str:
    """`$1` as SQLite spells it: `?1`."""
    known = _NUMBERED.get(text)
    if known is None:
        known = _NUMBERED[text] = text.replace("$", "?")
    return known


def bound(parameters: tuple[RawParam, ...]) -> tuple[str | int | float | bytes | None, ...]:
    """Parameters as SQLite takes them: a list becomes the text `json_each` reads."""
    plain = (str, int, float, bytes, type(None))
    return tuple(v if isinstance(v, plain) else json.dumps(v) for v in parameters)


def open_connection(path: Path, *, read_only: bool) -> tuple[sqlite3.Connection, Connection]:
    """A connection to the file, bare and as SQLAlchemy's; sqlite3.Error when it cannot be had."""
    prepare()
    raw = sqlite3.connect(
        path,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
        timeout=BUSY_WAIT_S,
    )
    raw.execute(f"PRAGMA page_size={PAGE_SIZE}")
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES_AT_MOST}")
    raw.execute("PRAGMA mmap_size=0")
    raw.execute("PRAGMA temp_store=MEMORY")
    raw.execute("PRAGMA cache_size=-16384")
    if read_only:
        raw.execute("PRAGMA query_only=1")
        teach_distances(raw)
    engine = create_engine(
        "sqlite+pysqlite://",
        creator=lambda: raw,
        poolclass=StaticPool,
        isolation_level="AUTOCOMMIT",
    )
    return raw, engine.connect()
