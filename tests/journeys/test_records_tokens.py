"""Forged and foreign tokens against records, at the front door of a whole server: each is refused,
nothing is written, and nothing that was planted is told in answers, logs, metrics or the trail."""

import json
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
import structlog

from tests.journeys.gates import PLANTED, ROUTES, Gate, forged, opened
from tests.support.tokens import SECRET

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgres"])
async def standing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gate]:
    is_sqlite = request.param == "sqlite"
    server = None if is_sqlite else request.getfixturevalue("postgres_server")
    async with opened(tmp_path_factory.mktemp("gate"), server) as gate:
        yield gate


@pytest.fixture
def gate(standing: Gate) -> Gate:
    return standing.fresh()


@pytest_asyncio.fixture(loop_scope="module")
async def treasure(gate: Gate) -> Callable[[], str]:
    """A record of the tenant the forged tokens ask for, and how it looks."""
    token = gate.token()
    body = {"userId": "u", "displayName": "treasure-of-acme"}
    made = await gate.ask("POST", "/v1/users", token, body)
    assert made.status_code == 201, made.text
    return lambda: made.text


async def test_no_forged_token_reads_or_writes(gate: Gate, treasure: Callable[[], str]) -> None:
    before = await gate.kept()
    with structlog.testing.capture_logs() as logs:
        for number, (name, token) in enumerate(forged(gate).items()):
            # Every token at a third of the routes, every route with a third of the tokens.
            for method, path, body in (ROUTES[0], *ROUTES[number % 3 :: 3]):
                said = await gate.ask(method, path, token, body)
                assert said.status_code == 401, (name, method, path, said.text)
                assert said.headers["content-type"] == "application/problem+json"
                assert said.headers["www-authenticate"].startswith("Bearer")
                if method != "HEAD":
                    assert said.json()["code"] == "unauthenticated", name
                told = said.text + repr(said.headers)
                for planted in (PLANTED, SECRET, token, "treasure"):
                    assert planted not in told, name
    trail = json.dumps(await gate.door.page("/api/admin/audit"))
    metrics = (await gate.door.get("/metrics")).text
    for told in (json.dumps(logs, default=repr), metrics, trail):
        assert PLANTED not in told
        assert SECRET not in told
        assert "treasure" not in told
    assert await gate.kept() == before
    assert await gate.kept("victim") == {}
    found = await gate.ask("GET", "/v1/users/u", gate.token())
    assert found.text == treasure()


async def test_good_tokens_open_the_routes_that_forged_ones_do_not(
    gate: Gate, treasure: Callable[[], str]
) -> None:
    """Else the refusals would show nothing."""
    found = await gate.ask("GET", "/v1/users/u", gate.pinned())
    assert (found.status_code, found.text) == (200, treasure())
    refused = await gate.ask("PATCH", "/v1/users/u", gate.pinned(), {"displayName": "x"})
    assert refused.status_code == 403
    for method, path, body in ROUTES:
        if method == "STREAM":
            continue
        said = await gate.ask(method, path, gate.token(), body)
        assert said.status_code not in (401, 403, 500), (method, path, said.text)


async def test_a_token_of_a_megabyte_is_refused_and_a_large_one_too(gate: Gate) -> None:
    large = gate.token(pad="x" * 30_000)
    assert (await gate.ask("GET", "/v1/users", large)).status_code == 401
    huge = await gate.ask("GET", "/v1/users", gate.token(pad="x" * 800_000))
    assert (huge.status_code, huge.json()["code"]) == (431, "head_too_large")


async def test_a_token_that_runs_out_opens_nothing_any_more(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, now_ms = gate.token(), gate.door.yard.clock.now_ms()
    assert (await gate.ask("GET", "/v1/users", token)).status_code == 200
    monkeypatch.setattr(gate.door.yard.clock, "now_ms", lambda: now_ms + 400_000)
    for method, path, body in ROUTES:
        said = await gate.ask(method, path, token, body)
        assert said.status_code == 401, (method, path, said.text)


async def test_the_tenant_header_agrees_or_is_refused(
    gate: Gate, treasure: Callable[[], str]
) -> None:
    mine, other = gate.token(), gate.token(tenant=f"{gate.tenant}-b")
    agreed = await gate.ask("GET", "/v1/users/u", mine, x_tenant_id=gate.tenant)
    assert agreed.text == treasure()
    before = await gate.kept()
    for token, header in (
        (other, gate.tenant),
        (mine, "other"),
        (mine, ""),
        (mine, gate.tenant.upper()),
        (mine, "*"),
    ):
        for method, path, body in ROUTES:
            said = await gate.ask(method, path, token, body, x_tenant_id=header)
            assert said.status_code == 403, (method, path, header, said.text)
            assert method == "HEAD" or said.json()["code"] == "tenant_mismatch", header
            assert "treasure" not in said.text
    twice = await gate.door.http.get(
        "/v1/users/u",
        headers=[
            ("authorization", f"Bearer {mine}"),
            ("x-tenant-id", gate.tenant),
            ("x-tenant-id", "b"),
        ],
    )
    assert (twice.status_code, twice.json()["code"]) == (400, "bad_header")
    foreign = await gate.ask("GET", "/v1/users/u", other)
    nowhere = await gate.ask("GET", "/v1/users/zzz", other)
    assert (foreign.status_code, foreign.json()) == (404, nowhere.json())
    assert (await gate.ask("GET", "/v1/users/u", mine)).text == treasure()
    assert await gate.kept() == before
    assert await gate.kept(f"{gate.tenant}-b") == {}


async def test_every_refusal_of_a_known_caller_is_in_the_trail(gate: Gate) -> None:
    """Each by a caller of its own, since the same caller's are counted."""
    wanted: set[tuple[str, str]] = set()
    for number, (method, path, body) in enumerate(ROUTES):
        low = gate.token(roles=["mint"], sub=f"low-{number}")
        other = gate.token(sub=f"other-{number}")
        target = f"{'GET' if method == 'STREAM' else method} {path.partition('?')[0]}"
        said = await gate.ask(method, path, other, body, x_tenant_id="victim")
        assert said.status_code == 403, (method, path, said.text)
        wanted.add((f"service:jwt/other-{number}", target))
        if not path.endswith("openapi.json"):
            said = await gate.ask(method, path, low, body)
            assert said.status_code == 403, (method, path, said.text)
            wanted.add((f"service:jwt/low-{number}", target))
    trail = await gate.ask("GET", "/api/admin/audit?action=records.refused&limit=200", gate.token())
    lines = trail.json()["items"]
    assert {(line["actor"], line["target"]) for line in lines} == wanted
    assert {line["outcome"] for line in lines} == {"refused"}
    assert await gate.kept() == {}


async def test_lines_that_are_refused_for_a_right_are_in_the_trail(gate: Gate) -> None:
    """An import goes on past them, and tells them; so the trail has them, too."""
    good, forged_line = b'{"userId": "a"}', b'{"userId": "b", "tenantId": "victim"}'
    for sub, query in (("one", ""), ("two", "?mode=upsert"), ("three", "?dry_run=true")):
        body = b"\n".join([good, forged_line, forged_line.replace(b'"b"', b'"c"')])
        said = await gate.ask("POST", f"/v1/users/_import{query}", gate.token(sub=sub), body)
        assert said.status_code == 200
        codes = [one["code"] for one in said.json()["problems"]]
        assert codes.count("tenant_mismatch") == 2
    clean = await gate.ask("POST", "/v1/users/_import", gate.token(sub="four"), b'{"userId": "z"}')
    assert clean.json()["created"] == 1
    trail = await gate.ask("GET", "/api/admin/audit?action=records.refused", gate.token())
    lines = trail.json()["items"]
    assert {(line["actor"], line["target"]) for line in lines} == {
        (f"service:jwt/{sub}", "POST /v1/users/_import") for sub in ("one", "two", "three")
    }
    assert all("2 lines" in line["reason"] for line in lines), lines
    assert await gate.kept("victim") == {}


async def test_secrets_inside_records_stay_inside(gate: Gate) -> None:
    """Values of records are their owner's: they are in no log, metric or trail, whatever fails."""
    token = gate.token()
    secret = "planted-value-hush"
    with structlog.testing.capture_logs() as logs:
        body = {"userId": "s", "displayName": secret, "meta": {"token": secret}}
        assert (await gate.ask("POST", "/v1/users", token, body)).status_code == 201
        for method, path, sent in (
            ("POST", "/v1/users", body),
            ("PATCH", "/v1/users/s", {"displayName": secret, "nope": secret}),
            ("PATCH", "/v1/users/s", {"displayName": {"deep": secret}}),
            ("PUT", "/v1/users/s", {"kind": secret}),
            ("POST", "/v1/_transact", {"operations": [{"op": "create", "entity": "users",
                                                       "data": {"email": secret * 50}}]}),
        ):  # fmt: skip
            said = await gate.ask(method, path, token, sent)
            assert said.status_code in (400, 409), said.text
            assert secret not in said.text
    metrics = (await gate.door.get("/metrics")).text
    trail = json.dumps(await gate.door.page("/api/admin/audit"))
    for told in (json.dumps(logs, default=repr), metrics, trail):
        assert secret not in told
        assert SECRET not in told
