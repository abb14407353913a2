"""The embedded engine's own promises: one writer, group commit, local disks only."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from hookyard.adapters.database.backends.lockfile import refuse_network_file_system
from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.backends.sqlite_writer import CHECKPOINT_EVERY_CHANGES
from hookyard.adapters.database.port import RawSql, Unit
from hookyard.kit.clock import SystemClock
from hookyard.kit.errors import ConfigurationError, Unavailable

ONE = RawSql.same("SELECT 1")


async def test_a_second_writer_is_refused_by_name(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "h.db")
    program = (
        "import asyncio, sys, pathlib\n"
        "from hookyard.adapters.database.backends.sqlite import SqliteDatabase\n"
        "async def main():\n"
        "    SqliteDatabase(pathlib.Path(sys.argv[1]))\n"
        "asyncio.run(main())\n"
    )
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program, str(tmp_path / "h.db")],
        capture_output=True,
        text=True,
    )
    await database.close()
    assert ran.returncode != 0
    assert f"pid {os.getpid()}" in ran.stderr


async def test_the_lock_is_free_again_after_close(tmp_path: Path) -> None:
    for _ in range(2):
        database = SqliteDatabase(tmp_path / "h.db")
        await database.write(lambda unit: unit.fetch_raw(ONE))
        await database.close()


async def test_units_that_queue_together_share_a_commit(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "h.db", commit_delay_s=0.02)
    await asyncio.gather(*(database.write(lambda unit: unit.fetch_raw(ONE)) for _ in range(100)))
    commits = database.commits
    await database.close()
    assert 1 <= commits <= 3


async def test_every_commit_is_full_and_logged_ahead(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "h.db")
    mode = await database.write(lambda u: u.fetch_raw(RawSql.same("PRAGMA journal_mode")))
    level = await database.write(lambda u: u.fetch_raw(RawSql.same("PRAGMA synchronous")))
    await database.close()
    assert mode == [("wal",)]
    assert level == [(2,)]


async def test_a_closing_database_takes_no_more_work(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "h.db")
    await database.close()
    with pytest.raises(Unavailable):
        await database.write(lambda unit: unit.fetch_raw(ONE))


async def test_a_full_disk_is_our_failure_and_heals(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "h.db")
    make = RawSql.same("CREATE TABLE t (x BLOB)")
    fill = RawSql.same("INSERT INTO t VALUES (zeroblob(4000000))")
    await database.write(lambda unit: unit.run_raw(make))
    await database.write(lambda unit: unit.fetch_raw(RawSql.same("PRAGMA max_page_count=200")))
    with pytest.raises(Unavailable):
        await database.write(lambda unit: unit.run_raw(fill))
    await database.write(lambda unit: unit.fetch_raw(RawSql.same("PRAGMA max_page_count=100000")))
    await database.write(lambda unit: unit.run_raw(fill))
    await database.close()


NOTE = RawSql.same("INSERT INTO t VALUES ($1)")


async def open_notes(path: Path, **options: float) -> SqliteDatabase:
    database = SqliteDatabase(path, **options)
    make = RawSql.same("CREATE TABLE t (a TEXT UNIQUE)")
    await database.write(lambda unit: unit.run_raw(make))
    return database


async def notes(database: SqliteDatabase) -> list[str]:
    rows = await database.read(lambda unit: unit.fetch_raw(RawSql.same("SELECT a FROM t")))
    return sorted(str(row[0]) for row in rows)


class Scribe:
    """Batched work that remembers the threads and the batches it ran in."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.batches: list[list[str]] = []

    def __call__(self, unit: Unit, items: Sequence[str]) -> list[str]:
        self.threads.append(threading.current_thread().name)
        self.batches.append(list(items))
        unit.run_raw_many(NOTE, [(item,) for item in items])
        return [item.upper() for item in items]


async def test_short_work_runs_on_the_loop_and_long_work_on_the_thread(tmp_path: Path) -> None:
    database = await open_notes(tmp_path / "h.db")
    scribe = Scribe()
    batcher = database.batcher(scribe, short=lambda item: len(item) < 5)
    assert await batcher.submit("tiny") == "TINY"
    assert await batcher.submit("lengthy") == "LENGTHY"
    await database.close()
    assert scribe.threads == [threading.current_thread().name, "sqlite-write"]


async def test_short_work_is_durable_only_when_it_is_answered(tmp_path: Path) -> None:
    database = await open_notes(tmp_path / "h.db", commit_delay_s=0.1)
    scribe = Scribe()
    waiting = asyncio.ensure_future(database.batcher(scribe, short=lambda item: True).submit("a"))
    while not scribe.batches:
        await asyncio.sleep(0)
    assert await notes(database) == []
    assert not waiting.done()
    await waiting
    assert await notes(database) == ["a"]
    await database.close()


async def test_what_comes_while_a_commit_runs_shares_the_next(tmp_path: Path) -> None:
    database = await open_notes(tmp_path / "h.db", commit_delay_s=0.05)
    scribe = Scribe()
    batcher = database.batcher(scribe, short=lambda item: True)
    first = [asyncio.ensure_future(batcher.submit(f"a{n}")) for n in range(16)]
    while not scribe.batches:
        await asyncio.sleep(0)
    later = [asyncio.ensure_future(batcher.submit(f"b{n}")) for n in range(40)]
    answers = await asyncio.gather(*first, *later)
    await database.close()
    assert answers == [f"A{n}" for n in range(16)] + [f"B{n}" for n in range(40)]
    assert [len(batch) for batch in scribe.batches] == [16, 40]


async def test_short_work_overtakes_long_work_once(tmp_path: Path) -> None:
    database = await open_notes(tmp_path / "h.db", commit_delay_s=0.02)
    scribe, order = Scribe(), list[str]()
    batcher = database.batcher(scribe, short=lambda item: True)

    def long(unit: Unit) -> None:
        order.append("long")

    holding = asyncio.ensure_future(database.write(lambda unit: unit.fetch_raw(ONE)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting = [
        asyncio.ensure_future(database.write(long)),
        asyncio.ensure_future(batcher.submit("a")),
    ]
    await holding
    waiting.append(asyncio.ensure_future(batcher.submit("b")))
    await waiting[1]
    assert order == []
    waiting.append(asyncio.ensure_future(batcher.submit("c")))
    await waiting[0]
    await asyncio.gather(*waiting)
    assert scribe.batches[0] == ["a"] or scribe.batches[0] == ["a", "b"]
    assert order == ["long"]
    await database.close()


async def test_short_work_that_fails_leaves_the_rest_alone(tmp_path: Path) -> None:
    database = await open_notes(tmp_path / "h.db")
    good = database.batcher(Scribe(), short=lambda item: True)
    bad = database.batcher(Scribe(), short=lambda item: True)
    answers = await asyncio.gather(
        good.submit("one"), bad.submit("two"), bad.submit("two"), return_exceptions=True
    )
    assert answers[0] == "ONE"
    assert [type(answer) for answer in answers[1:]] == [sqlite3.IntegrityError] * 2
    assert await notes(database) == ["one"]
    await database.close()


async def test_a_lock_held_by_another_program_does_not_stop_the_loop(tmp_path: Path) -> None:
    database = await open_notes(tmp_path / "h.db")
    other = sqlite3.connect(tmp_path / "h.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    batcher = database.batcher(Scribe(), short=lambda item: True)
    waiting = asyncio.ensure_future(batcher.submit("a"))
    loop = asyncio.get_running_loop()
    longest, until = 0.0, loop.time() + 0.3
    while (before := loop.time()) < until:
        await SystemClock().sleep(0.001)
        longest = max(longest, loop.time() - before)
    assert not waiting.done()
    assert longest < 0.25
    other.execute("ROLLBACK")
    assert await asyncio.wait_for(waiting, 10) == "A"
    other.close()
    await database.close()


async def test_closing_commits_what_waits(tmp_path: Path) -> None:
    database = await open_notes(tmp_path / "h.db", commit_delay_s=0.05)
    batcher = database.batcher(Scribe(), short=lambda item: True)
    waiting = [asyncio.ensure_future(batcher.submit(f"n{n}")) for n in range(300)]
    await asyncio.sleep(0)
    await database.close()
    assert len(await asyncio.gather(*waiting)) == 300
    reader = sqlite3.connect(tmp_path / "h.db")
    assert reader.execute("SELECT count(*) FROM t").fetchone() == (300,)
    reader.close()


async def test_a_sink_hears_what_a_future_would(tmp_path: Path) -> None:
    class Ear:
        def __init__(self) -> None:
            self.heard: list[object] = []

        def done(self) -> bool:
            return False

        def set_result(self, result: str, /) -> None:
            self.heard.append(result)

        def set_exception(self, exception: BaseException, /) -> None:
            self.heard.append(exception)

    database = await open_notes(tmp_path / "h.db")
    batcher = database.batcher(Scribe(), short=lambda item: True)
    ear, deaf = Ear(), Ear()
    batcher.send("a", ear)
    await database.write(lambda unit: unit.fetch_raw(ONE))
    batcher.send("a", deaf)
    await database.write(lambda unit: unit.fetch_raw(ONE))
    assert ear.heard == ["A"]
    assert [type(heard) for heard in deaf.heard] == [sqlite3.IntegrityError]
    await database.close()
    with pytest.raises(Unavailable):
        batcher.send("b", ear)


def test_a_network_file_system_is_refused(tmp_path: Path) -> None:
    folder = str(tmp_path.resolve())
    mounts = f"disk / ext4 rw 0 0\nserver:/x {folder} nfs4 rw 0 0\n"
    with pytest.raises(ConfigurationError, match="network file system"):
        refuse_network_file_system(tmp_path / "h.db", mounts)
    refuse_network_file_system(tmp_path / "h.db", "disk / ext4 rw 0 0\n")


async def test_a_checkpoint_that_fails_does_not_end_the_writer(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "h.db")
    await database.write(lambda unit: unit.run_raw(RawSql.same("CREATE TABLE t (a)")))
    refused: list[str] = []

    def watch(action: int, name: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_PRAGMA and name == "wal_checkpoint":
            refused.append(name)
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    database._raw.set_authorizer(watch)
    rows = [(n,) for n in range(CHECKPOINT_EVERY_CHANGES + 100)]
    insert = RawSql.same("INSERT INTO t VALUES ($1)")
    for _ in range(3):
        waiting = database.write(lambda unit: unit.run_raw_many(insert, rows))
        assert await asyncio.wait_for(waiting, 20) == len(rows)
    await database.close()
    assert len(refused) == 4


async def test_a_file_that_is_no_database_is_named_and_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    path.write_bytes(b"this is not a database, but it is long enough to be taken for one" * 20)
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"h\.db cannot be opened"):
            SqliteDatabase(path)
    path.unlink()
    await SqliteDatabase(path).close()
