"""The database engine as a running process uses it: opened, migrated, heard from."""

from functools import partial
from random import Random

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.migrate import migrate
from hookyard.adapters.database.port import Database
from hookyard.bootstrap.listeners import Waker
from hookyard.core.jobs.runner import Runner
from hookyard.kit.secret import Secret
from hookyard.settings import Settings

READY = "hookyard_jobs"
POLL_S = 1.0
DEAF_POLL_S = 0.25
SPREAD = 0.2


def open_postgres(settings: Settings, url: Secret, random: Random) -> PostgresDatabase:
    """The Postgres of the settings, not yet migrated."""
    given = settings.database
    return PostgresDatabase(
        url.reveal(),
        pool_size=given.pool_size,
        pooled=given.pooled,
        direct_url=given.direct_url.reveal() if given.direct_url else None,
        random=random,
    )


async def migrate_as_set(settings: Settings, database: Database) -> bool:
    """`migrate`, around the pooler where a way is set; whether there was anything to do."""
    direct = settings.database.direct_url
    if direct is None:
        return await migrate(database)
    around = PostgresDatabase(direct.reveal(), pool_size=2)
    try:
        return await migrate(around)
    finally:
        await around.close()


def connect_waker(waker: Waker, runner: Runner, database: Database) -> None:
    """Work made ready by a commit of this process wakes its own worker and everybody's."""
    waker.runner = runner
    waker.announce = partial(database.announce, READY)


def hear_ready(database: Database, runner: Runner) -> None:
    """Work made ready anywhere wakes this process's worker."""
    database.listen(READY, runner.wake)


def poll_s(database: Database, random: Random) -> float:
    """How often a worker looks by itself: never in step with another process, and four times as
    often where nothing tells it of others' commits."""
    usual = POLL_S if database.hears else DEAF_POLL_S
    return usual * random.uniform(1 - SPREAD, 1 + SPREAD)
