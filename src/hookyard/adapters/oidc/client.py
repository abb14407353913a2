"""Sign-in with an OpenID issuer: the address people are sent to, and the code they bring back.

Authorization code with PKCE (S256) and a nonce, for clients with a secret and without. An ID token
is accepted by `verify` alone; no claim leaves here that it did not accept.

# spec: OpenID Connect Core 1.0 section 3.1, RFC 6749 sections 2.3.1 and 4.1, RFC 9207.
"""

import base64
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import quote, urlencode, urlsplit

from hookyard.adapters.http.port import (
    Answer,
    Ask,
    Outbound,
    OutboundFailed,
    OutboundRefused,
)
from hookyard.adapters.oidc.discovery import Metadata
from hookyard.adapters.oidc.errors import OidcRefused, OidcUnavailable
from hookyard.adapters.oidc.pkce import Begun, challenge_of
from hookyard.adapters.oidc.port import Claims, Expectations, Refused
from hookyard.adapters.oidc.provider import Provider
from hookyard.adapters.oidc.segments import peek, strict_object
from hookyard.adapters.oidc.verify import verify
from hookyard.kit.json import JsonObject, as_text
from hookyard.kit.secret import Secret

MAX_CODE = 2_048
_DAY_S = 86_400
_TIMEOUT_S = 10.0
# RFC 6749 section 5.2: nothing else of an error answer is repeated.
_ERRORS = frozenset(
    {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"}
    | {"unsupported_grant_type", "invalid_scope"}
)


@dataclass(frozen=True, slots=True)
class OidcApp:
    """How this server is registered with an issuer. No secret: a public client."""

    client_id: str
    redirect_uri: str
    client_secret: Secret | None = None
    scopes: tuple[str, ...] = ("openid", "profile", "email")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, and the token that shows more of them."""

    claims: Claims
    access_token: Secret = field(repr=False)


Outcome: TypeAlias = SignedIn | Refused


class OidcClient:
    """One issuer to sign in with. Raises OidcError where the issuer itself is at fault."""

    def __init__(self, provider: Provider, app: OidcApp, outbound: Outbound) -> None:
        self._provider = provider
        self._app = app
        self._outbound = outbound

    async def address(self, begun: Begun, now_ms: int) -> str:
        """Where to send a person who wants to sign in."""
        metadata = await self._provider.metadata(now_ms)
        methods = metadata.challenge_methods
        if methods is not None and "S256" not in methods:
            raise OidcRefused("no_pkce", "the issuer does not take PKCE with S256")
        return authorization_address(metadata, self._app, begun)

    async def finish(
        self, code: str, begun: Begun, now_ms: int, *, issuer: str | None = None
    ) -> Outcome:
        """Exchange the code of an answer whose state was checked. `issuer` is its `iss`.

        A refusal is the person's to mend by beginning again; OidcError is the issuer's.
        """
        metadata = await self._provider.metadata(now_ms)
        # spec: RFC 9207 section 2.4: an answer of another issuer is not acted upon.
        if issuer != metadata.issuer and (issuer is not None or metadata.names_itself):
            return Refused("mixed_issuer", "the answer comes from another issuer; begin again")
        if not 0 < len(code) <= MAX_CODE or not code.isascii() or not code.isprintable():
            return Refused("code", "the sign-in's code is not valid; begin again")
        answer = await self._post(metadata, self._form(metadata, code, begun))
        found = strict_object(answer.body)
        if answer.status != 200 or found is None:
            return _failed(answer, found)
        claims = await self._claims(as_text(found.get("id_token")), begun, now_ms)
        if isinstance(claims, Refused):
            return claims
        return SignedIn(claims, Secret(as_text(found.get("access_token"))))

    async def userinfo(self, signed_in: SignedIn, now_ms: int) -> JsonObject:
        """What the issuer tells of the person; empty where it has no such address.

        # spec: OpenID Connect Core 5.3.2: an answer about another subject must not be used.
        """
        metadata = await self._provider.metadata(now_ms)
        if not metadata.userinfo_endpoint or not signed_in.access_token:
            return {}
        bearer = {"authorization": f"Bearer {signed_in.access_token.reveal()}"}
        answer = await self._send(Ask(metadata.userinfo_endpoint, headers=bearer))
        found = strict_object(answer.body) if answer.status == 200 else None
        if found is None:
            raise OidcUnavailable("userinfo", "the issuer's userinfo gave no usable answer")
        if found.get("sub") != signed_in.claims.subject:
            raise OidcRefused("userinfo_subject", "the issuer's userinfo is about somebody else")
        return found

    async def _claims(self, token: str, begun: Begun, now_ms: int) -> Claims | Refused:
        said = peek(token)
        if isinstance(said, Refused):
            return said
        keys = await self._provider.keys(said.kid, now_ms)
        if isinstance(keys, Refused):
            raise OidcUnavailable(keys.code, "the issuer's keys cannot be read")
        expected = Expectations(
            self._provider.issuer,
            (self._app.client_id,),
            max_lifetime_s=_DAY_S,
            nonce=begun.nonce,
            authorized_party=self._app.client_id,
            types=frozenset({"jwt"}),
        )
        claims = verify(token, expected, keys, now_ms)
        if isinstance(claims, Claims) and not claims.subject:
            return Refused("bad_claims", "the ID token names nobody")
        return claims

    def _form(self, metadata: Metadata, code: str, begun: Begun) -> Ask:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._app.redirect_uri,
            "code_verifier": begun.verifier,
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        secret = self._app.client_secret
        if secret is None:
            form["client_id"] = self._app.client_id
        elif "client_secret_basic" in metadata.auth_methods:
            headers["authorization"] = _basic(self._app.client_id, secret.reveal())
        else:
            form |= {"client_id": self._app.client_id, "client_secret": secret.reveal()}
        return Ask(
            metadata.token_endpoint,
            method="POST",
            headers=headers,
            content=urlencode(form).encode(),
            total_s=_TIMEOUT_S,
        )

    async def _post(self, metadata: Metadata, ask: Ask) -> Answer:
        if not metadata.token_endpoint:
            raise OidcRefused("bad_discovery", "the issuer names no token endpoint")
        return await self._send(ask)

    async def _send(self, ask: Ask) -> Answer:
        try:
            return await self._outbound.send(ask)
        except OutboundRefused as error:
            raise OidcRefused(f"outbound_{error.code}", str(error)) from None
        except OutboundFailed as error:
            raise OidcUnavailable(error.code, f"no usable answer: {error}") from None


def authorization_address(metadata: Metadata, app: OidcApp, begun: Begun) -> str:
    """The address of an issuer's sign-in page, with everything it must know."""
    base = metadata.authorization_endpoint
    if urlsplit(base).scheme not in ("https", "http") or urlsplit(base).fragment:
        raise OidcRefused("bad_discovery", "the issuer names no authorization endpoint")
    query = urlencode(
        {
            "response_type": "code",
            "client_id": app.client_id,
            "redirect_uri": app.redirect_uri,
            "scope": " ".join(app.scopes),
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": challenge_of(begun.verifier),
            "code_challenge_method": "S256",
        }
    )
    return f"{base}{'&' if urlsplit(base).query else '?'}{query}"


def _basic(client_id: str, secret: str) -> str:
    # spec: RFC 6749 section 2.3.1: both are form-encoded before they are joined.
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _failed(answer: Answer, found: JsonObject | None) -> Refused:
    """Why a code was not exchanged. Raises where it is the issuer's fault or the set-up's."""
    error = as_text((found or {}).get("error"))
    if answer.status >= 500 or found is None:
        raise OidcUnavailable("status", f"the issuer answered {answer.status}")
    if error == "invalid_grant":
        return Refused("code", "the issuer did not take the sign-in's code; begin again")
    named = error if error in _ERRORS else "an error"
    raise OidcRefused("exchange", f"the issuer refused the exchange: {named}; check the client")
