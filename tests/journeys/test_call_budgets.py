"""Budgets of calls by key, service, issuer and repository, at the front door of a whole server."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hookyard_sandbox.oidc.issuer import Issuer
from tests.journeys.conftest import Caller, make_yard, serving
from tests.support.tokens import AUDIENCE, SECRET, claims, ec_key, public_pem, signed

FILE = """
issuers:
  - id: ci
    kind: service
    issuer: https://ci.example
    algorithms: [ES256]
    keys: [{{pem_file: {pem}}}]
    roles: [viewer, operator]
    tenants: [default, blue]
    calls_per_second: 0.1
    calls_at_once: 4
    services:
      slow: {{calls_per_second: 0.01, calls_at_once: 2}}
      own: {{}}
      free: {{calls_per_second: 0}}
  - id: gha
    kind: github-actions
    issuer: {issuer}
    calls_per_second: 0.5
    rules:
      - {{name: builds, role: ingest, repository_id: ["1001", "1002"], ref: refs/heads/*}}
"""


@dataclass
class Place:
    door: Caller
    issuer: Issuer

    def service(self, **more: object) -> Caller:
        now_s = self.issuer.clock.now_ms() // 1000
        usual = {"iss": "https://ci.example", "iat": now_s, "exp": now_s + 300, "roles": ["viewer"]}
        said = claims(**usual | more)
        return self.door.with_token(signed({"alg": "ES256"}, said, ec_key()))

    def plain(self, **more: object) -> Caller:
        now_s = self.issuer.clock.now_ms() // 1000
        said = claims(**{"iat": now_s, "exp": now_s + 300, "roles": ["viewer"]} | more)
        return self.door.with_token(signed({"alg": "HS256"}, said, SECRET.encode()))

    def run(self, **more: str) -> Caller:
        return self.door.with_token(self.issuer.actions_token(AUDIENCE, **more))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    with Issuer() as issuer:
        path, pem = tmp_path / "issuers.yml", tmp_path / "ci.pem"
        pem.write_text(public_pem(ec_key()))
        path.write_text(FILE.format(issuer=issuer.address, pem=pem))
        environ = {
            "JWT_SECRET": SECRET,
            "JWT_AUDIENCE": AUDIENCE,
            "HOOKYARD_PUBLIC_URL": AUDIENCE,
            "HOOKYARD_ISSUERS_FILE": str(path),
            "HOOKYARD_OUTBOUND_ALLOW": "127.0.0.1",
            "HOOKYARD_CALLS_PER_SECOND": "0.01",
            "HOOKYARD_CALLS_AT_ONCE": "6",
        }
        yard = await make_yard(tmp_path, environ)
        async with serving(yard) as door:
            yield Place(door, issuer)
        await yard.close()


async def spent(callers: "itertools.chain[Caller] | list[Caller]", path: str = "/api/me") -> int:
    """How many calls went through, one by each caller in turn, before one was refused."""
    for count, caller in enumerate(itertools.cycle(list(callers))):
        answer = await caller.get(path)
        if answer.status_code == 429:
            assert answer.json()["code"] == "rate_limited"
            assert int(answer.headers["retry-after"]) >= 1
            return count
        assert count < 50
    raise AssertionError


async def test_a_service_that_is_named_has_its_own_budget(place: Place) -> None:
    first = await place.service(service="slow").get("/api/me")
    assert first.headers["ratelimit-policy"] == '"caller";q=2;w=200'
    assert first.headers["ratelimit"] == '"caller";r=1;t=100'
    records = await place.service(service="slow").get("/v1/users")
    assert records.headers["ratelimit"] == '"caller";r=0;t=200'
    assert await spent([place.service(service="slow")]) == 0
    assert await spent([place.service(service="own")]) == 4
    for _ in range(20):
        free = await place.service(service="free").get("/v1/users")
        assert free.status_code == 200
    assert "ratelimit" not in free.headers


async def test_other_claims_give_no_fresh_budget(place: Place) -> None:
    """Attack: each token names another service, subject, tenant, scope or role."""
    varied = [
        place.service(service="one"),
        place.service(service="two"),
        place.service(service="", sub="three"),
        place.service(sub="four", tenant="blue"),
        place.service(service="slower", roles=["operator"], scopes=["repo:acme/shop"]),
    ]
    assert await spent(varied) == 4
    slow = [
        place.service(service="slow", tenant=tenant, sub=sub, roles=[role], jti=sub)
        for tenant, sub, role in (("default", "a", "viewer"), ("blue", "b", "operator"))
    ]
    assert await spent(slow) == 2
    assert await spent([place.plain(service=f"s{n}", tenant=f"t{n}") for n in range(9)]) == 6


async def test_runs_of_a_repository_and_their_keys_share_a_budget(place: Place) -> None:
    """Attack: start another run, or exchange the token for one key after the other."""
    runs = [place.run(run_id=str(n)) for n in range(77, 81)]
    keys = []
    for run in runs[:2]:
        made = await run.call("POST", "/api/auth/exchange")
        assert made.status_code == 201, made.text
        keys.append(place.door.with_token(made.json()["token"]))
    said = await keys[0].get("/api/me")
    assert said.headers["ratelimit-policy"] == '"caller";q=5;w=10'
    assert said.headers["ratelimit"] == '"caller";r=2;t=6'
    assert await spent([*runs, *keys]) == 2
    assert await spent([place.run(repository_id="1002", repository="acme/other")]) == 5


async def test_a_key_may_have_its_own_budget(place: Place) -> None:
    wanted = {"name": "slow", "role": "admin", "calls_per_second": 0.02, "calls_at_once": 3}
    made = (await place.door.call("POST", "/api/admin/keys", wanted)).json()
    assert (made["calls_per_second"], made["calls_at_once"]) == (0.02, 3)
    key = place.door.with_token(made["token"])
    freer = await key.call("POST", "/api/admin/keys", {"name": "free", "role": "viewer"})
    assert freer.status_code == 403
    assert "0.02 calls a second" in freer.json()["detail"]
    assert await spent([key]) == 2
    half = await place.door.call("POST", "/api/admin/keys",
                                 {"name": "x", "role": "viewer", "calls_at_once": 3})  # fmt: skip
    assert (half.status_code, half.json()["code"]) == (400, "bad_calls")
