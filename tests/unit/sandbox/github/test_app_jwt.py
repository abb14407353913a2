"""App JWTs are refused for each of GitHub's reasons."""

import base64
import json
from email.utils import parsedate_to_datetime

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from hookyard_sandbox.github.auth import BAD_EXP, BAD_IAT, FAR_EXP, NO_ISS, UNDECODABLE
from tests.support.sandbox import Hub

OTHER_KEY = RSAKey.generate_key(2048)


def signed(hub: Hub, **changes: object) -> str:
    """A good assertion with some claims changed; None leaves a claim out."""
    claims = {"iat": hub.now_s - 60, "exp": hub.now_s + 540, "iss": str(hub.app.id)} | changes
    kept = {k: v for k, v in claims.items() if v is not None}
    return jwt.encode({"alg": "RS256"}, kept, RSAKey.import_key(hub.app.private_key))


async def refused(hub: Hub, assertion: str) -> tuple[int, str]:
    answer = await hub.call("GET", "/app", token=assertion)
    return answer.status_code, answer.json()["message"]


@pytest.mark.parametrize("issuer", ["number", "text", "client id"])
async def test_an_app_is_known_by_id_and_by_client_id(hub: Hub, issuer: str) -> None:
    values = {"number": hub.app.id, "text": str(hub.app.id), "client id": hub.app.client_id}
    answer = await hub.call("GET", "/app", token=signed(hub, iss=values[issuer]))
    assert answer.json()["id"] == hub.app.id


@pytest.mark.parametrize(
    ("offset", "claim", "message"),
    [
        (1, "iat", BAD_IAT),
        (60, "iat", BAD_IAT),
        (0, "exp", BAD_EXP),
        (-1, "exp", BAD_EXP),
        (601, "exp", FAR_EXP),
        (541, "exp", FAR_EXP),
    ],
)
async def test_times_are_checked_without_leeway(
    hub: Hub, offset: int, claim: str, message: str
) -> None:
    assert await refused(hub, signed(hub, **{claim: hub.now_s + offset})) == (401, message)


@pytest.mark.parametrize("bad", ["soon", 1.5, True, None])
async def test_iat_must_be_an_integer(hub: Hub, bad: object) -> None:
    assert await refused(hub, signed(hub, iat=bad)) == (401, BAD_IAT)


@pytest.mark.parametrize("bad", ["later", True, None])
async def test_exp_must_be_a_number(hub: Hub, bad: object) -> None:
    assert await refused(hub, signed(hub, exp=bad)) == (401, BAD_EXP)


async def test_an_assertion_without_issuer_is_refused(hub: Hub) -> None:
    assert await refused(hub, signed(hub, iss=None)) == (401, NO_ISS)


async def test_an_unknown_app_is_not_found(hub: Hub) -> None:
    assert await refused(hub, signed(hub, iss="999999")) == (404, "Integration not found")


async def test_a_foreign_key_is_refused(hub: Hub) -> None:
    claims = {"iat": hub.now_s - 60, "exp": hub.now_s + 100, "iss": str(hub.app.id)}
    assertion = jwt.encode({"alg": "RS256"}, claims, OTHER_KEY)
    assert await refused(hub, assertion) == (401, UNDECODABLE)


async def test_the_public_key_is_no_shared_secret(hub: Hub) -> None:
    claims = {"iat": hub.now_s - 60, "exp": hub.now_s + 100, "iss": str(hub.app.id)}
    head = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    secret = OctKey.import_key(base64.urlsafe_b64encode(b"k" * 32).decode())
    tail = jwt.encode({"alg": "HS256"}, claims, secret).rpartition(".")[2]
    assert await refused(hub, f"{head}.{body}.{tail}") == (401, UNDECODABLE)


async def test_an_unsigned_assertion_is_refused(hub: Hub) -> None:
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    good = signed(hub).split(".")
    assert await refused(hub, f"{head}.{good[1]}.") == (401, UNDECODABLE)


@pytest.mark.parametrize("text", ["a.b.c", "..", "a.W10.c", "é.ü.ö".encode().hex() + ".x.y"])
async def test_rubbish_is_refused(hub: Hub, text: str) -> None:
    assert await refused(hub, text) == (401, UNDECODABLE)


async def test_every_answer_tells_the_servers_time(hub: Hub) -> None:
    hub.sandbox.skew(-300)
    answer = await hub.call("GET", "/app", token=signed(hub))
    assert answer.json()["message"] == BAD_IAT
    told = parsedate_to_datetime(answer.headers["date"]).timestamp()
    assert told == hub.now_s - 300


async def test_a_jwt_corrected_by_the_told_time_is_accepted(hub: Hub) -> None:
    hub.sandbox.skew(-300)
    now = hub.now_s - 300
    answer = await hub.call("GET", "/app", token=hub.app.assertion(now))
    assert answer.status_code == 200


async def test_scheme_token_is_not_for_jwts(hub: Hub) -> None:
    headers = {"Authorization": f"token {signed(hub)}"}
    answer = await hub.call("GET", "/app", token="", headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


async def test_no_credential_is_refused(hub: Hub) -> None:
    answer = await hub.call("GET", "/app", token="")
    assert (answer.status_code, answer.json()["message"]) == (401, "Requires authentication")


async def test_an_installation_token_is_no_jwt(hub: Hub) -> None:
    answer = await hub.call("GET", "/app")
    assert (answer.status_code, answer.json()["message"]) == (401, UNDECODABLE)


async def test_a_jwt_is_no_installation_token(hub: Hub) -> None:
    answer = await hub.as_app("GET", "/installation/repositories")
    assert answer.status_code == 403
