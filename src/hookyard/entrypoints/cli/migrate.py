"""`hookyard migrate`: bring the database to the schema of this program."""

import asyncio
from typing import TYPE_CHECKING

import click

from hookyard.entrypoints.cli.logs import keep_output_clean

if TYPE_CHECKING:
    from hookyard.settings import Settings


@click.command()
def migrate() -> None:
    """Bring the database to this program's schema; starting a server does it too.

    \b
    Example:
      DATABASE_URL=postgresql://… hookyard migrate
    """
    from hookyard.bootstrap.keeping import load_settings
    from hookyard.entrypoints.worker.process import readable_database

    keep_output_clean()
    settings = load_settings()
    with readable_database(settings):
        click.echo(asyncio.run(_migrate(settings)))


async def _migrate(settings: "Settings") -> str:
    from hookyard.adapters.database.migrate import version_of
    from hookyard.bootstrap import migrate_as_set, open_database
    from hookyard.bootstrap.recording import apply_built_in
    from hookyard.kit.clock import SystemClock
    from hookyard.kit.ids import IdMaker

    database = await open_database(settings)
    try:
        before = await database.read(version_of)
        changed = await migrate_as_set(settings, database)
        await apply_built_in(database, IdMaker(), SystemClock())
        after = await database.read(version_of)
    finally:
        await database.close()
    where = "Postgres" if settings.database.url else str(settings.data_dir / "hookyard.db")
    if not changed:
        return f"{where}: the schema is {after} already, nothing to do"
    return f"{where}: the schema went from {before or 'empty'} to {after}"
