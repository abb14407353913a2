"""The issuer's desk: hands codes out and takes them back, once.

# spec: OpenID Connect Core 1.0 section 3.1, RFC 6749 section 4.1, RFC 7636, RFC 9207.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlencode

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.oidc.model import Client, Code, Person
from hookyard_sandbox.oidc.signing import b64

if TYPE_CHECKING:
    from hookyard_sandbox.oidc.issuer import Issuer

CODE_MS = 60_000
_CHALLENGE = 43


class Declined(Exception):
    """A refusal in OAuth's words."""

    def __init__(self, error: str, text: str = "", status: int = 400) -> None:
        self.error = error
        self.text = text
        self.status = status
        super().__init__(f"{error}: {text}")


class Desk:
    """Codes and access tokens of one issuer; `people` has whose each access token is."""

    def __init__(self, issuer: "Issuer", random_text: Callable[[], str]) -> None:
        self.clients: dict[str, Client] = {}
        self._issuer = issuer
        self._random_text = random_text
        self._codes: dict[str, Code] = {}
        self.people: dict[str, Person] = {}

    def authorize(self, asked: Mapping[str, str]) -> str:
        """Where the browser goes with its code. Declined when the request itself is not sound."""
        client = self.clients.get(asked.get("client_id", ""))
        redirect = asked.get("redirect_uri", "")
        if client is None or redirect not in client.redirect_uris:
            raise Declined("invalid_request", "unknown client, or a redirect it did not register")
        answer = {"state": asked.get("state", "")}
        if not self._issuer.faults.strips_iss:
            answer["iss"] = self._issuer.address
        try:
            answer["code"] = self._code(asked, client, redirect)
        except Declined as error:
            answer["error"] = error.error
            answer["error_description"] = error.text
        return f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(answer)}"

    def _code(self, asked: Mapping[str, str], client: Client, redirect: str) -> str:
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            raise Declined("invalid_request", "response_type=code and scope openid are needed")
        challenge = asked.get("code_challenge", "")
        if asked.get("code_challenge_method") != "S256" or len(challenge) != _CHALLENGE:
            raise Declined("invalid_request", "PKCE with S256 is needed")
        if not asked.get("state") or not asked.get("nonce"):
            raise Declined("invalid_request", "state and nonce are needed")
        person = self._issuer.person
        if person is None:
            raise Declined("access_denied", "the person declined")
        value = self._random_text()
        expires_ms = self._issuer.clock.now_ms() + CODE_MS
        self._codes[value] = Code(client, redirect, challenge, asked["nonce"], person, expires_ms)
        return value

    def exchange(self, form: Mapping[str, str], authorization: str) -> JsonObject:
        """The tokens for a code. A code that comes twice also ends what it gave the first time."""
        client = self._authenticate(form, authorization)
        if form.get("grant_type") != "authorization_code":
            raise Declined("unsupported_grant_type")
        code = self._codes.get(form.get("code", ""))
        if code is None or code.client != client:
            raise Declined("invalid_grant", "no such code")
        if code.token:
            self.people.pop(code.token, None)
            raise Declined("invalid_grant", "the code was used before")
        code.token = self._random_text()
        if self._issuer.clock.now_ms() >= code.expires_ms:
            raise Declined("invalid_grant", "the code has expired")
        if form.get("redirect_uri") != code.redirect_uri:
            raise Declined("invalid_grant", "another redirect than the code was given for")
        verifier = form.get("code_verifier", "")
        if not hmac.compare_digest(b64(hashlib.sha256(verifier.encode()).digest()), code.challenge):
            raise Declined("invalid_grant", "PKCE verification failed")
        self.people[code.token] = code.person
        more: dict[str, Json] = {"nonce": code.nonce, **self.shown(code.person)}
        more.pop("sub")
        return {
            "access_token": code.token,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self._issuer.token(client.id, code.person.subject, **more),
        }

    def person_of(self, authorization: str) -> Person:
        """Whose access token this is."""
        person = self.people.get(authorization.removeprefix("Bearer "))
        if person is None:
            raise Declined("invalid_token", status=401)
        return person

    @staticmethod
    def shown(person: Person) -> dict[str, Json]:
        """What the issuer tells of a person."""
        known: dict[str, Json] = {"sub": person.subject, "name": person.name, "email": person.email}
        return known | dict(person.more)

    def _authenticate(self, form: Mapping[str, str], authorization: str) -> Client:
        """The client, by one method only: Basic, a secret in the form, or none for a public one."""
        name, secret = form.get("client_id", ""), form.get("client_secret")
        if authorization:
            if secret is not None or not authorization.startswith("Basic "):
                raise Declined("invalid_client", "one way to authenticate, not two", 401)
            try:
                pair = base64.b64decode(authorization[6:], validate=True).decode()
            except ValueError:
                raise Declined("invalid_client", "not Basic", 401) from None
            name, _, secret = (unquote(part) for part in pair.partition(":"))
        client = self.clients.get(name)
        if client is None or (client.secret is None) != (secret is None):
            raise Declined("invalid_client", "unknown client", 401)
        if client.secret is not None and not hmac.compare_digest(client.secret, secret or ""):
            raise Declined("invalid_client", "wrong secret", 401)
        return client
