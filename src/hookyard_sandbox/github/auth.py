"""Who calls: App JWTs and installation tokens, checked the way GitHub checks them."""

import base64
import binascii
import functools
import hmac
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.http import Refusal
from hookyard_sandbox.github.model import App, Installation, Permissions, Token, User
from hookyard_sandbox.github.state import World

MAX_JWT_S = 600
TOKEN_LIFE_MS = 3_600_000
UNDECODABLE = "A JSON web token could not be decoded"
BAD_IAT = (
    "'Issued at' claim ('iat') must be an Integer representing the time "
    "that the assertion was issued"
)
BAD_EXP = (
    "'Expiration time' claim ('exp') must be a numeric value representing the future time "
    "at which the assertion expires"
)
FAR_EXP = "'Expiration time' claim ('exp') is too far in the future"
NO_ISS = "'Issuer' claim ('iss') must be an Integer or the client id of a GitHub App"
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller that proved who it is: an App by JWT or by its client secret (`basic`), an
    installation by token, or a person by theirs."""

    app: App
    token: Token | None = None
    person: User | None = None
    basic: bool = False


def identify(world: World, header: str | None) -> Caller | None:
    """The caller of an Authorization header; None without one; 401, 403 or 404 otherwise."""
    if header is None:
        return None
    scheme, _, rest = header.partition(" ")
    secret = rest.strip()
    if scheme.lower() in ("bearer", "token"):
        if secret.startswith("ghs_"):
            token = _token(world, secret)
            return Caller(token.installation.app, token)
        if secret.startswith("ghu_"):
            return _person(world, secret)
        # spec: a JWT has to be sent as Bearer.
        if secret.count(".") == 2 and scheme.lower() == "bearer":
            return Caller(_app(world, secret))
    if scheme.lower() == "basic":
        return _client(world, secret)
    raise Refusal(401, "Bad credentials")


def _person(world: World, secret: str) -> Caller:
    token = world.user_tokens.get(secret)
    if token is None or token.revoked or token.expires_at_ms <= world.now_ms():
        raise Refusal(401, "Bad credentials")
    return Caller(token.app, person=token.user)


def _client(world: World, pair: str) -> Caller:
    try:
        client_id, _, secret = base64.b64decode(pair, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise Refusal(401, "Bad credentials") from None
    app = next((app for app in world.apps.values() if app.client_id == client_id), None)
    if app is None or not secret or not hmac.compare_digest(app.client_secret, secret):
        raise Refusal(401, "Bad credentials")
    return Caller(app, basic=True)


def _token(world: World, secret: str) -> Token:
    token = world.tokens.get(secret)
    if token is None or token.revoked or token.installation.removed:
        raise Refusal(401, "Bad credentials")
    if token.expires_at_ms <= world.now_ms():
        raise Refusal(401, "Bad credentials")
    if token.installation.suspended_at_ms is not None:
        raise Refusal(403, "This installation has been suspended")
    return token


def _app(world: World, assertion: str) -> App:
    issuer = _peek(assertion).get("iss")
    if isinstance(issuer, bool) or not isinstance(issuer, (int, str)):
        raise Refusal(401, NO_ISS)
    app = world.find_app(issuer)
    if app is None:
        raise Refusal(404, "Integration not found")
    check_times(_verified(assertion, app), world.now_ms() // 1000)
    return app


def _peek(assertion: str) -> JsonObject:
    part = assertion.split(".")[1]
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise Refusal(401, UNDECODABLE) from None
    if not isinstance(claims, dict):
        raise Refusal(401, UNDECODABLE)
    return claims


def _verified(assertion: str, app: App) -> Mapping[str, Json]:
    for pem in app.public_keys:
        try:
            return jwt.decode(assertion, RSAKey.import_key(pem), algorithms=["RS256"]).claims
        except (JoseError, ValueError, TypeError):
            continue
    raise Refusal(401, UNDECODABLE)


def check_times(claims: Mapping[str, Json], now_s: int) -> None:
    """Refuse an assertion from the future, an expired one, and one that lives too long."""
    issued, expires = claims.get("iat"), claims.get("exp")
    if isinstance(issued, bool) or not isinstance(issued, int) or issued > now_s:
        raise Refusal(401, BAD_IAT)
    if isinstance(expires, bool) or not isinstance(expires, (int, float)) or expires <= now_s:
        raise Refusal(401, BAD_EXP)
    if expires - issued > MAX_JWT_S or expires - now_s > MAX_JWT_S:
        raise Refusal(401, FAR_EXP)


@functools.cache
def _signing_key() -> RSAKey:
    return RSAKey.generate_key(2048)


@dataclass(slots=True)
class TokenMint:
    """Makes installation tokens in GitHub's two shapes."""

    world: World

    def mint(
        self,
        installation: Installation,
        permissions: Permissions,
        repository_ids: set[int] | None,
        *,
        stateless: bool,
    ) -> Token:
        """A token for one hour, `ghs_<appid>_<jwt>` when stateless, else 40 characters."""
        expires = (self.world.now_ms() // 1000) * 1000 + TOKEN_LIFE_MS
        make = self._stateless if stateless else self._classic
        value = make(installation, expires)
        token = Token(value, installation, permissions, repository_ids, expires)
        self.world.tokens[value] = token
        return token

    def _classic(self, _: Installation, __: int) -> str:
        return "ghs_" + "".join(secrets.choice(_ALPHABET) for _ in range(36))

    def _stateless(self, installation: Installation, expires_ms: int) -> str:
        claims = {
            "aud": "api",
            "exp": expires_ms // 1000,
            "iat": expires_ms // 1000 - 3600,
            "jti": secrets.token_hex(16),
            "sub": f"installation:{installation.id}",
        }
        signed = jwt.encode({"alg": "RS256", "typ": "JWT"}, claims, _signing_key())
        return f"ghs_{installation.app.id}_{signed}"
