"""What every engine promises about units of work."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import BigInteger, Column, Table, Text, insert, select

from hookyard.adapters.database.port import METADATA, Database, RawSql, Row, Unit

NOTES = Table(
    "test_notes",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)

ADD = RawSql.same("INSERT INTO test_notes (id, number) VALUES ($1, $2)")
RETURNING = RawSql.same(f"{ADD.sqlite} RETURNING id")
ALL = RawSql.same("SELECT id, number FROM test_notes ORDER BY id")
SOME = RawSql(
    "SELECT id FROM test_notes WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id",
    "SELECT id FROM test_notes WHERE id = ANY($1::text[]) ORDER BY id",
)


def add(unit: Unit, name: str, number: int) -> int:
    return unit.run_raw(ADD, name, number)


async def everything(database: Database) -> list[Row]:
    return await database.read(lambda unit: unit.fetch_raw(ALL))


async def test_a_unit_is_visible_once_it_returns(database: Database) -> None:
    touched = await database.write(lambda unit: add(unit, "a", 1))
    assert touched == 1
    assert await everything(database) == [("a", 1)]


async def test_core_and_raw_statements_share_the_transaction(database: Database) -> None:
    def work(unit: Unit) -> list[int]:
        add(unit, "a", 1)
        unit.run(insert(NOTES), [{"id": "b", "number": 2}, {"id": "c", "number": 3}])
        return [row["number"] for row in unit.fetch(select(NOTES).order_by(NOTES.c.id))]

    assert await database.write(work) == [1, 2, 3]
    assert (
        await database.read(lambda unit: unit.first(select(NOTES).where(NOTES.c.id == "zz")))
        is None
    )


async def test_a_list_is_one_parameter(database: Database) -> None:
    def work(unit: Unit) -> list[Row]:
        unit.run_raw_many(ADD, [("a", 1), ("b", 2), ("c", 3)])
        return unit.fetch_raw(SOME, ["a", "c", "x"])

    assert await database.write(work) == [("a",), ("c",)]


async def test_a_statement_at_once_is_part_of_what_was_begun(database: Database) -> None:
    def work(unit: Unit) -> None:
        add(unit, "a", 1)
        unit.fetch_at_once(RETURNING, "b", 2)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.write(work)
    assert await everything(database) == []


async def test_a_statement_at_once_answers_as_any_other(database: Database) -> None:
    found = await database.write(lambda unit: unit.fetch_at_once(RETURNING, "a", 1))
    assert found == [("a",)]
    assert await everything(database) == [("a", 1)]


async def test_a_unit_that_asks_nothing_is_a_unit(database: Database) -> None:
    called: list[str] = []
    answer = await database.write(
        lambda unit: [unit.after_commit(lambda: called.append("x")), 1][1]
    )
    assert answer == 1
    await database.write(lambda unit: add(unit, "a", 1))
    assert called == ["x"]


async def test_a_failing_unit_takes_nothing_with_it(database: Database) -> None:
    def failing(unit: Unit) -> None:
        add(unit, "bad", 0)
        raise ValueError("no")

    results = await asyncio.gather(
        database.write(lambda unit: add(unit, "a", 1)),
        database.write(failing),
        database.write(lambda unit: add(unit, "b", 2)),
        return_exceptions=True,
    )
    assert isinstance(results[1], ValueError)
    assert await everything(database) == [("a", 1), ("b", 2)]


async def test_after_commit_runs_only_for_units_that_committed(database: Database) -> None:
    called: list[str] = []

    def good(unit: Unit) -> None:
        unit.after_commit(lambda: called.append("good"))

    def bad(unit: Unit) -> None:
        unit.after_commit(lambda: called.append("bad"))
        raise ValueError("no")

    await asyncio.gather(database.write(good), database.write(bad), return_exceptions=True)
    await database.write(good)
    assert called.count("good") == 2
    assert "bad" not in called


async def test_a_reading_unit_cannot_write(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)read.?only"):
        await database.read(lambda unit: add(unit, "a", 1))
    assert await everything(database) == []


async def test_a_batcher_answers_each_item_in_order(database: Database) -> None:
    def work(unit: Unit, items: "list[int]") -> list[int]:
        unit.run_raw_many(ADD, [(f"n{item:03}", item) for item in items])
        return [item * 10 for item in items]

    batcher = database.batcher(work)  # type: ignore[arg-type]
    answers = await asyncio.gather(*(batcher.submit(n) for n in range(100)))
    assert answers == [n * 10 for n in range(100)]
    assert len(await everything(database)) == 100


async def test_a_failing_batch_fails_its_items_only(database: Database) -> None:
    def work(unit: Unit, items: "list[int]") -> list[int]:
        unit.run_raw_many(ADD, [("same", item) for item in items])
        return list(items)

    batcher = database.batcher(work)  # type: ignore[arg-type]
    results = await asyncio.gather(
        *(batcher.submit(n) for n in range(2)),
        database.write(lambda unit: add(unit, "mine", 1)),
        return_exceptions=True,
    )
    assert any(isinstance(result, Exception) for result in results[:2])
    assert ("mine", 1) in await everything(database)


async def test_units_of_one_lock_run_one_after_another(database: Database) -> None:
    def increment(unit: Unit) -> None:
        unit.lock("counter")
        row = unit.first(select(NOTES).where(NOTES.c.id == "n"))
        if row is None:
            add(unit, "n", 1)
            return
        unit.run(NOTES.update().where(NOTES.c.id == "n").values(number=row["number"] + 1))

    await asyncio.gather(*(database.write(increment) for _ in range(20)))
    assert await everything(database) == [("n", 20)]


async def test_closing_twice_is_closing_once(database: Database) -> None:
    await database.close()
    await asyncio.wait_for(database.close(), 10)


async def test_probe_names_the_engine(database: Database) -> None:
    health = await database.probe()
    assert health.engine == {"sqlite": "sqlite", "postgresql": "postgres"}[database.dialect]
    assert health.version[0].isdigit()


def kept(unit: Unit, names: Sequence[str]) -> None:
    """What a unit gathers: each name, with the number of all."""
    for name in names:
        add(unit, name, len(names))


async def test_what_a_unit_gathers_is_done_at_its_end_and_at_once(database: Database) -> None:
    def work(unit: Unit) -> int:
        unit.gather(kept, "a")
        unit.gather(kept, "b")
        return len(unit.fetch_raw(ALL))

    assert await database.write(work) == 0
    assert await everything(database) == [("a", 2), ("b", 2)]


async def test_a_unit_that_fails_gathers_nothing_for_the_next(database: Database) -> None:
    def fails(unit: Unit) -> None:
        unit.gather(kept, "a")
        raise ValueError("no")

    async def failing() -> None:
        with pytest.raises(ValueError, match="no"):
            await database.write(fails)

    await asyncio.gather(failing(), database.write(lambda u: u.gather(kept, "b")), failing())
    assert await everything(database) == [("b", 1)]


async def test_what_was_gathered_undoes_its_unit_when_it_fails(database: Database) -> None:
    def broken(unit: Unit, names: Sequence[str]) -> None:
        raise ValueError(f"cannot keep {names}")

    def work(unit: Unit) -> None:
        add(unit, "a", 1)
        unit.gather(broken, "x")

    with pytest.raises(ValueError, match="cannot keep"):
        await database.write(work)
    assert await everything(database) == []
