"""kill -9 while an index is built: what is left of it is seen, and the next apply ends whole."""

import asyncio
import signal
from pathlib import Path

import asyncpg
import pytest

import hookyard.bootstrap  # noqa: F401  every table
from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.backends.postgres_aside import key_of
from hookyard.adapters.database.migrate import migrate
from hookyard.core.audit.service import Audit
from hookyard.features.records.schema.applying import NAME, Applying
from hookyard.features.records.schema.declare import read_entities
from hookyard.features.records.schema.service import Schemas
from hookyard.kit.clock import SystemClock
from hookyard.kit.ids import IdMaker
from tests.support.postgres import PostgresServer
from tests.support.processes import starting

TASKS = """
entities:
  tasks:
    id: {field: taskId, make: client}
    fields: {title: string, points: int}
"""
INDEXED = TASKS + "    indexes: [[points]]\n"
FILL = """
BEGIN; SET LOCAL ROLE hookyard_records; SET LOCAL hookyard.tenant = 'default';
INSERT INTO rec_tasks (_tenant, _id, _rev, _created, _updated, points)
SELECT 'default', n::text, 'r', 'c', 'u', n FROM generate_series(1, 5000) AS n; COMMIT
"""
INDEXES = """
SELECT indisvalid FROM pg_index
WHERE indrelid = 'rec_tasks'::regclass AND NOT indisprimary
"""


def kill_in_the_middle(folder: Path, url: str) -> None:
    with starting(folder) as start:
        process = start("entities", "apply", "after.yml", DATABASE_URL=url)
        assert process.child.stderr is not None
        said = next(line for line in process.child.stderr if "old snapshots" in line)
        assert "has a transaction that began before" in said
        process.signal(signal.SIGKILL)
        process.child.wait(60)


@pytest.mark.timeout(300)
async def test_an_apply_that_was_killed_is_completed_by_the_next(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    name = await asyncio.to_thread(postgres_server.create_database)
    url = postgres_server.url(name)
    (tmp_path / "after.yml").write_text(INDEXED)
    database = PostgresDatabase(url)
    schemas = Schemas(Audit(IdMaker()))
    told: list[str] = []
    applying = Applying(database, schemas, SystemClock(), told.append)
    await migrate(database)
    await applying.apply_built_in()
    declared = [read_entities(text.encode()) for text in (TASKS, INDEXED)]
    await applying.apply(lambda unit: schemas.plan_file(unit, declared[0]), "test")
    looking, watching = await asyncpg.connect(url), await asyncpg.connect(url)
    await watching.execute(FILL)
    await looking.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
    await asyncio.to_thread(kill_in_the_middle, tmp_path, url)
    # why: the server ends the session once it has noticed that nobody is there any more.
    await watching.execute(
        f"SET lock_timeout = '120s'; SELECT pg_advisory_lock({key_of(NAME)});"
        f" SELECT pg_advisory_unlock({key_of(NAME)})"
    )
    assert [row[0] for row in await watching.fetch(INDEXES)] == [False]
    await looking.close()
    plan = await database.write(lambda unit: schemas.plan_file(unit, declared[1]))
    left = "add index tasks on points, which an earlier build left unfinished"
    assert [str(step) for step in plan.steps] == [left]
    await applying.apply(lambda unit: schemas.plan_file(unit, declared[1]), "test")
    assert told[0].startswith("removing what an earlier build left of")
    assert [row[0] for row in await watching.fetch(INDEXES)] == [True]
    plan = await database.write(lambda unit: schemas.plan_file(unit, declared[1]))
    assert plan.steps == ()
    await watching.close()
    await database.close()
    await asyncio.to_thread(postgres_server.drop_database, name)
