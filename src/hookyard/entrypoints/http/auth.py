"""`/auth/…`: the routes of sign-in and sign-out. They need no credential, and tell none.

Browsers come here by links and redirects, so a refusal is a small page for people where they ask
for one, and a problem else.
"""

import html
import ipaddress

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookyard.core.identity.signin import LIFE_MS, Callback, SignIn
from hookyard.core.identity.visits import Visits
from hookyard.entrypoints.http import cookies
from hookyard.entrypoints.http.errors import answer
from hookyard.entrypoints.http.security import Guard
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Conflict, HookyardError, Invalid

CALLBACKS = {"github": "/auth/callback", "oidc": "/auth/oidc/callback"}
STARTS = {"github": "/auth/github", "oidc": "/auth/oidc/login"}
MAX_PARAMETER = 4_096
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign-in failed</title>'
    "<h1>Sign-in failed</h1><p>{detail}</p><p>Code: <code>{code}</code></p>"
    '<p><a href="/">Back to the start</a></p></html>'
)


class AuthPages:
    """The four steps for each provider, and the way out."""

    def __init__(
        self, signin: SignIn, visits: Visits, guard: Guard, clock: Clock, public_url: str | None
    ) -> None:
        self._signin = signin
        self._visits = visits
        self._guard = guard
        self._clock = clock
        self._public_url = public_url

    async def github(self, request: Request) -> Response:
        """`GET /auth/github?return_to=/…`"""
        return await self._begin("github", request)

    async def github_callback(self, request: Request) -> Response:
        """`GET /auth/callback`"""
        return await self._finish("github", request)

    async def oidc(self, request: Request) -> Response:
        """`GET /auth/oidc/login?return_to=/…`"""
        return await self._begin("oidc", request)

    async def oidc_callback(self, request: Request) -> Response:
        """`GET /auth/oidc/callback`"""
        return await self._finish("oidc", request)

    async def logout(self, request: Request) -> Response:
        """`POST /auth/logout`: the session is over on the server, and the cookie goes."""
        secure = cookies.is_secure(request, self._public_url)
        visit = await self._guard.visit(request)
        response = Response(status_code=204)
        if visit is not None:
            await self._visits.sign_out(visit.held, self._clock.now_ms())
            request.state.set_cookies = [cookies.drop(cookies.SESSION, secure=secure)]
        return response

    async def _begin(self, name: str, request: Request) -> Response:
        try:
            back = parameter(request, "return_to")
            redirect_uri = self._redirect_uri(name, request)
            begun = await self._signin.start(name, back or None, redirect_uri)
        except HookyardError as error:
            return refusal(request, error)
        response = RedirectResponse(begun.address, 303)
        secure = cookies.is_secure(request, self._public_url)
        cookie = cookies.make(
            cookies.SIGN_IN, begun.browser, secure=secure, max_age_s=LIFE_MS // 1000
        )
        response.headers.append("set-cookie", cookie)
        return response

    async def _finish(self, name: str, request: Request) -> Response:
        secure = cookies.is_secure(request, self._public_url)
        try:
            callback = Callback(
                state=parameter(request, "state"),
                code=parameter(request, "code"),
                error=parameter(request, "error"),
                issuer=parameter(request, "iss"),
            )
            done = await self._signin.finish(
                name,
                callback,
                cookies.read(request, cookies.SIGN_IN, secure=secure) or "",
                self._redirect_uri(name, request),
                old_cookie=cookies.read(request, cookies.SESSION, secure=secure),
                client=request.headers.get("user-agent", ""),
            )
        except HookyardError as error:
            return refusal(request, error)
        response = RedirectResponse(done.return_to, 303)
        session = done.opened.session
        left_s = (session.expires_at_ms - session.created_at_ms) // 1000
        opened = cookies.make(cookies.SESSION, done.opened.token, secure=secure, max_age_s=left_s)
        response.headers.append("set-cookie", opened)
        response.headers.append("set-cookie", cookies.drop(cookies.SIGN_IN, secure=secure))
        return response

    def _redirect_uri(self, name: str, request: Request) -> str:
        """Where the provider sends the browser back to.

        # why: the Host header is the stranger's to choose, so without HOOKYARD_PUBLIC_URL it is
        # believed only where it names the machine itself.
        """
        if self._public_url is not None:
            return self._public_url + CALLBACKS[name]
        if not is_loopback(request.url.hostname or ""):
            raise Conflict(
                "sign-in needs HOOKYARD_PUBLIC_URL, the address people reach this server by",
                code="public_url_missing",
            )
        return f"{request.url.scheme}://{request.url.netloc}{CALLBACKS[name]}"


def parameter(request: Request, name: str) -> str:
    """A query parameter, "" without one; Invalid for one that is there twice or is too long."""
    found = request.query_params.getlist(name)
    if len(found) > 1 or any(len(value) > MAX_PARAMETER for value in found):
        raise Invalid(f"the parameter {name} is there twice or too long", code="signin_parameter")
    return found[0] if found else ""


def is_loopback(host: str) -> bool:
    """Whether a host name can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refusal(request: Request, error: HookyardError) -> Response:
    """An error as a page for people, or as a problem for programs."""
    if "text/html" not in request.headers.get("accept", ""):
        return answer(error)
    page = _PAGE.format(
        detail=html.escape(error.detail.capitalize()), code=html.escape(error.problem_code)
    )
    return Response(page, error.status, media_type="text/html")
