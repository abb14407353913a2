"""A whole server that trusts one secret and one key, every route of records, and every token that
must open none of them."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hookyard.adapters.database.backends.postgres import PostgresDatabase
from hookyard.adapters.database.port import METADATA, Database
from hookyard.adapters.database.walls import ROLE
from hookyard.features.records.schema.builtin import BUILT_IN
from tests.journeys.conftest import Caller, make_yard, serving
from tests.support.postgres import PostgresServer
from tests.support.tables import Rows, rows_of
from tests.support.tokens import (
    AUDIENCE,
    ISSUER,
    SECRET,
    Private,
    b64,
    claims,
    jwk_of,
    public_pem,
    raw_token,
    rsa_key,
    signed,
)

PLANTED = "planted-secret"
COUNTER = itertools.count(1)
PINNED = "https://pinned.example"
ISSUERS = """
issuers:
  - id: pinned
    kind: service
    issuer: {issuer}
    audience: {audience}
    algorithms: [RS256]
    roles: [viewer]
    tenants: [{tenants}]
    keys: [{{kid: one, pem_file: {pem}}}]
"""
# Every route of records; what is sent is well formed, so that only the token is at fault.
ROUTES: tuple[tuple[str, str, object], ...] = (
    ("GET", "/v1/users/u", None),
    ("GET", "/v1/users", None),
    ("HEAD", "/v1/users/u", None),
    ("POST", "/v1/users", {"userId": "w"}),
    ("PATCH", "/v1/users/u", {"displayName": "x"}),
    ("PUT", "/v1/users/u", {"displayName": "x"}),
    ("DELETE", "/v1/users/u", None),
    ("POST", "/v1/users/u/_restore", None),
    ("PATCH", "/v1/users?max=5&where=userId:u", {"displayName": "x"}),
    ("DELETE", "/v1/users?max=5&where=userId:u", None),
    ("POST", "/v1/memories/_search", {"vector": [0.5] * 1536}),
    ("POST", "/v1/users/_import", b'{"userId": "w"}\n'),
    ("GET", "/v1/users/_export", None),
    ("POST", "/v1/_transact", {"operations": [{"op": "delete", "entity": "users", "id": "u"}]}),
    ("GET", "/v1/_changes", None),
    ("GET", "/v1/_changes?wait=5", None),
    ("STREAM", "/v1/_changes", None),
    ("GET", "/v1/_consumers", None),
    ("POST", "/v1/_consumers", {"name": "c"}),
    ("GET", "/v1/_consumers/c/changes", None),
    ("POST", "/v1/_consumers/c/_ack", {"seq": 1}),
    ("DELETE", "/v1/_consumers/c", None),
    ("GET", "/v1/_subscriptions", None),
    ("POST", "/v1/_subscriptions", {"url": "https://hooks.example.com/"}),
    ("POST", f"/v1/_subscriptions/{'0' * 26}/_replay", {"from": 1, "to": 1}),
    ("GET", "/v1/openapi.json", None),
)


# The column that says whose a row of records is.
KEPT = {
    **{entity.table: "_tenant" for entity in BUILT_IN},
    **{
        table.name: "tenant"
        for table in METADATA.sorted_tables
        if table.name.startswith(("records_", "idempotency_")) and "tenant" in table.c
    },
}


@dataclass
class Gate:
    """A server that trusts one secret and one key, and how services come to it. `eye` sees every
    row, whoever's it is."""

    door: Caller
    eye: Database
    tenant: str = ""

    def fresh(self) -> "Gate":
        """The same server, and a tenant that nobody has used before."""
        return replace(self, tenant=f"acme-{next(COUNTER)}")

    @property
    def now_s(self) -> int:
        return self.door.yard.clock.now_ms() // 1000

    def said(self, **more: object) -> dict[str, object]:
        """Good claims of an admin of a tenant, with others where named."""
        whole = {
            "iat": self.now_s,
            "exp": self.now_s + 300,
            "roles": ["admin"],
            "tenant": self.tenant,
        }
        return claims(**whole | more)

    def token(self, *, head: dict[str, object] | None = None, **more: object) -> str:
        return signed(head or {"alg": "HS256"}, self.said(**more), SECRET.encode())

    def pinned(self, *, alg: str = "RS256", key: Private | bytes | None = None,
               **more: object) -> str:  # fmt: skip
        """A token of the issuer whose key is pinned; it may read one's own records."""
        said = self.said(**{"iss": PINNED, "roles": ["viewer"]} | more)
        return signed({"alg": alg, "kid": "one"}, said, rsa_key() if key is None else key)

    async def ask(
        self, method: str, path: str, token: str, body: object = None, **headers: str
    ) -> httpx2.Response:
        """One call; STREAM asks for events, and bytes are lines of an import."""
        sent = {"authorization": f"Bearer {token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "STREAM":
            method, sent["accept"] = "GET", "text/event-stream"
        if isinstance(body, bytes):
            sent["content-type"] = "application/x-ndjson"
            return await self.door.http.request(method, path, content=body, headers=sent)
        return await self.door.http.request(method, path, json=body, headers=sent)

    async def kept(self, tenant: str = "") -> Rows:
        """What the tables hold of a tenant, of one's own where none is named."""
        return await rows_of(self.eye, KEPT, tenant or self.tenant)


@asynccontextmanager
async def opened(folder: Path, server: PostgresServer | None) -> AsyncIterator[Gate]:
    """On Postgres the server's login owns nothing, and whoever does has migrated before."""
    (folder / "one.pem").write_text(public_pem(rsa_key()))
    (folder / "issuers.yml").write_text(
        ISSUERS.format(
            issuer=PINNED,
            audience=AUDIENCE,
            pem=folder / "one.pem",
            tenants=", ".join(f"acme-{n}" for n in range(1, 100)),
        )
    )
    environ = {"JWT_SECRET": SECRET, "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE}
    environ |= {"HOOKYARD_STRANGERS_PER_SECOND": "0"}
    environ |= {"HOOKYARD_ISSUERS_FILE": str(folder / "issuers.yml")}
    if server is None:
        yard = await make_yard(folder, environ)
        async with serving(yard) as door:
            yield Gate(door, yard.database)
        await yard.close()
        return
    name = await asyncio.to_thread(server.create_database)
    await (await make_yard(folder, {"DATABASE_URL": server.url(name)})).close()
    login = await server.make_login(name, ROLE)
    yard = await make_yard(folder, environ | {"DATABASE_URL": server.url(name, login)})
    eye = PostgresDatabase(server.url(name))
    async with serving(yard) as door:
        yield Gate(door, eye)
    await eye.close()
    await yard.close()
    await server.drop_login(name, login)
    await asyncio.to_thread(server.drop_database, name)


def forged(gate: Gate) -> dict[str, str]:
    """Every attack by its name."""
    return forged_signatures(gate) | forged_claims(gate)


def forged_signatures(gate: Gate) -> dict[str, str]:
    """Tokens that nobody has signed who may, or not in the way that is allowed."""
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
        "kid of another's key": signed({"alg": "RS256", "kid": "one"}, gate.said(iss=PINNED), evil),
        "pinned, PEM": gate.pinned(alg="HS256", key=public_pem(rsa_key()).encode()),
        "pinned, PEM stripped": gate.pinned(
            alg="HS256", key=public_pem(rsa_key()).strip().encode()
        ),
        "pinned, DER": gate.pinned(alg="HS256", key=public_der(rsa_key())),
        "pinned, JWK": gate.pinned(alg="HS256", key=json.dumps(jwk_of(rsa_key())).encode()),
        "pinned, modulus": gate.pinned(alg="HS256", key=modulus(rsa_key())),
        "pinned, another algorithm": gate.pinned(alg="PS256"),
        "pinned, the shared secret": gate.pinned(alg="HS256", key=SECRET.encode()),
        "pinned, a tenant it is not for": gate.pinned(tenant="victim"),
        "pinned, a role it may not ask for": gate.pinned(roles=["viewer", "admin"]),
        "the secret's issuer by the pinned key": signed(
            {"alg": "RS256", "kid": "one"}, gate.said(), rsa_key()
        ),
        "large kid": signed({"alg": "RS256", "kid": "k" * 4000}, gate.said(), evil),
        "crit": gate.token(head={"alg": "HS256", "crit": ["exp"]}),
        "alg twice": raw_token(twice, json.dumps(gate.said()).encode(), b""),
    }


def forged_claims(gate: Gate) -> dict[str, str]:
    """Tokens that say what is not let through, most of them well signed."""
    return {
        "tenant twice": twice_said(gate, "tenant", gate.tenant, "victim"),
        "roles twice": twice_said(gate, "roles", ["viewer"], ["admin"]),
        "exp twice": twice_said(gate, "exp", gate.now_s - 600, gate.now_s + 300),
        "exp too far": gate.token(exp=gate.now_s + 90_000),
        "exp without end": gate.token(exp=1e300),
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
        "tenant as a list": gate.token(tenant=[gate.tenant, "victim"]),
        "tenant as SQL": gate.token(tenant=f"{gate.tenant}' OR '{PLANTED}"),
        "claims that are none": signed({"alg": "HS256"}, b"[]", SECRET.encode()),
        "dots": "...",
        "deep": "e30." + "W" * 7_000 + ".c",
    }


def twice_said(gate: Gate, name: str, *values: object) -> str:
    """A signed token in which a claim stands twice."""
    said = json.dumps({n: v for n, v in gate.said().items() if n != name})
    pairs = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for value in values)
    return signed({"alg": "HS256"}, f"{said[:-1]}, {pairs}}}".encode(), SECRET.encode())


def modulus(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_numbers().n.to_bytes(256, "big")


def public_der(key: rsa.RSAPrivateKey) -> bytes:
    public = key.public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
