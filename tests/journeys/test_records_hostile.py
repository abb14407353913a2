"""What strangers and careless clients send to /v1: a problem each time, and nothing written."""

import json

import httpx2

from hookyard.entrypoints.http.records import MAX_BODY
from tests.journeys.conftest import Caller
from tests.support.tokens import signed

JSON = {"content-type": "application/json"}


async def ask(
    client: Caller,
    method: str,
    path: str,
    content: bytes = b"",
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    *,
    token: str | None = None,
) -> httpx2.Response:
    given = list((headers or {}).items() if not isinstance(headers, list) else headers)
    bearer = client.token if token is None else token
    if bearer:
        given.append(("authorization", f"Bearer {bearer}"))
    return await client.http.request(method, path, content=content, headers=given)


async def test_who_may_not_come_in_hears_no_more_than_that(client: Caller) -> None:
    for token in ("", "nope", "hky_abc", "a.b.c", "x" * 9000, client.token + "x"):
        found = await ask(client, "GET", "/v1/users", token=token)
        assert (found.status_code, found.json()["code"]) == (401, "unauthenticated")
        assert "www-authenticate" in found.headers
    none = signed({"alg": "none"}, {"tenant": "default", "roles": ["admin"]}, b"")
    assert (await ask(client, "GET", "/v1/users", token=none)).status_code == 401
    twice = [("authorization", "Bearer x")]
    assert (await ask(client, "GET", "/v1/users", headers=twice)).status_code == 400
    missing = await ask(client, "GET", "/v1/users", token="")
    assert missing.headers["content-type"] == "application/problem+json"


async def test_another_tenants_name_in_the_header_is_refused_and_told(client: Caller) -> None:
    found = await ask(client, "GET", "/v1/users", headers={"x-tenant-id": "other"})
    assert (found.status_code, found.json()["code"]) == (403, "tenant_mismatch")
    assert (await ask(client, "GET", "/v1/users", headers={"x-tenant-id": "default"})).is_success
    viewer = await client.key("viewer")
    for _ in range(3):
        refused = await ask(
            client, "POST", "/v1/users", b'{"userId":"u"}', JSON, token=viewer.token
        )
        assert refused.status_code == 403
    await client.front.trail.flush()
    trail = await client.page("/api/admin/audit", action="records.refused")
    counts = [dict(line["detail"]).get("count") for line in trail]  # type: ignore[call-overload]
    assert {line["outcome"] for line in trail} == {"refused"}
    assert len(trail) == 3
    assert 2 in counts


WRONG = [
    ("GET", "/v1/", 404, "unknown_entity"),
    ("GET", "/v1/nope", 404, "unknown_entity"),
    ("GET", "/v1/users/", 400, "bad_id"),
    ("GET", "/v1/users/a/b", 404, "not_found"),
    ("GET", "/v1/_nope", 404, "not_found"),
    ("GET", "/v1/_transact", 405, "method_not_allowed"),
    ("POST", "/v1/_changes", 405, "method_not_allowed"),
    ("PUT", "/v1/users", 405, "method_not_allowed"),
    ("POST", "/v1/users/a", 405, "method_not_allowed"),
    ("OPTIONS", "/v1/users", 405, "method_not_allowed"),
    ("TRACE", "/v1/users/a", 405, "method_not_allowed"),
    ("GET", "/v1/users/%00", 400, "bad_id"),
    ("GET", "/v1/users/%ff", 400, "bad_id"),
    ("GET", f"/v1/users/{'x' * 201}", 400, "bad_id"),
    ("GET", "/v1/users/%2e%2e%2fetc", 404, "not_found"),
    ("GET", "/v1/rec_users", 404, "unknown_entity"),
    ("GET", "/v1/users?nope=1", 400, "unknown_parameter"),
    ("GET", "/v1/users?limit=0", 400, "out_of_range"),
    ("GET", "/v1/users?limit=201", 400, "out_of_range"),
    ("GET", "/v1/users?limit=1&limit=2", 400, "given_twice"),
    ("GET", "/v1/users?limit=%F0", 400, "bad_text"),
    ("GET", "/v1/users?where=%7B", 400, "bad_json"),
    ("GET", "/v1/users?where=" + "%5B" * 5000, 400, "bad_json"),
    ("GET", "/v1/users?count=maybe", 400, "wrong_type"),
    ("GET", "/v1/users?select=", 400, "wrong_type"),
    ("GET", "/v1/users?select=nope", 400, "unknown_field"),
    ("GET", "/v1/users?include=%7B%22nope%22:true%7D", 400, "unknown_field"),
    ("GET", "/v1/users?orderBy=%7B%22meta%22:%22asc%22%7D", 400, "not_sortable"),
    ("GET", "/v1/_changes?after=-1", 400, "out_of_range"),
    ("GET", "/v1/_changes?after=1e5", 400, "out_of_range"),
]


async def test_what_is_not_there_or_not_meant_is_a_problem(client: Caller) -> None:
    for method, path, status, code in WRONG:
        found = await ask(client, method, path)
        assert (path, found.status_code, found.json()["code"]) == (path, status, code)
        assert found.headers["x-request-id"]
        assert found.headers["content-type"] == "application/problem+json"


async def test_bodies_have_a_type_and_a_size(client: Caller) -> None:
    body = b'{"userId":"u"}'
    for headers in ({}, {"content-type": "text/plain"}, {"content-type": "application/xml"}):
        found = await ask(client, "POST", "/v1/users", body, headers)
        assert (found.status_code, found.json()["code"]) == (415, "unsupported_media_type")
    large = b'{"displayName":"' + b"x" * MAX_BODY + b'"}'
    found = await ask(client, "POST", "/v1/users", large, JSON)
    assert (found.status_code, found.json()["code"]) == (413, "too_large")
    deep = b'{"meta":' + b'{"a":' * 3000 + b"1" + b"}" * 3001
    assert (await ask(client, "POST", "/v1/users", deep, JSON)).status_code == 400
    wide = json.dumps({"operations": [{"op": "create"}] * 5000}).encode()
    assert (await ask(client, "POST", "/v1/_transact", wide, JSON)).status_code == 400
    assert (await ask(client, "GET", "/v1/users?count=1")).json()["count"] == 0


async def test_a_filter_that_would_cost_much_is_refused(client: Caller) -> None:
    where: object = {"displayName": "x"}
    for _ in range(200):
        where = {"OR": [where, where]} if len(json.dumps(where)) < 4_000 else {"NOT": where}
    found = await client.http.get(
        "/v1/users", params={"where": json.dumps(where)},
        headers={"authorization": f"Bearer {client.token}"},
    )  # fmt: skip
    assert found.status_code == 400
    assert found.json()["code"] in ("too_deep", "too_many_conditions")
