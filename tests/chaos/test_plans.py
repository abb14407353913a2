"""What the environment asks for becomes a plan, and reports stand beside each other."""

import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from tests.support.chaos_model import Wrong
from tests.support.chaos_plans import long_plan, shares, short_plan
from tests.support.chaos_report import Report, matrix
from tests.support.chaos_rows import SqliteRows, Unreadable, at_last_attempt, can_bear, work_left

VARIANTS = ("sqlite", "postgres", "redis", "sqs")


def test_kills_are_shared_out() -> None:
    assert shares("", VARIANTS) == {"sqlite": 0.5, "postgres": 0.2, "redis": 0.2, "sqs": 0.1}
    assert shares("redis", VARIANTS) == {"redis": 1.0}
    assert shares("sqlite=3, redis=1", VARIANTS) == {"sqlite": 0.75, "redis": 0.25}


def test_a_variant_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'kafka'.*sqlite, postgres, redis, sqs"):
        shares("kafka", VARIANTS)


def test_plans_grow_with_the_kills() -> None:
    assert (short_plan("redis", None, None).repeats, short_plan("redis", "7", "9").seed) == (1, 7)
    assert long_plan("sqlite", 1, 300).repeats == 10
    assert long_plan("sqs", 1, 5).repeats == 1


def test_the_matrix_has_a_column_for_each_campaign() -> None:
    one, other = Report(short_plan("sqlite", "1", None)), Report(short_plan("sqs", "1", None))
    one.killed("server", "routing")
    other.killed("relay", "routing")
    other.killed("relay", "idle")
    other.faults["broker emptied"] += 3
    other.find(Wrong.LOST, "one")
    lines = matrix([one, other]).splitlines()
    assert lines[0] == "| fault | sqlite | sqs |"
    assert "| kill -9, relay | – | 2 |" in lines
    assert "| … at the instant: routing | 1 | 1 |" in lines
    assert "| broker emptied | – | 3 |" in lines
    assert "| kills in all | 1 | 2 |" in lines
    assert "| lost | 0 | 1 |" in lines
    assert other.by_role() == Counter({"relay": 2})


def ledger(folder: Path, *jobs: tuple[str, str, int, int]) -> SqliteRows:
    """A file with these jobs: kind, state, attempt, the most attempts."""
    with sqlite3.connect(folder / "jobs.db") as raw:
        raw.execute("CREATE TABLE jobs (kind, state, attempt, max_attempts)")
        raw.executemany("INSERT INTO jobs VALUES (?, ?, ?, ?)", jobs)
    raw.close()
    return SqliteRows(folder / "jobs.db")


def test_no_kill_is_a_jobs_last_attempt(tmp_path: Path) -> None:
    rows = ledger(
        tmp_path,
        ("agent.task", "running", 2, 3),
        ("agent.task", "queued", 1, 3),
        ("agent.task", "succeeded", 3, 3),
        ("upkeep.bury", "running", 5, 5),
    )
    assert (work_left(rows), at_last_attempt(rows)) == (2, 0)
    assert can_bear(rows, 1)
    assert not can_bear(rows, 2)


def test_a_job_at_its_last_attempt_holds_kills_back(tmp_path: Path) -> None:
    rows = ledger(tmp_path, ("criteria.extract", "running", 5, 5))
    assert at_last_attempt(rows) == 1
    assert not can_bear(rows, 1)


def test_what_cannot_be_read_can_bear_nothing(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path / "nothing.db")
    assert work_left(rows) is None
    assert not can_bear(rows, 0)
    with pytest.raises(Unreadable):
        at_last_attempt(rows)
