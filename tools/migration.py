"""Draft a migration from what the tables say: `python tools/migration.py 0002 "add x to y"`.

Read the draft before you commit it: renames look like a drop and an add.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command

import hookyard.registry  # noqa: F401
from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.migrate import alembic_config


async def draft(revision: str, message: str) -> None:
    """Migrate an empty database to the last revision, then write down what differs."""
    with tempfile.TemporaryDirectory() as folder:
        database = SqliteDatabase(Path(folder) / "draft.db")
        try:
            await database.write(lambda unit: command.upgrade(alembic_config(unit), "head"))
            await database.write(
                lambda unit: command.revision(
                    alembic_config(unit), message, autogenerate=True, rev_id=revision
                )
            )
        finally:
            await database.close()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python tools/migration.py REVISION MESSAGE")
    asyncio.run(draft(sys.argv[1], sys.argv[2]))
