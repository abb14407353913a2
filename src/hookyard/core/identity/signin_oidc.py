"""An OpenID Connect issuer as an identity provider."""

from dataclasses import replace

from hookyard.adapters.http.port import Outbound
from hookyard.adapters.oidc.client import OidcApp, OidcClient, SignedIn
from hookyard.adapters.oidc.errors import OidcError, OidcUnavailable
from hookyard.adapters.oidc.pkce import Begun
from hookyard.adapters.oidc.port import Claims, Refused
from hookyard.adapters.oidc.provider import Provider
from hookyard.core.identity.signin_port import Question, Reply
from hookyard.core.identity.users import Profile
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Conflict, HookyardError, Invalid, Unavailable
from hookyard.kit.json import JsonObject, as_text


class OidcSignIn:
    """Implements `SignInProvider`. `app` is registered with the issuer; its redirect is the
    question's."""

    def __init__(self, provider: Provider, app: OidcApp, outbound: Outbound, clock: Clock) -> None:
        self._provider = provider
        self._app = app
        self._outbound = outbound
        self._clock = clock

    @property
    def issuer(self) -> str:
        """The issuer, to the letter."""
        return self._provider.issuer

    async def address(self, question: Question) -> str:
        """The issuer's own page."""
        begun = Begun(question.state, question.nonce, question.verifier)
        client = self._client(question.redirect_uri)
        try:
            return await client.address(begun, self._clock.now_ms())
        except OidcError as error:
            raise _failed(error) from None

    async def profile(self, reply: Reply) -> Profile:
        """Who it is, by an ID token that was verified; see the port."""
        begun = Begun("", reply.nonce, reply.verifier)
        client = self._client(reply.redirect_uri)
        now_ms = self._clock.now_ms()
        try:
            found = await client.finish(reply.code, begun, now_ms, issuer=reply.issuer or None)
        except OidcError as error:
            raise _failed(error) from None
        if isinstance(found, Refused):
            raise Invalid(f"the sign-in was not accepted: {found.detail}", code="signin_refused")
        return profile_of(found.claims, await _more(client, found, now_ms))

    def _client(self, redirect_uri: str) -> OidcClient:
        app = replace(self._app, redirect_uri=redirect_uri)
        return OidcClient(self._provider, app, self._outbound)


async def _more(client: OidcClient, found: SignedIn, now_ms: int) -> JsonObject:
    """What the issuer tells of a person beside an ID token that names nobody for people to read.

    # why: many issuers keep names out of ID tokens; a sign-in does not fail for want of one.
    """
    if any(found.claims.text(name) for name in ("name", "preferred_username")):
        return {}
    try:
        return await client.userinfo(found, now_ms)
    except OidcError:
        return {}


def profile_of(claims: Claims, more: JsonObject) -> Profile:
    """What a verified ID token says of a person, and `more` where it says nothing. A login is for
    reading only: rules go by `sub`.

    # spec: OpenID Connect Core 5.1; an address that the issuer did not verify is not shown.
    """
    said = {**more, **claims.all}
    email = as_text(said.get("email")) if said.get("email_verified") is True else ""
    return Profile(
        claims.issuer,
        claims.subject,
        as_text(said.get("preferred_username")) or email or claims.subject,
        as_text(said.get("name")),
        email or None,
        as_text(said.get("picture")) or None,
    )


def _failed(error: OidcError) -> HookyardError:
    if isinstance(error, OidcUnavailable):
        return Unavailable(
            f"the identity provider could not be asked: {error}; sign in again in a minute",
            retry_after_s=30,
        )
    return Conflict(
        f"the identity provider cannot be used as it is set up: {error}", code="signin_set_up"
    )
