"""The website's part in signing people in: the authorize page, and codes for tokens.

Stricter than GitHub in one thing: every sign-in needs PKCE by S256.
# spec: docs.github.com, "Generating a user access token for a GitHub App"; RFC 7636.
"""

import base64
import hashlib
import hmac
import html
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from hookyard.kit.json import JsonObject
from hookyard_sandbox.github.model import App, Code, User, UserToken
from hookyard_sandbox.github.state import World

CODE_LIFE_MS = 600_000
TOKEN_LIFE_MS = 8 * 3_600_000


class Website:
    """The pages. Who is signed in is `world.browsing`; else the page asks who it is."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def authorize(self, request: Request) -> Response:
        """`GET /login/oauth/authorize`"""
        with self._world.lock:
            return self._authorize(request)

    async def access_token(self, request: Request) -> Response:
        """`POST /login/oauth/access_token`, form or JSON; refusals are 200 with `error`."""
        given = _fields(request.headers.get("content-type", ""), await request.body())
        with self._world.lock:
            shape = self._token(given)
        if "application/json" in request.headers.get("accept", ""):
            return Response(msgspec.json.encode(shape), media_type="application/json")
        form = urlencode({key: str(value) for key, value in shape.items()})
        return Response(form, media_type="application/x-www-form-urlencoded")

    def _authorize(self, request: Request) -> Response:
        query = request.query_params
        app = next(
            (a for a in self._world.apps.values() if a.client_id == query.get("client_id")), None
        )
        if app is None:
            return HTMLResponse("<h1>404</h1>", 404)
        target = query.get("redirect_uri") or (app.callback_urls or [""])[0]
        state = query.get("state", "")
        if not _is_registered(app, target):
            back = app.callback_urls[0] if app.callback_urls else ""
            return _refused(back, state, "redirect_uri_mismatch")
        challenge = query.get("code_challenge", "")
        if not challenge or query.get("code_challenge_method") != "S256":
            return _refused(target, state, "invalid_request")
        if query.get("deny"):
            return _refused(target, state, "access_denied")
        login = query.get("as")
        who = self._world.user(login) if login else self._world.browsing
        if who is None:
            return _chooser(request, self._world)
        code = self._code(app, who, target, challenge)
        return RedirectResponse(_with(target, {"code": code.value, "state": state}), 302)

    def _code(self, app: App, who: User, target: str, challenge: str) -> Code:
        expires = self._world.now_ms() + CODE_LIFE_MS
        code = Code(secrets.token_hex(10), app, who, target, challenge, expires)
        self._world.codes[code.value] = code
        return code

    def _token(self, given: Mapping[str, str]) -> JsonObject:
        client_id, secret = given.get("client_id", ""), given.get("client_secret", "")
        code = self._world.codes.pop(given.get("code", ""), None)
        app = next((a for a in self._world.apps.values() if a.client_id == client_id), None)
        if app is None or not hmac.compare_digest(app.client_secret, secret):
            return _error("incorrect_client_credentials")
        if code is None or code.app is not app or code.expires_at_ms <= self._world.now_ms():
            return _error("bad_verification_code")
        if given.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
            return _error("redirect_uri_mismatch")
        if not hmac.compare_digest(_challenge(given.get("code_verifier", "")), code.challenge):
            return _error("bad_verification_code")
        value = "ghu_" + secrets.token_hex(18)
        expires = self._world.now_ms() + TOKEN_LIFE_MS
        self._world.user_tokens[value] = UserToken(value, app, code.user, expires)
        self._world.record("user_token", "created", user=code.user.login)
        return {
            "access_token": value,
            "expires_in": TOKEN_LIFE_MS // 1000,
            "refresh_token": "ghr_" + secrets.token_hex(38),
            "refresh_token_expires_in": 15_897_600,
            "scope": "",
            "token_type": "bearer",
        }


def routes(world: World) -> list[Route]:
    """The pages of a world."""
    site = Website(world)
    return [
        Route("/login/oauth/authorize", site.authorize),
        Route("/login/oauth/access_token", site.access_token, methods=["POST"]),
    ]


def _fields(kind: str, body: bytes) -> dict[str, str]:
    try:
        if "json" in kind:
            found = msgspec.json.decode(body)
            return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
        return {key: values[0] for key, values in parse_qs(body.decode()).items()}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _is_registered(app: App, target: str) -> bool:
    """# spec: loopback callbacks may have any port; a path below a registered one is fine."""
    wanted = urlsplit(target)
    for known in map(urlsplit, app.callback_urls):
        loopback = known.hostname in ("127.0.0.1", "localhost", "::1")
        same_host = known.hostname == wanted.hostname and (loopback or known.port == wanted.port)
        below = wanted.path == known.path or wanted.path.startswith(known.path.rstrip("/") + "/")
        if same_host and known.scheme == wanted.scheme and below:
            return True
    return False


def _challenge(verifier: str) -> str:
    raw = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _with(target: str, more: Mapping[str, str]) -> str:
    parts = urlsplit(target)
    query = urlencode([*parse_qsl(parts.query), *more.items()])
    return urlunsplit(parts._replace(query=query))


def _refused(target: str, state: str, error: str) -> Response:
    if not target:
        return HTMLResponse(f"<h1>{html.escape(error)}</h1>", 400)
    more = {"error": error, "error_description": "The simulated GitHub says no.", "state": state}
    return RedirectResponse(_with(target, more), 302)


def _error(error: str) -> JsonObject:
    return {
        "error": error,
        "error_description": "The simulated GitHub says no.",
        "error_uri": "https://docs.github.com",
    }


def _chooser(request: Request, world: World) -> Response:
    """A page to say who one is: the simulated GitHub has no passwords."""
    query = dict(request.query_params)
    links = [
        f'<li><a href="?{html.escape(urlencode(query | {"as": who.login}))}">'
        f"{html.escape(who.login)}</a></li>"
        for who in world.users.values()
        if who.kind == "User"
    ]
    deny = html.escape(urlencode(query | {"deny": "1"}))
    page = f'<ul>{"".join(links)}</ul><a href="?{deny}">Cancel</a>'
    return HTMLResponse(f"<!doctype html><title>Simulated GitHub</title><h1>Who?</h1>{page}")
