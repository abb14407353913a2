"""Forged and foreign tokens against records, at the front door of a whole server: each is refused,
nothing is written, and nothing that was planted is told in answers, logs, metrics or the trail."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import structlog

from tests.journeys.conftest import Caller, make_yard, serving
from tests.support.postgres import PostgresServer
from tests.support.prepared import an_installation
from tests.support.tokens import (
    AUDIENCE,
    ISSUER,
    SECRET,
    b64,
    claims,
    jwk_of,
    public_pem,
    raw_token,
    rsa_key,
    signed,
)

PLANTED = "planted-secret"


@dataclass
class Gate:
    """A server that trusts one secret, and how services come to it."""

    door: Caller

    @property
    def now_s(self) -> int:
        return self.door.yard.clock.now_ms() // 1000

    def said(self, **more: object) -> dict[str, object]:
        """Good claims of an admin of a tenant, with others where named."""
        whole = {"iat": self.now_s, "exp": self.now_s + 300, "roles": ["admin"], "tenant": "acme"}
        return claims(**whole | more)

    def token(self, *, head: dict[str, object] | None = None, **more: object) -> str:
        return signed(head or {"alg": "HS256"}, self.said(**more), SECRET.encode())

    async def ask(
        self, method: str, path: str, token: str, body: object = None, **headers: str
    ) -> httpx2.Response:
        sent = {"authorization": f"Bearer {token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.door.http.request(method, path, json=body, headers=sent)


@pytest.fixture(params=["sqlite", "postgres"])
async def gate(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Gate]:
    environ = {"JWT_SECRET": SECRET, "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE}
    environ |= {"HOOKYARD_STRANGERS_PER_SECOND": "0"}
    server: PostgresServer | None = None
    name = ""
    if request.param == "postgres":
        server = request.getfixturevalue("postgres_server")
        name = server.lend(an_installation)
        environ["DATABASE_URL"] = server.url(name)
    yard = await make_yard(tmp_path, environ)
    async with serving(yard) as door:
        yield Gate(door)
    await yard.close()
    if server is not None:
        server.take_back(name)


def forged(gate: Gate) -> dict[str, str]:
    """Every attack by its name."""
    good = gate.token(jti=PLANTED)
    head, payload, signature = good.split(".")
    evil = rsa_key("evil")
    pem = public_pem(evil).encode()
    twice = b'{"alg":"HS256","alg":"none"}'
    return {
        "none": raw_token(b'{"alg":"none"}', json.dumps(gate.said(sub=PLANTED)).encode(), b""),
        "None": raw_token(b'{"alg":"None"}', json.dumps(gate.said()).encode(), b""),
        "no signature": f"{head}.{payload}.",
        "another's signature": f"{head}.{payload}.{b64(b'x' * 32)}",
        "changed claims": f"{head}.{b64(json.dumps(gate.said(tenant='b')).encode())}.{signature}",
        "another secret": signed({"alg": "HS256"}, gate.said(), b"x" * 40),
        "confusion, PEM": signed({"alg": "HS256", "kid": "one"}, gate.said(), pem),
        "confusion, modulus": signed(
            {"alg": "HS256"}, gate.said(), evil.public_key().public_numbers().n.to_bytes(256, "big")
        ),
        "confusion, JWK": signed({"alg": "HS256"}, gate.said(), json.dumps(jwk_of(evil)).encode()),
        "another algorithm": signed({"alg": "HS512"}, gate.said(), SECRET.encode()),
        "RS256 of a stranger": signed({"alg": "RS256"}, gate.said(), evil),
        "embedded jwk": signed({"alg": "RS256", "jwk": jwk_of(evil)}, gate.said(), evil),
        "jku": signed({"alg": "RS256", "jku": "http://127.0.0.1:1/"}, gate.said(), evil),
        "x5u": signed({"alg": "RS256", "x5u": "file:///etc/passwd"}, gate.said(), evil),
        "unknown kid": gate.token(head={"alg": "RS256", "kid": PLANTED}),
        "kid as path": signed({"alg": "RS256", "kid": "../../dev/null"}, gate.said(), b""),
        "kid as SQL": signed({"alg": "RS256", "kid": "' OR 1=1 --"}, gate.said(), evil),
        "large kid": signed({"alg": "RS256", "kid": "k" * 4000}, gate.said(), evil),
        "crit": gate.token(head={"alg": "HS256", "crit": ["exp"]}),
        "alg twice": raw_token(twice, json.dumps(gate.said()).encode(), b""),
        "wrong audience": gate.token(aud="https://other.example"),
        "no audience": gate.token(aud=None),
        "wrong issuer": gate.token(iss="https://evil.example"),
        "no issuer": gate.token(iss=None),
        "expired": gate.token(iat=gate.now_s - 900, exp=gate.now_s - 600),
        "no exp": gate.token(exp=None),
        "exp as text": gate.token(exp="tomorrow"),
        "not yet": gate.token(nbf=gate.now_s + 3600),
        "issued in the future": gate.token(iat=gate.now_s + 3600, exp=gate.now_s + 3700),
        "unknown role": gate.token(roles=[PLANTED]),
        "roles as an object": gate.token(roles={"admin": True}),
        "tenant as a list": gate.token(tenant=["acme", "victim"]),
        "tenant as SQL": gate.token(tenant=f"acme' OR '{PLANTED}"),
        "claims that are none": signed({"alg": "HS256"}, b"[]", SECRET.encode()),
        "dots": "...",
        "deep": "e30." + "W" * 7_000 + ".c",
    }


@pytest.fixture
async def treasure(gate: Gate) -> Callable[[], str]:
    """A record of the tenant the forged tokens ask for, and how it looks."""
    token = gate.token()
    body = {"userId": "u", "displayName": "treasure-of-acme"}
    made = await gate.ask("POST", "/v1/users", token, body)
    assert made.status_code == 201, made.text
    return lambda: made.text


async def test_no_forged_token_reads_or_writes(gate: Gate, treasure: Callable[[], str]) -> None:
    with structlog.testing.capture_logs() as logs:
        for name, token in forged(gate).items():
            for method, path, body in (
                ("GET", "/v1/users/u", None),
                ("GET", "/v1/users", None),
                ("POST", "/v1/users", {"userId": "w"}),
                ("DELETE", "/v1/users/u", None),
                ("GET", "/v1/_changes", None),
                ("POST", "/v1/_transact", {"operations": []}),
            ):
                said = await gate.ask(method, path, token, body)
                assert said.status_code == 401, (name, said.text)
                assert said.json()["code"] == "unauthenticated", name
                assert said.headers["www-authenticate"].startswith("Bearer")
                told = said.text + repr(said.headers)
                for planted in (PLANTED, SECRET, token, "treasure"):
                    assert planted not in told, name
    trail = json.dumps(await gate.door.page("/api/admin/audit"))
    metrics = (await gate.door.get("/metrics")).text
    for told in (json.dumps(logs, default=repr), metrics, trail):
        assert PLANTED not in told
        assert SECRET not in told
        assert "treasure" not in told
    found = await gate.ask("GET", "/v1/users?count=true", gate.token())
    assert found.json()["count"] == 1
    assert json.dumps(found.json()["items"][0]) == json.dumps(json.loads(treasure()))


async def test_the_tenant_header_agrees_or_is_refused(
    gate: Gate, treasure: Callable[[], str]
) -> None:
    mine, other = gate.token(), gate.token(tenant="other")
    agreed = await gate.ask("GET", "/v1/users/u", mine, x_tenant_id="acme")
    assert agreed.text == treasure()
    for token, header in (
        (other, "acme"),
        (mine, "other"),
        (mine, ""),
        (mine, "ACME"),
        (mine, "*"),
    ):
        for method, body in (("GET", None), ("PATCH", {"displayName": "x"}), ("DELETE", None)):
            said = await gate.ask(method, "/v1/users/u", token, body, x_tenant_id=header)
            assert (said.status_code, said.json()["code"]) == (403, "tenant_mismatch"), header
            assert "treasure" not in said.text
    twice = await gate.door.http.get(
        "/v1/users/u",
        headers=[
            ("authorization", f"Bearer {mine}"),
            ("x-tenant-id", "acme"),
            ("x-tenant-id", "b"),
        ],
    )
    assert (twice.status_code, twice.json()["code"]) == (400, "bad_header")
    foreign = await gate.ask("GET", "/v1/users/u", other)
    nowhere = await gate.ask("GET", "/v1/users/zzz", other)
    assert (foreign.status_code, foreign.json()) == (404, nowhere.json())
    assert (await gate.ask("GET", "/v1/users/u", mine)).text == treasure()


async def test_refusals_of_known_callers_are_in_the_trail(gate: Gate) -> None:
    operations = {"operations": [{"op": "delete", "entity": "users", "id": "u"}]}
    for name, method, path, body, tenant in (
        ("a", "POST", "/v1/users", {"userId": "x"}, "acme"),
        ("b", "GET", "/v1/users", None, "other"),
        ("c", "POST", "/v1/_transact", operations, "acme"),
        ("d", "DELETE", "/v1/users/u", None, "acme"),
    ):
        low = gate.token(roles=["viewer"], sub=name)
        said = await gate.ask(method, path, low, body, x_tenant_id=tenant)
        assert said.status_code == 403, said.text
    trail = await gate.ask("GET", "/api/admin/audit?action=records.refused", gate.token())
    lines = trail.json()["items"]
    assert {(line["actor"], line["target"]) for line in lines} == {
        ("service:jwt/a", "POST /v1/users"),
        ("service:jwt/b", "GET /v1/users"),
        ("service:jwt/c", "POST /v1/_transact"),
        ("service:jwt/d", "DELETE /v1/users/u"),
    }


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
