"""Indexes over tables with records: built while others write, resumed, refused, and kept whole."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from hookyard.adapters.database.port import RawSql
from hookyard.features.records.schema import applying, store_schema
from hookyard.features.records.schema.applying import NAME, Busy
from hookyard.features.records.schema.service import Refused
from tests.contract.records.places import Place, an_actor
from tests.support.postgres import PostgresServer

TASKS = """
entities:
  tasks:
    id: {field: taskId, make: client}
    fields:
      title: {type: string, max: 20}
      points: int
      token: {type: string, read: [admin]}
"""
INDEXED = TASKS + "    indexes: [[points, createdAt]]\n"
SPOIL = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'NAME'::regclass"
UNIQUE = TASKS + "    indexes: [[points], {fields: [title], unique: true}]\n"


@pytest.fixture
async def tasks(place: Place) -> Place:
    await place.apply(TASKS)
    for n in range(3):
        row = {"taskId": f"t{n}", "title": f"title {n % 2}", "points": n, "token": "hush"}
        await place.call("POST", "/v1/tasks", json.dumps(row).encode())
    return place


def only_postgres(place: Place) -> None:
    if place.database.dialect == "sqlite":
        pytest.skip("SQLite has one writer, which makes its indexes")


async def indexes(place: Place) -> dict[str, bool]:
    there = await place.database.read(store_schema.look)
    return dict(there.indexes.get("rec_tasks", {}))


async def steps(place: Place, text: str) -> list[str]:
    plan = await place.database.write(place.planned(text))
    return [str(step) for step in plan.steps]


async def run(place: Place, statement: str) -> None:
    await place.database.write(lambda unit: unit.run_raw(RawSql.same(statement)))


@asynccontextmanager
async def a_long_look(place: Place, server: PostgresServer) -> AsyncIterator[None]:
    """A transaction with a snapshot, for which every build of an index waits."""
    name = RawSql.same("SELECT current_database()")
    found = (await place.database.read(lambda unit: unit.fetch_raw(name)))[0][0]
    session = await asyncpg.connect(server.url(str(found)))
    try:
        await session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        yield
    finally:
        await session.close()


async def test_others_write_while_an_index_is_built(
    tasks: Place, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_postgres(tasks)
    monkeypatch.setattr(applying, "LOOK_S", 0.05)
    told: list[str] = []
    waits = asyncio.Event()

    def tell(said: str) -> None:
        told.append(said)
        if "old snapshots" in said:
            waits.set()

    async with a_long_look(tasks, request.getfixturevalue("postgres_server")):
        building = asyncio.ensure_future(tasks.applying(tell).apply(tasks.planned(INDEXED), "test"))
        await asyncio.wait_for(waits.wait(), 60)
        for n in range(5):
            await tasks.call("POST", "/v1/tasks", b'{"taskId":"new%d","points":1}' % n)
        await tasks.call("PATCH", "/v1/tasks/t1", b'{"points":7}')
        await tasks.call("DELETE", "/v1/tasks/t2")
        assert list((await indexes(tasks)).values()) == [False]
        assert not building.done()
    plan = await asyncio.wait_for(building, 60)
    assert [str(step) for step in plan.steps] == ["add index tasks on points, createdAt"]
    assert list((await indexes(tasks)).values()) == [True]
    assert told[0].startswith("building: add index tasks on points, createdAt;")
    assert any("has a transaction that began before" in said for said in told)
    assert await steps(tasks, INDEXED) == []
    await tasks.records.catalog.look()
    order = "%7B%22points%22:%22desc%22%7D"
    found = await tasks.call("GET", f"/v1/tasks?orderBy={order}&limit=2")
    assert [one["points"] for one in json.loads(found.body)["items"]] == [7, 1]


async def test_what_a_cut_off_build_left_is_shown_and_built_again(
    tasks: Place, request: pytest.FixtureRequest
) -> None:
    only_postgres(tasks)
    await tasks.apply(INDEXED)
    [name] = await indexes(tasks)
    await run(tasks, SPOIL.replace("NAME", name))
    assert await steps(tasks, INDEXED) == [
        "add index tasks on points, createdAt, which an earlier build left unfinished"
    ]
    told: list[str] = []
    await tasks.applying(told.append).apply(tasks.planned(INDEXED), "test")
    assert told[0] == f"removing what an earlier build left of {name}"
    assert await indexes(tasks) == {name: True}
    assert await steps(tasks, INDEXED) == []


async def test_an_index_that_was_built_and_never_declared_is_taken_or_removed(
    tasks: Place,
) -> None:
    only_postgres(tasks)
    await tasks.apply(INDEXED)
    [name] = await indexes(tasks)
    await tasks.apply(TASKS)
    made = f"CREATE INDEX {name} ON rec_tasks (_tenant, points, _created, _id)"
    await run(tasks, made)
    assert await steps(tasks, INDEXED) == ["add index tasks on points, createdAt"]
    told: list[str] = []
    await tasks.applying(told.append).apply(tasks.planned(INDEXED), "test")
    assert told == []
    await tasks.apply(TASKS)
    await run(tasks, made)
    assert await steps(tasks, TASKS) == [f"drop index tasks {name}, left over"]
    await tasks.apply(TASKS)
    assert await indexes(tasks) == {}


async def test_records_that_are_the_same_are_named_and_nothing_is_left(tasks: Place) -> None:
    lossy = UNIQUE.replace("      token: {type: string, read: [admin]}\n", "")
    with pytest.raises(Refused) as refused:
        await tasks.apply(lossy, allow_destructive=True)
    assert str(refused.value) == (
        "tasks: title cannot be unique, as records have the same, as t0 and t2 of tenant acme:"
        " title 0"
    )
    assert await indexes(tasks) == {}
    found = json.loads((await tasks.call("GET", "/v1/tasks/t0")).body)
    assert found["token"] == "hush"
    with pytest.raises(Refused) as refused:
        await tasks.apply(TASKS.replace("read: [admin]", "read: [admin], unique: true"))
    assert "token cannot be unique" in str(refused.value)
    assert "hush" not in str(refused.value)
    await tasks.call("PATCH", "/v1/tasks/t2", b'{"title":"another"}')
    await tasks.call("POST", "/v1/tasks", b'{"taskId":"t0","title":"title 0"}',
                     actor=an_actor("other"))  # fmt: skip
    await tasks.apply(UNIQUE)
    assert list((await indexes(tasks)).values()) == [True, True]
    with pytest.raises(Exception, match="unique"):
        await tasks.call("POST", "/v1/tasks", b'{"taskId":"t9","title":"another"}')


async def test_an_index_over_a_new_field_comes_after_it(tasks: Place) -> None:
    wider = (
        TASKS + "      grade: {type: int, default: 1}\n      code: {type: string, unique: true}\n"
    )
    wider += "    indexes: [[grade], [code, grade]]\n"
    told: list[str] = []
    await tasks.applying(told.append).apply(tasks.planned(wider), "test")
    assert len(await indexes(tasks)) == 3
    assert await steps(tasks, wider) == []
    if tasks.database.dialect == "postgresql":
        assert len(told) == 3
    same = wider.replace("default: 1}", "default: 1, unique: true}")
    with pytest.raises(Refused, match="grade cannot be unique"):
        await tasks.apply(same)
    other = wider.replace(
        "    indexes", "      level: {type: int, default: 2, unique: true}\n    indexes"
    )
    with pytest.raises(Refused, match="level cannot be unique"):
        await tasks.apply(other)
    assert len(await indexes(tasks)) == 3
    await tasks.apply(wider, allow_destructive=True)
    assert await steps(tasks, wider) == []


async def test_one_process_at_a_time_applies(tasks: Place) -> None:
    only_postgres(tasks)
    way = tasks.database.aside(NAME)
    assert way is not None
    async with way:
        with pytest.raises(Busy, match="another process"):
            await tasks.applying().apply(tasks.planned(INDEXED), "test", tries=2)
        assert not await tasks.applying().apply_built_in()
    await tasks.apply(INDEXED)
    assert list((await indexes(tasks)).values()) == [True]


async def test_a_start_mends_what_is_missing_and_leaves_an_operators_own(tasks: Place) -> None:
    await tasks.apply(INDEXED)
    [name] = await indexes(tasks)
    await run(tasks, f"DROP INDEX {name}")
    await run(tasks, "CREATE INDEX mine_for_reports ON rec_tasks (title)")
    assert await steps(tasks, INDEXED) == ["add index tasks on points, createdAt, which is missing"]
    assert await tasks.applying().apply_built_in()
    assert await indexes(tasks) == {name: True, "mine_for_reports": True}
    assert not await tasks.applying().apply_built_in()
