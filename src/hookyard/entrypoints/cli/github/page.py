"""A page on this machine for as long as one registration takes, and an ear for GitHub's ping.

The page needs the key in its address, which works once and gives the browser a cookie; the state
that GitHub brings back must be that browser's. The ear listens where the server will, and answers
GitHub's ping alone: nothing else is taken, so that GitHub keeps it for the server.
"""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from hookyard.core.registration.model import Wish
from hookyard.core.registration.pending import LIFE_MS, Pending
from hookyard.core.registration.rules import WEBHOOK_PATH
from hookyard.entrypoints.http import cookies, setup_views
from hookyard.entrypoints.http.server import listen
from hookyard.kit.clock import Clock
from hookyard.kit.errors import HookyardError
from hookyard.kit.signing import from_hex, hmac_sha256, same

CALLBACK = "/setup/callback"
MAX_PING = 1024 * 1024
_HEADERS = {"cache-control": "no-store", "referrer-policy": "no-referrer"}


class CommandPage:
    """The page of one command: `code` is what GitHub brought, `finished` what to show then."""

    def __init__(self, wish: Callable[[str], Wish], site: str, clock: Clock) -> None:
        self.code: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.finished: asyncio.Future[HTMLResponse] = asyncio.get_running_loop().create_future()
        self._wish = wish
        self._site = site
        self._key = secrets.token_urlsafe(32)
        self._pending = Pending(clock)
        self._origin = ""

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """Serve it on a free port of this machine; gives the address to open."""
        bound = listen("127.0.0.1", 0)
        self._origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        routes = [Route("/setup", self._show), Route(CALLBACK, self._callback)]
        async with _serving(Starlette(routes=routes), bound):
            yield f"{self._origin}/setup?key={self._key}"

    async def _show(self, request: Request) -> Response:
        given = request.query_params.get("key", "")
        if not self._key or not same(given.encode("utf-8", "replace"), self._key.encode()):
            return setup_views.refused_page("open the address the command printed, once", 403)
        self._key = ""
        begun = self._pending.start(self._wish(self._origin + CALLBACK), "system:cli")
        response = setup_views.github_page(begun.wish, self._site, begun.state)
        cookie = cookies.make(cookies.SETUP, begun.browser, secure=False, max_age_s=LIFE_MS // 1000)
        response.headers.append("set-cookie", cookie)
        response.headers.update(_HEADERS)
        return response

    async def _callback(self, request: Request) -> Response:
        try:
            browser = cookies.read(request, cookies.SETUP, secure=False) or ""
            self._pending.take(request.query_params.get("state", ""), browser)
        except HookyardError as error:
            return setup_views.refused_page(error.detail, error.status)
        if not self.code.done():
            self.code.set_result(request.query_params.get("code", ""))
        response = await asyncio.shield(self.finished)
        response.headers.update(_HEADERS)
        return response


class PingEar:
    """Answers GitHub's ping at the server's own address, once the secret is known."""

    def __init__(self) -> None:
        self.secret: bytes | None = None

    async def hear(self, request: Request) -> Response:
        """`POST /webhooks/github`: 202 for a ping under our secret, 503 for all else."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_PING:
                return Response(status_code=413)
        found = request.headers.get("x-hub-signature-256", "")
        signature = from_hex(found.removeprefix("sha256="))
        if self.secret is None or signature is None:
            return Response(status_code=401)
        if not same(hmac_sha256(self.secret, bytes(body)), signature):
            return Response(status_code=401)
        if request.headers.get("x-github-event") != "ping":
            return Response(status_code=503, headers={"retry-after": "60"})
        return Response(status_code=202)

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[bool]:
        """Listen where the server will; gives False where that address is taken."""
        try:
            bound = listen(host, port)
        except OSError:
            yield False
            return
        app = Starlette(routes=[Route(WEBHOOK_PATH, self.hear, methods=["POST"])])
        async with _serving(app, bound):
            yield True


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the command."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured."""
        yield


@asynccontextmanager
async def _serving(app: Starlette, bound: socket.socket) -> AsyncIterator[None]:
    """Answer on a bound socket until the end, and let the last answer go out."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = _Server(config)
    bound.listen(32)
    task = asyncio.create_task(server.serve([bound]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
        bound.close()
