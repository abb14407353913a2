"""Cookies of sign-in: their names, how they are set, and how they are read.

Over https a name begins with `__Host-`, which browsers give only to cookies that are Secure, for
every path and for this host alone; a neighbour under the same domain cannot plant one. Over plain
http, which is for one's own machine, the names are bare.
"""

from collections.abc import Iterable

from starlette.requests import Request

from hookyard.kit.errors import Unauthenticated

SESSION = "hookyard_session"
SIGN_IN = "hookyard_signin"
SETUP = "hookyard_setup"
MAX_COOKIES = 16 * 1024


def is_secure(request: Request, public_url: str | None) -> bool:
    """Whether browsers reach this server over https."""
    address = public_url or str(request.url)
    return address.startswith("https://")


def read(request: Request, name: str, *, secure: bool) -> str | None:
    """The value of a cookie; None without one. Unauthenticated when there are two that differ:
    somebody else may have planted one."""
    wanted = _full(name, secure=secure)
    headers = request.headers.getlist("cookie")
    if sum(map(len, headers)) > MAX_COOKIES:
        return None
    found = {value for key, value in _pairs(headers) if key == wanted}
    if len(found) > 1:
        raise Unauthenticated(f"the cookie {wanted} was sent twice; delete it and sign in again")
    return found.pop() if found else None


def make(name: str, value: str, *, secure: bool, max_age_s: int) -> str:
    """The text of a Set-Cookie header."""
    end = "; Secure" if secure else ""
    full = _full(name, secure=secure)
    return f"{full}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{end}"


def drop(name: str, *, secure: bool) -> str:
    """A Set-Cookie header that deletes the cookie."""
    return make(name, "", secure=secure, max_age_s=0)


def _full(name: str, *, secure: bool) -> str:
    return f"__Host-{name}" if secure else name


def _pairs(headers: Iterable[str]) -> Iterable[tuple[str, str]]:
    for header in headers:
        for part in header.split(";"):
            key, _, value = part.partition("=")
            yield key.strip(), value.strip()
