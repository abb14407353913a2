"""What it costs to recognise a caller: each kind of credential, known and unknown, and its share
of a small read of the API.

`python -m benchmarks.authenticate`. One process, SQLite in a folder of its own; the rounds of all
kinds are interleaved, and medians are printed in microseconds.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from hookyard.adapters.oidc.keys import pin_pem
from hookyard.adapters.oidc.port import Expectations
from hookyard.adapters.oidc.verify import verify
from hookyard.bootstrap import Yard, open_yard
from hookyard.core.identity.authenticate import ADMIN
from hookyard.core.identity.model import NewKey, Refused, Role
from hookyard.entrypoints.http.app import Front
from hookyard.settings import load_settings

ROUNDS, CALLS, READS = 15, 2_000, 60
SECRET, ISSUER, AUDIENCE = "a-secret-of-the-benchmark-long-enough", "https://b.example", "here"
ISSUERS = """
issuers:
  - {{id: rs, kind: service, issuer: https://rs.example, audience: here, algorithms: [RS256],
     roles: [viewer], keys: [{{pem_file: {path}}}]}}
"""


def tokens(key: rsa.RSAPrivateKey, now_s: int) -> dict[str, str]:
    """A good token of each family."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "bench", "roles": ["viewer"]} | {
        "iat": now_s, "exp": now_s + 3_000,
    }  # fmt: skip
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "HS256": jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET)),
        "RS256": jwt.encode(
            {"alg": "RS256"}, claims | {"iss": "https://rs.example"}, RSAKey.import_key(pem)
        ),
    }


async def open_door(folder: Path, key: rsa.RSAPrivateKey) -> Yard:
    """A yard that trusts both families."""
    path = folder / "rs.pem"
    path.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    (folder / "issuers.yml").write_text(ISSUERS.format(path=path))
    settings = load_settings(
        {
            "HOOKYARD_DATA_DIR": str(folder / "data"),
            "JWT_SECRET": SECRET,
            "JWT_ISSUER": ISSUER,
            "JWT_AUDIENCE": AUDIENCE,
            "HOOKYARD_ISSUERS_FILE": str(folder / "issuers.yml"),
        },
        folder=folder,
    )
    return await open_yard(settings, {})


async def timed(call: Callable[[], Awaitable[object]], times: int) -> float:
    """Microseconds of one call."""
    begin = time.perf_counter()
    for _ in range(times):
        await call()
    return (time.perf_counter() - begin) / times * 1e6


async def measure(folder: Path) -> dict[str, float]:
    """The median of every kind."""
    key = rsa.generate_private_key(65_537, 2_048)
    yard = await open_door(folder, key)
    now_ms = yard.clock.now_ms()
    made = await yard.database.write(
        lambda unit: yard.keys.create(unit, NewKey("bench", Role.VIEWER), ADMIN, now_ms)
    )
    bearers = {"API key": made.token} | tokens(key, now_ms // 1000)
    door = yard.authenticator
    pinned = (pin_pem((folder / "rs.pem").read_text(), ["RS256"]),)
    expected = Expectations("https://rs.example", (AUDIENCE,))
    transport = httpx2.ASGITransport(Front(yard))
    http = httpx2.AsyncClient(transport=transport, base_url="http://here")

    async def enter(token: str) -> object:
        found = await door.authenticate(token, now_ms)
        assert not isinstance(found, Refused)
        return found

    async def verify_anew() -> object:
        return verify(bearers["RS256"], expected, pinned, now_ms)

    async def read(token: str) -> object:
        answer = await http.get("/api/jobs", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        return answer

    rounds: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, token in bearers.items():
            warm = await timed(lambda token=token: enter(token), CALLS)  # type: ignore[misc]
            rounds.setdefault(f"{name}, known", []).append(warm)
            whole = await timed(lambda token=token: read(token), READS)  # type: ignore[misc]
            rounds.setdefault(f"GET /api/jobs with {name}", []).append(whole)
        rounds.setdefault("RS256, verified anew", []).append(await timed(verify_anew, 200))
    await http.aclose()
    await yard.close()
    return {name: statistics.median(values) for name, values in rounds.items()}


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder)))
    for name, value in found.items():
        print(f"{value:9.1f} µs  {name}")
    for name in ("HS256", "RS256"):
        share = found[f"{name}, known"] / found[f"GET /api/jobs with {name}"]
        print(f"{share:9.2%}     of the read is recognising {name}")


if __name__ == "__main__":
    sys.exit(main())
