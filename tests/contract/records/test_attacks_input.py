"""Bad input, for each entity out of its declaration: refused with the place in the request, on
every way in, and nothing is written."""

import json
from collections.abc import Iterator
from random import Random

import pytest

from hookyard.features.records.query.builder import MAX_CONDITIONS, MAX_DEPTH, MAX_RELATIONS
from hookyard.features.records.schema.model import Entity, Field, FieldType
from tests.contract.records.attacks import ENTITIES, id_of, path_of, sample
from tests.contract.records.sieges import Siege

pytestmark = pytest.mark.asyncio(loop_scope="module")
every_entity = pytest.mark.parametrize("entity", ENTITIES.values(), ids=lambda one: one.name)
OBJECTS: tuple[object, ...] = ({"$ne": None}, {"$ref": 1}, {"set": "x"}, [], [[]])
TEXTS: tuple[object, ...] = (*OBJECTS, 1, True, 0.5, "a\x00b")
NUMBERS: tuple[object, ...] = (*OBJECTS, "1", "", True, "NaN", "0x10")


def bad_values(field: Field) -> tuple[object, ...]:
    """What a field of this type does not take."""
    match field.type:
        case FieldType.STRING | FieldType.TEXT:
            return (*TEXTS, "x" * ((field.maximum or 0) + 1))
        case FieldType.ID:
            return (*TEXTS, "", "x" * 201, "a\nb", "a\u2028b", "\u202e")
        case FieldType.INT:
            return (*NUMBERS, 0.5, 2**63, -(2**63) - 1, 1e30)
        case FieldType.FLOAT:
            return (*NUMBERS, 10**400)
        case FieldType.BOOL:
            return (*OBJECTS, "true", 0, 1, "")
        case FieldType.TIMESTAMP:
            return (*TEXTS, "", "now", "2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00",
                    "0000-01-01T00:00:00Z", "٢٠٢٦-01-01T00:00:00Z")  # fmt: skip
        case FieldType.ENUM:
            return (*TEXTS, "", "nothing", field.values[0].upper())
        case FieldType.VECTOR:
            size = field.dimension or 0
            return ({}, "x", 1, True, [], [0.5] * (size - 1), [0.5] * (size + 1),
                    [[0.5]] * size, ["x"] * size, [None] * size, [True] * size,
                    [1e39] * size, [10**400] * size)  # fmt: skip
    return ({"a": "\x00"}, {"\x00": 1}, nested(40), ["\x00"])


def nested(depth: int) -> object:
    found: object = 1
    for _ in range(depth):
        found = {"a": found}
    return found


def in_place(pointer: str, place: str) -> bool:
    """Whether a pointer names a place, or something in it."""
    return pointer == place or pointer.startswith(place + "/")


@every_entity
async def test_a_value_of_another_type_is_refused_with_its_place(
    siege: Siege, entity: Entity
) -> None:
    admin, here = siege.attacker, id_of(entity, 0)
    assert (await admin.ask("POST", path_of(entity), sample(entity, "x"))).status == 201
    before = await siege.rows_of(admin.tenant)
    for field in entity.fields:
        for value in bad_values(field):
            fresh = sample(entity, "x", 8) | {field.name: value}
            for method, path, body in (
                ("POST", path_of(entity), fresh),
                ("PATCH", path_of(entity, here), {field.name: value}),
            ):
                said = await admin.ask(method, path, body)
                assert said.status == 400, (method, field.name, value, said.text)
                assert in_place(said.pointer, f"/{field.name}"), (field.name, value, said.text)
            step = {"op": "update", "entity": entity.name, "id": here, "data": {field.name: value}}
            said = await admin.transact({"op": "create", "entity": "users", "data": {}}, step)
            assert said.status == 400, (field.name, value, said.text)
            assert in_place(said.pointer, f"/operations/1/data/{field.name}"), said.text
        lines = [sample(entity, "x", 8) | {field.name: value} for value in bad_values(field)]
        report = (await admin.load(entity, lines)).body
        problems = report["problems"]
        assert isinstance(problems, list)
        assert (report["created"], len(problems)) == (0, len(lines))
        assert all(in_place(one["pointer"], f"/{field.name}") for one in problems), problems
    assert await siege.rows_of(admin.tenant) == before


@every_entity
async def test_operators_fields_and_relations_there_are_not(siege: Siege, entity: Entity) -> None:
    admin, here = siege.attacker, path_of(entity)
    first = entity.fields[0].name
    for where, place in (
        *(({field.name: {"$ne": 1}}, f"/{field.name}/$ne") for field in entity.fields),
        *(({field.name: {"raw": "1=1"}}, f"/{field.name}/raw") for field in entity.fields),
        ({"nope": 1}, "/nope"), ({"_tenant": "x"}, "/_tenant"), ({"a~b/c": 1}, "/a~0b~1c"),
        ({"AND": [{}, {"nope": 1}]}, "/AND/1/nope"), ({"NOT": {"nope": 1}}, "/NOT/nope"),
        ({"OR": {"nope": 1}}, "/OR"), ({"AND": 1}, "/AND"), ({"OR": [1]}, "/OR/0"),
        ({first: {"in": "x"}}, f"/{first}/in"), ({first: {"in": [[]]}}, f"/{first}/in/0"),
        ({first: {"mode": "x"}}, f"/{first}/mode"), ({first: {"contains": None}},
                                                     f"/{first}/contains"),
        *(({one.name: {"nope": {}}}, f"/{one.name}") for one in entity.relations),
        *(({one.name: 1}, f"/{one.name}") for one in entity.relations),
        *(({one.name: {"some" if one.many else "is": {"nope": 1}}},
           f"/{one.name}/{'some' if one.many else 'is'}/nope") for one in entity.relations),
    ):  # fmt: skip
        for said in (
            await admin.ask("GET", here, where=where),
            await admin.ask("DELETE", here, where=where, max="5"),
            await admin.dump(entity, where=where),
        ):
            assert said.status == 400, (where, said.text)
            assert in_place(said.pointer, f"/where{place}"), (where, said.text)
    for name, value, place in (
        ("include", {"nope": True}, "/include/nope"),
        ("include", "messages", "/include"), ("include", [], "/include"),
        ("select", {"nope": True}, "/select/nope"), ("select", {first: 1}, "/select"),
        ("orderBy", {"nope": "asc"}, "/orderBy"), ("orderBy", {first: "up"}, "/orderBy"),
        ("orderBy", 1, "/orderBy"),
        *(("include", {one.name: {"nope": 1}}, f"/include/{one.name}/nope")
          for one in entity.relations),
        *(("include", {one.name: {"select": ["nope"]}}, f"/include/{one.name}/select/nope")
          for one in entity.relations),
        *(("include", {one.name: {"where": {"nope": 1}}}, f"/include/{one.name}/where")
          for one in entity.relations if one.many),
        *(("include", {one.name: {"take": 101}}, f"/include/{one.name}/take")
          for one in entity.relations if one.many),
    ):  # fmt: skip
        said = await admin.ask("GET", here, **{name: value})  # type: ignore[arg-type]
        assert said.status == 400, (name, value, said.text)
        assert in_place(said.pointer, place), (name, value, said.text)


@every_entity
async def test_filters_that_are_deep_or_wide_are_refused(siege: Siege, entity: Entity) -> None:
    first = entity.fields[0].name
    deep: object = {first: "x"}
    for _ in range(MAX_DEPTH + 1):
        deep = {"NOT": deep}
    wide = {"OR": [{first: "x"}] * (MAX_CONDITIONS + 1)}
    lists = {first: {"in": ["x"] * 501}}
    for where, code in ((deep, "too_deep"), (wide, "too_many_conditions"), (lists, "wrong_type")):
        said = await siege.attacker.ask("GET", path_of(entity), where=where)
        assert (said.status, said.code) == (400, code), said.text
        assert said.pointer.startswith("/where/")
    across: object = {}
    entities, words = [entity], []
    for _ in range(MAX_RELATIONS + 1):
        ways = entities[-1].relations
        if not ways:
            return
        words.append((ways[0].name, "some" if ways[0].many else "is"))
        entities.append(ENTITIES[ways[0].entity])
    for name, word in reversed(words):
        across = {name: {word: across}}
    said = await siege.attacker.ask("GET", path_of(entity), where=across)
    assert (said.status, said.code) == (400, "too_deep"), said.text


def tampered(cursor: str) -> Iterator[str]:
    """A cursor with one thing about it changed."""
    for at in range(0, len(cursor), 7):
        yield cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
    yield from (
        cursor[:-1],
        cursor[1:],
        cursor + "A",
        cursor + "=",
        "",
        " ",
        "null",
        "%00",
        "A" * 9_000,
    )
    yield from (cursor[: len(cursor) // 2], cursor[::-1], cursor + cursor, cursor.swapcase())


@every_entity
async def test_a_cursor_that_was_tampered_with_is_refused(siege: Siege, entity: Entity) -> None:
    admin = siege.attacker
    for number in range(3):
        body = sample(entity, "x", number)
        assert (await admin.ask("POST", path_of(entity), body)).status == 201
    page = await admin.ask("GET", path_of(entity), limit="1", orderBy={"createdAt": "asc"})
    good = str(page.body["next_cursor"])
    order = {"createdAt": "asc"}
    for cursor in tampered(good):
        said = await admin.ask("GET", path_of(entity), orderBy=order, cursor=cursor)
        assert (said.status, said.code, said.pointer) == (400, "bad_cursor", "/cursor"), cursor
    others: tuple[dict[str, object], ...] = (
        {}, {"orderBy": {"createdAt": "desc"}}, {"orderBy": order, "where": {"id": {"not": None}}},
    )  # fmt: skip
    for more in others:
        said = await admin.ask("GET", path_of(entity), cursor=good, **more)  # type: ignore[arg-type]
        assert (said.status, said.code) == (400, "bad_cursor"), more
    elsewhere = next(one for one in ENTITIES.values() if one is not entity)
    said = await admin.ask("GET", path_of(elsewhere), orderBy=order, cursor=good)
    assert (said.status, said.code) == (400, "bad_cursor")
    again = await admin.ask("GET", path_of(entity), orderBy=order, cursor=good)
    assert len(again.items) == 2


RAW = (
    b"", b"{", b"null", b"[]", b'"x"', b"1", b"{}{}", b'{"a":NaN}', b'{"a":1e999}', b"\xff\xfe{}",
    b'{"a":"\\ud800"}', b'{"\\udfff":1}', b"\xef\xbb\xbf{}", b'{"a":' + b"[" * 5_000,
    b"[" * 100_000, b'{"a":' + b"9" * 5_000 + b"}", b"{'a':1}", b'{"a":"\x01"}', b"\x00",
)  # fmt: skip


@every_entity
async def test_bodies_that_are_no_records_are_refused(siege: Siege, entity: Entity) -> None:
    admin, here = siege.attacker, path_of(entity, id_of(entity, 0))
    assert (await admin.ask("POST", path_of(entity), sample(entity, "x"))).status == 201
    before = await siege.rows_of(admin.tenant)
    for raw in RAW:
        for method, path in (
            ("POST", path_of(entity)), ("PUT", here), ("PATCH", here),
            ("POST", f"{path_of(entity)}/_search"), ("POST", "/v1/_transact"),
            ("POST", "/v1/_consumers"),
        ):  # fmt: skip
            said = await admin.ask(method, path, raw)
            assert said.status == 400, (method, path, raw[:40], said.text)
            json.loads(said.text.encode())
    assert await siege.rows_of(admin.tenant) == before


def noise(first: int, count: int, length: int) -> str:
    """Signs in no order: what repeats itself is kept compressed, and takes less room."""
    random = Random(5)
    return "".join(chr(first + random.randrange(count)) for _ in range(length))


SIGNS = {
    "foxes": (0x1F300, 0x2F0),
    "words": (0x4E00, 0x5000),
    "accents": (0xC0, 0x17),
    "a": (97, 26),
}


@pytest.mark.parametrize("signs", SIGNS)
async def test_ids_of_long_parts_can_be_asked_for_or_are_refused(siege: Siege, signs: str) -> None:
    """A key has its bounds on Postgres; whoever goes past them is told, and holds up nobody."""
    for name in ("agent-shared-states", "odd-ones"):
        entity = ENTITIES[name]
        text = noise(*SIGNS[signs], 200)
        parts = entity.id.fields
        for long in (
            sample(entity, "x", 1) | dict.fromkeys(parts, text[:60]),
            sample(entity, "x", 2) | {part: text for part in parts if part != "serial"},
        ):
            said = await siege.attacker.ask("POST", path_of(entity), long)
            if said.status == 201:
                found = await siege.attacker.ask("GET", said.headers["location"])
                assert found.status == 200, found.text
            else:
                assert (said.status, said.code) == (400, "bad_id"), said.text
                id_in_where = ":".join(str(long[part]) for part in parts)
                for ask in (
                    {"where": {"id": id_in_where}},
                    {"where": {"id": {"in": [id_in_where]}}},
                ):
                    refused = await siege.attacker.ask("GET", path_of(entity), **ask)  # type: ignore[arg-type]
                    assert (refused.status, refused.code) == (400, "bad_id")


@pytest.mark.parametrize("part", ["", "a\nb", "\u2028", "\u202e"])
async def test_a_part_of_an_id_is_text_that_an_id_may_hold(siege: Siege, part: str) -> None:
    odd = ENTITIES["odd-ones"]
    body = sample(odd, "x") | {"serial": part}
    for said in (
        await siege.attacker.ask("POST", path_of(odd), body),
        await siege.attacker.transact({"op": "create", "entity": odd.name, "data": body}),
    ):
        assert (said.status, said.code) == (400, "bad_id"), said.text
        assert said.pointer.endswith("/serial")
    report = (await siege.attacker.load(odd, [body])).body
    assert (report["created"], report["failed"]) == (0, 1)


@pytest.mark.parametrize("signs", SIGNS)
async def test_values_too_long_for_an_index_are_refused_on_each_engine(
    siege: Siege, signs: str
) -> None:
    parts = ENTITIES["odd-parts"]
    for length, status in ((500, 201), (1_000, 201 if signs in ("a", "accents") else 400)):
        body = {"partId": f"p{length}", "tag": noise(*SIGNS[signs], length)}
        ways = [await siege.attacker.ask("POST", path_of(parts), body)]
        there = {"partId": f"q{length}"}
        assert (await siege.attacker.ask("POST", path_of(parts), there)).status == 201
        tag = noise(SIGNS[signs][0] + 1, SIGNS[signs][1], length)
        ways.append(await siege.attacker.ask("PATCH", path_of(parts, f"q{length}"), {"tag": tag}))
        for said in ways:
            assert said.status in (status, 200 if status == 201 else 400), said.text
            if status == 400:
                assert (said.code, said.pointer) == ("too_long", "/tag")
        load = await siege.attacker.load(parts, [body | {"partId": "r", "tag": tag[::-1]}])
        assert load.body["failed"] == (1 if status == 400 else 0), load.text
        await siege.attacker.ask("DELETE", path_of(parts, "r"))
