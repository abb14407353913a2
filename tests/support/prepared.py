"""What a database holds when a test begins, and SQLite files that are copied, not made again.

# why: to make eighty tables takes ten times as long as to copy them, and seventeen migrations a
# hundred times. What migrations do is tested in tests/contract/database, and by every test that
# starts a process on an empty database.
"""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.migrate import migrate
from hookyard.adapters.database.port import METADATA, Database
from hookyard.bootstrap.recording import apply_built_in
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker

Make: TypeAlias = Callable[[Database], Awaitable[object]]
_FILES: dict[object, bytes] = {}


async def every_table(database: Database) -> None:
    """All tables that have been imported."""
    await database.write(lambda unit: METADATA.create_all(unit.connection))


async def every_record(database: Database) -> None:
    """All tables, and those of the built-in entities."""
    await every_table(database)
    await apply_built_in(database, IdMaker(), ManualClock())


async def an_installation(database: Database) -> None:
    """What the first start of a process leaves, at the instant where a test's clock begins."""
    await migrate(database)
    await apply_built_in(database, IdMaker(), ManualClock())


def kind_of(make: Make) -> object:
    """What it would make now: tables may be imported later."""
    return make, frozenset(METADATA.tables)


async def put_file(path: Path, make: Make) -> None:
    """A file of SQLite that is as `make` leaves an empty one."""
    kind = kind_of(make)
    if kind not in _FILES:
        with tempfile.TemporaryDirectory(prefix="hookyard-pytest-") as folder:
            async with _opened(Path(folder) / "hookyard.db") as database:
                await make(database)
            _FILES[kind] = database.path.read_bytes()
    path.write_bytes(_FILES[kind])


async def installed(folder: Path, environ: Mapping[str, str]) -> None:
    """Have an installation in the folder's `data`, where no file is yet and no URL is set."""
    path = folder / "data" / "hookyard.db"
    if "DATABASE_URL" not in environ and not path.exists():
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        await put_file(path, an_installation)


@asynccontextmanager
async def sqlite_with(make: Make, folder: Path) -> AsyncIterator[SqliteDatabase]:
    """An SQLite database that is as `make` leaves an empty one."""
    path = folder / "hookyard.db"
    await put_file(path, make)
    async with _opened(path) as database:
        yield database


@asynccontextmanager
async def _opened(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(path)
    try:
        yield database
    finally:
        await database.close()
