"""A database that goes from test to test is, for each of them, as the first one found it."""

import os
from pathlib import Path

import asyncpg
import pytest

from tests.support import folders
from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation

TRAIL = "SELECT id, action, at_ms FROM audit ORDER BY id"
GRANT = """INSERT INTO grants (id, tenant, subject_kind, subject_id, role, scope_kind, scope_name,
source, via, created_at_ms, created_by)
SELECT n::text, 'a', 'user', n::text, 'admin', 'tenant', '', repeat('x', $1), '', 0, ''
FROM generate_series(1, 1000) n"""


async def connected(server: PostgresServer, name: str) -> asyncpg.Connection:
    return await asyncpg.connect(server.url(name))


@pytest.mark.parametrize("width", [1, 2_000], ids=["few", "many"])
async def test_rows_of_a_test_are_gone_and_those_of_the_installation_are_back(
    postgres_server: PostgresServer, width: int
) -> None:
    name = postgres_server.lend(an_installation)
    one = await connected(postgres_server, name)
    before = await one.fetch(TRAIL)
    assert before
    await one.execute("SET session_replication_role = replica")
    await one.execute("UPDATE audit SET action = 'changed'; DELETE FROM alembic_version")
    await one.execute(GRANT, width)
    await one.close()
    postgres_server.take_back(name)

    assert postgres_server.lend(an_installation) == name
    one = await connected(postgres_server, name)
    assert await one.fetch(TRAIL) == before
    assert await one.fetchval("SELECT count(*) FROM grants") == 0
    assert await one.fetchval("SELECT count(*) FROM alembic_version") == 1
    await one.close()
    postgres_server.take_back(name)


async def test_a_session_that_a_test_forgot_is_ended(postgres_server: PostgresServer) -> None:
    name = postgres_server.lend(an_installation)
    forgotten = await connected(postgres_server, name)
    await forgotten.execute("BEGIN; LOCK TABLE jobs")
    postgres_server.take_back(name)
    with pytest.raises((asyncpg.PostgresError, OSError, asyncpg.InterfaceError)):
        await forgotten.execute("SELECT 1")
    forgotten.terminate()


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE more (id text)", "DROP TRIGGER audit_no_update ON audit",
     "ALTER TABLE jobs ADD COLUMN more text", "DROP INDEX ix_grants_subject"],
)  # fmt: skip
async def test_an_altered_schema_is_not_lent_again(
    postgres_server: PostgresServer, statement: str
) -> None:
    name = postgres_server.lend(an_installation)
    one = await connected(postgres_server, name)
    await one.execute(statement)
    await one.close()
    postgres_server.take_back(name)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await connected(postgres_server, name)


def test_what_a_killed_run_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders.tempfile, "gettempdir", lambda: str(tmp_path))
    mine, theirs, other = (
        tmp_path / f"hookyard-pytest-{owner}-abc" for owner in (os.getpid(), 2**22 + 1, "x")
    )
    for folder in (mine, theirs, other):
        (folder / "data").mkdir(parents=True)
    folders.remove_leftovers()
    assert [mine.exists(), theirs.exists(), other.exists()] == [True, False, True]
