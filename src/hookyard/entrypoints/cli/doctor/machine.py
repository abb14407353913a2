"""Checks of this machine: the data folder, SQLite, the database, the agent's command."""

import contextlib
import os
import shlex
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from hookyard.adapters.database.migrate import version_of
from hookyard.adapters.database.migrations import HEAD
from hookyard.bootstrap import open_database
from hookyard.entrypoints.cli.doctor.model import Finding, bad, ok, warn
from hookyard.entrypoints.http.probes import has_wal_reset_bug
from hookyard.kit.errors import ConfigurationError, HookyardError
from hookyard.settings import Settings

SECRET_FILES = ("admin.key", "hookyard.db", "hookyard.db-wal", "hookyard.db-shm")


def data_folder(settings: Settings) -> Iterator[Finding]:
    """The folder is ours alone, and can be written."""
    folder, name = settings.data_dir, "data folder"
    if not folder.exists():
        above = next(parent for parent in folder.resolve().parents if parent.exists())
        if os.access(above, os.W_OK | os.X_OK):
            yield ok(name, f"{folder} is made at the first start")
        else:
            yield bad(
                name, f"{above} cannot be written", "set HOOKYARD_DATA_DIR to a folder of ours"
            )
        return
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield bad(name, f"{folder} cannot be written", "set HOOKYARD_DATA_DIR to a folder of ours")
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077:
        yield bad(name, f"{folder} is open to others (mode {mode:04o})", f"chmod 700 {folder}")
    else:
        yield ok(name, f"{folder}, mode {mode:04o}")
    for file in SECRET_FILES:
        path = folder / file
        with contextlib.suppress(FileNotFoundError):
            mode = stat.S_IMODE(path.stat().st_mode)
            # why: in a folder of mode 0700 nobody else reaches a file; the admin key is refused.
            if mode & 0o077 and file == "admin.key":
                yield bad(file, f"can be read by others (mode {mode:04o})", f"chmod 600 {path}")


def sqlite_version(settings: Settings) -> Iterator[Finding]:
    """Python's SQLite against the bug that 3.51.3 mends."""
    if settings.database.url is not None:
        return
    version = sqlite3.sqlite_version
    if has_wal_reset_bug(version):
        yield warn(
            "SQLite",
            f"{version} has the WAL-reset bug; Hookyard's single writer keeps clear of it",
            "let no other program write hookyard.db; 3.51.3 and later are free of it",
        )
    else:
        yield ok("SQLite", version)


async def database(settings: Settings) -> Finding:
    """Reachable, and with a schema this program knows."""
    try:
        if settings.database.url is None:
            return _schema("database", _sqlite_schema(settings.data_dir / "hookyard.db"))
        opened = await open_database(settings)
        try:
            health = await opened.probe()
            schema = await opened.read(version_of)
        finally:
            await opened.close()
        return _schema(f"database ({health.engine} {health.version})", schema)
    except asyncpg.InsufficientPrivilegeError as error:
        fix = "give the login of DATABASE_URL its rights on the tables, or set their owner's"
        return bad("database", str(error), fix)
    except (HookyardError, ConfigurationError, sqlite3.Error, OSError) as error:
        return bad("database", str(error), "check DATABASE_URL, its server and its password")


def _sqlite_schema(path: Path) -> str | None:
    """The schema's revision, read beside a server that may be running; None without a file."""
    if not path.is_file():
        return None
    with contextlib.closing(sqlite3.connect(f"file:{path.resolve()}?mode=ro", uri=True)) as raw:
        tables = raw.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'")
        if tables.fetchone() is None:
            return None
        return str(raw.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _schema(name: str, found: str | None) -> Finding:
    if found is None:
        return ok(name, "empty; the schema is made at the first start")
    if found > HEAD:
        return bad(
            name,
            f"schema {found} is newer than this program's {HEAD}",
            "install the newer Hookyard again",
        )
    if found < HEAD:
        return warn(name, f"schema {found}, this program's is {HEAD}", "run `hookyard migrate`")
    return ok(name, f"schema {found}")


def agent(settings: Settings) -> Finding:
    """The command of agent.task jobs can be found."""
    name, command = "agent command", settings.worker.agent_command
    if command is None:
        return warn(
            name, "not set: agent.task jobs wait", "set HOOKYARD_AGENT_COMMAND to run commands"
        )
    words = shlex.split(command)
    if not words or shutil.which(words[0]) is None:
        what = words[0] if words else "it"
        return bad(name, f"{what} is not on PATH", "install it, or give its full path")
    return ok(name, f"{shutil.which(words[0])}")
