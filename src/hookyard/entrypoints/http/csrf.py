"""Requests that another site makes a browser send: what shows that one is not of that kind.

# why: SameSite cookies are not enough, as every host under the same domain counts as the same
# site; so the origin must be ours to the letter, and a header that only our pages can know and set
# must come along. # spec: Fetch Metadata, RFC 6454.
"""

from urllib.parse import urlsplit

from starlette.requests import Request

from hookyard.kit.errors import Forbidden
from hookyard.kit.signing import same

HEADER = "x-hookyard-csrf"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CODE = "csrf"


def check(request: Request, expected: str, public_url: str | None) -> None:
    """Forbidden (`csrf`) for an unsafe request that does not prove to come from our own pages.

    `expected` is the token of the session, as /api/me tells it.
    """
    if request.method in SAFE:
        return
    reason = origin_refusal(request, public_url)
    if reason is not None:
        raise Forbidden(reason, code=CODE)
    sent = request.headers.getlist(HEADER)
    if len(sent) != 1 or not same(sent[0].encode("utf-8", "replace"), expected.encode()):
        raise Forbidden(
            "send the header X-Hookyard-Csrf with the csrf_token that GET /api/me tells",
            code=CODE,
        )


def origin_refusal(request: Request, public_url: str | None) -> str | None:
    """Why a request is not from this very origin, or None. One that does not say is refused."""
    sites = request.headers.getlist("sec-fetch-site")
    origins = request.headers.getlist("origin")
    if not sites and not origins:
        return "a request with a session cookie must say its Origin"
    if any(site != "same-origin" for site in sites):
        return "the request comes from another site"
    ours = own_origin(request, public_url)
    if any(_origin(text) != ours for text in origins):
        return "the request comes from another origin"
    return None


def own_origin(request: Request, public_url: str | None) -> str | None:
    """Scheme, host and port by which browsers know this server."""
    return _origin(public_url or f"{request.url.scheme}://{request.headers.get('host', '')}")


def _origin(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None or "@" in parts.netloc:
        return None
    return f"{parts.scheme}://{parts.hostname}:{port}"
