"""A browser: keeps cookies, follows redirects, and says of its requests what browsers say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import httpx2

HTML = {"accept": "text/html,application/xhtml+xml"}
REDIRECTS = 10


class Browser:
    """One browser of one person, at one Hookyard."""

    def __init__(self, http: httpx2.AsyncClient, origin: str) -> None:
        self.http = http
        self.origin = origin
        self.csrf = ""
        self.visited: list[str] = []

    async def go(self, address: str, *, stop_at: str = "") -> httpx2.Response:
        """Open an address and follow where it leads; `stop_at` is a path not to follow to."""
        url = address if "://" in address else self.origin + address
        for _ in range(REDIRECTS):
            self.visited.append(url)
            answer = await self.http.get(url, headers=HTML)
            where = answer.headers.get("location")
            if where is None:
                return answer
            url = str(httpx2.URL(url).join(where))
            if stop_at and urlsplit(url).path == stop_at:
                return answer
        raise AssertionError(f"too many redirects: {self.visited}")

    async def sign_in(self, start: str = "/auth/github?return_to=/health") -> httpx2.Response:
        """Sign in, then learn the token that unsafe requests need."""
        answer = await self.go(start)
        assert answer.status_code == 200, answer.text
        await self.me()
        return answer

    async def me(self) -> dict[str, object]:
        """What /api/me says; learns its CSRF token."""
        answer = await self.get("/api/me")
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        self.csrf = str(found["csrf_token"])
        return found

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        """A script of our own page reads something."""
        sent = {"sec-fetch-site": "same-origin", **headers}
        return await self.http.get(self.origin + path, headers=sent)

    async def send(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> httpx2.Response:
        """A script of our own page changes something; headers given replace its own, "" none."""
        own = {
            "origin": self.origin,
            "sec-fetch-site": "same-origin",
            "x-hookyard-csrf": self.csrf,
        }
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in (own | named).items() if value}
        return await self.http.request(method, self.origin + path, json=body, headers=sent)

    @property
    def cookie(self) -> str | None:
        """The session cookie it holds."""
        return self.http.cookies.get("hookyard_session")

    def plant(self, value: str, name: str = "hookyard_session") -> None:
        """Somebody puts a cookie into it."""
        self.http.cookies.clear()
        self.http.cookies.set(name, value, domain="127.0.0.1")


@asynccontextmanager
async def browsing(origin: str) -> AsyncIterator[Browser]:
    """A fresh browser, without cookies."""
    async with httpx2.AsyncClient(timeout=20, trust_env=False) as http:
        yield Browser(http, origin)


def query_of(address: str) -> dict[str, str]:
    """The query of an address, one value each."""
    return {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
