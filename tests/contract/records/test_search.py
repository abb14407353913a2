"""Search by vectors: scores, filters, ties, walls, and what cannot be asked."""

import json
import math
from random import Random

import pytest

from hookyard.adapters.database.backends import sqlite_vectors
from hookyard.adapters.database.port import RawSql
from hookyard.core.identity.model import Role
from hookyard.features.records.rules import roles_of
from hookyard.features.records.schema import store_schema
from hookyard.features.records.search.service import Searches
from hookyard.kit.errors import Forbidden, Invalid, MethodNotAllowed, NotFound, Unavailable

from .places import Place, an_actor

NOTES = """
entities:
  notes:
    id: {field: noteId, make: client}
    fields:
      kind: string
      secret: {type: string, read: [admin]}
      place: {type: vector, dimension: 3, metric: l2}
    soft_delete: true
  albums:
    id: {field: albumId, make: client}
    fields:
      front: {type: vector, dimension: 2}
      back: {type: vector, dimension: 2, metric: ip, read: [admin]}
      title: string
"""
POINTS = {
    "a": [1, 0, 0],
    "b": [0.6, 0.8, 0],
    "c": [0, 1, 0],
    "d": [-1, 0, 0],
    "e": [2, 0, 0],
    "zero": [0, 0, 0],
}


async def filled(place: Place) -> None:
    await place.apply(NOTES)
    for name, point in POINTS.items():
        body = {"noteId": name, "kind": "odd" if name in "ace" else "even", "place": point}
        await place.call("POST", "/v1/notes", json.dumps(body).encode())
    await place.call("POST", "/v1/notes", b'{"noteId": "bare", "kind": "odd"}')


async def search(place: Place, said: dict[str, object], **how: object) -> dict[str, object]:
    reply = await place.call("POST", "/v1/notes/_search", json.dumps(said).encode(), **how)  # type: ignore[arg-type]
    assert reply.status == 200
    found: dict[str, object] = json.loads(reply.body)
    return found


def listed(found: dict[str, object]) -> list[tuple[str, float]]:
    items = found["items"]
    assert isinstance(items, list)
    return [(item["record"]["noteId"], item["score"]) for item in items]


@pytest.fixture(params=["best", "plain"])
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """On Postgres also without pgvector, on SQLite also without sqlite-vec."""
    if request.param == "plain":
        monkeypatch.setattr(store_schema, "_HAS_VECTOR", RawSql.same("SELECT 0"))
        monkeypatch.setattr(sqlite_vectors, "_extension", lambda: None)
        monkeypatch.setattr(sqlite_vectors, "_is_native", lambda raw: False)
    return str(request.param)


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [
        ("cosine", [("a", 1), ("e", 1), ("b", 0.6), ("c", 0), ("d", -1)]),
        ("ip", [("e", 2), ("a", 1), ("b", 0.6), ("c", 0), ("zero", 0), ("d", -1)]),
        ("l2", [("a", 0), ("b", math.sqrt(0.8)), ("e", 1), ("zero", 1), ("c", math.sqrt(2)),
                ("d", 2)]),
    ],
)  # fmt: skip
async def test_nearest_come_first_with_their_scores(
    ways: str, place: Place, metric: str, wanted: list[tuple[str, float]]
) -> None:
    await filled(place)
    found = await search(place, {"vector": [1, 0, 0], "metric": metric})
    assert [name for name, _ in listed(found)] == [name for name, _ in wanted]
    for (_, score), (_, right) in zip(listed(found), wanted, strict=True):
        assert score == pytest.approx(right, abs=1e-5)
    assert (found["metric"], found["field"], found["exact"]) == (metric, "place", True)


async def test_the_fields_own_metric_is_the_default(place: Place) -> None:
    await filled(place)
    assert (await search(place, {"vector": [1, 0, 0]}))["metric"] == "l2"


async def test_k_threshold_filter_and_select(place: Place) -> None:
    await filled(place)
    near = {"vector": [1, 0, 0], "metric": "cosine"}
    assert [n for n, _ in listed(await search(place, {**near, "k": 2}))] == ["a", "e"]
    within = await search(place, {**near, "threshold": 0.5})
    assert [n for n, _ in listed(within)] == ["a", "e", "b"]
    close = await search(place, {"vector": [1, 0, 0], "metric": "l2", "threshold": 0.95})
    assert [n for n, _ in listed(close)] == ["a", "b"]
    even = await search(place, {**near, "where": {"kind": "even"}, "select": ["noteId", "place"]})
    items = even["items"]
    assert isinstance(items, list)
    assert [item["record"]["noteId"] for item in items] == ["b", "d"]
    assert set(items[0]["record"]) == {"noteId", "place"}
    assert items[0]["record"]["place"] == pytest.approx([0.6, 0.8, 0])


async def test_equals_stand_in_the_order_of_ids(place: Place) -> None:
    await place.apply(NOTES)
    for name in ("n3", "n1", "n2", "n0"):
        body = {"noteId": name, "place": [1, 1, 1]}
        await place.call("POST", "/v1/notes", json.dumps(body).encode())
    for k in (2, 4):
        names = [n for n, _ in listed(await search(place, {"vector": [0, 0, 1], "k": k}))]
        assert names == ["n0", "n1", "n2", "n3"][:k]


async def test_other_tenants_and_deleted_records_are_not_found(place: Place) -> None:
    await filled(place)
    await place.call("DELETE", "/v1/notes/a")
    stranger = an_actor("globex")
    theirs = json.dumps({"noteId": "theirs", "place": [1, 0, 0]}).encode()
    await place.call("POST", "/v1/notes", theirs, actor=stranger)
    assert [n for n, _ in listed(await search(place, {"vector": [1, 0, 0], "k": 1}))] == ["b"]
    found = await search(place, {"vector": [1, 0, 0], "k": 1000}, actor=stranger)
    assert [n for n, _ in listed(found)] == ["theirs"]


async def test_roles_hold_for_a_search_as_for_a_list(place: Place) -> None:
    await filled(place)
    viewer = an_actor(role=Role.VIEWER)
    near: dict[str, object] = {"vector": [1, 0, 0], "k": 1}
    items = (await search(place, near, actor=viewer))["items"]
    assert isinstance(items, list)
    assert "secret" not in items[0]["record"]
    for more in ({"where": {"secret": "x"}}, {"select": ["secret"]}):
        with pytest.raises(Invalid) as refused:
            await search(place, {**near, **more}, actor=viewer)
        assert refused.value.problem_code == "unknown_field"
    with pytest.raises(Forbidden):
        await search(place, near, actor=an_actor(role=Role.INGEST))


async def test_a_field_kept_from_the_caller_cannot_be_searched(place: Place) -> None:
    await place.apply(NOTES)
    viewer = an_actor(role=Role.VIEWER)
    for body, code in (
        (b'{"vector": [1, 0], "field": "back"}', "unknown_field"),
        (b'{"vector": [1, 0], "field": "title"}', "not_a_vector"),
        (b'{"vector": [1, 0], "field": "none"}', "unknown_field"),
        (b'{"vector": [1, 0], "field": 7}', "unknown_field"),
    ):
        with pytest.raises(Invalid) as refused:
            await place.call("POST", "/v1/albums/_search", body, actor=viewer)
        assert (refused.value.problem_code, refused.value.facts["pointer"]) == (code, "/field")
    reply = await place.call("POST", "/v1/albums/_search", b'{"vector": [1, 0]}', actor=viewer)
    assert json.loads(reply.body)["field"] == "front"
    with pytest.raises(Invalid) as refused:
        await place.call("POST", "/v1/albums/_search", b'{"vector": [1, 0]}')
    assert refused.value.problem_code == "required"
    assert "front, back" in refused.value.detail


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (b"[]", "wrong_type", ""),
        (b"{", "bad_json", ""),
        (b"{}", "required", "/vector"),
        (b'{"vector": [1, 2]}', "bad_vector", "/vector"),
        (b'{"vector": [1, 2, 3, 4]}', "bad_vector", "/vector"),
        (b'{"vector": "1,2,3"}', "bad_vector", "/vector"),
        (b'{"vector": [1, 2, NaN]}', "bad_json", ""),
        (b'{"vector": [1, 2, Infinity]}', "bad_json", ""),
        (b'{"vector": [1, 2, 1e400]}', "bad_json", ""),
        (b'{"vector": [1, 2, 1e39]}', "out_of_range", "/vector"),
        (b'{"vector": [1, 2, 1e38]}', "out_of_range", "/vector"),
        (b'{"vector": [1, 2, "3"]}', "wrong_type", "/vector/2"),
        (b'{"vector": [1, 2, null]}', "wrong_type", "/vector/2"),
        (b'{"vector": [0, 0, 0], "metric": "cosine"}', "bad_vector", "/vector"),
        (b'{"vector": [1, 2, 3], "k": 0}', "out_of_range", "/k"),
        (b'{"vector": [1, 2, 3], "k": 1001}', "out_of_range", "/k"),
        (b'{"vector": [1, 2, 3], "k": true}', "out_of_range", "/k"),
        (b'{"vector": [1, 2, 3], "metric": "dot"}', "not_in_enum", "/metric"),
        (b'{"vector": [1, 2, 3], "metric": "<->"}', "not_in_enum", "/metric"),
        (b'{"vector": [1, 2, 3], "threshold": "0"}', "wrong_type", "/threshold"),
        (b'{"vector": [1, 2, 3], "limit": 3}', "unknown_field", "/limit"),
        (b'{"vector": [1, 2, 3], "where": {"place": [1]}}', "wrong_type", "/where/place/equals"),
        (b'{"vector": [1, 2, 3], "where": {"x\\" OR 1=1 --": 1}}', "unknown_field", None),
        (b'{"vector": [1, 2, 3], "select": []}', "wrong_type", "/select"),
    ],
)
async def test_what_cannot_be_asked_is_named(
    place: Place, body: bytes, code: str, pointer: str | None
) -> None:
    await filled(place)
    with pytest.raises(Invalid) as refused:
        await place.call("POST", "/v1/notes/_search", body)
    assert refused.value.problem_code == code
    if pointer is not None:
        assert refused.value.facts["pointer"] == pointer


async def test_only_post_and_only_where_there_are_vectors(place: Place) -> None:
    await filled(place)
    with pytest.raises(MethodNotAllowed):
        await place.call("GET", "/v1/notes/_search")
    with pytest.raises(NotFound):
        await place.call("POST", "/v1/nothing/_search", b'{"vector": [1]}')
    with pytest.raises(Invalid) as refused:
        await place.call("POST", "/v1/users/_search", b'{"vector": [1]}')
    assert refused.value.facts["pointer"] == "/field"


async def test_very_long_vectors_are_left_out_rather_than_answered_as_infinite(
    place: Place,
) -> None:
    await filled(place)
    body = json.dumps({"noteId": "far", "place": [3e38, 3e38, 3e38]}).encode()
    await place.call("POST", "/v1/notes", body)
    for metric in ("cosine", "ip", "l2"):
        found = await search(place, {"vector": [1, 0, 0], "metric": metric})
        assert all(math.isfinite(score) for _, score in listed(found))


async def test_an_answer_that_is_too_large_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(place)
    monkeypatch.setattr("hookyard.features.records.search.service.MAX_ANSWER", 500)
    with pytest.raises(Invalid) as refused:
        await search(place, {"vector": [1, 0, 0]})
    assert refused.value.problem_code == "answer_too_large"


async def test_a_search_that_takes_too_long_ends(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(place)
    monkeypatch.setattr("hookyard.features.records.search.service.TIME_S", 0.001)
    slow = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000000)"
        " SELECT count(*) FROM n"
    )
    monkeypatch.setattr(
        "hookyard.features.records.search.store_search.exact",
        lambda unit, tenant, search: unit.fetch_raw(RawSql.same(slow)),
    )
    with pytest.raises(Unavailable):
        await search(place, {"vector": [1, 0, 0]})
    monkeypatch.undo()
    assert listed(await search(place, {"vector": [1, 0, 0], "k": 1})) == [("a", 0.0)]


async def test_through_the_index_the_nearest_of_a_small_tenant_are_found(place: Place) -> None:
    if place.database.dialect == "sqlite":
        pytest.skip("there is no index on SQLite")
    await place.apply(NOTES)
    random = Random(5)
    for tenant, count in (("globex", 1500), ("acme", 60)):
        ids = [f"{tenant}-{n:04}" for n in range(count)]
        points = ["[" + ",".join(str(random.gauss(0, 1)) for _ in range(3)) + "]" for _ in ids]

        def fill(unit: object, t: str = tenant, i: object = ids, p: object = points) -> None:
            unit.confine(t)  # type: ignore[attr-defined]
            unit.fetch_raw(  # type: ignore[attr-defined]
                RawSql.same(
                    "INSERT INTO rec_notes (_tenant, _id, _rev, _created, _updated, place)"
                    " SELECT $1, u.i, 'r', 'c', 'u', u.p::vector"
                    " FROM unnest($2::text[], $3::text[]) AS u (i, p)"
                ),
                t, i, p,
            )  # fmt: skip

        await place.database.write(fill)
    actor = an_actor()
    shape = await place.records.catalog.shape("notes")
    roles = roles_of(actor)
    through = Searches(place.database, place.records.catalog, exact_rows=0)
    hits = 0
    for _ in range(10):
        vector = [random.gauss(0, 1) for _ in range(3)]
        body = {"vector": vector, "k": 10}
        right = json.loads(await place.records.gateway.searches.find(actor, shape, roles, body))  # type: ignore[arg-type]
        found = json.loads(await through.find(actor, shape, roles, body))  # type: ignore[arg-type]
        assert (right["exact"], found["exact"]) == (True, False)
        wanted = {item["record"]["id"] for item in right["items"]}
        hits += len(wanted & {item["record"]["id"] for item in found["items"]})
        assert [i["score"] for i in found["items"]] == sorted(i["score"] for i in found["items"])
    assert hits >= 98
    # fewer records than asked for: every one is measured
    everything = json.loads(await through.find(actor, shape, roles, {"vector": [1, 0, 0], "k": 99}))
    assert (len(everything["items"]), everything["exact"]) == (60, True)
    # a small share of the table is measured, a large one is not
    await place.database.write(lambda unit: unit.run_raw(RawSql.same("ANALYZE rec_notes")))
    by_share = Searches(place.database, place.records.catalog, exact_rows=1)
    for who, is_exact in ((actor, True), (an_actor("globex"), False)):
        found = json.loads(await by_share.find(who, shape, roles, {"vector": [1, 0, 0], "k": 5}))
        assert (len(found["items"]), found["exact"]) == (5, is_exact)
