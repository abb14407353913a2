"""Parts of the pointers' way that need no broker: the draw of lanes, the book, whole rounds."""

import asyncio
from random import Random

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import RawSql
from hookyard.core.jobs import store_ready
from hookyard.core.jobs.model import JobId, Lane
from hookyard.core.jobs.pointers import by_weight
from hookyard.core.jobs.relay import SWEEP_AT_MOST, Book, News
from hookyard.core.jobs.rounds import Rounds
from hookyard.core.jobs.store_ready import Ready


def ready(count: int, lease: int = 0) -> list[Ready]:
    """So many rows of one lane."""
    return [Ready(JobId(f"j{n:04d}"), Lane.DEFAULT, lease, 5) for n in range(count)]


def test_lanes_come_first_by_their_weight() -> None:
    random = Random(7)
    first = [by_weight(list(Lane), random)[0] for _ in range(15_000)]
    shares = [first.count(lane) / 1_000 for lane in Lane]
    for share, weight in zip(shares, (8, 4, 2, 1), strict=True):
        assert abs(share - weight) < 0.5
    assert set(by_weight([Lane.BULK, Lane.HIGH], random)) == {Lane.BULK, Lane.HIGH}


def test_the_book_tells_each_row_once_until_it_is_late() -> None:
    book = Book(5.0, Random(1))
    assert book.news(ready(2), 0) == News(ready(2), [])
    book.told(ready(2), 0)
    assert book.news(ready(3), 4_999) == News(ready(3)[2:], [])
    assert book.news(ready(2), 7_500) == News([], ready(2))
    assert book.news(ready(2, lease=1), 1) == News(ready(2, lease=1), [])


def test_the_book_forgets_what_is_not_ready() -> None:
    book = Book(5.0, Random(1))
    book.told(ready(2), 0)
    book.keep(ready(1))
    assert book.news(ready(2), 1) == News(ready(2)[1:], [])


def test_a_sweep_is_bounded() -> None:
    book = Book(5.0, Random(1))
    rows = ready(SWEEP_AT_MOST + 50)
    book.told(rows, 0)
    assert book.news(rows, 60_000) == News([], rows[:SWEEP_AT_MOST])


def test_fresh_rows_come_before_late_ones() -> None:
    rows = ready(4)
    assert News(rows[:2], rows[2:]).first(3) == News(rows[:2], rows[2:3])
    assert News(rows[:2], rows[2:]).first(1) == News(rows[:1], [])
    assert News(rows, []).first(0) == News([], [])


async def test_a_round_that_had_begun_does_not_count() -> None:
    rounds, going = Rounds(), asyncio.Event()
    first = asyncio.create_task(rounds.over(going.wait))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    asked = rounds.ask()
    going.set()
    await first
    assert not asked.done()
    await rounds.over(going.wait)  # type: ignore[arg-type]
    assert asked.done()


async def test_the_relays_look_walks_the_index_of_ready_jobs(
    sqlite_database: SqliteDatabase,
) -> None:
    for statement, values, index in (
        (store_ready._READY, ("bulk", 10), "ix_jobs_ready"),
        (store_ready._NEXT_DUE, (), "ix_jobs_due"),
    ):
        explain = RawSql.same(f"EXPLAIN QUERY PLAN {statement.sqlite}")
        plan = await sqlite_database.write(
            lambda unit, e=explain, v=values: unit.fetch_raw(e, *v)  # type: ignore[misc]
        )
        steps = " ".join(str(row[3]) for row in plan)
        assert index in steps
        assert "TEMP B-TREE" not in steps
