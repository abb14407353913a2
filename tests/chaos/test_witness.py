"""The witness in Postgres tells in which order attempts took turns."""

from collections.abc import Iterator

import pytest

from tests.support.chaos_checks import check_keys
from tests.support.chaos_model import AttemptRow, History, JobRow, Wrong
from tests.support.chaos_rows import PostgresRows, Unreadable
from tests.support.postgres import PostgresServer

KEYED = tuple(JobRow(name, "work", "o/r#1", "succeeded", 1, None) for name in ("a", "b"))


@pytest.fixture
def rows(postgres_server: PostgresServer) -> Iterator[PostgresRows]:
    """Two jobs that are ready, and a witness."""
    name = postgres_server.create_database()
    found = PostgresRows(postgres_server.url(name))
    found.fetch("CREATE TABLE jobs (id text, kind text, state text, lease bigint)")
    found.fetch("CREATE TABLE job_attempts (job_id text, lease bigint, outcome text)")
    found.fetch("INSERT INTO jobs VALUES ('a', 'work', 'queued', 0), ('b', 'work', 'queued', 0)")
    found.call_witness()
    yield found
    found.close()
    postgres_server.drop_database(name)


def begin(rows: PostgresRows, job: str) -> None:
    rows.fetch(f"UPDATE jobs SET state = 'running', lease = lease + 1 WHERE id = '{job}'")  # noqa: S608


def end(rows: PostgresRows, job: str) -> None:
    rows.fetch(f"UPDATE jobs SET state = 'succeeded' WHERE id = '{job}'")  # noqa: S608
    rows.fetch(f"INSERT INTO job_attempts VALUES ('{job}', 1, 'succeeded')")  # noqa: S608


def seen(rows: PostgresRows) -> History:
    return History(jobs=KEYED, attempts=[AttemptRow(*row) for row in rows.fetch(rows.attempts)])


def test_attempts_that_took_turns_do_not_overlap(rows: PostgresRows) -> None:
    for job in ("a", "b"):
        begin(rows, job)
        end(rows, job)
    history = seen(rows)
    assert {a.job_id: (a.started_ms, a.finished_ms) for a in history.attempts} == {
        "a": (1, 2),
        "b": (3, 4),
    }
    assert list(check_keys(history)) == []


def test_attempts_that_ran_together_overlap(rows: PostgresRows) -> None:
    begin(rows, "a")
    begin(rows, "b")
    end(rows, "a")
    end(rows, "b")
    assert [finding.what for finding in check_keys(seen(rows))] == [Wrong.OVERLAP]


def test_a_killed_session_is_made_again(
    rows: PostgresRows, postgres_server: PostgresServer
) -> None:
    with pytest.raises(Unreadable):
        rows.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database()"
        )
    assert rows.fetch("SELECT count(*) FROM jobs") == [(2,)]
