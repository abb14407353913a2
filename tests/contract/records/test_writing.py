"""What a write takes and refuses, and that it leaves everything or nothing."""

import asyncio
import json
from urllib.parse import quote

import pytest

from hookyard.core.identity.model import Grant, Role, Scope
from hookyard.kit.errors import Conflict, Forbidden, HookyardError, NotFound, PreconditionFailed
from tests.contract.records.places import Place, an_actor, feed_head

NOTES = """
entities:
  notes:
    id: {field: noteId, make: ulid}
    fields:
      title: {type: string, max: 10, required: true}
      rating: {type: int, default: 3}
      price: float
      done: {type: bool, default: false}
      at: {type: timestamp, default: now}
      kind: {type: enum, values: [a, b]}
      slug: {type: string, unique: true}
      owner: {type: string, write: [admin], default: nobody}
      meta: json
      place: {type: vector, dimension: 3}
    idempotency: required
    soft_delete: true
"""


@pytest.fixture
async def notes(place: Place) -> Place:
    await place.apply(NOTES)
    return place


async def create(place: Place, body: object, key: str, **more: object) -> dict[str, object]:
    raw = json.dumps(body).encode()
    found = await place.call("POST", "/v1/notes", raw, key=key, **more)  # type: ignore[arg-type]
    return dict(json.loads(found.body))


REFUSED: list[tuple[bytes, str, str | None]] = [
    (b"", "bad_json", ""),
    (b"{", "bad_json", ""),
    (b'"x"', "wrong_type", ""),
    (b"[]", "wrong_type", ""),
    (b"\xff", "bad_json", ""),
    (b"[" * 5000, "bad_json", ""),
    (b"{}", "required", "/title"),
    (b'{"title":null}', "required", "/title"),
    (b'{"title":1}', "wrong_type", "/title"),
    (b'{"title":"12345678901"}', "too_long", "/title"),
    (b'{"title":"a\\u0000"}', "bad_text", "/title"),
    (b'{"title":"x","nope":1}', "unknown_field", "/nope"),
    (b'{"title":"x","no/pe~":1}', "unknown_field", "/no~1pe~0"),
    (b'{"title":"x","rating":"1"}', "wrong_type", "/rating"),
    (b'{"title":"x","rating":1.5}', "wrong_type", "/rating"),
    (b'{"title":"x","rating":true}', "wrong_type", "/rating"),
    (b'{"title":"x","rating":9223372036854775808}', "out_of_range", "/rating"),
    (b'{"title":"x","price":1e999}', "bad_json", ""),
    (b'{"title":"x","done":1}', "wrong_type", "/done"),
    (b'{"title":"x","at":"2026-01-01"}', "bad_timestamp", "/at"),
    (b'{"title":"x","kind":"c"}', "not_in_enum", "/kind"),
    (b'{"title":"x","place":[1,2]}', "bad_vector", "/place"),
    (b'{"title":"x","place":[1,2,"3"]}', "wrong_type", "/place/2"),
    (b'{"title":"x","place":[1,2,1e39]}', "out_of_range", "/place"),
    (b'{"title":"x","meta":{"a":"\\u0000"}}', "bad_text", "/meta/a"),
    (b'{"title":"x","meta":' + b"[" * 40 + b"]" * 40 + b"}", "too_deep", None),
    (b'{"title":"x","noteId":"mine"}', "read_only", "/noteId"),
    (b'{"title":"x","id":"mine"}', "read_only", "/id"),
    (b'{"title":"x","revision":"r"}', "read_only", "/revision"),
    (b'{"title":"x","createdAt":"2026-01-01T00:00:00Z"}', "read_only", "/createdAt"),
    (b'{"title":"x","deletedAt":null}', "read_only", "/deletedAt"),
    (b'{"title":"x","tenantId":"other"}', "tenant_mismatch", "/tenantId"),
    (b'{"title":"x","_tenant":"other"}', "unknown_field", "/_tenant"),
    (b'{"title":"x","__proto__":{}}', "unknown_field", "/__proto__"),
]


async def test_bodies_are_checked_and_nothing_is_written(notes: Place) -> None:
    for number, (body, code, pointer) in enumerate(REFUSED):
        with pytest.raises(HookyardError) as refused:
            await notes.call("POST", "/v1/notes", body, key=f"k{number}")
        assert (body[:60], refused.value.problem_code) == (body[:60], code)
        assert refused.value.status in (400, 403)
        if pointer is not None:
            assert refused.value.facts["pointer"] == pointer
    counted = json.loads((await notes.call("GET", "/v1/notes?count=1")).body)
    assert counted["count"] == 0
    made = await create(notes, {"title": "x"}, "k1")
    assert made["rating"] == 3


async def test_a_record_is_answered_as_it_is_read_later(notes: Place) -> None:
    body = {
        "title": "Ünï", "rating": -1, "price": 0.1, "done": True, "slug": "s",
        "at": "2026-01-31T12:00:00+02:00", "kind": "b",
        "meta": {"b": [1, 2.5, None, True, {"c": "é"}], "a": {}},
    }  # fmt: skip
    made = await create(notes, body | {"place": [0.1, 2, -3.5]}, "k")
    assert made["at"] == "2026-01-31T10:00:00.000Z"
    assert made["owner"] == "nobody"
    assert "place" not in made
    found = await notes.call("GET", f"/v1/notes/{made['id']}")
    assert json.loads(found.body) == made
    vectors = await notes.call("GET", f"/v1/notes/{made['id']}?select=place")
    assert json.loads(vectors.body)["place"] == pytest.approx([0.1, 2, -3.5], rel=1e-6)


async def test_a_key_is_asked_for_kept_and_held_to_its_request(notes: Place) -> None:
    with pytest.raises(HookyardError) as refused:
        await notes.call("POST", "/v1/notes", b'{"title":"x"}')
    assert refused.value.problem_code == "idempotency_key_required"
    for bad in ("", "é", "x" * 256, "a\x07b"):
        with pytest.raises(HookyardError) as refused:
            await notes.call("POST", "/v1/notes", b'{"title":"x"}', key=bad)
        assert refused.value.problem_code == "bad_idempotency_key"
    first = await notes.call("POST", "/v1/notes", b'{"title":"x"}', key="k")
    again = await notes.call("POST", "/v1/notes", b'{"title":"x"}', key="k")
    assert (again.status, again.body) == (first.status, first.body)
    assert dict(again.headers)["x-idempotent-replay"] == "true"
    assert dict(again.headers)["idempotency-expires"] == dict(first.headers)["idempotency-expires"]
    assert dict(again.headers)["etag"] == dict(first.headers)["etag"]
    for other in (b'{"title":"y"}', b'{ "title":"x"}'):
        with pytest.raises(HookyardError) as refused:
            await notes.call("POST", "/v1/notes", other, key="k")
        assert refused.value.status == 422
    elsewhere = await notes.call(
        "POST", "/v1/notes", b'{"title":"x"}', key="k", actor=an_actor("other")
    )
    assert elsewhere.body != first.body
    colleague = await notes.call(
        "POST", "/v1/notes", b'{"title":"x"}', key="k", actor=an_actor(name="colleague")
    )
    assert colleague.body != first.body
    notes.clock.advance(86_400)
    later = await notes.call("POST", "/v1/notes", b'{"title":"x"}', key="k")
    assert later.body != first.body


async def test_a_refused_write_gives_its_key_back(notes: Place) -> None:
    await create(notes, {"title": "x", "slug": "taken"}, "k1")
    for _ in range(2):
        with pytest.raises(Conflict) as refused:
            await create(notes, {"title": "y", "slug": "taken"}, "k2")
        assert refused.value.problem_code == "not_unique"
    made = await create(notes, {"title": "y", "slug": "free"}, "k2")
    path = f"/v1/notes/{made['id']}"
    with pytest.raises(Conflict):
        await notes.call("PATCH", path, b'{"slug":"taken"}', key="k3")
    with pytest.raises(PreconditionFailed):
        await notes.call("PATCH", path, b'{"slug":"z"}', key="k3", if_match='"other"')
    changed = await notes.call("PATCH", path, b'{"slug":"z"}', key="k3")
    replayed = await notes.call("PATCH", path, b'{"slug":"z"}', key="k3")
    assert replayed.body == changed.body
    gone = await notes.call("DELETE", path, key="k4")
    assert (gone.status, (await notes.call("DELETE", path, key="k4")).status) == (204, 204)
    with pytest.raises(NotFound):
        await notes.call("DELETE", path, key="k5")


async def test_twins_make_one_effect_whatever_they_do(notes: Place) -> None:
    made = await create(notes, {"title": "x", "rating": 0}, "k0")
    path = f"/v1/notes/{made['id']}"
    for method, at, body in (
        ("POST", "/v1/notes", b'{"title":"y"}'),
        ("PATCH", path, b'{"rating":1}'),
        ("PUT", path, b'{"title":"z"}'),
        ("DELETE", path, b""),
        ("POST", f"{path}/_restore", b""),
    ):
        key = f"{method} {at}"
        before = await feed_head(notes)
        answers = await asyncio.gather(*(notes.call(method, at, body, key=key) for _ in range(20)))
        assert len({(one.status, one.body) for one in answers}) == 1
        assert sum(dict(one.headers).get("x-idempotent-replay") is None for one in answers) == 1
        assert await feed_head(notes) == before + 1


async def test_conditions_of_writes(notes: Place) -> None:
    made = await create(notes, {"title": "x"}, "k0")
    path, tag = f"/v1/notes/{made['id']}", f'"{made["revision"]}"'
    for number, (method, match) in enumerate(
        [("PATCH", '"no"'), ("PUT", '"no", "nor"'), ("DELETE", f"W/{tag}"), ("DELETE", '""')]
    ):
        with pytest.raises(PreconditionFailed):
            await notes.call(method, path, b'{"title":"y"}', key=f"a{number}", if_match=match)
    with pytest.raises(PreconditionFailed):
        await notes.call("PUT", path, b'{"title":"y"}', key="b", if_none_match="*")
    with pytest.raises(PreconditionFailed):
        await notes.call("PATCH", "/v1/notes/nobody", b'{"title":"y"}', key="c", if_match="*")
    with pytest.raises(HookyardError) as refused:
        await notes.call("PUT", path, b'{"title":"y"}', key="d", if_none_match=tag)
    assert refused.value.problem_code == "bad_header"
    found = await notes.call("GET", path, if_none_match=f'"x", W/{tag}')
    assert (found.status, found.body) == (304, b"")
    done = await notes.call("PATCH", path, b'{"title":"y"}', key="e", if_match=f'"no", {tag}')
    assert done.status == 200
    with pytest.raises(PreconditionFailed):
        await notes.call("PATCH", path, b'{"title":"z"}', key="f", if_match=tag)


async def test_a_put_makes_replaces_and_keeps_what_is_not_the_callers(notes: Place) -> None:
    users = [await notes.call("PUT", "/v1/users/u%2F1", b'{"displayName":"A"}') for _ in range(2)]
    assert [one.status for one in users] == [201, 200]
    assert dict(users[0].headers)["location"] == "/v1/users/u%2F1"
    assert json.loads((await notes.call("GET", "/v1/users/u%2F1")).body)["userId"] == "u/1"
    made = await create(notes, {"title": "x", "owner": "ann", "rating": 9}, "k")
    operator = an_actor(role=Role.OPERATOR)
    path = f"/v1/notes/{made['id']}"
    put = await notes.call("PUT", path, b'{"title":"y"}', key="p", actor=operator)
    said = json.loads(put.body)
    assert (said["owner"], said["rating"], said["createdAt"]) == ("ann", 3, made["createdAt"])
    with pytest.raises(Forbidden) as refused:
        await notes.call("PATCH", path, b'{"owner":"me"}', key="q", actor=operator)
    assert refused.value.problem_code == "field_forbidden"


async def test_a_patch_that_changes_nothing_is_no_change(notes: Place) -> None:
    made = await create(notes, {"title": "x", "meta": {"a": 1}}, "k")
    before = await feed_head(notes)
    same = await notes.call(
        "PATCH", f"/v1/notes/{made['id']}", b'{"title":"x","meta":{"a":1,"b":null}}', key="p"
    )
    assert json.loads(same.body) == made
    assert await feed_head(notes) == before


async def test_a_dry_run_says_what_would_be_and_leaves_nothing(notes: Place) -> None:
    body = b'{"title":"x"}'
    for _ in range(2):
        said = await notes.call("POST", "/v1/notes?dry_run=true", body, key="k")
        assert said.status == 201
    assert json.loads((await notes.call("GET", "/v1/notes?count=1")).body)["count"] == 0
    assert await feed_head(notes) == 0
    assert (await notes.call("POST", "/v1/notes", body, key="k")).status == 201


async def test_composite_ids_are_joined_escaped_and_fixed(place: Place) -> None:
    body = {"agentName": "a:b", "userId": "100%", "conversationId": "x/y", "state": {"n": 1}}
    made = await place.call("POST", "/v1/agent-shared-states", json.dumps(body).encode())
    said = json.loads(made.body)
    assert said["id"] == "a%3Ab:100%25:x%2Fy"
    path = f"/v1/agent-shared-states/{said['id']}"
    assert dict(made.headers)["location"] == path
    assert json.loads((await place.call("GET", path)).body) == said
    where = quote(json.dumps({"id": said["id"]}))
    listed = await place.call("GET", f"/v1/agent-shared-states?where={where}")
    assert json.loads(listed.body)["items"] == [said]
    plain = await place.call("PUT", "/v1/agent-shared-states/agent-name:user-1:conv-1", b"{}")
    assert json.loads(plain.body)["agentName"] == "agent-name"
    for bad in ("a:b", "a:b:c:d", "a::c", "a:%zz:c", "a:%ff:c", "a:%00:c", "%", "a:b:c%2"):
        with pytest.raises(HookyardError) as refused:
            await place.call("GET", f"/v1/agent-shared-states/{bad}")
        assert (bad, refused.value.problem_code) == (bad, "bad_id")
    with pytest.raises(HookyardError) as refused:
        await place.call("PATCH", path, b'{"userId":"other"}')
    assert refused.value.problem_code == "immutable"
    with pytest.raises(HookyardError) as refused:
        await place.call("PUT", path, b'{"userId":"other"}')
    assert refused.value.problem_code == "immutable"


async def test_another_tenants_records_are_not_there(place: Place) -> None:
    mine, theirs = an_actor("acme"), an_actor("other")
    await place.call("POST", "/v1/users", b'{"userId":"u"}', actor=theirs)
    for method, body in (("GET", b""), ("PATCH", b"{}"), ("DELETE", b"")):
        with pytest.raises(NotFound):
            await place.call(method, "/v1/users/u", body, actor=mine)
    made = await place.call("PUT", "/v1/users/u", b'{"displayName":"M"}', actor=mine)
    assert made.status == 201
    operations = {"operations": [{"op": "update", "entity": "users", "id": "v", "data": {}}]}
    await place.call("POST", "/v1/users", b'{"userId":"v"}', actor=theirs)
    with pytest.raises(NotFound):
        await place.call("POST", "/v1/_transact", json.dumps(operations).encode(), actor=mine)
    feed = json.loads((await place.call("GET", "/v1/_changes", actor=mine)).body)
    assert [one["aggregateid"] for one in feed["items"]] == ["u"]
    assert feed["items"][0]["payload"]["after"]["tenantId"] == "acme"


async def test_rights_go_by_role_and_by_tenant_wide_grants(place: Place) -> None:
    viewer = an_actor(role=Role.VIEWER)
    assert (await place.call("GET", "/v1/users", actor=viewer)).status == 200
    for method, path in (
        ("POST", "/v1/users"), ("PATCH", "/v1/users/u"), ("PUT", "/v1/users/u"),
        ("DELETE", "/v1/users/u"), ("POST", "/v1/users/u/_restore"),
        ("PATCH", "/v1/users?where=kind:person&max=1"),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            await place.call(method, path, b"{}", actor=viewer)
    nobody = an_actor(role=Role.MINT)
    for path in ("/v1/users", "/v1/users/u", "/v1/_changes"):
        with pytest.raises(Forbidden):
            await place.call("GET", path, actor=nobody)
    narrow = an_actor()
    narrow = type(narrow)(
        narrow.kind, narrow.id, narrow.tenant,
        (Grant(Role.ADMIN, Scope.of_repository("a/b", "acme")), Grant(Role.ADMIN, Scope())),
    )  # fmt: skip
    with pytest.raises(Forbidden):
        await place.call("GET", "/v1/users", actor=narrow)


async def test_a_transaction_refuses_as_a_whole(place: Place) -> None:
    good = {"op": "create", "entity": "users", "data": {"userId": "u"}}
    refused: list[tuple[object, str, str]] = [
        ([], "wrong_type", ""),
        ({"operations": []}, "too_many_operations", "/operations"),
        ({"operations": [good] * 101}, "too_many_operations", "/operations"),
        ({"operations": [good, 1]}, "wrong_type", "/operations/1"),
        ({"operations": [good, {**good, "x": 1}]}, "unknown_field", "/operations/1/x"),
        ({"operations": [{**good, "op": "drop"}]}, "unknown_operator", "/operations/0/op"),
        ({"operations": [{**good, "entity": "x"}]}, "unknown_entity", "/operations/0/entity"),
        ({"operations": [good, good]}, "id_taken", "/operations/1/data/userId"),
        ({"operations": [good, {"op": "update", "entity": "users"}]}, "required",
         "/operations/1/id"),
        ({"operations": [good, {**good, "data": {"userId": {"$ref": "1/id"}}}]}, "bad_reference",
         "/operations/1/data/userId"),
        ({"operations": [good, {**good, "data": {"userId": {"$ref": "x"}}}]}, "bad_reference",
         "/operations/1/data/userId"),
        ({"operations": [good, {"op": "update", "entity": "users", "id": "u", "ifMatch": "no",
                                "data": {}}]}, "precondition_failed", "/operations/1"),
        ({"operations": [good, {"op": "update", "entity": "users", "id": "u",
                                "data": {"kind": "x"}}]}, "not_in_enum", "/operations/1/data/kind"),
    ]  # fmt: skip
    for body, code, pointer in refused:
        with pytest.raises(HookyardError) as found:
            await place.call("POST", "/v1/_transact", json.dumps(body).encode())
        assert (found.value.problem_code, found.value.facts["pointer"]) == (code, pointer)
    assert json.loads((await place.call("GET", "/v1/users?count=1")).body)["count"] == 0
    assert await feed_head(place) == 0
