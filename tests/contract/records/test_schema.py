"""Entities applied: tables made, changed and dropped, and what other processes notice of it."""

import json

import pytest

from hookyard.adapters.database.port import RawSql, Unit
from hookyard.bootstrap.recording import open_records
from hookyard.core.audit.service import Audit
from hookyard.features.records.schema import store_schema
from hookyard.features.records.schema.builtin import BUILT_IN
from hookyard.features.records.schema.plan import StepKind
from hookyard.features.records.schema.service import Refused
from hookyard.kit.errors import NotFound
from tests.contract.records.places import Place, an_actor

TASKS = """
entities:
  tasks:
    id: {field: taskId, make: uuid}
    fields:
      title: {type: string, max: 20, required: true}
      points: int
      state: {type: enum, values: [open, done], default: open}
    indexes:
      - [state]
"""


async def test_built_in_entities_are_there_after_the_first_start(place: Place) -> None:
    state = await place.database.read(store_schema.load)
    assert state is not None
    assert {name: kept.entity for name, kept in state.kept.items()} == {
        entity.name: entity for entity in BUILT_IN
    }
    assert not await place.applying().apply_built_in()


async def test_a_new_entity_has_its_records_at_once(place: Place) -> None:
    with pytest.raises(NotFound):
        await place.call("GET", "/v1/tasks")
    plan = await place.apply(TASKS)
    assert [step.kind for step in plan.steps] == [StepKind.CREATE_ENTITY]
    made = json.loads((await place.call("POST", "/v1/tasks", b'{"title":"One"}')).body)
    assert made["state"] == "open"
    assert len(made["taskId"]) == 36
    assert json.loads((await place.call("GET", "/v1/tasks")).body)["items"] == [made]


async def test_what_is_added_leaves_the_records_as_they_are(place: Place) -> None:
    await place.apply(TASKS)
    made = json.loads((await place.call("POST", "/v1/tasks", b'{"title":"One","points":3}')).body)
    wider = TASKS.replace("max: 20", "max: 90").replace("[open, done]", "[open, done, lost]")
    wider = wider.replace(
        "      points: int\n",
        "      points: int\n      urgent: {type: bool, default: true}\n      note: text\n"
        '      price: {type: string, default: "it\'s $1"}\n',
    )
    wider += "      - {fields: [title], unique: true}\n"
    plan = await place.apply(wider)
    assert not plan.destructive
    found = json.loads((await place.call("GET", f"/v1/tasks/{made['taskId']}")).body)
    assert (found["points"], found["urgent"], found["note"]) == (3, True, None)
    assert found["price"] == "it's $1"
    with pytest.raises(Exception, match="unique"):
        await place.call("POST", "/v1/tasks", b'{"title":"One"}')
    assert not (await place.apply(wider)).steps


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (("      points: int\n", ""), "its values go"),
        (("points: int", "points: text"), "another"),
        (("max: 20", "max: 10"), "longer values"),
        (("[open, done]", "[open]"), "may hold done"),
        (("points: int", "points: {type: int, required: true}"), "without it"),
        (("points: int", "points: int\n      extra: {type: int, required: true}"), "no value"),
        (("tasks:", "jobs:"), "every record"),
        (("taskId", "otherId"), "every record"),
    ],
)
async def test_what_loses_data_needs_to_be_allowed(
    place: Place, change: tuple[str, str], lost: str
) -> None:
    await place.apply(TASKS)
    await place.call("POST", "/v1/tasks", b'{"title":"One","points":3}')
    other = TASKS.replace(*change)
    with pytest.raises(Refused, match="allow-destructive"):
        await place.apply(other)
    assert json.loads((await place.call("GET", "/v1/tasks?count=1")).body)["count"] == 1
    plan = await place.apply(other, allow_destructive=True)
    assert any(lost in step.loses for step in plan.destructive)
    assert not (await place.apply(other)).steps


async def test_every_process_notices_new_entities(place: Place) -> None:
    other = open_records(place.database, Audit(place.ids), place.ids, place.clock)
    await other.catalog.look()
    await place.apply(TASKS)
    assert (await other.catalog.shape("tasks")).entity.name == "tasks"
    await place.apply(TASKS.replace("points: int", "points: int\n      more: text"))
    shape = await other.catalog.shape("tasks")
    assert "more" in shape.fields


async def test_a_table_keeps_out_whoever_is_not_confined(place: Place) -> None:
    if place.database.dialect == "sqlite":
        pytest.skip("SQLite has no policies; there the predicate and the keys are the wall")
    await place.call("POST", "/v1/users", b'{"userId":"a"}', actor=an_actor("acme"))
    await place.call("POST", "/v1/users", b'{"userId":"b"}', actor=an_actor("other"))
    every = RawSql.same("SELECT _tenant, _id FROM rec_users ORDER BY _id")

    def confined(unit: Unit) -> list[object]:
        unit.confine("acme")
        return list(unit.fetch_raw(every))

    assert await place.database.read(confined) == [("acme", "a")]
    role = RawSql.same("SET LOCAL ROLE hookyard_records")

    def nowhere(unit: Unit) -> list[object]:
        unit.run_raw(role)
        return list(unit.fetch_raw(every))

    assert await place.database.read(nowhere) == []
    forge = RawSql.same(
        "INSERT INTO rec_users (_tenant, _id, _rev, _created, _updated)"
        " VALUES ('other', 'c', '', '', '')"
    )

    def write(unit: Unit) -> None:
        unit.confine("acme")
        unit.run_raw(forge)

    with pytest.raises(Exception, match="row-level security"):
        await place.database.write(write)
