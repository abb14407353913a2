"""Signing in with GitHub: its authorize page, the code, and who the token is.

The user's token is used for one question and then revoked; it is never returned.

# spec: docs.github.com, "Generating a user access token for a GitHub App"; PKCE by S256.
"""

import base64
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import structlog

from hookyard.adapters.github.answers import NOT_JSON, decode
from hookyard.adapters.github.port import GitHubError, GitHubFailed, GitHubRefused
from hookyard.adapters.github.wire import Raw, Wire
from hookyard.kit.json import Json, JsonObject, as_int, as_object, as_text

log = structlog.get_logger("hookyard.github")
_WORD = frozenset("abcdefghijklmnopqrstuvwxyz_")


def site_of(api_base_url: str) -> str:
    """The website beside an API: where people sign in and Apps have their pages.

    `https://api.github.com` → `https://github.com`; `https://host/api/v3` → `https://host`;
    `https://api.octo.ghe.com` → `https://octo.ghe.com`.
    """
    parts = urlsplit(api_base_url.rstrip("/"))
    host = parts.netloc
    if host == "api.github.com" or (host.startswith("api.") and host.endswith(".ghe.com")):
        host = host.removeprefix("api.")
    return f"{parts.scheme}://{host}{parts.path.removesuffix('/api/v3').rstrip('/')}"


def app_page(api_base_url: str, slug: str) -> str:
    """The page of an App; Enterprise Server keeps them elsewhere."""
    site = site_of(api_base_url)
    folder = "github-apps" if api_base_url.rstrip("/").endswith("/api/v3") else "apps"
    return f"{site}/{folder}/{quote(slug, safe='')}"


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """An App's id and secret for signing people in, and the GitHub it lives on."""

    client_id: str
    client_secret: str = field(repr=False)
    api_base_url: str = "https://api.github.com"


@dataclass(frozen=True, slots=True)
class GitHubUser:
    """Who signed in. `id` never changes, `login` may."""

    id: int
    login: str
    name: str
    email: str | None
    avatar_url: str | None


class GitHubOAuth:
    """One client of one GitHub."""

    def __init__(self, client: OAuthClient, wire: Wire) -> None:
        self.site = site_of(client.api_base_url)
        self._client = client
        self._wire = wire

    async def close(self) -> None:
        """Close every connection."""
        await self._wire.close()

    def address(self, redirect_uri: str, state: str, challenge: str) -> str:
        """Where a browser goes to sign in."""
        query = {
            "client_id": self._client.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.site}/login/oauth/authorize?{urlencode(query)}"

    async def user_of(self, code: str, verifier: str, redirect_uri: str) -> GitHubUser:
        """Who a code stands for. GitHubRefused when it stands for nobody, GitHubFailed or
        GitHubUnclear when GitHub gave no answer; a code is good once, so none of them is tried
        again."""
        token = await self._token(code, verifier, redirect_uri)
        try:
            headers = {"authorization": f"Bearer {token}"}
            raw = await self._wire.send("GET", f"{self._client.api_base_url}/user", headers, None)
            return _user(_json(raw, "user"))
        finally:
            await self._revoke(token)

    async def _token(self, code: str, verifier: str, redirect_uri: str) -> str:
        form: JsonObject = {
            "client_id": self._client.client_id,
            "client_secret": self._client.client_secret,
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
        }
        headers = {"accept": "application/json", "content-type": "application/json"}
        url = f"{self.site}/login/oauth/access_token"
        raw = await self._wire.send("POST", url, headers, msgspec.json.encode(form))
        answer = _json(raw, "access_token")
        token = as_text(answer.get("access_token"))
        if not token or as_text(answer.get("token_type")).lower() != "bearer":
            # spec: GitHub refuses with status 200 and `error`.
            raise GitHubRefused(raw.status, error_word(answer))
        return token

    async def _revoke(self, token: str) -> None:
        """End the token now, as nobody needs it any more; it ends by itself in hours else."""
        client = self._client
        pair = base64.b64encode(f"{client.client_id}:{client.client_secret}".encode()).decode()
        headers = {"authorization": f"Basic {pair}", "content-type": "application/json"}
        url = f"{client.api_base_url}/applications/{quote(client.client_id, safe='')}/token"
        try:
            body = msgspec.json.encode({"access_token": token})
            raw = await self._wire.send("DELETE", url, headers, body)
            reason = "" if raw.status == 204 else f"status {raw.status}"
        except GitHubError as error:
            reason = type(error).__name__
        if reason:
            log.warning("user_token_not_revoked", reason=reason)


def error_word(answer: JsonObject) -> str:
    """GitHub's own word for a refusal, when it is one: what else it says may hold secrets."""
    word = as_text(answer.get("error"))
    return word if 0 < len(word) <= 60 and set(word) <= _WORD else "no_token"


def _json(raw: Raw, what: str) -> JsonObject:
    if raw.status >= 500:
        raise GitHubFailed(f"GitHub answered {raw.status} for {what}")
    if raw.status >= 300:
        raise GitHubRefused(raw.status, f"no {what}")
    try:
        answer: Json = decode(raw.body)
    except NOT_JSON:
        raise GitHubFailed(f"the answer for {what} is not JSON") from None
    return as_object(answer)


def _user(answer: JsonObject) -> GitHubUser:
    number, login = as_int(answer.get("id")), as_text(answer.get("login"))
    if number is None or not login:
        raise GitHubFailed("the answer for user names nobody")
    return GitHubUser(
        number,
        login,
        as_text(answer.get("name")),
        as_text(answer.get("email")) or None,
        as_text(answer.get("avatar_url")) or None,
    )
