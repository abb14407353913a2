"""Consumers: a place in the feed that is kept, moves forward only, and is its maker's own."""

import json

import pytest

from hookyard.core.identity.model import Role
from hookyard.features.records import store_changes
from hookyard.features.records.feeding.consumers import MOST
from hookyard.kit.errors import (
    Conflict,
    Forbidden,
    Gone,
    HookyardError,
    Invalid,
    MethodNotAllowed,
    NotFound,
)
from tests.contract.records.places import Place, an_actor


async def users(place: Place, count: int, first: int = 0) -> None:
    for n in range(first, first + count):
        await place.call("POST", "/v1/users", json.dumps({"userId": f"u{n}"}).encode())


async def test_what_is_not_acknowledged_comes_again(place: Place) -> None:
    await users(place, 5)
    made = await place.call("POST", "/v1/_consumers", b'{"name":"mirror"}')
    assert (made.status, dict(made.headers)["location"]) == (201, "/v1/_consumers/mirror")
    assert json.loads(made.body)["lag"] == 5
    for _ in range(2):
        page = json.loads((await place.call("GET", "/v1/_consumers/mirror/changes?limit=2")).body)
        assert [one["seq"] for one in page["items"]] == [1, 2]
    acked = await place.call("POST", "/v1/_consumers/mirror/_ack", b'{"seq":2}')
    assert (json.loads(acked.body)["acked"], json.loads(acked.body)["lag"]) == (2, 3)
    page = json.loads((await place.call("GET", "/v1/_consumers/mirror/changes?limit=2")).body)
    assert [one["seq"] for one in page["items"]] == [3, 4]


async def test_a_place_never_moves_back_nor_past_the_end(place: Place) -> None:
    await users(place, 3)
    await place.call("POST", "/v1/_consumers", b'{"name":"c","after":2}')
    late = await place.call("POST", "/v1/_consumers/c/_ack", b'{"seq":1}')
    assert json.loads(late.body)["acked"] == 2
    with pytest.raises(Invalid):
        await place.call("POST", "/v1/_consumers/c/_ack", b'{"seq":4}')
    shown = json.loads((await place.call("GET", "/v1/_consumers/c")).body)
    assert (shown["acked"], shown["lag"], shown["head"]) == (2, 1, 3)


async def test_a_consumer_that_came_too_late_is_told(place: Place) -> None:
    await users(place, 2)
    await place.call("POST", "/v1/_consumers", b'{"name":"c"}')
    at = place.clock.now_ms() + 1
    await place.database.write(lambda unit: store_changes.purge(unit, at, 10))
    with pytest.raises(Gone):
        await place.call("GET", "/v1/_consumers/c/changes")
    assert json.loads((await place.call("GET", "/v1/_consumers/c")).body)["missed"] == 2


async def test_consumers_belong_to_who_made_them_and_to_their_tenant(place: Place) -> None:
    await users(place, 1)
    maker, other = (an_actor(role=Role.VIEWER, name=name) for name in ("maker", "other"))
    await place.call("POST", "/v1/_consumers", b'{"name":"c"}', actor=maker)
    for method, path in (("POST", "/v1/_consumers/c/_ack"), ("DELETE", "/v1/_consumers/c")):
        with pytest.raises(Forbidden):
            await place.call(method, path, b'{"seq":1}', actor=other)
        with pytest.raises(NotFound):
            await place.call(method, path, b'{"seq":0}', actor=an_actor("foreign"))
    with pytest.raises(NotFound):
        await place.call("GET", "/v1/_consumers/c", actor=an_actor("foreign"))
    listed = await place.call("GET", "/v1/_consumers", actor=an_actor("foreign"))
    assert json.loads(listed.body) == {"items": []}
    assert (await place.call("DELETE", "/v1/_consumers/c", actor=an_actor())).status == 204
    nobody = an_actor(role=Role.MINT)
    with pytest.raises(Forbidden):
        await place.call("GET", "/v1/_consumers", actor=nobody)


@pytest.mark.parametrize(
    ("method", "path", "body", "refusal"),
    [
        ("POST", "/v1/_consumers", b'{"name":"Bad Name"}', "bad_name"),
        ("POST", "/v1/_consumers", b"{}", "bad_name"),
        ("POST", "/v1/_consumers", b'{"name":["a"]}', "wrong_type"),
        ("POST", "/v1/_consumers", b'{"name":"a","tenant":"other"}', "unknown_field"),
        ("POST", "/v1/_consumers", b'{"name":"a","after":9}', "out_of_range"),
        ("POST", "/v1/_consumers", b'{"name":"a","after":true}', "wrong_type"),
        ("POST", "/v1/_consumers", b'{"name":"a","after":-1}', "out_of_range"),
        ("POST", "/v1/_consumers", b"[" * 500, "bad_json"),
        ("POST", "/v1/_consumers", b"[]", "wrong_type"),
        ("POST", "/v1/_consumers/c/_ack", b"{}", "required"),
        ("POST", "/v1/_consumers/c/_ack", b'{"seq":1e999}', "bad_json"),
        ("POST", "/v1/_consumers/c/_ack", b'{"seq":"1"}', "wrong_type"),
        ("GET", "/v1/_consumers/c/changes?after=1", b"", "unknown_parameter"),
        ("GET", "/v1/_consumers/c/changes?wait=61", b"", "out_of_range"),
        ("GET", "/v1/_consumers/c/changes?entities=nothing", b"", "unknown_entity"),
    ],
)
async def test_bad_input_is_refused(
    place: Place, method: str, path: str, body: bytes, refusal: str
) -> None:
    await place.call("POST", "/v1/_consumers", b'{"name":"c"}')
    with pytest.raises(HookyardError) as refused:
        await place.call(method, path, body)
    assert (refused.value.status, refused.value.problem_code) == (400, refusal)


async def test_names_are_taken_once_and_paths_are_known(place: Place) -> None:
    await place.call("POST", "/v1/_consumers", b'{"name":"c"}')
    with pytest.raises(Conflict):
        await place.call("POST", "/v1/_consumers", b'{"name":"c"}')
    with pytest.raises(MethodNotAllowed):
        await place.call("PUT", "/v1/_consumers/c")
    for path in ("/v1/_consumers/c/nothing", "/v1/_consumers/", "/v1/_consumers/c/_ack/x"):
        with pytest.raises(HookyardError) as refused:
            await place.call("POST", path, b'{"seq":0}')
        assert refused.value.status == 404


async def test_a_tenant_has_so_many_at_most(place: Place) -> None:
    for n in range(MOST):
        await place.call("POST", "/v1/_consumers", json.dumps({"name": f"c{n}"}).encode())
    with pytest.raises(Conflict):
        await place.call("POST", "/v1/_consumers", b'{"name":"one-more"}')


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/_consumers", "GET, POST"),
        ("POST", "/v1/_consumers/c", "GET, DELETE"),
        ("GET", "/v1/_consumers/c/_ack", "POST"),
        ("DELETE", "/v1/_changes", "GET"),
        ("HEAD", "/v1/users/_export", "GET"),
        ("POST", "/v1/users/u", "GET, PATCH, PUT, DELETE"),
    ],
)
async def test_what_there_is_not_says_what_there_is(
    place: Place, method: str, path: str, allowed: str
) -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        await place.call(method, path)
    assert refused.value.allowed == allowed


async def test_a_parameter_that_is_not_known_makes_nothing(place: Place) -> None:
    with pytest.raises(Invalid) as refused:
        await place.call("POST", "/v1/_consumers?dry_run=true", b'{"name":"c"}')
    assert refused.value.problem_code == "unknown_parameter"
    assert json.loads((await place.call("GET", "/v1/_consumers")).body) == {"items": []}
    assert (await place.call("HEAD", "/v1/_consumers")).status == 200
