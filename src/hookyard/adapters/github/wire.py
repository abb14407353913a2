"""One HTTP exchange: bounded, streamed, and certain about whether the request went out."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from hookyard.adapters.github.port import GitHubFailed, GitHubUnclear
from hookyard.adapters.http.certificates import trusted

MAX_BODY = 25 * 1024 * 1024
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
    httpx2.ProxyError,
)


@dataclass(frozen=True, slots=True)
class WireOptions:
    """How to reach one GitHub. `base_url` is `https://api.github.com` or `https://host/api/v3`.

    Times are seconds; `total_s` bounds a whole exchange, however slowly it drips.
    """

    base_url: str = "https://api.github.com"
    user_agent: str = "hookyard"
    api_version: str = "2022-11-28"
    connect_s: float = 5.0
    read_s: float = 15.0
    pool_s: float = 30.0
    total_s: float = 60.0
    max_connections: int = 40
    max_body: int = MAX_BODY
    trust_env: bool = True


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer: status, lower-case headers, body bytes. `unchanged` when a cache filled it in."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    unchanged: bool = False


class Wire:
    """A connection pool to one GitHub. Redirects are never followed here."""

    def __init__(
        self, options: WireOptions, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self.base_url = options.base_url.rstrip("/")
        self._options = options
        self._http = httpx2.AsyncClient(
            transport=transport,
            verify=trusted(trust_env=options.trust_env),
            follow_redirects=False,
            trust_env=options.trust_env,
            timeout=httpx2.Timeout(options.read_s, connect=options.connect_s, pool=options.pool_s),
            limits=httpx2.Limits(
                max_connections=options.max_connections,
                max_keepalive_connections=options.max_connections // 2,
                keepalive_expiry=20.0,
            ),
            headers={
                "accept": "application/vnd.github+json",
                "user-agent": options.user_agent,
                "x-github-api-version": options.api_version,
            },
        )

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> Raw:
        """One exchange. GitHubFailed when nothing was sent, GitHubUnclear when no answer came."""
        tracer = _Tracer()
        request = self._http.build_request(
            method, url, headers=dict(headers), content=content, extensions={"trace": tracer.see}
        )
        try:
            async with asyncio.timeout(self._options.total_s):
                return await self._receive(request)
        except _NOT_SENT as error:
            raise GitHubFailed(f"GitHub could not be reached ({type(error).__name__})") from None
        except TimeoutError:
            if not tracer.sending:
                raise GitHubFailed("GitHub could not be reached in time") from None
            raise GitHubUnclear("the request was sent; no whole answer came in time") from None
        except httpx2.RequestError as error:
            raise GitHubUnclear(
                f"the request was sent; no answer came ({type(error).__name__})"
            ) from None

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def _receive(self, request: httpx2.Request) -> Raw:
        response = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._options.max_body:
                    raise GitHubUnclear("the answer is larger than the limit and was not read")
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Raw(response.status_code, headers, bytes(body))
        finally:
            await response.aclose()


class _Tracer:
    """Watches the transport, to know whether any byte of the request may have left."""

    def __init__(self) -> None:
        self.sending = False

    async def see(self, event: str, _info: Mapping[str, object]) -> None:
        """Called by the transport at each step."""
        if event.endswith("send_request_headers.started"):
            self.sending = True
