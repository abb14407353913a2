"""Attacks by what handles many records at once: searches, imports, exports. For each entity."""

import json
from random import Random

import pytest

from hookyard.features.records.rules import roles_of
from hookyard.features.records.schema.model import Entity, FieldType
from hookyard.features.records.search.service import Searches
from tests.contract.records.attacks import (
    ENTITIES,
    PLANTED,
    a_change,
    id_of,
    path_of,
    sample,
    unlike,
)
from tests.contract.records.sieges import Siege

pytestmark = pytest.mark.asyncio(loop_scope="module")
every_entity = pytest.mark.parametrize("entity", ENTITIES.values(), ids=lambda one: one.name)
VECTORS = [
    (entity, field)
    for entity in ENTITIES.values()
    for field in entity.fields
    if field.type is FieldType.VECTOR
]
every_vector = pytest.mark.parametrize(
    ("entity", "field"), VECTORS, ids=[f"{one.name}.{field.name}" for one, field in VECTORS]
)


def searches(entity: Entity, name: str, victim: str) -> list[dict[str, object]]:
    """Searches that every record of the victim fits."""
    size = next(f.dimension for f in entity.fields if f.name == name) or 0
    base = {"field": name, "vector": [0.25] * size}
    found: list[dict[str, object]] = [base | {"k": 1_000}]
    found += [base | {"metric": metric, "k": 1} for metric in ("cosine", "l2", "ip")]
    found += [base | {"metric": "l2", "threshold": 0}, base | {"metric": "cosine", "threshold": 1}]
    for where in ({}, {"tenantId": victim}, {"NOT": {"tenantId": "x"}},
                  {"id": {"in": [id_of(entity, n) for n in range(3)]}}):  # fmt: skip
        found.append(base | {"where": where, "select": ["id", "tenantId", name]})
    return found


@every_vector
async def test_neighbours_of_another_tenant_are_not_found(
    siege: Siege, entity: Entity, field: object
) -> None:
    """The answers are those from before the victim came: its vectors are the very ones asked for,
    the attacker's own record is farther away."""
    name = str(getattr(field, "name", ""))
    mine = sample(entity, "mine", 50)
    size = len(mine[name])  # type: ignore[arg-type]
    mine[name] = [0.25] * (size - 1) + [-0.5]
    assert (await siege.attacker.ask("POST", path_of(entity), mine)).status == 201
    asks = searches(entity, name, siege.victim.tenant)
    before = [(await siege.attacker.search(entity, ask)).text for ask in asks]
    assert len(json.loads(before[0])["items"]) == 1
    await siege.plant(entity, 3)
    theirs = json.loads((await siege.victim.search(entity, asks[0])).text)
    assert len(theirs["items"]) == 3
    for ask, was in zip(asks, before, strict=True):
        now = await siege.attacker.search(entity, ask)
        assert now.text == was, ask
        unlike(now)


async def test_the_index_of_vectors_shows_no_neighbours_of_another_tenant(siege: Siege) -> None:
    """One index holds the vectors of all tenants, where there is one."""
    odd, random = ENTITIES["odd-ones"], Random(7)
    for who, count, at in ((siege.victim, 60, 0.0), (siege.attacker, 8, 5.0)):
        rows = []
        for number in range(count):
            spot = [at + random.random() / 10 for _ in range(4)]
            mark = PLANTED if who is siege.victim else "mine"
            rows.append(sample(odd, mark, number) | {"spot": spot})
        assert json.loads((await who.load(odd, rows)).text)["created"] == count
    await siege.guard()
    catalog = siege.place.records.catalog
    through = Searches(siege.place.database, catalog, exact_rows=0)
    actor, shape = siege.attacker.actor, await catalog.shape(odd.name)
    for k in (1, 8, 9, 50):
        body = {"field": "spot", "vector": [0.0] * 4, "k": k}
        text = (await through.find(actor, shape, roles_of(actor), body)).decode()  # type: ignore[arg-type]
        assert PLANTED not in text
        assert len(json.loads(text)["items"]) == min(k, 8)


@every_entity
async def test_lines_of_another_tenant_are_not_taken(siege: Siege, entity: Entity) -> None:
    await siege.plant(entity)
    victim, attacker = siege.victim.tenant, siege.attacker
    before = await siege.rows_of(attacker.tenant)
    for query in ("mode=create", "mode=upsert", "mode=upsert&dry_run=true"):
        said = await attacker.load(
            entity,
            [
                sample(entity, "mine") | {"tenantId": victim},
                a_change(entity, "mine") | {n: f"{n}-0" for n in entity.id.fields}
                | {"tenantId": victim},
                sample(entity, "mine", 3) | {"tenantId": None},
                sample(entity, "mine", 4) | {"tenantId": [attacker.tenant, victim]},
                sample(entity, "mine", 5) | {"_tenant": victim},
            ],
            query,
        )  # fmt: skip
        report = said.body
        assert (report["created"], report["updated"], report["failed"]) == (0, 0, 5), said.text
        problems = report["problems"]
        assert isinstance(problems, list)
        assert [one["code"] for one in problems] == ["tenant_mismatch"] * 4 + ["unknown_field"]
        assert {one["pointer"] for one in problems} == {"/tenantId", "/_tenant"}
        unlike(said)
    assert await siege.rows_of(attacker.tenant) == before


@every_entity
async def test_lines_with_foreign_ids_are_records_of_ones_own(siege: Siege, entity: Entity) -> None:
    """What the victim exports, sent in by somebody else under the victim's key."""
    await siege.plant(entity)
    export = [json.loads(line) for line in (await siege.victim.dump(entity)).text.splitlines()]
    first = await siege.victim.load(entity, export, "mode=upsert", key="import-1")
    assert (first.body["unchanged"], first.body["replayed"]) == (2, 0)
    await siege.guard()
    lines = [sample(entity, "mine", number) for number in range(2)]
    for line, theirs in zip(lines, export, strict=True):
        line |= {name: theirs[name] for name in ("id", "revision", "createdAt", "updatedAt")}
        line["deletedAt"] = "2026-01-31T12:00:00Z"
    said = await siege.attacker.load(entity, lines, "mode=upsert", key="import-1")
    report = said.body
    assert (report["created"], report["failed"], report["replayed"]) == (2, 0, 0), said.text
    listed = await siege.attacker.ask("GET", path_of(entity), count="true")
    assert listed.body["count"] == 2
    for mine, theirs in zip(listed.items, export, strict=True):
        assert mine["tenantId"] == siege.attacker.tenant
        assert mine["revision"] != theirs["revision"]
        assert mine.get("deletedAt") is None
    unlike(listed)


@every_entity
async def test_an_export_holds_nothing_of_another_tenant(siege: Siege, entity: Entity) -> None:
    await siege.plant(entity, 3)
    for where in (None, {}, {"tenantId": siege.victim.tenant}, {"NOT": {"tenantId": "x"}},
                  {"id": id_of(entity, 0)}, {"revision": {"gt": ""}}):  # fmt: skip
        said = await siege.attacker.dump(entity, **({} if where is None else {"where": where}))
        assert (said.status, said.text) == (200, "")
    theirs = await siege.victim.dump(entity)
    assert theirs.text.count("\n") == 3
