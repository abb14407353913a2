"""Tokens of services and of GitHub Actions at the front door of a whole server."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from hookyard.bootstrap import Yard
from hookyard_sandbox.oidc.issuer import Issuer
from tests.journeys.conftest import Caller, make_yard, serving
from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation
from tests.support.tokens import AUDIENCE, ISSUER, SECRET, claims, rs_token, rsa_key, signed

OLD_SECRET = "planted-old-secret-0123456789abcdef"
RULES = """
issuers:
  - id: gha
    kind: github-actions
    issuer: {issuer}
    rules:
      - {{name: builds, role: ingest, repository_id: "1001", ref: refs/heads/*}}
      - {{name: prod, role: operator, repository: acme/shop, environment: production}}
"""


@dataclass
class Place:
    """A server that trusts an issuer of workloads and two secrets."""

    door: Caller
    issuer: Issuer

    def service(self, secret: str = SECRET, **more: object) -> Caller:
        now_s = self.issuer.clock.now_ms() // 1000
        said = claims(**{"iat": now_s, "exp": now_s + 300, "roles": ["viewer"]} | more)
        return self.door.with_token(signed({"alg": "HS256"}, said, secret.encode()))

    def run(self, **more: str) -> Caller:
        return self.door.with_token(self.issuer.actions_token(AUDIENCE, **more))


@pytest.fixture(params=["sqlite", "postgres"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    with Issuer() as issuer:
        path = tmp_path / "issuers.yml"
        path.write_text(RULES.format(issuer=issuer.address))
        environ = {
            "JWT_SECRET": f"{SECRET},{OLD_SECRET}",
            "JWT_ISSUER": ISSUER,
            "JWT_AUDIENCE": AUDIENCE,
            "HOOKYARD_PUBLIC_URL": AUDIENCE,
            "HOOKYARD_ISSUERS_FILE": str(path),
            "HOOKYARD_OUTBOUND_ALLOW": "127.0.0.1",
        }
        server: PostgresServer | None = None
        name = ""
        if request.param == "postgres":
            server = request.getfixturevalue("postgres_server")
            name = server.lend(an_installation)
            environ["DATABASE_URL"] = server.url(name)
        yard: Yard = await make_yard(tmp_path, environ)
        async with serving(yard) as door:
            yield Place(door, issuer)
        await yard.close()
        if server is not None:
            server.take_back(name)


async def test_a_service_reads_and_may_not_write(place: Place) -> None:
    service = place.service()
    me = (await service.get("/api/me")).json()
    assert (me["actor"], me["kind"]) == ("service:jwt/ci", "service")
    assert (await service.get("/api/jobs")).status_code == 200
    assert (await service.call("POST", "/api/jobs", {"kind": "agent.task"})).status_code == 403
    trail = await place.door.page("/api/admin/audit")
    assert any(line["actor"] == "service:jwt/ci" for line in trail)


async def test_both_secrets_work_while_rotating(place: Place) -> None:
    assert (await place.service(OLD_SECRET).get("/api/me")).status_code == 200
    assert (await place.service("x" * 40).get("/api/me")).status_code == 401


async def test_a_narrow_service_sees_its_repository_alone(place: Place) -> None:
    service = place.service(scopes=["repo:octo/garden"])
    assert (await service.get("/api/deliveries", repository="octo/garden")).status_code == 200
    assert (await service.get("/api/deliveries", repository="octo/other")).status_code == 403


async def test_a_workload_has_its_rules_roles(place: Place) -> None:
    me = (await place.run().get("/api/me")).json()
    assert (me["actor"], me["kind"]) == ("workload:1001/77001", "workload")
    assert [grant["role"] for grant in me["grants"]] == ["ingest"]
    both = (await place.run(environment="production").get("/api/me")).json()
    assert [grant["role"] for grant in both["grants"]] == ["ingest", "operator"]
    other = await place.run(repository_id="9", repository="evil/shop").get("/api/me")
    assert other.status_code == 401
    assert "rule" in other.json()["detail"]


async def test_a_workload_exchanges_its_token_for_a_key(place: Place) -> None:
    made = await place.run().call("POST", "/api/auth/exchange")
    assert made.status_code == 201, made.text
    found = made.json()
    assert (found["role"], found["scope"]) == ("ingest", "repo:acme/shop")
    me = (await place.door.with_token(found["token"]).get("/api/me")).json()
    assert me["kind"] == "api_key"
    which = await place.run(environment="production").call("POST", "/api/auth/exchange")
    assert which.json()["code"] == "which_role"
    named = {"role": "operator"}
    chosen = await place.run(environment="production").call("POST", "/api/auth/exchange", named)
    assert chosen.json()["role"] == "operator"
    again = place.door.with_token(found["token"])
    assert (await again.call("POST", "/api/auth/exchange")).status_code == 403
    wrong = await place.run().call("POST", "/api/auth/exchange", {"role": "admin"})
    assert wrong.status_code == 403


async def test_an_issuer_that_is_away_gives_503_and_when_to_return(place: Place) -> None:
    place.issuer.faults.discovery_status = 500
    answer = await place.run().get("/api/me")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


def hostile(place: Place) -> dict[str, str]:
    """Every attack by its name."""
    good = place.issuer.actions_token(AUDIENCE, planted="planted-claim")
    head, body, signature = good.split(".")
    said = claims(roles=["admin"], planted="planted-claim")
    evil = rsa_key("evil")
    return {
        "none": signed({"alg": "none"}, said, b"").rsplit(".", 1)[0] + ".",
        "confusion": signed(
            {"alg": "HS256", "kid": "key-1"},
            said,
            evil.public_key().public_numbers().n.to_bytes(256, "big"),
        ),
        "wrong key": rs_token("evil", "key-1", iss=place.issuer.address),
        "jku": signed({"alg": "RS256", "jku": "http://127.0.0.1:1/"}, said, evil),
        "kid": signed(
            {"alg": "RS256", "kid": "../../planted"}, said | {"iss": place.issuer.address}, evil
        ),
        "no signature": f"{head}.{body}.",
        "changed": f"{head}.{body[:-2]}AA.{signature}",
        "unknown issuer": signed(
            {"alg": "HS256"}, said | {"iss": "https://evil.example"}, b"x" * 32
        ),
        "unknown role": place.service(roles=["planted-root"]).token,
        "wrong audience": place.issuer.actions_token("https://planted.example"),
        "expired": place.service(exp=1_700_000_000, iat=1_699_999_000).token,
        "huge": "eyJ" + "a" * 7_000 + ".b.c",
        "dots": "..",
        "deep": "e30." + "W" * 7_000 + ".c",
    }


async def test_every_forged_token_is_401_and_leaks_nothing(place: Place) -> None:
    with structlog.testing.capture_logs() as logs:
        for name, token in hostile(place).items():
            answer = await place.door.with_token(token).get("/api/me")
            assert answer.status_code == 401, name
            assert answer.json()["code"] == "unauthenticated", name
            told = answer.text + repr(answer.headers)
            assert "planted" not in told, name
            assert token not in told, name
    metrics = (await place.door.get("/metrics")).text
    trail = json.dumps(await place.door.page("/api/admin/audit"))
    for told in (json.dumps(logs, default=repr), metrics, trail):
        assert "planted" not in told
        assert SECRET not in told


async def test_a_refused_token_of_a_trusted_issuer_is_in_the_trail_once_a_minute(
    place: Place,
) -> None:
    for _ in range(5):
        assert (await place.service(roles=["planted-root"]).get("/api/me")).status_code == 401
        assert (await place.service("x" * 40).get("/api/me")).status_code == 401
        elsewhere = place.run(repository_id="9", repository="evil/shop")
        assert (await elsewhere.get("/api/me")).status_code == 401
    trail = await place.door.page("/api/admin/audit", action="tokens.accept")
    assert sorted((line["actor"], line["target"]) for line in trail) == [
        ("issuer:gha", "no_rule"),
        ("issuer:jwt", "unknown_role"),
    ]


async def test_a_token_of_a_megabyte_is_refused_by_the_door(place: Place) -> None:
    token = "eyJ" + "a" * 1_000_000
    answer = await place.door.with_token(token).get("/api/me")
    assert answer.status_code in (400, 401, 431)
    assert (await place.door.get("/api/me")).status_code == 200
