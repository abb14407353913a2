"""The issuer's pages over HTTP."""

import json
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hookyard.kit.json import JsonObject
from hookyard_sandbox.oidc.desk import Declined

if TYPE_CHECKING:
    from hookyard_sandbox.oidc.issuer import Issuer

_FORM = "application/x-www-form-urlencoded"
_MAX_FORM = 16_384


def make_app(issuer: "Issuer", path: str) -> Starlette:
    """The application of one issuer, under a path."""
    pages = Pages(issuer)
    return Starlette(
        routes=[
            Route(f"{path}/.well-known/openid-configuration", pages.noted(pages.discovery)),
            Route(f"{path}/jwks", pages.noted(pages.key_set)),
            Route(f"{path}/authorize", pages.noted(pages.authorize)),
            Route(f"{path}/token", pages.noted(pages.token), methods=["POST"]),
            Route(f"{path}/userinfo", pages.noted(pages.userinfo)),
        ]
    )


Page = Callable[[Request], Awaitable[Response]]


class Pages:
    """The handlers of one issuer."""

    def __init__(self, issuer: "Issuer") -> None:
        self._issuer = issuer

    def noted(self, page: Page) -> Page:
        """The page, noted in `issuer.requests`, with refusals in OAuth's form."""

        async def handle(request: Request) -> Response:
            self._issuer.requests.append(f"{request.method} {request.url.path}")
            try:
                return await page(request)
            except Declined as error:
                said = {"error": error.error, "error_description": error.text}
                return JSONResponse(said, error.status, {"cache-control": "no-store"})

        return handle

    async def discovery(self, request: Request) -> Response:
        """The document."""
        faults = self._issuer.faults
        if faults.redirect_to:
            return RedirectResponse(faults.redirect_to, 302)
        return self._document(self._issuer.discovery(), faults.discovery_status)

    async def key_set(self, request: Request) -> Response:
        """The published keys."""
        return self._document(self._issuer.key_set(), self._issuer.faults.jwks_status)

    async def authorize(self, request: Request) -> Response:
        """The sign-in page of somebody who agrees at once."""
        return RedirectResponse(self._issuer.desk.authorize(dict(request.query_params)), 302)

    async def token(self, request: Request) -> Response:
        """The exchange of a code."""
        if self._issuer.faults.token_status != 200:
            return JSONResponse({"error": "server_error"}, self._issuer.faults.token_status)
        body = await request.body()
        kind = request.headers.get("content-type", "").partition(";")[0]
        pairs = parse_qsl(body[:_MAX_FORM].decode(), keep_blank_values=True)
        if kind != _FORM or len(dict(pairs)) != len(pairs):
            raise Declined("invalid_request", "a form, with each name once")
        found = self._issuer.desk.exchange(dict(pairs), request.headers.get("authorization", ""))
        return JSONResponse(found, headers={"cache-control": "no-store"})

    async def userinfo(self, request: Request) -> Response:
        """What the issuer tells of whoever signed in."""
        desk = self._issuer.desk
        person = desk.person_of(request.headers.get("authorization", ""))
        return JSONResponse(desk.shown(person))

    def _document(self, found: JsonObject, status: int) -> Response:
        padding = " " * self._issuer.faults.padding
        date = formatdate(self._issuer.now_ms() / 1000, usegmt=True)
        text, headers = json.dumps(found) + padding, {"date": date}
        return Response(text, status, headers, "application/json")
