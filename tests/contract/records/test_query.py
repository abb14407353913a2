"""Filters, orders and pages give the same on both engines, and what they mean."""

import json
from urllib.parse import quote

import pytest

from hookyard.core.identity.model import Role
from hookyard.kit.errors import Invalid
from tests.contract.records.places import Place, an_actor

THINGS = """
entities:
  boxes:
    id: {field: boxId, make: client}
    fields:
      label: {type: string, max: 50}
      secret: {type: string, max: 50, read: [admin]}
    relations:
      things: {many: things, by: boxId}
  things:
    id: {field: thingId, make: client}
    fields:
      name: {type: string, max: 50}
      number: int
      weight: float
      ready: bool
      at: timestamp
      colour: {type: enum, values: [red, green]}
      boxId: id
      meta: json
    relations:
      box: {one: boxes, by: boxId}
"""
ROWS: list[dict[str, object]] = [
    {
        "thingId": "t1", "name": "Apple", "number": 1, "weight": 0.5, "ready": True,
        "at": "2026-01-01T00:00:00Z", "colour": "red", "boxId": "b1",
        "meta": {"a": {"n": 5, "s": "Deep", "t": True, "l": [10, "x"]}, "z": None},
    },
    {
        "thingId": "t2", "name": "apricot_%", "number": 2, "weight": 1.5, "ready": False,
        "at": "2026-01-02T01:00:00+01:00", "colour": "green", "boxId": "b2",
        "meta": {"a": {"n": "5", "s": "deep", "t": 1}},
    },
    {"thingId": "t3", "name": "Banana", "number": None, "weight": None, "boxId": "gone"},
    {"thingId": "t4", "name": None, "number": -7, "weight": 2, "ready": True, "boxId": "b1"},
    {"thingId": "t5", "name": "Ünder", "number": 2, "at": "2026-01-03T00:00:00Z", "meta": [1]},
]  # fmt: skip


@pytest.fixture
async def things(place: Place) -> Place:
    await place.apply(THINGS)
    for box in ({"boxId": "b1", "label": "One", "secret": "s1"}, {"boxId": "b2", "label": "Two"}):
        await place.call("POST", "/v1/boxes", json.dumps(box).encode())
    for row in ROWS:
        await place.call("POST", "/v1/things", json.dumps(row).encode())
    await place.call("POST", "/v1/things", b'{"thingId":"t1"}', actor=an_actor("other"))
    return place


async def ids(place: Place, where: object, entity: str = "things") -> list[str]:
    found = await place.call("GET", f"/v1/{entity}?where={quote(json.dumps(where))}")
    return [one["id"] for one in json.loads(found.body)["items"]]


FOUND: list[tuple[object, str]] = [
    ({}, "t1 t2 t3 t4 t5"),
    ({"name": "Apple"}, "t1"),
    ({"name": None}, "t4"),
    ({"name": {"not": None}}, "t1 t2 t3 t5"),
    ({"name": {"not": "Apple"}}, "t2 t3 t5"),
    ({"name": {"equals": "aPPLE", "mode": "insensitive"}}, "t1"),
    ({"name": {"in": ["Apple", "Banana"]}}, "t1 t3"),
    ({"name": {"in": []}}, ""),
    ({"name": {"notIn": ["Apple"]}}, "t2 t3 t5"),
    ({"name": {"in": ["APPLE"], "mode": "insensitive"}}, "t1"),
    ({"name": {"startsWith": "Ap"}}, "t1"),
    ({"name": {"startsWith": "AP", "mode": "insensitive"}}, "t1 t2"),
    ({"name": {"startsWith": ""}}, "t1 t2 t3 t5"),
    ({"name": {"endsWith": "_%"}}, "t2"),
    ({"name": {"contains": "_"}}, "t2"),
    ({"name": {"contains": "NAN", "mode": "insensitive"}}, "t3"),
    ({"name": {"gte": "Banana", "lt": "b"}}, "t2 t3"),
    ({"name": {"not": {"contains": "a"}}}, "t1 t5"),
    ({"number": 2}, "t2 t5"),
    ({"number": {"lt": 2}}, "t1 t4"),
    ({"number": {"gt": -8, "lte": 1}}, "t1 t4"),
    ({"number": {"in": [1, -7]}}, "t1 t4"),
    ({"weight": {"gte": 1.5}}, "t2 t4"),
    ({"weight": {"in": [2, 0.5]}}, "t1 t4"),
    ({"ready": True}, "t1 t4"),
    ({"ready": {"not": True}}, "t2"),
    ({"at": "2026-01-02T00:00:00Z"}, "t2"),
    ({"at": {"gt": "2026-01-01T23:00:00-01:00"}}, "t5"),
    ({"colour": {"in": ["red", "green"]}}, "t1 t2"),
    ({"AND": [{"number": 2}, {"name": {"contains": "r"}}]}, "t2 t5"),
    ({"AND": {"number": 2, "colour": "green"}}, "t2"),
    ({"OR": [{"number": 1}, {"name": "Banana"}]}, "t1 t3"),
    ({"OR": []}, ""),
    ({"NOT": {"number": 2}}, "t1 t4"),
    ({"NOT": [{"number": 2}, {"number": 1}]}, "t4"),
    ({"box": {"label": "One"}}, "t1 t4"),
    ({"box": {"is": {"label": {"not": "One"}}}}, "t2"),
    ({"box": None}, "t3 t5"),
    ({"box": {"isNot": None}}, "t1 t2 t4"),
    ({"box": {"isNot": {"label": "One"}}}, "t2 t3 t5"),
    ({"meta": None}, "t3 t4"),
    ({"meta": {"not": None}}, "t1 t2 t5"),
    ({"meta": {"path": ["a", "n"], "equals": 5}}, "t1"),
    ({"meta": {"path": ["a", "n"], "equals": "5"}}, "t2"),
    ({"meta": {"path": ["a", "n"], "gte": 4}}, "t1"),
    ({"meta": {"path": ["a", "t"], "equals": True}}, "t1"),
    ({"meta": {"path": ["a", "t"], "equals": 1}}, "t2"),
    ({"meta": {"path": ["z"], "equals": None}}, "t1"),
    ({"meta": {"path": ["a", "s"], "string_contains": "eep"}}, "t1 t2"),
    ({"meta": {"path": ["a", "s"], "string_starts_with": "D"}}, "t1"),
    ({"meta": {"path": ["a", "l", 0], "equals": 10}}, "t1"),
    ({"meta": {"path": ["a", "n"], "not": 5}}, "t2 t3 t4 t5"),
    ({"meta": {"path": ["a"]}}, "t1 t2"),
]


async def test_a_filter_finds(things: Place) -> None:
    found = [(where, " ".join(await ids(things, where))) for where, _ in FOUND]
    assert found == FOUND


CROSSING: list[tuple[object, str]] = [
    ({"things": {"some": {"ready": True}}}, "b1"),
    ({"things": {"every": {"ready": True}}}, "b1"),
    ({"things": {"every": {"name": {"not": None}}}}, "b2"),
    ({"things": {"none": {"colour": "red"}}}, "b2"),
    ({"things": {"some": {"box": {"things": {"some": {"number": 2}}}}}}, "b2"),
]


async def test_a_filter_crosses_relations(things: Place) -> None:
    found = [(where, " ".join(await ids(things, where, "boxes"))) for where, _ in CROSSING]
    assert found == CROSSING


REFUSED: list[tuple[object, str, str | None]] = [
    ({"nope": 1}, "unknown_field", "/where/nope"),
    ({"name'; DROP TABLE rec_things; --": 1}, "unknown_field", None),
    ({"name": {"like": "x"}}, "unknown_operator", "/where/name/like"),
    ({"name": {"$gt": ""}}, "unknown_operator", "/where/name/$gt"),
    ({"name": 1}, "wrong_type", "/where/name/equals"),
    ({"number": "1"}, "wrong_type", "/where/number/equals"),
    ({"number": True}, "wrong_type", "/where/number/equals"),
    ({"number": 2**63}, "out_of_range", "/where/number/equals"),
    ({"ready": "true"}, "wrong_type", "/where/ready/equals"),
    ({"at": "yesterday"}, "bad_timestamp", "/where/at/equals"),
    ({"colour": "blue"}, "not_in_enum", "/where/colour/equals"),
    ({"number": {"mode": "insensitive"}}, "unknown_operator", "/where/number/mode"),
    ({"name": "a\x00b"}, "bad_text", "/where/name/equals"),
    ({"name": {"in": "abc"}}, "wrong_type", "/where/name/in"),
    ({"name": {"in": ["x"] * 501}}, "wrong_type", "/where/name/in"),
    ({"box": {"some": {}}}, "unknown_field", "/where/box/is/some"),
    ({"box": {"is": 1}}, "wrong_type", "/where/box/is"),
    ({"meta": {"path": ['a"b'], "equals": 1}}, "bad_path", "/where/meta/path/0"),
    ({"meta": {"path": ["a"] * 9, "equals": 1}}, "bad_path", "/where/meta/path"),
    ({"meta": {"equals": {"a": 1}}}, "path_missing", "/where/meta/equals"),
    ({"meta": {"path": ["a"], "equals": [1]}}, "wrong_type", "/where/meta/equals"),
    ({"AND": 1}, "wrong_type", "/where/AND"),
    ({"OR": [{"number": 1}] * 101}, "too_many_conditions", None),
    ([1], "wrong_type", "/where"),
    ("x", "wrong_type", "/where"),
]


async def test_what_cannot_be_asked_is_refused_with_its_place(things: Place) -> None:
    for where, code, pointer in REFUSED:
        with pytest.raises(Invalid) as refused:
            await ids(things, where)
        assert (where, refused.value.problem_code) == (where, code)
        if pointer is not None:
            assert refused.value.facts["pointer"] == pointer


async def test_deep_filters_are_refused(things: Place) -> None:
    where: object = {"number": 1}
    for _ in range(12):
        where = {"AND": [where]}
    with pytest.raises(Invalid) as refused:
        await ids(things, where)
    assert refused.value.problem_code == "too_deep"
    crossing: object = {"number": 1}
    for _ in range(3):
        crossing = {"box": {"things": {"some": crossing}}}
    with pytest.raises(Invalid, match="relations"):
        await ids(things, crossing)


async def test_what_is_kept_from_a_caller_cannot_be_asked_for(things: Place) -> None:
    viewer = an_actor(role=Role.VIEWER)
    for query in (
        "where={%22secret%22:%22s1%22}",
        "select=secret",
        "orderBy={%22secret%22:%22asc%22}",
    ):
        with pytest.raises(Invalid) as refused:
            await things.call("GET", f"/v1/boxes?{query}", actor=viewer)
        assert refused.value.problem_code == "unknown_field"
    shown = json.loads((await things.call("GET", "/v1/boxes/b1", actor=viewer)).body)
    assert "secret" not in shown
    include = quote(json.dumps({"box": {"select": ["secret"]}}))
    with pytest.raises(Invalid):
        await things.call("GET", f"/v1/things?include={include}", actor=viewer)


ORDERS: list[tuple[object, str]] = [
    (None, "t1 t2 t3 t4 t5"),
    ({"thingId": "desc"}, "t5 t4 t3 t2 t1"),
    ({"number": "asc"}, "t4 t1 t2 t5 t3"),
    ({"number": "desc"}, "t3 t5 t2 t1 t4"),
    ({"number": {"sort": "desc", "nulls": "last"}}, "t5 t2 t1 t4 t3"),
    ({"number": {"sort": "asc", "nulls": "first"}}, "t3 t4 t1 t2 t5"),
    ([{"ready": {"sort": "asc", "nulls": "last"}}, {"name": "desc"}], "t2 t4 t1 t5 t3"),
    ([{"colour": "asc"}, {"number": {"sort": "desc", "nulls": "last"}}], "t2 t1 t5 t4 t3"),
    ({"weight": "desc"}, "t5 t3 t4 t2 t1"),
    ({"name": "asc"}, "t1 t3 t2 t5 t4"),
]


async def test_an_order_holds_from_page_to_page(things: Place) -> None:
    for order, expected in ORDERS:
        for limit in (1, 2, 5):
            assert (order, " ".join(await walked(things, order, limit))) == (order, expected)


async def test_every_order_of_two_fields_is_the_same_page_by_page(things: Place) -> None:
    for n in range(12):
        row = {"thingId": f"u{n:02}", "number": n % 3 or None}
        if n % 4:
            row["ready"] = n % 4 == 1
        await things.call("POST", "/v1/things", json.dumps(row).encode())
    ways = [{"sort": sort, **nulls} for sort in ("asc", "desc") for nulls in NULLS]
    for first in ways:
        for second in ways:
            order = [{"number": first}, {"ready": second}]
            assert (order, await walked(things, order, 3)) == (
                order, await walked(things, order, 200),
            )  # fmt: skip


NULLS: list[dict[str, str]] = [{}, {"nulls": "first"}, {"nulls": "last"}]


async def walked(things: Place, order: object, limit: int) -> list[str]:
    """The ids of every page of a list."""
    asked = "" if order is None else f"&orderBy={quote(json.dumps(order))}"
    seen: list[str] = []
    cursor = ""
    while True:
        found = await things.call("GET", f"/v1/things?limit={limit}{asked}{cursor}")
        page = json.loads(found.body)
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            return seen
        cursor = f"&cursor={page['next_cursor']}"


async def test_a_cursor_leads_on_in_its_own_list_only(things: Place) -> None:
    page = json.loads((await things.call("GET", "/v1/things?limit=2")).body)
    cursor = page["next_cursor"]
    flipped = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for wrong in (
        f"/v1/things?limit=2&cursor={flipped}",
        f"/v1/things?limit=2&cursor={cursor[:-2]}",
        f"/v1/things?limit=2&cursor={cursor}AA",
        "/v1/things?cursor=%00",
        f"/v1/things?cursor={'x' * 9000}",
        f"/v1/things?cursor={cursor}&orderBy={quote(json.dumps({'number': 'asc'}))}",
        f"/v1/boxes?cursor={cursor}",
    ):
        with pytest.raises(Invalid) as refused:
            await things.call("GET", wrong)
        assert refused.value.problem_code == "bad_cursor"
    with pytest.raises(Invalid):
        await things.call("GET", f"/v1/things?cursor={cursor}", actor=an_actor("other"))


async def test_many_are_written_together_or_not_at_all(things: Place) -> None:
    where = quote(json.dumps({"number": 2}))
    with pytest.raises(Exception, match="nothing is written"):
        await things.call("PATCH", f"/v1/things?where={where}&max=1", b'{"number":3}')
    assert await ids(things, {"number": 2}) == ["t2", "t5"]
    rehearsed = await things.call(
        "PATCH", f"/v1/things?where={where}&max=5&dry_run=true", b'{"number":3}'
    )
    assert json.loads(rehearsed.body) == {"count": 2, "ids": ["t2", "t5"]}
    assert await ids(things, {"number": 2}) == ["t2", "t5"]
    done = await things.call("PATCH", f"/v1/things?where={where}&max=5", b'{"number":3}')
    assert json.loads(done.body)["count"] == 2
    assert await ids(things, {"number": 3}) == ["t2", "t5"]
    gone = quote(json.dumps({"number": 3}))
    await things.call("DELETE", f"/v1/things?where={gone}&max=2")
    assert await ids(things, {}) == ["t1", "t3", "t4"]
    for query in ("", "?max=5", f"?where={where}", "?where={}&max=5", f"?where={where}&max=1001"):
        with pytest.raises(Invalid):
            await things.call("DELETE", f"/v1/things{query}")
